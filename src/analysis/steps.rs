//! Where the level of a stretch of nights changed and stayed, kept by content.
//!
//! Cutting a thousand nights takes a millisecond, and every page with a trend asks for the same
//! cuts until the next night comes. What they are depends on the nights and the metric alone, so a
//! digest of both is all that an answer is filed under: nothing that is written makes it old.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bench_report::metric::Direction;
use bench_verdict::history::{History, Night};
use bench_verdict::segments::{self, Cutting};
use sha2::{Digest, Sha256};

use super::carried::metric;
use crate::domain::{Millis, Point, Series};

/// Answers that are kept: those of some thousand series, in 1 MB; the one too many takes the place
/// of all.
const MOST: usize = 4096;

/// The first night of a new level, and the change from the level before, positive being worse.
pub(super) type Step = (Millis, f64);

type Known = HashMap<[u8; 32], Arc<[Step]>>;

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// The steps of a series over nights of one epoch, which are in the order of time; runs that form
/// no baseline are passed over.
pub(super) fn steps(series: &Series, stretch: &[Point]) -> Arc<[Step]> {
    let nights: Vec<Night> = stretch
        .iter()
        .filter(|point| point.of.forms_baseline)
        .map(|point| Night {
            time_ms: point.time.0,
            value: point.value,
            epoch: 0,
        })
        .collect();
    let digest = digest(series, &nights);
    // Whoever panicked with the map in his hands had changed all or nothing.
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(steps) = known().get(&digest) {
        return steps.clone();
    }
    let steps = cut(series, nights);
    let mut known = known();
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(digest, steps.clone());
    steps
}

fn digest(series: &Series, nights: &[Night]) -> [u8; 32] {
    let metric = metric(series);
    let mut bytes = Vec::with_capacity(9 + 16 * nights.len());
    bytes.push(u8::from(metric.better == Direction::Higher));
    bytes.extend(metric.floor.to_le_bytes());
    for night in nights {
        bytes.extend(night.time_ms.to_le_bytes());
        bytes.extend(night.value.to_le_bytes());
    }
    Sha256::digest(&bytes).into()
}

fn cut(series: &Series, nights: Vec<Night>) -> Arc<[Step]> {
    let nights = History::new(nights, metric(series));
    let reading = nights.reading(0, nights.len());
    let cuts = segments::cuts(&nights, 0, nights.len(), &Cutting::HISTORY);
    let steps = cuts.iter().filter_map(|cut| {
        let night = nights.nights().get(cut.at)?;
        Some((Millis(night.time_ms), nights.change(reading, cut.step)))
    });
    steps.collect()
}
