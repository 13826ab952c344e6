//! How strict the gate is: the threshold, the mildest band that fails it, and whether evidence is
//! asked for.

use serde::{Deserialize, Serialize};

use crate::band::{self, Band};

/// The gate's threshold where none is given: a change above 10%.
pub const DEFAULT_THRESHOLD: f64 = 0.1;

/// The mildest band that can fail the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Info, warning and critical: for thresholds below 10%.
    Info,
    /// Warning and critical.
    #[default]
    Warning,
    /// Critical only.
    Critical,
}

/// How strict the gate is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateOptions {
    /// A change must exceed it, as a fraction.
    pub threshold: f64,
    /// A change's band must reach it.
    pub fail_on: FailOn,
    /// Whether evidence is asked for. Without it the band alone decides: the guide's bare rule.
    pub noise_guard: bool,
}

impl Default for GateOptions {
    fn default() -> Self {
        GateOptions {
            threshold: DEFAULT_THRESHOLD,
            fail_on: FailOn::default(),
            noise_guard: true,
        }
    }
}

impl GateOptions {
    /// Whether a change is "above": its band reaches `fail_on` and it exceeds the threshold.
    /// A change from a zero baseline has a band and no size, and exceeds any threshold.
    pub fn is_above(&self, band: Band, change: Option<f64>) -> bool {
        let least = match self.fail_on {
            FailOn::Info => Band::Info.severity(),
            FailOn::Warning => Band::Warning.severity(),
            FailOn::Critical => Band::Critical.severity(),
        };
        let exceeds = change.is_none_or(|change| band::exceeds(change, self.threshold));
        band.severity() >= least && exceeds
    }
}
