//! A report that was found valid: what the store takes in.

use std::collections::{BTreeMap, BTreeSet};

pub use bench_report::metric::SeriesName;
use bench_report::metric::{Direction, Kind, Target, params_text};

use super::{Commit, Coverage, Curve, Histogram, Millis, Revision, RunKind, RunPair};

/// A validated run, with everything that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// The runner's name for it.
    pub run_key: String,
    /// Why it was made.
    pub kind: RunKind,
    /// Suite name.
    pub suite: String,
    /// Suite version.
    pub suite_version: String,
    /// The machine.
    pub environment: NewEnvironment,
    /// What code was measured.
    pub revision: Revision,
    /// The commits since the run before, newest first, where the report lists them.
    pub commits: Vec<Commit>,
    /// That the run is one side of a pair.
    pub pair: Option<RunPair>,
    /// The run's time.
    pub started_at: Millis,
    /// When it ended.
    pub finished_at: Millis,
    /// Seed, benchtime, count and the like, as label and value.
    pub options: Vec<(String, String)>,
    /// Load, steal and the like, as label and value.
    pub conditions: Vec<(String, String)>,
    /// SHA-256 of the measuring program, where known.
    pub binary_sha256: Option<String>,
    /// What that program might use of the memory, where there was a limit.
    pub memory_limit_bytes: Option<u64>,
    /// What was measured. No two with the same benchmark, params, metric and unit.
    pub measurements: Vec<NewMeasurement>,
    /// What the report says about what should have been measured.
    pub expectation: Expectation,
    /// Values over an axis.
    pub curves: Vec<Curve>,
    /// Whole distributions.
    pub histograms: Vec<Histogram>,
    /// Profiles and other files.
    pub artifacts: Vec<NewArtifact>,
    /// The report, decoded, byte for byte as it came.
    pub report: Vec<u8>,
    /// SHA-256 of `report`.
    pub report_sha256: [u8; 32],
}

/// A machine, as a report describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnvironment {
    /// Hash of what identifies it, lower-case hex; another one for generated data.
    pub fingerprint: String,
    /// What people call it.
    pub name: Option<String>,
    /// What identifies it, as label and value, only what is known.
    pub facts: Vec<(String, String)>,
    /// Holds generated data.
    pub is_sample: bool,
}

/// One metric with its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMeasurement {
    /// Benchmark, params, metric.
    pub name: SeriesName,
    /// Unit of the samples.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity.
    pub kind: Kind,
    /// The least amount that matters.
    pub floor: Option<f64>,
    /// An absolute goal.
    pub target: Option<Target>,
    /// In the order they were measured; at least one, all finite.
    pub samples: Vec<f64>,
    /// What is published of `samples`.
    pub published: Published,
}

/// What is published of a metric's samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// The median.
    pub value: f64,
    /// Ends of the order-statistic 95% interval of the median; absent below 6 samples.
    pub interval: Option<(f64, f64)>,
}

/// A file, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// Such as `cpu`.
    pub name: String,
    /// As the report format names it, such as `cpu-stacks`.
    pub kind: String,
    /// The benchmark it belongs to.
    pub benchmark: Option<String>,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A benchmark with its params, and why it gave no result.
pub type Unmeasured = (String, BTreeMap<String, String>, String);

/// What a report says about what should have been measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    /// What it lists as expected.
    pub listed: BTreeSet<SeriesName>,
    /// Benchmarks that were tried without a result, and why.
    pub failed: Vec<Unmeasured>,
    /// Benchmarks that are not possible on this machine, and why.
    pub skipped: Vec<Unmeasured>,
}

impl Expectation {
    /// Coverage of a run that measured `measured`: expected is what the report lists and what the
    /// last complete nightly had (`earlier`, empty when there is none), less what was `retired`.
    ///
    /// Every expected series is in exactly one of measured, missing, failed, not available. Failed
    /// and skipped benchmarks that list no series count once each.
    pub fn coverage(
        &self,
        measured: &BTreeSet<SeriesName>,
        earlier: &BTreeSet<SeriesName>,
        retired: &BTreeSet<SeriesName>,
    ) -> Coverage {
        let reason = |of: &[Unmeasured], name: &SeriesName| {
            of.iter()
                .find(|(benchmark, params, _)| {
                    *benchmark == name.benchmark && *params == name.params
                })
                .map(|(_, _, why)| why.clone())
        };
        let mut coverage = Coverage::default();
        let mut told: BTreeSet<(&str, &BTreeMap<String, String>)> = BTreeSet::new();
        for name in self.listed.union(earlier) {
            if measured.contains(name) {
                coverage.expected += 1;
                coverage.measured += 1;
            } else if let Some(why) = reason(&self.failed, name) {
                coverage.expected += 1;
                coverage.failed.push(format!("{name}: {why}"));
                told.insert((&name.benchmark, &name.params));
            } else if let Some(why) = reason(&self.skipped, name) {
                coverage.not_available.push(format!("{name}: {why}"));
                told.insert((&name.benchmark, &name.params));
            } else if !retired.contains(name) {
                coverage.expected += 1;
                coverage.missing.push(name.to_string());
            }
        }
        for (of, into) in [
            (&self.failed, &mut coverage.failed),
            (&self.skipped, &mut coverage.not_available),
        ] {
            for (benchmark, params, why) in of {
                if !told.contains(&(benchmark.as_str(), params)) {
                    let name = format!("{benchmark} {}", params_text(params));
                    into.push(format!("{}: {why}", name.trim_end()));
                }
            }
        }
        coverage.new = measured
            .difference(earlier)
            .filter(|_| !earlier.is_empty())
            .map(SeriesName::to_string)
            .collect();
        coverage
    }
}
