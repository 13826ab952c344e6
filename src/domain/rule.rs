//! Rules per pattern, as they were saved.

pub use bench_verdict::verdict::Patterns;
use serde::Serialize;

use super::Millis;

/// A version of the rules; 0 before any was saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleVersion {
    /// Its number, raised with each save.
    pub version: i64,
    /// The rules, in their order.
    pub rules: Patterns,
    /// Why they were saved.
    pub reason: String,
    /// Who did.
    pub who: String,
    /// When; absent before any was saved.
    pub at: Option<Millis>,
}
