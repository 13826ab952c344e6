//! Who may do what.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{Millis, RunKind, TokenId};

/// What a token allows. Each but `Upload` includes those before it in this order: read, triage, admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send reports and live progress, and read.
    Upload,
    /// Read, where reading needs a token.
    Read,
    /// Exclude runs, accept levels, handle alerts.
    Triage,
    /// Everything.
    Admin,
}

impl Scope {
    /// All scopes, by name.
    pub const ALL: [Self; 4] = [Self::Upload, Self::Read, Self::Triage, Self::Admin];

    /// Whether a token of this scope may do what needs `needed`.
    pub fn allows(self, needed: Self) -> bool {
        match self {
            Self::Admin => true,
            Self::Triage => matches!(needed, Self::Triage | Self::Read),
            Self::Upload => matches!(needed, Self::Upload | Self::Read),
            Self::Read => needed == Self::Read,
        }
    }

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}: one of upload, read, triage, admin")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|s| s.name() == text)
            .ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A token's record; the token itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// What it allows.
    pub scope: Scope,
    /// The kinds of run it may send; absent: all.
    pub kinds: Option<Vec<RunKind>>,
    /// What it is for.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// Since when it is worth nothing.
    pub revoked_at: Option<Millis>,
}

impl Token {
    /// Whose it is, as its note says; its number beside that, for a note is no proof.
    pub fn name(&self) -> String {
        match self.note.as_deref().map(str::trim) {
            Some(note) if !note.is_empty() => format!("{note} (token {})", self.id),
            _ => format!("token {}", self.id),
        }
    }

    /// Whether it may send runs of `kind`.
    pub fn may_send(&self, kind: RunKind) -> bool {
        self.kinds.as_ref().is_none_or(|k| k.contains(&kind))
    }
}
