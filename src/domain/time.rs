//! Time as the store keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// One day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Millis {
    /// The instant `days` before this one.
    pub fn minus_days(self, days: i64) -> Self {
        Self(self.0.saturating_sub(days.saturating_mul(DAY_MS)))
    }

    /// As a timestamp; instants beyond what a timestamp can say are cut to its ends.
    pub fn timestamp(self) -> Timestamp {
        let end = if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Timestamp::from_millisecond(self.0).unwrap_or(end)
    }
}

impl From<Timestamp> for Millis {
    fn from(time: Timestamp) -> Self {
        Self(time.as_millisecond())
    }
}
