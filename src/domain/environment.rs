//! A machine's fingerprint.

use serde::Serialize;

use super::{EnvironmentId, Millis};

/// A machine as the store knows it. Series of different environments never compare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Environment {
    /// Its number.
    pub id: EnvironmentId,
    /// Hash of what identifies it, lower-case hex.
    pub fingerprint: String,
    /// What people call it; the runner's name for it, else `env-` and the fingerprint's first 8 letters.
    pub name: String,
    /// What identifies it, in the order of a page: label and value, only what is known.
    pub facts: Vec<(String, String)>,
    /// The first run's time.
    pub first_seen: Millis,
    /// The last run's time.
    pub last_seen: Millis,
    /// Holds generated data only.
    pub is_sample: bool,
}
