//! The online detector: sees the past only, night by night.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Thresholds;
use super::context::{Context, Scratch};
use super::refuted::Refuted;
use crate::history::History;
use crate::segments::{self, SecondLook};
use crate::stats::order;

/// A change that was confirmed and stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The first night of the new level.
    pub start: usize,
    /// The night on which it was confirmed.
    pub confirmed_at: usize,
    /// What it was judged by: frozen.
    pub context: Context,
    /// How it looked when it was confirmed.
    pub tail: Tail,
    /// So many nights earlier it may have been as well: those nights, too, would have confirmed it,
    /// nearly as clearly.
    #[serde(default)]
    pub early: usize,
    /// So many nights later, too.
    #[serde(default)]
    pub late: usize,
    /// Pairs of the same night confirmed it, perhaps long before the nights alone could have.
    #[serde(default)]
    pub paired: bool,
}

/// A candidate that stands out by so much less than the best is nearly as good.
const NEARLY: f64 = 1.0;

/// The nights since a candidate night, against its context.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// How many nights.
    pub nights: usize,
    /// The deviation of their mean clipped score; positive is worse.
    pub z: f64,
    /// What `z` must reach.
    pub threshold: f64,
    /// The median of the nights less the level before.
    pub step: f64,
}

/// What a tail must be, beside far enough away, to confirm a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Its median is the least step away, on the side of `z`.
    pub is_large: bool,
    /// Half of its nights at least lie on that side.
    pub is_one_sided: bool,
    /// It is of one level; asked of short tails only.
    pub holds_together: bool,
}

impl Shape {
    /// Whether it is all of it.
    pub fn is_whole(self) -> bool {
        self.is_large && self.is_one_sided && self.holds_together
    }
}

/// A tail that ends tonight, with all that decides about it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// What it is judged by.
    pub context: Context,
    /// How far away it is.
    pub tail: Tail,
    /// What it looks like.
    pub shape: Shape,
}

/// What a night brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum News {
    /// A change was confirmed.
    Confirmed(Change),
    /// A change no longer stands.
    Retracted(Change),
}

/// A candidate first night of a new level.
#[derive(Debug, Clone)]
struct Candidate {
    context: Context,
    level: f64,
    offset: f64,
    reference: usize,
    sum: f64,
    sum_short: f64,
}

/// The detector, at some night of a history.
#[derive(Debug, Clone)]
pub struct Detector<'a> {
    history: &'a History,
    thresholds: Thresholds,
    changes: Vec<Change>,
    /// Nights at which no change has begun.
    refuted: Vec<Refuted>,
    boundaries: Vec<usize>,
    /// The candidates of the last nights, ascending; those without a reference are left out.
    candidates: VecDeque<Candidate>,
    next: usize,
    scratch: Scratch,
    tail: Vec<f64>,
}

impl<'a> Detector<'a> {
    /// Starts before the first night.
    pub fn new(history: &'a History, thresholds: Thresholds) -> Detector<'a> {
        Detector {
            history,
            thresholds,
            changes: Vec::new(),
            refuted: Vec::new(),
            boundaries: Vec::new(),
            candidates: VecDeque::new(),
            next: 0,
            scratch: Scratch::default(),
            tail: Vec::new(),
        }
    }

    /// Goes on after all nights but the last one of `history`, with the changes that stood then:
    /// the answer for the last night is the one that the whole history gives, as long as the
    /// history reaches back [`Thresholds::window`] nights and `changes` holds those inside it.
    pub fn resume(
        history: &'a History,
        changes: Vec<Change>,
        thresholds: Thresholds,
    ) -> Detector<'a> {
        let next = history.len().saturating_sub(1);
        Detector::before(history, next, changes, Vec::new(), thresholds)
    }

