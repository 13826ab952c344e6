//! The word that a value has on the wire, for people.

use serde::Serialize;

/// `pass` of `Status::Pass`; empty for what is no word on the wire.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
