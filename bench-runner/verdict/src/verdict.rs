//! The words of a verdict.

use serde::{Deserialize, Serialize};

/// The exact rule's answer for one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Worse by more than 20%.
    Critical,
    /// Worse by 10% to 20%.
    Warning,
    /// Worse by 5% to less than 10%.
    Info,
    /// Between.
    None,
    /// Better by 5% or more.
    Improved,
    /// Fewer than three runs in the baseline.
    Warming,
    /// The baseline is zero or of another sign.
    Undefined,
}

/// How sure a band is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// The change is real.
    Confirmed,
    /// A deterministic count: any change is real.
    Exact,
    /// Beyond the noise tonight, not yet confirmed.
    Likely,
    /// Too little history or too few samples to tell.
    Inconclusive,
    /// Inside the noise.
    Noise,
    /// Another environment or suite version.
    Incomparable,
}
