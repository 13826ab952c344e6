//! The result file of the original suite: an array of
//! `{"name", "timestamp", "duration", "metrics": {…}}`. Zero means "not measured" there, and is left
//! out.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::ReadError;
use super::collect::{Draft, Facts, add_sample_as, end_without_result};
use super::go::name::split;
use super::units::Foreign;
use crate::metric::{Direction, Unit};
use crate::report::Status;

/// One result.
#[derive(Deserialize)]
struct Entry {
    name: String,
    timestamp: Timestamp,
    /// Nanoseconds.
    #[serde(default)]
    duration: i64,
    metrics: serde_json::Map<String, serde_json::Value>,
}

/// A field of `metrics`, with what it is measured in and which way is better.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) better: Direction,
    /// Written without a fraction.
    pub(crate) is_integer: bool,
}

const fn field(name: &'static str, unit: Unit, better: Direction, is_integer: bool) -> Field {
    Field {
        name,
        unit,
        better,
        is_integer,
    }
}

/// Every field that the original suite writes.
pub(crate) const FIELDS: [Field; 9] = [
    field(
        "event_processing_latency",
        Unit::Nanoseconds,
        Direction::Lower,
        true,
    ),
    field(
        "routing_decision_latency",
        Unit::Nanoseconds,
        Direction::Lower,
        true,
    ),
    field(
        "events_per_second",
        Unit::PerSecond,
        Direction::Higher,
        false,
    ),
    field("memory_usage_mb", Unit::Megabytes, Direction::Lower, false),
    field("cpu_usage_percent", Unit::Percent, Direction::Lower, false),
    field(
        "network_bandwidth_mbps",
        Unit::One,
        Direction::Higher,
        false,
    ),
    field("concurrent_connections", Unit::One, Direction::Higher, true),
    field(
        "total_events_processed",
        Unit::Events,
        Direction::Higher,
        true,
    ),
    field("error_rate", Unit::One, Direction::Lower, false),
];

/// Whether a JSON array is one of these.
pub(super) fn looks_like(text: &str) -> bool {
    text.contains("\"metrics\"") && text.contains("\"timestamp\"") && text.contains("\"name\"")
}

/// Reads the array as one run.
pub(super) fn read(text: &str) -> Result<Vec<Draft>, ReadError> {
    const EXPECTED: &str =
        "an array of `{\"name\", \"timestamp\", \"duration\", \"metrics\": {…}}`";
    let entries: Vec<Entry> = serde_json::from_str(text)?;
    let end_of = |entry: &Entry| {
        entry
            .timestamp
            .checked_add(SignedDuration::from_nanos(entry.duration))
            .ok()
    };
    let facts = Facts {
        suite: "aibrix".to_owned(),
        runner: "aibrix",
        started_at: entries.iter().map(|entry| entry.timestamp).min(),
        finished_at: entries.iter().filter_map(end_of).max(),
        ..Facts::default()
    };
    let mut draft = Draft {
        facts,
        ..Draft::default()
    };
    for entry in &entries {
        let (name, params) = split(&entry.name, true);
        let benchmark = draft.results.benchmark(&name, &params);
        for field in &FIELDS {
            let value = entry
                .metrics
                .get(field.name)
                .and_then(serde_json::Value::as_f64);
            if let Some(value) = value.filter(|value| *value != 0.0) {
                let is = Foreign {
                    unit: field.unit,
                    kind: field.unit.kind(),
                    better: field.better,
                };
                add_sample_as(benchmark, field.name, is, value);
            }
        }
        if benchmark.metrics.is_empty() {
            end_without_result(
                benchmark,
                Status::Failed,
                "every metric is zero, which means that it was not measured",
            );
        }
    }
    if draft.results.is_empty() {
        return Err(ReadError::Nothing { expected: EXPECTED });
    }
    Ok(vec![draft])
}
