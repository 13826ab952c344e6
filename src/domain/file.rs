//! What a run holds beside its measurements.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ArtifactId, RunId};

/// Points of one quantity over another, of one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Benchmark name.
    pub benchmark: String,
    /// Its dimensions.
    pub params: BTreeMap<String, String>,
    /// Such as `queue_depth`.
    pub name: String,
    /// Unit along x.
    pub x: String,
    /// Unit along y.
    pub y: String,
    /// `(x, y)`, x never falling.
    pub points: Vec<(f64, f64)>,
}

/// A distribution of one benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// Benchmark name.
    pub benchmark: String,
    /// Its dimensions.
    pub params: BTreeMap<String, String>,
    /// Such as `latency`.
    pub name: String,
    /// Unit of the recorded values.
    pub unit: String,
    /// HdrHistogram's V2 or V2 + DEFLATE serialization.
    #[serde(skip)]
    pub data: Vec<u8>,
}

/// A file of a run, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its number.
    pub id: ArtifactId,
    /// The run it belongs to.
    pub run: RunId,
    /// Its place within the run, from 0: the `n` of `/runs/{id}/artifacts/{n}`.
    pub ordinal: u32,
    /// Such as `cpu`.
    pub name: String,
    /// As the report format names it, such as `cpu-stacks`.
    pub kind: String,
    /// The benchmark it belongs to.
    pub benchmark: Option<String>,
    /// Bytes, decoded.
    pub size: u64,
}
