//! What a line on a chart is.

use std::collections::BTreeMap;

use bench_report::metric::{Direction, Kind, Target};
use serde::Serialize;

use super::{EnvironmentId, SeriesId};

/// What makes a series itself: two measurements with the same key belong to one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct SeriesKey {
    /// Suite name.
    pub suite: String,
    /// Benchmark name.
    pub benchmark: String,
    /// Dimensions, in the order of their names.
    pub params: BTreeMap<String, String>,
    /// Metric name.
    pub metric: String,
    /// Unit of the values.
    pub unit: String,
    /// The machine.
    pub environment: EnvironmentId,
}

/// A stored series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// Its number.
    pub id: SeriesId,
    /// What makes it itself.
    #[serde(flatten)]
    pub key: SeriesKey,
    /// Which way is better (of the newest run that measured it).
    pub better: Direction,
    /// What sort of quantity (of the newest run that measured it).
    pub kind: Kind,
    /// The least amount that matters, in the series' unit.
    pub floor: Option<f64>,
    /// An absolute goal (of the newest run that measured it).
    pub target: Option<Target>,
}

impl Series {
    /// `Benchmark metric cpu=2 items=1000`: as reasons and coverage write it.
    pub fn name(&self) -> String {
        let key = &self.key;
        bench_report::metric::series_text(&key.benchmark, &key.metric, &key.params)
    }

    /// `cpu=2 items=1000`, empty without params.
    pub fn params_text(&self) -> String {
        let pairs: Vec<String> = self
            .key
            .params
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        pairs.join(" ")
    }
}
