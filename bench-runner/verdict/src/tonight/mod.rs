//! One night of one series, judged by all four statements from what is at hand: the nights of the
//! last half year and a small state. The cost does not grow with the history.
//!
//! # Layout
//! - here: the state, and one night. `walk`: a whole history. [`settle`]: what pairs of the night add.

use serde::{Deserialize, Serialize};

pub mod settle;
mod walk;

pub use self::walk::{Walk, replay};
use crate::band::{self, Band, Baseline, Point};
use crate::creep::{self, Creep};
use crate::evidence::Thresholds;
use crate::evidence::context::Context;
use crate::evidence::detector::{Change, Detector, Looked, News, Tail};
use crate::evidence::refuted::Refuted;
use crate::history::{History, Reading};
use crate::stats::noise::Noise;
use crate::verdict::Evidence;

/// So many levels are remembered: a retracted change gives the level before it back.
const LEVELS: usize = 4;

/// A confirmation compares with the revision so many nights before the first bad one.
const GOOD_BEFORE: usize = 4;

/// What asks for a confirmation: a tail whose deviation reaches this.
const ASK_FROM: f64 = 2.5;

/// A detectable change is one that a week of nights would confirm.
const DETECTABLE_NIGHTS: usize = 7;

/// What is carried from night to night. It can be dropped and rebuilt by [`replay`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The changes that stand, oldest first, as far back as the window reaches.
    pub changes: Vec<Standing>,
    /// The accepted levels, the current one last.
    pub levels: Vec<Level>,
    /// The epoch of the last night.
    pub epoch: Option<u64>,
    /// What pairs have refuted, as far back as the window reaches.
    #[serde(default)]
    pub refuted: Vec<Refuted>,
}

/// A confirmed change, known by the times of its nights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The first night of the new level.
    pub since_ms: i64,
    /// The night that confirmed it.
    pub confirmed_ms: i64,
    /// What it was judged by, frozen. The indices in it count from the first night of the window
    /// of the night that confirmed it.
    pub change: Change,
}

/// A level that slow change is measured against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Its first night, or the moment when it was accepted.
    pub since_ms: i64,
    /// What made it.
    pub by: LevelBy,
    /// The published values of its first nights, [`creep::NIGHTS`] at most.
    pub first: Vec<f64>,
}

/// What makes a level the accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LevelBy {
    /// The series or its epoch began.
    Epoch,
    /// A step was confirmed.
    Step,
    /// A person or a release accepted it.
    Accepted,
}

/// A change of the level that a night confirmed or took back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelChange {
    /// The first night of the new level.
    pub since_ms: i64,
    /// Its size, positive being worse.
    pub change: f64,
    /// The level before it, in the metric's unit: an alert's frozen baseline.
    pub frozen_baseline: f64,
}

/// Everything that the statements say about a night, and every number that led there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tonight {
    /// Statement A: the window.
    pub baseline_runs: usize,
    /// The mean of the window.
    pub baseline: Option<f64>,
    /// Against it, positive being worse.
    pub change: Option<f64>,
    /// The size of the change.
    pub band: Band,
    /// Statement B.
    pub evidence: Evidence,
    /// A change that tonight confirmed.
    pub confirmed: Option<LevelChange>,
    /// Changes that tonight took back.
    pub retracted: Vec<LevelChange>,
    /// What noise alone does to one night, as a fraction: inside it a band means nothing.
    pub noise_floor: Option<f64>,
    /// The smallest step that a week of nights would confirm, as a fraction.
    pub detectable_change: Option<f64>,
    /// Statement D: the change since the accepted level, where it is flagged.
    pub creep: Option<f64>,
    /// The total since the accepted level, flagged or not.
    pub since_accepted: Option<f64>,
    /// The accepted level, in the metric's unit: the median of its first nights.
    pub accepted_level: Option<f64>,
    /// The series should be measured again tonight against an earlier revision.
    pub confirm: Option<Ask>,
    /// What tonight was judged by.
    pub context: Option<Context>,
    /// How far tonight lies from the level before it, in deviations of one night.
    pub tonight_z: Option<f64>,
    /// All tails that end tonight, the longest first. On the night that confirms a change, those
    /// that start with it or later.
    pub tails: Vec<Looked>,
    /// The numbers of statement D.
    pub creep_numbers: Option<Creep>,
}

/// Asks for a confirmation in pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The run to compare with, by its time: the last good revision.
    pub against_ms: i64,
    /// The first night of the nights that ask.
    pub since_ms: i64,
    /// What asks.
    pub why: String,
}

