//! The one comment of a pull request: what its newest measured commit comes to.

use serde::{Deserialize, Serialize};

use super::issue::BODY_LIMIT;
use super::marker;

/// What the comment should say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentWish {
    /// The pull request.
    pub pull: u64,
    /// The commit that was measured. When the pull request has moved on, its own measurement speaks.
    pub commit: String,
    /// In Markdown, the verdict's sentence first.
    pub body: String,
}

/// The body with its marker.
pub fn body(wish: &CommentWish) -> String {
    let marker = marker::comment();
    let text = marker::cut(&wish.body, BODY_LIMIT - marker.len() - 1);
    format!("{marker}\n{text}")
}
