//! What pairs measured on the same night have refuted.

use serde::{Deserialize, Serialize};

/// Nights at which no change has begun: `after_ms` excluded, `through_ms` included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refuted {
    /// The good run.
    pub after_ms: i64,
    /// The night whose pairs refuted it.
    pub through_ms: i64,
}

impl Refuted {
    /// Whether a night is among them.
    pub fn holds(&self, time_ms: i64) -> bool {
        self.after_ms < time_ms && time_ms <= self.through_ms
    }
}
