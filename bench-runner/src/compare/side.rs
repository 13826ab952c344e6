//! A file of any known format as one side of a comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bench_report::metric::{Direction, Kind, Params, Target, series_text};
use bench_report::read::{self, Origin, ReadError};
use bench_report::report::{Metric, Refusals, Report, Status};
use bench_report::write::baseline::{Baseline, BaselineError};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error;

/// Why a file is no side of a comparison.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The system does not let us read it.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A report that cannot be believed.
    #[error("{}: {source}", path.display())]
    Report {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: Refusals,
    },
    /// A baseline file that cannot be used.
    #[error("{}: {source}", path.display())]
    Baseline {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: BaselineError,
    },
    /// Nothing is in it.
    #[error("{}: it is empty: give a file with results", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// Of no format that is known.
    #[error(
        "{}: it is of no known format: give a report, a baseline file, AIBrix results or Go \
         benchmark text; `import` makes a report of other tools' results",
        path.display()
    )]
    Unknown {
        /// Which file.
        path: PathBuf,
    },
    /// Broken.
    #[error("{}: {source}", path.display())]
    Other {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
}

/// One side.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// What its column is headed.
    pub name: String,
    /// What is known of the machine, by key.
    pub environment: BTreeMap<String, Value>,
    /// The machine's identity, where a file tells no more than that.
    pub environment_hash: Option<String>,
    /// What was measured, in the order of the file.
    pub measured: Vec<Measured>,
    /// Series that were tried and gave no result.
    pub failed: Vec<String>,
    /// Series that could not be measured there, for a reason known beforehand.
    pub skipped: Vec<String>,
    /// Series that the report says should be there.
    pub expected: Vec<String>,
    /// The program that was measured, by the hash of its file.
    pub binary_sha256: Option<String>,
    /// What that program might use of the memory, where there was a limit.
    pub memory_limit_bytes: Option<f64>,
    /// Its commit.
    pub commit: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// When it was measured.
    pub started_at: Option<Timestamp>,
}

/// One series of a side.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The lines that benchstat prints above its tables: what was measured, and where.
    pub config: Vec<(&'static str, String)>,
    /// The benchmark.
    pub benchmark: String,
    /// Its dimensions.
    pub params: Params,
    /// The metric; of Go text, the unit as it stands there.
    pub metric: String,
    /// The unit of the samples.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity.
    pub kind: Kind,
    /// The least amount that matters.
    pub floor: Option<f64>,
    /// An absolute goal.
    pub target: Option<Target>,
    /// The samples.
    pub samples: Vec<f64>,
    /// The level to compare with, where it is not the samples' median: a baseline's mean.
    pub level: Option<f64>,
}

impl Measured {
    /// The series' name.
    pub fn name(&self) -> String {
        series_text(&self.benchmark, &self.metric, &self.params)
    }
}

/// Reads `FILE` or `NAME=FILE`.
pub fn load(argument: &str, now: Timestamp) -> Result<Side, LoadError> {
    let (name, path) = match argument.split_once('=') {
        Some((name, path)) if !name.is_empty() && !Path::new(argument).exists() => (name, path),
        _ => (argument, argument),
    };
    let mut side = load_path(Path::new(path), now)?;
    side.name = name.to_owned();
    Ok(side)
}

fn load_path(path: &Path, now: Timestamp) -> Result<Side, LoadError> {
    let owned = || path.to_owned();
    if path.is_dir() {
        let reports = read::read_path(None, path, &Origin::unknown(now));
        return reports
            .map(|reports| of_reports(&reports))
            .map_err(|source| LoadError::Other {
                path: owned(),
                source,
            });
    }
    let text = std::fs::read(path).map_err(|source| LoadError::Io {
        path: owned(),
        source,
    })?;
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_none() {
        return Err(LoadError::Empty { path: owned() });
    }
    let is_object = first == Some(&b'{');
    if is_object && Baseline::looks_like(&text) {
        return Baseline::parse(&text)
            .map(of_baseline)
            .map_err(|source| LoadError::Baseline {
                path: owned(),
                source,
            });
    }
    if is_object && serde_json::from_slice::<ReportOnly>(&text).is_ok() {
        return Report::parse(&text, now)
            .map(|report| of_reports(std::slice::from_ref(&report)))
            .map_err(|source| LoadError::Report {
                path: owned(),
                source,
            });
    }
    let format = read::detect(&text).ok_or_else(|| LoadError::Unknown { path: owned() })?;
    read::read(format, &text, &Origin::unknown(now))
        .map(|reports| of_reports(&reports))
        .map_err(|source| LoadError::Other {
            path: owned(),
            source,
        })
}

