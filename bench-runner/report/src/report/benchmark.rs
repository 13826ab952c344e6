//! What was to be measured, and what was.

use serde::{Deserialize, Serialize};

use super::limits::{self, CURVES, DISTURBANCES, HISTOGRAMS, METRICS, POINTS, SAMPLES};
use super::{Conditions, Params};
use crate::metric::{Direction, Kind, Target};
use crate::words::words;

/// A benchmark that should be measured, with the metrics that it should give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Benchmark name.
    pub name: String,
    /// Its dimensions.
    #[serde(default, deserialize_with = "limits::params")]
    pub params: Params,
    /// Metric names.
    #[serde(deserialize_with = "limits::list::<METRICS, _, _>")]
    pub metrics: Vec<String>,
}

/// How a benchmark ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Measured.
    Ok,
    /// Tried, and did not give a result: has no metrics.
    Failed,
    /// Not possible here, for a reason known beforehand: has no metrics.
    Skipped,
}

words!(Status { Ok => "ok", Failed => "failed", Skipped => "skipped" });

/// A benchmark with given params, and what it measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Such as `KVEventConcurrency`.
    pub name: String,
    /// Its dimensions.
    #[serde(default, deserialize_with = "limits::params")]
    pub params: Params,
    /// How it ended.
    pub status: Status,
    /// Why it failed or was skipped; always there when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Operations in one sample (the Go text's iteration count).
    #[serde(default)]
    pub iterations: u64,
    /// The machine while this benchmark ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// What disturbed it, such as `steal 4.1%`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<DISTURBANCES, _, _>"
    )]
    pub disturbed: Vec<String>,
    /// The results.
    #[serde(default, deserialize_with = "limits::list::<METRICS, _, _>")]
    pub metrics: Vec<Metric>,
    /// Whole distributions.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<HISTOGRAMS, _, _>"
    )]
    pub histograms: Vec<Histogram>,
    /// Values over time or over another axis.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<CURVES, _, _>"
    )]
    pub curves: Vec<Curve>,
}

/// One metric of one benchmark, with its raw samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Such as `latency_p99`.
    pub name: String,
    /// Such as `ns`; see [`crate::metric`].
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity.
    pub kind: Kind,
    /// One value a repeat, in the order they were measured.
    #[serde(deserialize_with = "limits::list::<SAMPLES, _, _>")]
    pub samples: Vec<f64>,
    /// The least amount that matters, in the metric's unit: what a change from zero must exceed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// An absolute goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// A distribution in HdrHistogram's V2 encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Such as `latency`.
    pub name: String,
    /// Unit of the recorded values.
    pub unit: String,
    /// V2 or V2 + DEFLATE serialization, base64.
    pub hdr_base64: String,
}

/// Points of one quantity over another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Such as `queue_depth`.
    pub name: String,
    /// Unit along x.
    pub x: String,
    /// Unit along y.
    pub y: String,
    /// `[x, y]`, x never falling.
    #[serde(deserialize_with = "limits::list::<POINTS, _, _>")]
    pub points: Vec<[f64; 2]>,
}
