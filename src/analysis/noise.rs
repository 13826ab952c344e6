//! How much a series moves although nothing changed, and what can therefore be seen of it.

use bench_verdict::evidence::Thresholds;
use bench_verdict::evidence::context::{Context, Scratch};
use bench_verdict::history::{History, Night};
use bench_verdict::stats::robust;

use super::carried::metric;
use super::history::{Event, EventKind};
use crate::domain::{Point, Series};

/// Fewer nights than this say nothing of noise.
const LEAST_NIGHTS: usize = 8;

/// The band's first edge: what the exact rule calls a change.
pub const EDGE: f64 = 0.05;

/// The noise of a series. All of it as parts of its level: 0.01 is 1%.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseCard {
    /// How many nights it was estimated from.
    pub nights: usize,
    /// The robust standard deviation from night to night.
    pub between: f64,
    /// The robust standard deviation of the samples of the newest night; absent below three.
    pub within: Option<f64>,
    /// The correlation of neighbouring nights that is safely there.
    pub correlation: f64,
    /// Kruskal and Wallis' H over the weekdays; absent with fewer than four weeks.
    pub weekly_h: Option<f64>,
    /// From which H on a weekly rhythm is believed, and taken off.
    pub weekly_limit: f64,
    /// The smallest change that one night can show to be more than noise.
    pub one_night: f64,
    /// The smallest change that three nights can confirm.
    pub three_nights: f64,
    /// How many nights a change of [`EDGE`] takes to be confirmed; absent where three weeks are too
    /// few.
    pub nights_to_edge: Option<usize>,
}

/// The noise of the nights that form baselines, as the rule that judges them sees it. `points` are
/// in the order of time, `events` what happened to the series; `samples` are those of its newest
/// night. `None` with too few nights of the newest epoch.
pub fn noise_card(
    series: &Series,
    points: &[Point],
    events: &[Event],
    samples: &[f64],
) -> Option<NoiseCard> {
    let epoch = events
        .iter()
        .rev()
        .find(|event| event.kind == EventKind::Epoch);
    let nights: Vec<Night> = points
        .iter()
        .filter(|p| p.of.forms_baseline && epoch.is_none_or(|e| p.time >= e.time))
        .map(|p| Night {
            time_ms: p.time.0,
            value: p.value,
            epoch: 0,
        })
        .collect();
    if nights.len() < LEAST_NIGHTS {
        return None;
    }
    let boundaries: Vec<usize> = events
        .iter()
        .filter(|event| event.kind == EventKind::ChangePoint)
        .map(|event| nights.partition_point(|night| night.time_ms < event.time.0))
        .filter(|at| *at > 0 && *at < nights.len())
        .collect();
    let thresholds = Thresholds::default();
    let history = History::new(nights, metric(series));
    let at = history.len();
    let context = Context::of(
        &history,
        &boundaries,
        at,
        &thresholds,
        &mut Scratch::default(),
    )?;
    let noise = context.noise;
    let as_part = |difference: f64| history.change(context.reading, difference).abs();
    let reference = thresholds.reference_most.min(at);
    let least = |k: usize| {
        let deviation = noise.unit * noise.variance_of_mean(k, reference).sqrt();
        let confirmed = thresholds.threshold(k, noise.nights) * deviation;
        as_part(confirmed.max(thresholds.least_step * context.reading.unit()))
    };
    let edge = (1.0 + EDGE).ln() * context.reading.unit();
    let nights_to_edge = (thresholds.tail_least..=thresholds.tail_most).find(|k| {
        let deviation = noise.unit * noise.variance_of_mean(*k, reference).sqrt();
        thresholds.threshold(*k, noise.nights) * deviation <= edge
    });
    Some(NoiseCard {
        nights: noise.nights,
        between: as_part(noise.deviation()),
        within: within(samples),
        correlation: noise.phi,
        weekly_h: (noise.nights >= thresholds.weekly_from).then_some(context.weekly_h),
        weekly_limit: thresholds.weekly_h,
        one_night: as_part(thresholds.beyond * noise.deviation()),
        three_nights: least(3),
        nights_to_edge,
    })
}

/// The robust standard deviation of the samples about their median, as a part of it.
fn within(samples: &[f64]) -> Option<f64> {
    const LEAST_SAMPLES: usize = 3;
    if samples.len() < LEAST_SAMPLES {
        return None;
    }
    let scale = robust::scale(samples, 0.0)?;
    (scale.centre.abs() > 0.0).then(|| scale.unit / scale.centre.abs())
}