/// What makes a JSON object a report, whatever is wrong with the rest of it.
#[derive(Deserialize)]
struct ReportOnly {
    #[serde(rename = "format")]
    _format: IgnoredAny,
    #[serde(rename = "benchmarks")]
    _benchmarks: IgnoredAny,
}

/// Go text may hold several runs, one for each package and machine; they make one side.
fn of_reports(reports: &[Report]) -> Side {
    let mut side = Side::default();
    let mut failed = BTreeSet::new();
    let mut skipped = BTreeSet::new();
    for report in reports {
        let config = config(report);
        for benchmark in &report.benchmarks {
            let names = |names: &mut BTreeSet<String>| {
                for metric in &benchmark.metrics {
                    names.insert(series_text(
                        &benchmark.name,
                        &metric.name,
                        &benchmark.params,
                    ));
                }
                if benchmark.metrics.is_empty() {
                    let params = bench_report::metric::params_text(&benchmark.params);
                    names.insert(format!("{} {params}", benchmark.name).trim_end().to_owned());
                }
            };
            match benchmark.status {
                Status::Ok => {}
                Status::Failed => names(&mut failed),
                Status::Skipped => names(&mut skipped),
            }
            if benchmark.status == Status::Ok {
                side.measured.extend(
                    benchmark.metrics.iter().map(|metric| {
                        of_metric(&config, &benchmark.name, &benchmark.params, metric)
                    }),
                );
            }
        }
        for expected in &report.expected {
            side.expected.extend(
                expected
                    .metrics
                    .iter()
                    .map(|metric| series_text(&expected.name, metric, &expected.params)),
            );
        }
        // What tells the machine apart; a name that people gave it does not.
        let mut keys = report.environment.keys();
        keys.remove("name");
        side.environment.append(&mut keys);
    }
    if let Some(first) = reports.first() {
        side.binary_sha256.clone_from(&first.runner.binary_sha256);
        side.commit.clone_from(&first.revision.commit);
        side.branch.clone_from(&first.revision.branch);
        side.started_at = Some(first.started_at);
        let limit = first.conditions.memory_limit_bytes;
        side.memory_limit_bytes = limit.map(|bytes| bytes as f64);
    }
    if let [only] = reports
        && !side.environment.is_empty()
    {
        side.environment_hash = Some(only.environment.identity().hash);
    }
    side.failed = failed.into_iter().collect();
    side.skipped = skipped.into_iter().collect();
    side
}

fn of_metric(
    config: &[(&'static str, String)],
    benchmark: &str,
    params: &Params,
    metric: &Metric,
) -> Measured {
    Measured {
        config: config.to_vec(),
        benchmark: benchmark.to_owned(),
        params: params.clone(),
        metric: metric.name.clone(),
        unit: metric.unit.clone(),
        better: metric.better,
        kind: metric.kind,
        floor: metric.floor,
        target: metric.target,
        samples: metric.samples.clone(),
        level: None,
    }
}

/// What Go's text says above its results.
fn config(report: &Report) -> Vec<(&'static str, String)> {
    let environment = &report.environment;
    let arch = environment.arch.as_deref().map(|arch| match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    });
    let pkg = Some(report.suite.name.as_str()).filter(|name| !name.is_empty());
    [
        ("goos", environment.os.as_deref()),
        ("goarch", arch),
        ("pkg", pkg),
        ("cpu", environment.cpu_model.as_deref()),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?.to_owned())))
    .collect()
}

fn of_baseline(baseline: Baseline) -> Side {
    let hashes: BTreeSet<Option<String>> = baseline
        .series
        .iter()
        .map(|series| series.environment.clone())
        .collect();
    let environment_hash = match hashes.len() {
        1 => hashes.into_iter().next().flatten(),
        _ => None,
    };
    let measured = baseline.series.into_iter().map(|series| Measured {
        config: vec![("pkg", series.suite)],
        benchmark: series.benchmark,
        params: series.params,
        metric: series.metric,
        unit: series.unit.as_str().to_owned(),
        better: series.better,
        kind: series.kind,
        floor: series.floor,
        target: series.target,
        samples: if series.samples.is_empty() {
            series.runs
        } else {
            series.samples
        },
        level: Some(series.value),
    });
    Side {
        measured: measured.collect(),
        environment_hash,
        commit: baseline.commit,
        branch: baseline.branch,
        started_at: Some(baseline.created_at),
        ..Side::default()
    }
}
