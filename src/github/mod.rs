//! What is said on GitHub: one issue a cause, one comment a pull request, one check a run.
//!
//! # Layout
//! - [`alert`]: what an alert says as an issue.
//! - [`proof`]: the nights that show that it is over.
//! - [`issue`], [`comment`], [`check`]: what should stand there, and the steps to it; pure.
//! - [`marker`]: how what is ours is found again.
//! - [`mod@deliver`]: looks at what is there and does what is missing. [`client`]: the one HTTP client.
//! - [`error`]: why it did not work, by what that means for the next attempt.
//!
//! # Invariants
//! 1. An [`Intent`] says how things should stand, never what to do: to deliver it twice is to
//!    deliver it once, and a newer one replaces an older one.
//! 2. The token leaves this module only in the header of a request to the API's own address.

pub mod alert;
pub mod check;
pub mod client;
pub mod comment;
pub mod deliver;
pub mod error;
pub mod issue;
pub mod marker;
pub mod proof;

use serde::{Deserialize, Serialize};

pub use client::Client;
pub use deliver::{Delivery, deliver};
pub use error::GithubError;

/// How something at GitHub should stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Intent {
    /// The issue of a cause.
    Issue(issue::IssueWish),
    /// A pull request's comment.
    Comment(comment::CommentWish),
    /// The check of a run.
    Check(check::CheckWish),
}

impl Intent {
    /// The key of the issue of a cause.
    pub fn issue_key(fingerprint: &str) -> String {
        format!("issue {}", marker::short(fingerprint))
    }

    /// What it is about: one intent stands for each.
    pub fn key(&self) -> String {
        match self {
            Intent::Issue(wish) => Self::issue_key(&wish.fingerprint),
            Intent::Comment(wish) => format!("comment {}", wish.pull),
            Intent::Check(wish) => format!("check {}", wish.run_key),
        }
    }
}
