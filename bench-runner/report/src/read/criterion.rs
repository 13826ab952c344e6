//! What Criterion.rs leaves behind: the folder `target/criterion`, where each benchmark has a `new`
//! with `benchmark.json` and `sample.json`, or the lines that
//! `cargo criterion --message-format=json` prints
//! (<https://bheisler.github.io/criterion.rs/book/cargo_criterion/external_tools.html>).
//!
//! A sample's time is that of its iterations divided by their number, in nanoseconds, as Criterion
//! itself takes it. Where a throughput is declared, it becomes a second metric.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ReadError;
use super::collect::{Draft, Facts, add_sample_as};
use super::units::Foreign;
use crate::metric::{Direction, Unit};
use crate::report::Params;

/// Folders deeper than this are not looked into: a benchmark's path has a group, a function and a
/// value, each of which may hold a few `/`.
const MAX_DEPTH: usize = 12;

const TIME: &str = "time";

/// `benchmark.json`.
#[derive(Deserialize)]
struct Identity {
    group_id: String,
    #[serde(default)]
    function_id: Option<String>,
    #[serde(default)]
    value_str: Option<String>,
    #[serde(default)]
    throughput: Option<BTreeMap<String, f64>>,
}

/// `sample.json`.
#[derive(Deserialize)]
struct Samples {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// What every line of cargo-criterion has.
#[derive(Deserialize)]
struct Message {
    reason: String,
}

/// The line of a benchmark that was measured.
#[derive(Deserialize)]
struct Complete {
    id: String,
    iteration_count: Vec<f64>,
    measured_values: Vec<f64>,
    unit: String,
    #[serde(default)]
    throughput: Vec<LineThroughput>,
}

#[derive(Deserialize)]
struct LineThroughput {
    per_iteration: f64,
    unit: String,
}

/// Reads every benchmark below a folder, in the order of their paths.
pub(super) fn read_folder(folder: &Path) -> Result<Vec<Draft>, ReadError> {
    let mut found = Vec::new();
    find(folder, MAX_DEPTH, &mut found)?;
    found.sort();
    let mut draft = Draft {
        facts: facts(),
        ..Draft::default()
    };
    for path in found {
        let identity: Identity = read_json(&path.join("benchmark.json"))?;
        let samples: Samples = read_json(&path.join("sample.json"))?;
        let (name, params) = name_of(&identity);
        let amount = identity.throughput.as_ref().and_then(amount);
        add(
            &mut draft,
            (&name, &params),
            Unit::Nanoseconds,
            (&samples.iters, &samples.times),
            amount,
        );
    }
    if draft.results.is_empty() {
        return Err(ReadError::Nothing {
            expected: "`new/benchmark.json` and `new/sample.json` below the folder",
        });
    }
    Ok(vec![draft])
}

/// Reads cargo-criterion's lines.
pub(super) fn read_lines(text: &str) -> Result<Vec<Draft>, ReadError> {
    let mut draft = Draft {
        facts: facts(),
        ..Draft::default()
    };
    for (index, line) in text
        .lines()
        .enumerate()
        // What a benchmark prints by itself stands in between.
        .filter(|(_, line)| line.trim_start().starts_with('{'))
    {
        let refused = |error| ReadError::from(error).in_line(index + 1);
        let message: Message = serde_json::from_str(line).map_err(refused)?;
        if message.reason != "benchmark-complete" {
            continue;
        }
        let Complete {
            id,
            iteration_count,
            measured_values,
            unit,
            throughput,
        } = serde_json::from_str(line).map_err(refused)?;
        let unit = super::foreign(&unit).unit;
        let amount = throughput
            .first()
            .map(|throughput| match throughput.unit.as_str() {
                "bytes" => (
                    "bytes_per_second",
                    Unit::BytesPerSecond,
                    throughput.per_iteration,
                ),
                _ => (
                    "elements_per_second",
                    Unit::PerSecond,
                    throughput.per_iteration,
                ),
            });
        let (name, case) = id
            .split_once('/')
            .map_or((id.as_str(), None), |(name, case)| (name, Some(case)));
        let params: Params = case
            .map(|case| ("case".to_owned(), case.to_owned()))
            .into_iter()
            .collect();
        add(
            &mut draft,
            (name, &params),
            unit,
            (&iteration_count, &measured_values),
            amount,
        );
    }
    if draft.results.is_empty() {
        return Err(ReadError::Nothing {
            expected: "lines with `\"reason\": \"benchmark-complete\"`",
        });
    }
    Ok(vec![draft])
}

/// What one iteration works on: the metric of its rate, that metric's unit, and how much it is.
fn amount(throughput: &BTreeMap<String, f64>) -> Option<(&'static str, Unit, f64)> {
    throughput
        .iter()
        .find_map(|(what, amount)| match what.as_str() {
            "Bytes" | "BytesDecimal" => Some(("bytes_per_second", Unit::BytesPerSecond, *amount)),
            "Bits" => Some(("bytes_per_second", Unit::BytesPerSecond, amount / 8.0)),
            "Elements" => Some(("elements_per_second", Unit::PerSecond, *amount)),
            _ => None,
        })
}

fn facts() -> Facts {
    Facts {
        suite: "criterion".to_owned(),
        runner: "criterion",
        ..Facts::default()
    }
}

/// The group is the benchmark; its function becomes the param `case`, its value the param `value`.
fn name_of(identity: &Identity) -> (String, Params) {
    let params = [
        ("case", &identity.function_id),
        ("value", &identity.value_str),
    ];
    let params = params
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
    (identity.group_id.clone(), params.collect())
}

/// Adds the times of one benchmark, and the rates that follow from what an iteration works on.
fn add(
    draft: &mut Draft,
    (name, params): (&str, &Params),
    unit: Unit,
    (iterations, totals): (&[f64], &[f64]),
    amount: Option<(&str, Unit, f64)>,
) {
    let seconds = match unit {
        Unit::Nanoseconds => Some(1e-9),
        Unit::Microseconds => Some(1e-6),
        Unit::Milliseconds => Some(1e-3),
        Unit::Seconds => Some(1.0),
        _ => None,
    };
    for (iterations, total) in iterations
        .iter()
        .zip(totals)
        .filter(|(iterations, _)| **iterations > 0.0)
    {
        let benchmark = draft.results.benchmark(name, params);
        // Whole and never negative; beyond 2^53 iterations it is rounded.
        benchmark.iterations = benchmark.iterations.max(*iterations as u64);
        let each = total / iterations;
        add_sample_as(benchmark, TIME, is(unit, Direction::Lower), each);
        if let (Some((metric, unit, amount)), Some(seconds)) = (amount, seconds)
            && each > 0.0
        {
            add_sample_as(
                benchmark,
                metric,
                is(unit, Direction::Higher),
                amount / (each * seconds),
            );
        }
    }
}

fn is(unit: Unit, better: Direction) -> Foreign {
    Foreign {
        unit,
        kind: unit.kind(),
        better,
    }
}

/// Every folder `new` that holds a result.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    let failed = |source| ReadError::Io {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // The type of the entry itself: a link is no folder, so that no ring of links is followed.
        if !entry.file_type().map_err(failed)?.is_dir() {
            continue;
        }
        let path = entry.path();
        if entry.file_name() == "new" && path.join("benchmark.json").is_file() {
            found.push(path);
        } else if depth > 0 {
            find(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let text = fs::read(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|error| ReadError::In {
        path: path.to_owned(),
        source: Box::new(error.into()),
    })
}
