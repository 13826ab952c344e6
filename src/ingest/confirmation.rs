//! From the bytes of a confirmation to a validated pair: two reports, one a side.

use bench_report::report::{Pair, Purpose, Refusals, Report, RunKind, Side};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::IngestError;
use crate::domain::SeriesName;
use crate::domain::confirmation::{NewConfirmation, NewPaired};

/// Why two reports are no confirmation.
#[derive(Debug, thiserror::Error)]
pub enum NoPair {
    /// Not the two reports.
    #[error("the body is no JSON object with the reports `base` and `head`: {0}")]
    Shape(String),
    /// One of the reports.
    #[error("the report of the {side} is refused: {refusals}")]
    Report {
        /// Which.
        side: Side,
        /// Why.
        refusals: Refusals,
    },
    /// It is no side, or the other one.
    #[error("the report under `{place}` must say in `pair` that it is the {place}")]
    NotThatSide {
        /// Where it stands.
        place: Side,
    },
    /// Two halves of different pairs.
    #[error("the sides differ in {what}: both must be of one pair, measured in the same rounds")]
    Different {
        /// In what.
        what: &'static str,
    },
    /// Not for a confirmation.
    #[error(
        "pairs of the purpose {0} confirm nothing: send them as runs; here are confirm, canary and aa"
    )]
    Purpose(Purpose),
    /// The kind or the plant does not fit the purpose.
    #[error("a pair for {purpose} has sides of kind {expected}, and {planted} in its head")]
    Kind {
        /// The purpose.
        purpose: Purpose,
        /// The kind that its sides have.
        expected: RunKind,
        /// What must be planted.
        planted: &'static str,
    },
}

/// Reads a confirmation; `now` is the present.
pub fn read_confirmation(bytes: Vec<u8>, now: Timestamp) -> Result<NewConfirmation, IngestError> {
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| NoPair::Shape(error.to_string()))?;
    let (base, base_pair) = side(&value, Side::Base, now)?;
    let (head, head_pair) = side(&value, Side::Head, now)?;
    let different = |what| NoPair::Different { what };
    if base_pair.pair_key != head_pair.pair_key {
        return Err(different("pair_key").into());
    }
    if base_pair.purpose != head_pair.purpose {
        return Err(different("purpose").into());
    }
    if base_pair.rounds != head_pair.rounds {
        return Err(different("rounds").into());
    }
    if base.suite != head.suite {
        return Err(different("suite").into());
    }
    let purpose = base_pair.purpose;
    let planted = head.options.planted.clone();
    let (kind, may_plant) = match purpose {
        Purpose::Confirm => (RunKind::Ab, false),
        Purpose::Canary => (RunKind::Canary, true),
        Purpose::Aa => (RunKind::Aa, false),
        Purpose::Pull | Purpose::Bridge => return Err(NoPair::Purpose(purpose).into()),
    };
    let fits = base.kind == kind && head.kind == kind;
    if !fits || planted.is_some() != may_plant || base.options.planted.is_some() {
        let planted = if may_plant {
            "a planted slowdown"
        } else {
            "nothing planted"
        };
        return Err(NoPair::Kind {
            purpose,
            expected: kind,
            planted,
        }
        .into());
    }
    let head_figures: Vec<(SeriesName, String, Vec<f64>)> = figures(&head).collect();
    let series = figures(&base).filter_map(|(name, unit, base)| {
        let (.., head) = head_figures
            .iter()
            .find(|(own, own_unit, _)| *own == name && *own_unit == unit)?;
        (base.len() == head.len()).then(|| NewPaired {
            name,
            unit,
            base,
            head: head.clone(),
        })
    });
    Ok(NewConfirmation {
        pair_key: base_pair.pair_key.to_string(),
        purpose,
        planted,
        base_commit: base.revision.commit.clone().unwrap_or_default(),
        head_commit: head.revision.commit.clone().unwrap_or_default(),
        series: series.collect(),
        sha256: Sha256::digest(&bytes).into(),
        body: bytes,
    })
}

fn side(value: &Value, place: Side, now: Timestamp) -> Result<(Report, Pair), NoPair> {
    let key = place.to_string();
    let report = value
        .get(&key)
        .ok_or_else(|| NoPair::Shape(format!("`{key}` is missing")))?;
    let mut report =
        Report::parse(report.to_string().as_bytes(), now).map_err(|refusals| NoPair::Report {
            side: place,
            refusals,
        })?;
    match report.pair.take() {
        Some(pair) if pair.side == place => Ok((report, pair)),
        _ => Err(NoPair::NotThatSide { place }),
    }
}

fn figures(report: &Report) -> impl Iterator<Item = (SeriesName, String, Vec<f64>)> {
    report.benchmarks.iter().flat_map(|benchmark| {
        benchmark.metrics.iter().map(|metric| {
            let name = SeriesName {
                benchmark: benchmark.name.clone(),
                metric: metric.name.clone(),
                params: benchmark.params.clone(),
            };
            (name, metric.unit.clone(), metric.samples.clone())
        })
    })
}
