//! Runs that are one side of a pair.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::words;

use super::limits::{self, SAMPLES};

/// That a run is one side of a pair, and of which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Names the pair; both sides carry it.
    pub pair_key: Uuid,
    /// Which side this is.
    pub side: Side,
    /// For each sample, the round in which it was measured: sample i of both sides with the same
    /// round is a pair. Every metric has one sample a round, counts excepted.
    #[serde(deserialize_with = "limits::list::<SAMPLES, _, _>")]
    pub rounds: Vec<u32>,
    /// The run that the pair confirms or refutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_run: Option<i64>,
    /// Why the pair was measured.
    pub purpose: Purpose,
}

/// A side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one compared with.
    Base,
    /// The one judged.
    Head,
}

words!(Side { Base => "base", Head => "head" });

/// Why a pair was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A pull request against its merge base.
    Pull,
    /// Same-night confirmation of what a nightly run flagged.
    Confirm,
    /// The gate's proof of itself.
    Canary,
    /// Identical sides.
    Aa,
    /// The old epoch's last revision on the new epoch's machine.
    Bridge,
}

words!(Purpose {
    Pull => "pull",
    Confirm => "confirm",
    Canary => "canary",
    Aa => "aa",
    Bridge => "bridge",
});
