//! The machine and the code: what identifies them, and what describes the moment. What is not known
//! is absent, never guessed.

mod machine;
mod program;
mod revision;

pub use machine::{conditions, environment};
pub use program::{binary_sha256, clean_command, is_optimised};
pub(crate) use revision::git;
pub use revision::{RevisionError, RevisionOverrides, commits_since, revision, revision_at};