    /// As [`Detector::resume`], before night `next`, where nights were refuted.
    pub fn before(
        history: &'a History,
        next: usize,
        changes: Vec<Change>,
        refuted: Vec<Refuted>,
        thresholds: Thresholds,
    ) -> Detector<'a> {
        let mut detector = Detector::new(history, thresholds);
        detector.changes = changes;
        detector.refuted = refuted;
        detector.next = next;
        if let Some(before) = next.checked_sub(1) {
            detector.bound(before);
        }
        detector
    }

    /// What the last night seen is judged by, itself as a candidate: the noise of the nights
    /// before it, and the level where enough of them share one.
    pub fn tonight(&mut self) -> Option<Context> {
        let night = self.next.checked_sub(1)?;
        // As a candidate it has been looked at already, by the boundaries that stand.
        let newest = self.candidates.back().map(|candidate| candidate.context);
        if let Some(context) = newest.filter(|context| context.at == night) {
            return Some(context);
        }
        Context::of(
            self.history,
            &self.boundaries,
            night,
            &self.thresholds,
            &mut self.scratch,
        )
    }

    /// The tails that end with the last night seen, the longest first.
    pub fn tails(&mut self) -> Vec<Looked> {
        let Some(night) = self.next.checked_sub(1) else {
            return Vec::new();
        };
        let Detector {
            candidates,
            history,
            thresholds,
            tail: room,
            ..
        } = self;
        candidates
            .iter()
            .map(|candidate| {
                let context = candidate.context;
                let nights = night + 1 - context.at;
                let z = candidate.z(nights, thresholds);
                let (step, shape) = shape(history, candidate, night, z, thresholds, room);
                let tail = Tail {
                    nights,
                    z,
                    threshold: thresholds.threshold(nights, context.noise.nights),
                    step,
                };
                Looked {
                    context,
                    tail,
                    shape,
                }
            })
            .collect()
    }

    /// The changes that stand, ascending.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The starts of stretches so far, ascending: epochs and standing changes.
    pub fn boundaries(&self) -> &[usize] {
        &self.boundaries
    }

    /// Looks at the next night. At the end of the history there is no news.
    pub fn step(&mut self, news: &mut Vec<News>) {
        let night = self.next;
        if night >= self.history.len() {
            return;
        }
        self.next += 1;
        let nights = self.history.nights();
        if night > 0 && nights[night].epoch != nights[night - 1].epoch {
            self.boundaries.push(night);
            self.candidates.clear();
        }
        self.extend(night);
        self.retract(night, news);
        if let Some(change) = self.confirm(night) {
            self.changes.push(change);
            self.bound(night);
            news.push(News::Confirmed(change));
        }
    }

    /// Adds the night to all tails, and itself as a candidate.
    fn extend(&mut self, night: usize) {
        let oldest = (night + 1).saturating_sub(self.thresholds.tail_most);
        while self
            .candidates
            .front()
            .is_some_and(|first| first.context.at < oldest)
        {
            self.candidates.pop_front();
        }
        if let Some(candidate) = self.candidate(night) {
            self.candidates.push_back(candidate);
        }
        for candidate in &mut self.candidates {
            candidate.add(self.history, night, self.thresholds.clip_short);
        }
    }

    fn candidate(&mut self, at: usize) -> Option<Candidate> {
        let time_ms = self.history.nights()[at].time_ms;
        if self.refuted.iter().any(|refuted| refuted.holds(time_ms)) {
            return None;
        }
        let context = Context::of(
            self.history,
            &self.boundaries,
            at,
            &self.thresholds,
            &mut self.scratch,
        )?;
        let reference = context.reference?;
        Some(Candidate {
            context,
            level: reference.level,
            offset: reference.offset,
            reference: reference.nights,
            sum: 0.0,
            sum_short: 0.0,
        })
    }

    /// Makes boundaries and candidates anew, after the changes have changed.
    fn bound(&mut self, night: usize) {
        let nights = self.history.nights();
        let epochs = (1..=night).filter(|&at| nights[at].epoch != nights[at - 1].epoch);
        self.boundaries = epochs
            .chain(self.changes.iter().map(|change| change.start))
            .collect();
        self.boundaries.sort_unstable();
        self.boundaries.dedup();
        self.candidates.clear();
        let oldest = (night + 1).saturating_sub(self.thresholds.tail_most);
        let oldest = oldest.max(self.boundaries.last().copied().unwrap_or(0));
        for at in oldest..=night {
            if let Some(mut candidate) = self.candidate(at) {
                for tail in at..=night {
                    candidate.add(self.history, tail, self.thresholds.clip_short);
                }
                self.candidates.push_back(candidate);
            }
        }
    }

    /// The change that tonight confirms, if any: of all tails that do, the one that stands out
    /// most.
    fn confirm(&mut self, night: usize) -> Option<Change> {
        let mut best: Option<Change> = None;
        for candidate in &self.candidates {
            let nights = night + 1 - candidate.context.at;
            if nights < self.thresholds.tail_least {
                continue;
            }
            let z = candidate.z(nights, &self.thresholds);
            let pool = candidate.context.noise.nights;
            let threshold = self.thresholds.threshold(nights, pool);
            let stands_out = z.abs() - threshold;
            if stands_out < 0.0
                || best.is_some_and(|best| best.tail.z.abs() - best.tail.threshold >= stands_out)
            {
                continue;
            }
            let (step, shape) = shape(
                self.history,
                candidate,
                night,
                z,
                &self.thresholds,
                &mut self.tail,
            );
            if shape.is_whole() {
                let tail = Tail {
                    nights,
                    z,
                    threshold,
                    step,
                };
                let start = candidate.context.at;
                best = Some(Change {
                    start,
                    confirmed_at: night,
                    context: candidate.context,
                    tail,
                    early: 0,
                    late: 0,
                    paired: false,
                });
            }
        }
        let mut best = best?;
        (best.early, best.late) = self.reach(&best, night);
        Some(best)
    }

    /// How many nights before and after its start a change may have begun as well.
    fn reach(&mut self, best: &Change, night: usize) -> (usize, usize) {
        let (mut early, mut late) = (0, 0);
        let least = best.tail.z.abs() - best.tail.threshold - NEARLY;
        for candidate in &self.candidates {
            let at = candidate.context.at;
            let nights = night + 1 - at;
            let z = candidate.z(nights, &self.thresholds);
            let pool = candidate.context.noise.nights;
            let stands_out = z.abs() - self.thresholds.threshold(nights, pool);
            let is_near = nights >= self.thresholds.tail_least
                && z * best.tail.z > 0.0
                && stands_out >= least.max(0.0)
                && shape(
                    self.history,
                    candidate,
                    night,
                    z,
                    &self.thresholds,
                    &mut self.tail,
                )
                .1
                .is_whole();
            if is_near {
                early = early.max(best.start.saturating_sub(at));
                late = late.max(at.saturating_sub(best.start));
            }
        }
        (early, late)
    }

    /// Takes back changes that the nights since then do not bear out.
    fn retract(&mut self, night: usize, news: &mut Vec<News>) {
        let mut index = 0;
        while let Some(&change) = self.changes.get(index) {
            if self.stands(&change, night) {
                index += 1;
            } else {
                self.changes.remove(index);
                self.bound(night);
                news.push(News::Retracted(change));
            }
        }
    }

    fn stands(&self, change: &Change, night: usize) -> bool {
        let nights = self.history.nights();
        if nights[night].epoch != nights[change.start].epoch {
            return true;
        }
        let since = night + 1 - change.start;
        // The pairs of one night are as good as a week of nights: these get the time to agree.
        let early = change.paired && since <= self.thresholds.tail_short;
        if since <= self.thresholds.retract_within && !early {
            let z = deviation(
                self.history,
                &change.context,
                change.start,
                night,
                &self.thresholds,
            );
            if z.unwrap_or_default() * change.tail.z.signum() < self.thresholds.retract_below {
                return false;
            }
        }
        if night == change.start + self.thresholds.second_look_after {
            let look = SecondLook {
                to: night + 1,
                nights: self.thresholds.pool,
                reach: self.thresholds.second_look_reach,
            };
            return segments::has_cut_near(self.history, change.start, &look);
        }
        true
    }
}

