//! Runs that are one side of a pair, and the commits that a run covers.

pub use bench_report::report::{Purpose, Side};
use serde::Serialize;

use super::RunId;

/// That a run is one side of a pair, and of which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunPair {
    /// Names the pair; both sides carry it.
    pub key: String,
    /// Which side the run is.
    pub side: Side,
    /// Why the pair was measured.
    pub purpose: Purpose,
    /// The run that the pair confirms or refutes.
    pub against_run: Option<RunId>,
    /// For each sample, the round in which it was measured: samples of both sides with the same
    /// round are a pair.
    pub rounds: Vec<u32>,
}

/// A commit of the range that a run covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Full hash, hex.
    pub commit: String,
    /// First line of the message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// The folders that it changes; empty where they are not known.
    pub touches: Vec<String>,
}