impl State {
    /// Takes the present level as the new one from `now_ms` on: a person or a release accepted it.
    pub fn accept(&mut self, now_ms: i64) {
        self.begin_level(now_ms, LevelBy::Accepted);
    }

    fn begin_level(&mut self, since_ms: i64, by: LevelBy) {
        self.levels.push(Level {
            since_ms,
            by,
            first: Vec::new(),
        });
        let over = self.levels.len().saturating_sub(LEVELS);
        self.levels.drain(..over);
    }
}

/// Judges the last night of `history` and carries the state on. `history` holds the nights that may
/// form baselines, of [`Thresholds::window`] nights at least where there are so many; more change
/// nothing. `state` is the one that the night before left.
pub fn tonight(history: &History, state: &mut State, thresholds: &Thresholds) -> Option<Tonight> {
    let last = history.len().checked_sub(1)?;
    state.forget(history, last, thresholds);
    let mut detector = detector_before(history, last, state, thresholds);
    Some(judge(history, last, &mut detector, state, thresholds))
}

/// The detector before night `next`, as the nights before have left it.
fn detector_before<'a>(
    history: &'a History,
    next: usize,
    state: &State,
    thresholds: &Thresholds,
) -> Detector<'a> {
    let index = |time_ms| {
        history
            .nights()
            .partition_point(|night| night.time_ms < time_ms)
    };
    let changes = state.changes.iter().map(|standing| {
        let (start, confirmed_at) = (index(standing.since_ms), index(standing.confirmed_ms));
        Change {
            start,
            confirmed_at,
            ..standing.change
        }
    });
    let refuted = state.refuted.clone();
    Detector::before(history, next, changes.collect(), refuted, *thresholds)
}

/// Takes night `last` in, which the detector has yet to see: the change that it confirms, and those
/// that it takes back.
fn see(
    history: &History,
    last: usize,
    detector: &mut Detector<'_>,
    state: &mut State,
    thresholds: &Thresholds,
) -> (Option<LevelChange>, Vec<LevelChange>) {
    let now = history.nights()[last];
    if state.epoch != Some(now.epoch) {
        state.epoch = Some(now.epoch);
        state.begin_level(now.time_ms, LevelBy::Epoch);
    }
    let mut news = Vec::new();
    detector.step(&mut news);
    let (mut confirmed, mut retracted) = (None, Vec::new());
    for item in news {
        match item {
            News::Confirmed(change) => {
                confirmed = Some(confirm(history, state, change, thresholds));
            }
            News::Retracted(change) => retracted.push(retract(history, state, &change)),
        }
    }
    state.fill_levels(history, last);
    (confirmed, retracted)
}

/// Judges night `last`, which the detector has yet to see.
fn judge(
    history: &History,
    last: usize,
    detector: &mut Detector<'_>,
    state: &mut State,
    thresholds: &Thresholds,
) -> Tonight {
    let now = history.nights()[last];
    let (confirmed, retracted) = see(history, last, detector, state, thresholds);
    let context = detector.tonight();
    let (baseline, judged) = band_of(history, last);
    let z = context
        .as_ref()
        .and_then(|context| distance(history, context, last));
    let asked = detector.tails();
    let evidence = evidence_of(now.time_ms, state, judged.band, z, thresholds);
    let (accepted_level, crept) = creep_of(history, last, state, context.as_ref());
    let numbers = context.as_ref().map(|context| {
        let reading = context.reading;
        let fraction = |size: f64| match reading {
            // An infinity does not travel as JSON.
            Reading::Log => size.exp_m1().min(f64::MAX),
            Reading::Linear(unit) => size / unit,
        };
        let floor = thresholds.beyond * context.noise.deviation();
        (
            fraction(floor),
            detectable(context, thresholds).map(fraction),
        )
    });
    Tonight {
        baseline_runs: baseline.runs,
        baseline: baseline.mean,
        change: judged.change,
        band: judged.band,
        evidence,
        confirm: ask(history, last, confirmed.as_ref(), z, &asked, thresholds),
        confirmed,
        retracted,
        noise_floor: numbers.map(|(floor, _)| floor),
        detectable_change: numbers.and_then(|(_, detectable)| detectable),
        creep: crept
            .filter(|(numbers, _)| numbers.flagged)
            .map(|(_, change)| change),
        since_accepted: crept.map(|(_, change)| change),
        accepted_level,
        context,
        tonight_z: z,
        tails: asked,
        creep_numbers: crept.map(|(numbers, _)| numbers),
    }
}

