//! The baseline file: what `check --baseline` reads, `baseline` writes and the server answers at
//! `/api/v1/baselines.json`.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::metric::{Direction, Kind, Target, Unit, series_text};
use crate::report::Params;

/// The format number that this crate reads and writes.
pub const BASELINE_FORMAT: u32 = 1;

/// Baselines of many series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// [`BASELINE_FORMAT`].
    pub baseline_format: u32,
    /// When it was established.
    pub created_at: Timestamp,
    /// The newest commit that went into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The baselines, in any order; each series once.
    pub series: Vec<BaselineSeries>,
}

/// The baseline of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineSeries {
    /// The suite's name.
    pub suite: String,
    /// The benchmark.
    pub benchmark: String,
    /// Its dimensions.
    #[serde(default)]
    pub params: Params,
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: Unit,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity.
    pub kind: Kind,
    /// The machine's identity ([`crate::report::Identity::hash`]); absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The machine's name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_name: Option<String>,
    /// The level to compare with, in the unit.
    pub value: f64,
    /// The value of each run that it is made of, oldest first.
    pub runs: Vec<f64>,
    /// The raw samples of those runs, where they are at hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<f64>,
    /// The least amount that matters, in the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// An absolute goal, in the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// A baseline file that cannot be used.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// No JSON, or not of this shape.
    #[error("it is no baseline file: {0}")]
    Json(#[from] serde_json::Error),
    /// Another format.
    #[error(
        "it is a baseline file of format {0} and this program reads format {BASELINE_FORMAT}: establish it again with `bench-runner baseline`"
    )]
    Format(u32),
    /// A number that is none.
    #[error(
        "{series}: {what} is not a finite number: establish the baseline again with `bench-runner baseline`"
    )]
    NotFinite {
        /// The series.
        series: String,
        /// Such as `value`.
        what: &'static str,
    },
    /// A series that stands there twice.
    #[error("{0} is there twice: establish the baseline again with `bench-runner baseline`")]
    Repeated(String),
    /// No series at all.
    #[error("there is no series in it: establish the baseline again with `bench-runner baseline`")]
    Empty,
}

impl Baseline {
    /// Whether a JSON text is meant as a baseline file of this kind.
    pub fn looks_like(json: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct FormatOnly {
            #[serde(rename = "baseline_format")]
            _format: serde::de::IgnoredAny,
        }
        // Field by field a list reads as a struct, too.
        let first = json.iter().find(|byte| !byte.is_ascii_whitespace());
        first == Some(&b'{') && serde_json::from_slice::<FormatOnly>(json).is_ok()
    }

    /// Reads and checks a baseline file.
    pub fn parse(json: &[u8]) -> Result<Baseline, BaselineError> {
        let baseline: Baseline = serde_json::from_slice(json)?;
        if baseline.baseline_format != BASELINE_FORMAT {
            return Err(BaselineError::Format(baseline.baseline_format));
        }
        if baseline.series.is_empty() {
            return Err(BaselineError::Empty);
        }
        let mut seen = HashSet::new();
        for series in &baseline.series {
            let name = || series_text(&series.benchmark, &series.metric, &series.params);
            let key = (
                &series.suite,
                &series.environment,
                &series.benchmark,
                &series.metric,
                &series.params,
            );
            if !seen.insert(key) {
                return Err(BaselineError::Repeated(name()));
            }
            let floor = series.floor.as_slice();
            for (what, values) in [
                ("value", &[series.value][..]),
                ("runs", &series.runs),
                ("samples", &series.samples),
                ("floor", floor),
            ] {
                if values.iter().any(|value| !value.is_finite()) {
                    return Err(BaselineError::NotFinite {
                        series: name(),
                        what,
                    });
                }
            }
        }
        Ok(baseline)
    }

    /// The file's text, for people's eyes too. Numbers keep every bit.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self)
            .expect("a baseline holds only texts, numbers and lists under text keys");
        json.push('\n');
        json
    }
}
