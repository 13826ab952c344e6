//! Short forms for people: the word that a value has on the wire, the beginning of a hash.

use serde::Serialize;

/// `pass` of `Status::Pass`; empty for what is no word on the wire.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The first letters of a commit's hash.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