/// Whether an alert closes by itself: the median of the last three nights is back within
/// `max(2.5%, 1.5 u sqrt V)` of the level before it. Getting better than that closes it too.
pub fn is_recovered(
    history: &History,
    frozen_baseline: f64,
    noise: &Noise,
    reading: Reading,
) -> bool {
    const NIGHTS: usize = 3;
    const WITHIN: f64 = 0.025;
    const DEVIATIONS: f64 = 1.5;
    let values = history.values(reading);
    let same_epoch = history.len() - history.epoch_start();
    let Some(last) = values
        .len()
        .checked_sub(NIGHTS)
        .and_then(|from| values.get(from..))
    else {
        return false;
    };
    let within = (WITHIN * reading.unit()).max(DEVIATIONS * noise.deviation());
    let level = history.read(reading, frozen_baseline);
    same_epoch >= NIGHTS
        && crate::stats::order::median(last).is_some_and(|median| median - level <= within)
}

fn confirm(
    history: &History,
    state: &mut State,
    change: Change,
    thresholds: &Thresholds,
) -> LevelChange {
    let nights = history.nights();
    let since_ms = nights[change.start].time_ms;
    // Indices count from the window's first night, however far back `history` reaches.
    let from = (change.confirmed_at + 1).saturating_sub(thresholds.window());
    let mut context = change.context;
    context.at = context.at.saturating_sub(from);
    state.changes.push(Standing {
        since_ms,
        confirmed_ms: nights[change.confirmed_at].time_ms,
        change: Change {
            start: change.start.saturating_sub(from),
            confirmed_at: change.confirmed_at - from,
            context,
            ..change
        },
    });
    state.changes.sort_by_key(|standing| standing.since_ms);
    state.begin_level(since_ms, LevelBy::Step);
    level_change(history, since_ms, &change)
}

fn retract(history: &History, state: &mut State, change: &Change) -> LevelChange {
    let since_ms = history.nights()[change.start].time_ms;
    state
        .changes
        .retain(|standing| standing.since_ms != since_ms);
    state
        .levels
        .retain(|level| level.by != LevelBy::Step || level.since_ms != since_ms);
    level_change(history, since_ms, change)
}

fn level_change(history: &History, since_ms: i64, change: &Change) -> LevelChange {
    let context = &change.context;
    let level = context
        .reference
        .map_or(f64::NAN, |reference| reference.level);
    LevelChange {
        since_ms,
        change: history.change(context.reading, change.tail.step),
        frozen_baseline: history.level(context.reading, level),
    }
}

impl State {
    /// Changes older than the window of night `last` bound nothing any more.
    fn forget(&mut self, history: &History, last: usize, thresholds: &Thresholds) {
        let from = (last + 1).saturating_sub(thresholds.window());
        let oldest = history.nights()[from].time_ms;
        self.changes.retain(|standing| standing.since_ms >= oldest);
        self.refuted.retain(|refuted| refuted.through_ms >= oldest);
    }

    /// Gives every level that is not yet full the nights it has.
    fn fill_levels(&mut self, history: &History, last: usize) {
        let nights = &history.nights()[..=last];
        for level in self
            .levels
            .iter_mut()
            .filter(|level| level.first.len() < creep::NIGHTS)
        {
            let from = nights.partition_point(|night| night.time_ms < level.since_ms);
            level.first = nights[from..]
                .iter()
                .take(creep::NIGHTS)
                .map(|night| night.value)
                .collect();
        }
    }
}

/// The first night of the epoch that night `last` is in.
fn epoch_start(history: &History, last: usize) -> usize {
    let nights = &history.nights()[..=last];
    let own = nights[last].epoch;
    nights
        .iter()
        .rposition(|night| night.epoch != own)
        .map_or(0, |at| at + 1)
}

fn band_of(history: &History, last: usize) -> (Baseline, band::Judged) {
    let now = history.nights()[last];
    let points: Vec<Point> = history.nights()[epoch_start(history, last)..last]
        .iter()
        .map(|night| Point {
            time_ms: night.time_ms,
            value: night.value,
        })
        .collect();
    let baseline = band::baseline(&points, now.time_ms);
    let metric = history.metric();
    (
        baseline,
        band::judge(now.value, baseline.mean, metric.better, Some(metric.floor)),
    )
}

/// How far a night lies from the level before it, in deviations of one night.
fn distance(history: &History, context: &Context, night: usize) -> Option<f64> {
    let reference = context.reference?;
    Some((context.value(history, night) - reference.level) / context.noise.deviation())
}