impl Candidate {
    fn add(&mut self, history: &History, night: usize, clip_short: f64) {
        let score = (self.context.value(history, night) - self.level) / self.context.noise.unit;
        self.sum += score.clamp(-crate::stats::robust::CLIP, crate::stats::robust::CLIP);
        self.sum_short += score.clamp(-clip_short, clip_short);
    }

    fn z(&self, nights: usize, thresholds: &Thresholds) -> f64 {
        let short = thresholds.clip(nights) == thresholds.clip_short;
        let sum = if short { self.sum_short } else { self.sum };
        let mean = sum / nights as f64 - self.offset;
        mean / self
            .context
            .noise
            .variance_of_mean(nights, self.reference)
            .sqrt()
    }
}

/// The deviation of the nights `from..=to` against a context. None without a reference.
pub fn deviation(
    history: &History,
    context: &Context,
    from: usize,
    to: usize,
    thresholds: &Thresholds,
) -> Option<f64> {
    let reference = context.reference?;
    let nights = to + 1 - from;
    let clip = thresholds.clip(nights);
    let sum: f64 = (from..=to)
        .map(|night| {
            let score = (context.value(history, night) - reference.level) / context.noise.unit;
            score.clamp(-clip, clip)
        })
        .sum();
    let mean = sum / nights as f64 - reference.offset;
    Some(
        mean / context
            .noise
            .variance_of_mean(nights, reference.nights)
            .sqrt(),
    )
}

/// The step of a tail, and what it looks like.
fn shape(
    history: &History,
    candidate: &Candidate,
    night: usize,
    z: f64,
    thresholds: &Thresholds,
    tail: &mut Vec<f64>,
) -> (f64, Shape) {
    let context = &candidate.context;
    tail.clear();
    tail.extend((context.at..=night).map(|at| context.value(history, at)));
    let step = order::median_of(tail).unwrap_or(candidate.level) - candidate.level;
    let one_side = tail
        .iter()
        .filter(|value| (**value - candidate.level) * z > 0.0)
        .count();
    let highest = tail.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let lowest = tail.iter().copied().fold(f64::INFINITY, f64::min);
    let shape = Shape {
        is_large: step * z.signum() >= thresholds.least_step * context.reading.unit(),
        is_one_sided: 2 * one_side >= tail.len(),
        // A span that is not a number holds nothing together.
        holds_together: tail.len() > thresholds.tail_short
            || highest - lowest <= thresholds.span_short * context.noise.unit,
    };
    (step, shape)
}
