//! The format that the runner writes and the server stores.
//!
//! # Layout
//! - [`metric`]: the vocabulary of what is measured: unit, direction, kind, target, and how a value reads.
//! - [`report`]: report format 1, field by field, as it travels; limits, refusals, identity of a machine.
//! - [`read`]: what other tools wrote, into reports.
//! - [`stacks`]: folded stacks of profiles, summed and compared.
//! - [`printing`]: `print!` for pipes that may be closed, for both programs.
//! - [`mod@write`]: reports as Go benchmark text and as a baseline file.
//! - `words`: enums that are one word each on the wire.
//!
//! # Invariants
//! 1. A type of [`report`] says what is on the wire and nothing about what it means;
//!    [`report::Report::validate`] says whether a report may be believed.
//! 2. A field that is not known is absent, never zero and never guessed.

pub mod metric;
pub mod printing;
pub mod read;
pub mod report;
pub mod stacks;
mod words;
pub mod write;