fn evidence_of(
    now_ms: i64,
    state: &State,
    band: Band,
    z: Option<f64>,
    thresholds: &Thresholds,
) -> Evidence {
    // While the seven days before tonight still hold nights of the old level, the band shows the
    // change that was confirmed.
    let direction = if band == Band::Improved { -1.0 } else { 1.0 };
    let shows = matches!(
        band,
        Band::Improved | Band::Critical | Band::Warning | Band::Info
    );
    let standing = state.changes.iter().any(|standing| {
        standing.since_ms > now_ms - band::WINDOW_MS && standing.change.tail.z * direction > 0.0
    });
    match (band, z) {
        _ if shows && standing => Evidence::Confirmed,
        (Band::Warming | Band::Undefined, _) | (_, None) => Evidence::Inconclusive,
        (Band::None, Some(z)) if z.abs() > thresholds.beyond => Evidence::Likely,
        (_, Some(z)) if shows && z * direction > thresholds.beyond => Evidence::Likely,
        _ => Evidence::Noise,
    }
}

fn creep_of(
    history: &History,
    last: usize,
    state: &State,
    context: Option<&Context>,
) -> (Option<f64>, Option<(Creep, f64)>) {
    let Some(level) = state.levels.last() else {
        return (None, None);
    };
    let accepted_level = crate::stats::order::median(&level.first);
    let from = history
        .nights()
        .partition_point(|night| night.time_ms < level.since_ms);
    let end = last + 1;
    let own = end.saturating_sub(from);
    let crept = context
        .filter(|_| own >= 2 * creep::NIGHTS)
        .and_then(|context| {
            let positive = level.first.iter().all(|value| *value > 0.0);
            let reading = match context.reading {
                Reading::Log if positive => Reading::Log,
                _ => history.reading(from, end),
            };
            let first: Vec<f64> = level
                .first
                .iter()
                .map(|&value| history.read(reading, value))
                .collect();
            let last = &history.values(reading)[from..end];
            let numbers = creep::creep(&first, last, &context.noise, reading.unit())?;
            Some((numbers, history.change(reading, numbers.shift)))
        });
    (accepted_level, crept)
}

fn detectable(context: &Context, thresholds: &Thresholds) -> Option<f64> {
    let reference = context.reference?;
    let noise = &context.noise;
    let threshold = thresholds.threshold(DETECTABLE_NIGHTS, noise.nights);
    let deviation = noise
        .variance_of_mean(DETECTABLE_NIGHTS, reference.nights)
        .sqrt();
    Some((threshold * noise.unit * deviation).max(thresholds.least_step * context.reading.unit()))
}

/// Whether tonight asks for a confirmation: by evidence, not by the band.
fn ask(
    history: &History,
    last: usize,
    confirmed: Option<&LevelChange>,
    z: Option<f64>,
    tails: &[Looked],
    thresholds: &Thresholds,
) -> Option<Ask> {
    let nights = history.nights();
    let against = |start: usize| {
        let from = epoch_start(history, last);
        let good = start
            .checked_sub(GOOD_BEFORE)
            .filter(|good| *good >= from)?;
        Some(nights[good].time_ms)
    };
    if let Some(change) = confirmed {
        let start = nights.partition_point(|night| night.time_ms < change.since_ms);
        let why = "the nights since then confirm a change of the level".to_owned();
        return Some(Ask {
            against_ms: against(start)?,
            since_ms: change.since_ms,
            why,
        });
    }
    let deviation =
        |context: &Context, tail: &Tail| tail.z.abs() / thresholds.small_pool(context.noise.nights);
    let best = tails
        .iter()
        .map(|looked| (&looked.context, &looked.tail))
        .filter(|(context, tail)| {
            let large = tail.step.abs() >= thresholds.least_step * context.reading.unit();
            let beyond = tail.nights == 1 && z.is_some_and(|z| z.abs() > thresholds.beyond);
            large && (deviation(context, tail) >= ASK_FROM || beyond)
        })
        .max_by(|a, b| deviation(a.0, a.1).total_cmp(&deviation(b.0, b.1)))?;
    let (context, tail) = best;
    let why = format!(
        "{} at {:.1} deviations from the level before",
        crate::words::nights(tail.nights),
        deviation(context, tail)
    );
    Some(Ask {
        against_ms: against(context.at)?,
        since_ms: nights[context.at].time_ms,
        why,
    })
}

#[cfg(test)]
mod tests;
