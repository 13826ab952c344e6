//! What code was measured.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::limits::{self, COMMITS, TOUCHES};

/// The code that was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Revision {
    /// `owner/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Commit hash, hex. Absent in an import whose commit is not known: such a report can be read
    /// offline and is refused by upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Branch name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Release tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// First parent of `commit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Merge base of a pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_commit: Option<String>,
    /// Pull request number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<u64>,
    /// When the commit was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
    /// First line of the commit message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The work tree differed from the commit: never forms a baseline.
    #[serde(default)]
    pub dirty: bool,
    /// The commits since the run before, newest first.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<COMMITS, _, _>"
    )]
    pub commits: Vec<Commit>,
}

/// A commit of the range that a run covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Hash, hex.
    pub commit: String,
    /// First line of the message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// The folders that it changes, as git names them, at most [`TOUCHES`]; empty where they are not
    /// known.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<TOUCHES, _, _>"
    )]
    pub touches: Vec<String>,
}
