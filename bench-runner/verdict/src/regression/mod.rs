//! A worsening of one series, from the night that confirmed it until it is over: the numbers of an
//! alert's life. Who owns it, and what people say of it, is not known here.
//!
//! # Rules
//! 1. It begins when nights confirm a worsening ([`Tonight::confirmed`]), when pairs measured on
//!    the same night do ([`Watch::confirm`]), or when a count left its band. The level before it
//!    is frozen.
//! 2. It is over when the median of the last [`NIGHTS`] nights is back within [`WITHIN`], or
//!    within [`DEVIATIONS`] deviations of one night, of the frozen level; getting better than that
//!    ends it too. It is over as well when the change is taken back, or its level accepted.
//! 3. One that recovered returns when those nights are out again and on the far side of half its
//!    step, and all nights since it was over together are as sure as those that confirmed it were:
//!    what is back by noise alone would come and go for weeks. It does so for as long as no later
//!    change of the level stands, and [`RETURN_WITHIN`] nights at most. A count never returns: it
//!    steps anew.

use bench_report::metric::Direction;
use serde::{Deserialize, Serialize};

use crate::band::{self, Band};
use crate::evidence::Thresholds;
use crate::history::Reading;
use crate::stats::noise::variance_of_mean;
use crate::stats::order;
use crate::tonight::{LevelChange, Standing, State, Tonight};

/// So many nights must be back.
pub const NIGHTS: usize = 3;
/// Back means within this fraction of the frozen level…
pub const WITHIN: f64 = 0.025;
/// … or within so many deviations of one night, whichever is wider.
pub const DEVIATIONS: f64 = 1.5;
/// One that recovered is watched for so many nights more.
pub const RETURN_WITHIN: usize = 21;
/// What pairs confirmed is not opened again by nights whose change begins so many nights from it.
const SAME_CHANGE: usize = 6;

/// One worsening of one series. Values are in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// The first bad night.
    pub since_ms: i64,
    /// It may have begun as early as this night…
    pub earliest_ms: i64,
    /// … and as late as this one.
    pub latest_ms: i64,
    /// The night before the first bad one; absent where it is not among the nights that are kept.
    pub last_good_ms: Option<i64>,
    /// The night that confirmed it.
    pub confirmed_ms: i64,
    /// What confirmed it.
    pub by: By,
    /// The level before it.
    pub frozen_baseline: f64,
    /// It is over when the last nights' median is not worse than this.
    pub limit: f64,
    /// Its size when it was confirmed, positive being worse; absent where the level before is zero.
    pub change: Option<f64>,
    /// What confirmed it, in numbers; absent for a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
    /// Where it is over: when, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What confirms a worsening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The nights since then.
    Nights,
    /// Pairs measured on the same night.
    Pairs,
    /// Counting: any change is real.
    Count,
}

/// What a worsening was confirmed by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Nights since the change.
    pub nights: usize,
    /// Their deviation from the level before.
    pub z: f64,
    /// What it had to reach.
    pub threshold: f64,
    /// The robust scale `u` of one night, as a part of the level.
    pub unit: f64,
    /// The variance `V` of the clipped scores.
    pub variance: f64,
    /// How much memory inflates the variance of long means.
    pub rho: f64,
    /// From how many nights the level before is known.
    pub reference_nights: usize,
}

/// How a worsening is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The night that showed it, or the moment when the level was accepted.
    pub at_ms: i64,
    /// How.
    pub how: How,
}

/// Ways to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The last nights are back at the level before.
    Recovered,
    /// Later nights took the change back.
    Retracted,
    /// The new level was accepted.
    Accepted,
}

/// What became of a worsening on one night.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// The night, or the moment when a level was accepted.
    pub at_ms: i64,
    /// What happened.
    pub what: What,
    /// The worsening as it is now.
    pub regression: Regression,
}

/// What can happen to a worsening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It was confirmed.
    Opened,
    /// It is over.
    Ended,
    /// It is there again.
    Returned,
}

/// What is carried from night to night.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Worsenings that are not over, or may return, in the order in which they were confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    regressions: Vec<Regression>,
    /// What pairs measured on the last night would confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<Regression>,
}

/// One night of one series, judged.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The nights that form baselines, oldest first, tonight last: the last 24 at least.
    pub nights: &'a [(i64, f64)],
    /// Which way is better.
    pub better: Direction,
    /// The least amount that matters, in the metric's unit.
    pub floor: f64,
    /// What it says, of all but a count.
    pub tonight: Option<&'a Tonight>,
    /// What the detector carries, tonight included.
    pub state: &'a State,
    /// Statement A of tonight: what it was compared with, and the answer.
    pub baseline: Option<f64>,
    /// Its size.
    pub band: Band,
}

impl Watch {
    /// The worsenings that are not over.
    pub fn open(&self) -> impl Iterator<Item = &Regression> {
        self.regressions.iter().filter(|one| one.ended.is_none())
    }

    /// What pairs measured on the last night would confirm.
    pub fn asked(&self) -> Option<&Regression> {
        self.asked.as_ref()
    }

    /// Whether there is nothing to carry.
    pub fn is_empty(&self) -> bool {
        self.regressions.is_empty() && self.asked.is_none()
    }

    /// Whether a night that says this is no news to anybody and leaves nothing behind.
    pub fn is_idle(&self, tonight: Option<&Tonight>, band: Band) -> bool {
        let silent = match tonight {
            Some(told) => {
                told.confirmed.is_none() && told.retracted.is_empty() && told.confirm.is_none()
            }
            None => !is_worse(band),
        };
        silent && self.is_empty()
    }

    /// Looks at the next night.
    pub fn night(&mut self, judged: &Judged<'_>) -> Vec<News> {
        let mut news = Vec::new();
        self.asked = None;
        let Some(&(now_ms, _)) = judged.nights.last() else {
            return news;
        };
        match judged.tonight {
            Some(tonight) => {
                for change in &tonight.retracted {
                    self.retract(now_ms, change, &mut news);
                }
                if let Some(change) = tonight.confirmed.filter(|change| change.change > 0.0) {
                    self.begin(judged, now_ms, &change, &mut news);
                }
                self.asked = asked(judged, now_ms, tonight);
            }
            None => self.count(judged, now_ms, &mut news),
        }
        self.look(judged, now_ms, &mut news);
        without_stillborn(news)
    }

    /// The level of the nights from here on is the accepted one.
    pub fn accept(&mut self, at_ms: i64) -> Vec<News> {
        let ended = Ended {
            at_ms,
            how: How::Accepted,
        };
        let all = std::mem::take(&mut self.regressions).into_iter();
        all.filter(|one| one.ended.is_none())
            .map(|one| one.end(ended))
            .collect()
    }

    /// Pairs measured on the last night confirm a worsening. None where the night asked for
    /// nothing, or the worsening is known already.
    pub fn confirm(&mut self) -> Option<News> {
        let regression = self.asked.take()?;
        if self.open().any(|one| one.since_ms == regression.since_ms) {
            return None;
        }
        self.regressions.push(regression);
        Some(News {
            at_ms: regression.confirmed_ms,
            what: What::Opened,
            regression,
        })
    }

    fn begin(
        &mut self,
        judged: &Judged<'_>,
        now_ms: i64,
        change: &LevelChange,
        news: &mut Vec<News>,
    ) {
        let is_it = |one: &&Standing| one.since_ms == change.since_ms && one.confirmed_ms == now_ms;
        let Some(standing) = judged.state.changes.iter().rfind(is_it) else {
            return;
        };
        let nights = |a: i64, b: i64| {
            let between = |&&(time, _): &&(i64, f64)| time > a.min(b) && time <= a.max(b);
            judged.nights.iter().filter(between).count()
        };
        let known = self.open().any(|one| {
            one.since_ms == change.since_ms
                || one.by == By::Pairs && nights(one.since_ms, change.since_ms) <= SAME_CHANGE
        });
        if known {
            return;
        }
        let regression = by_nights(judged, now_ms, change, standing);
        // A second life of the same change takes the place of the first.
        self.regressions
            .retain(|one| one.since_ms != regression.since_ms);
        self.regressions.push(regression);
        news.push(News {
            at_ms: now_ms,
            what: What::Opened,
            regression,
        });
    }

    fn retract(&mut self, now_ms: i64, change: &LevelChange, news: &mut Vec<News>) {
        let is_it = |one: &Regression| one.by == By::Nights && one.since_ms == change.since_ms;
        let ended = Ended {
            at_ms: now_ms,
            how: How::Retracted,
        };
        let gone = self.open().filter(|one| is_it(one));
        news.extend(gone.map(|one| one.end(ended)));
        self.regressions.retain(|one| !is_it(one));
    }

    /// A count that left its band, or stepped again outside it.
    fn count(&mut self, judged: &Judged<'_>, now_ms: i64, news: &mut Vec<News>) {
        let [.., (before_ms, before), (_, value)] = *judged.nights else {
            return;
        };
        let step = band::judge(value, Some(before), judged.better, Some(judged.floor));
        let stepped = is_worse(step.band);
        // A count that did not move tonight is no news, whatever the nights before average to: it
        // may have been accepted meanwhile.
        let moved = is_beyond(judged.better, value, before);
        if !is_worse(judged.band) || !moved || !(stepped || self.open().next().is_none()) {
            return;
        }
        let frozen_baseline = match judged.baseline {
            Some(baseline) if !stepped => baseline,
            _ => before,
        };
        let from = band::judge(
            value,
            Some(frozen_baseline),
            judged.better,
            Some(judged.floor),
        );
        let within = (WITHIN * frozen_baseline.abs()).max(judged.floor);
        let regression = Regression {
            since_ms: now_ms,
            earliest_ms: now_ms,
            latest_ms: now_ms,
            last_good_ms: Some(before_ms),
            confirmed_ms: now_ms,
            by: By::Count,
            frozen_baseline,
            limit: worse_by(judged.better, frozen_baseline, within),
            change: from.change,
            numbers: None,
            ended: None,
        };
        self.regressions.push(regression);
        news.push(News {
            at_ms: now_ms,
            what: What::Opened,
            regression,
        });
    }

    /// What the last nights say of the worsenings that are known.
    fn look(&mut self, judged: &Judged<'_>, now_ms: i64, news: &mut Vec<News>) {
        let (nights, better) = (judged.nights, judged.better);
        let last = nights.len().saturating_sub(NIGHTS);
        let last = nights.get(last..).unwrap_or_default();
        let mut values: Vec<f64> = last.iter().map(|night| night.1).collect();
        let Some(median) = order::median_of(&mut values).filter(|_| last.len() == NIGHTS) else {
            return;
        };
        for one in &mut self.regressions {
            match one.ended {
                None => {
                    let own = last.iter().all(|night| night.0 >= one.since_ms);
                    if own && !is_beyond(better, median, one.limit) {
                        let how = How::Recovered;
                        let ended = Ended { at_ms: now_ms, how };
                        news.push(one.end(ended));
                        one.ended = Some(ended);
                    }
                }
                Some(ended) => {
                    let since = nights.partition_point(|night| night.0 <= ended.at_ms);
                    let since = nights.get(since..).unwrap_or_default();
                    if since.len() >= NIGHTS
                        && is_beyond(better, median, one.returns_at(better))
                        && one.is_sure_again(better, since)
                    {
                        one.ended = None;
                        news.push(News {
                            at_ms: now_ms,
                            what: What::Returned,
                            regression: *one,
                        });
                    }
                }
            }
        }
        let changes = &judged.state.changes;
        self.regressions.retain(|one| {
            one.ended.is_none_or(|ended| {
                let since = nights.iter().filter(|night| night.0 > ended.at_ms).count();
                let later = changes.iter().any(|change| change.since_ms > one.since_ms);
                one.by != By::Count && since < RETURN_WITHIN && !later
            })
        });
    }
}

impl Regression {
    fn end(mut self, ended: Ended) -> News {
        self.ended = Some(ended);
        News {
            at_ms: ended.at_ms,
            what: What::Ended,
            regression: self,
        }
    }

    /// Whether the nights since it was over lie as far from the frozen level, in deviations, as
    /// those that confirmed it had to.
    fn is_sure_again(&self, better: Direction, since: &[(i64, f64)]) -> bool {
        let Some(numbers) = self.numbers else {
            return true;
        };
        let frozen = self.frozen_baseline;
        let has_logs = frozen > 0.0 && since.iter().all(|night| night.1 > 0.0);
        let clip = Thresholds::default().clip(since.len());
        let score = |value: f64| {
            let away = match has_logs {
                true => (value / frozen).ln(),
                false => (value - frozen) / frozen.abs(),
            };
            let worse = match better {
                Direction::Lower => away,
                Direction::Higher => -away,
            };
            (worse / numbers.unit).clamp(-clip, clip)
        };
        let sum: f64 = since.iter().map(|night| score(night.1)).sum();
        let mean = sum / since.len() as f64;
        let noise = (numbers.variance, numbers.rho);
        let variance = variance_of_mean(noise, since.len(), numbers.reference_nights.max(1));
        mean >= numbers.threshold * variance.sqrt()
    }

    /// One that recovered is there again beyond this.
    fn returns_at(&self, better: Direction) -> f64 {
        let half = 0.5 * self.change.unwrap_or_default() * self.frozen_baseline.abs();
        let half = worse_by(better, self.frozen_baseline, half);
        if is_beyond(better, half, self.limit) {
            half
        } else {
            self.limit
        }
    }
}

/// Without what begins and is over on the same night: when a level is back, its nights together may
/// confirm the change once more that they have just ended, and that wakes nobody.
fn without_stillborn(mut news: Vec<News>) -> Vec<News> {
    let since = |what: What| {
        let of = news.iter().filter(move |one| one.what == what);
        of.map(|one| one.regression.since_ms).collect::<Vec<_>>()
    };
    let (opened, ended) = (since(What::Opened), since(What::Ended));
    let is_both = |one: &News| {
        let since = one.regression.since_ms;
        let recovered = one
            .regression
            .ended
            .is_some_and(|e| e.how == How::Recovered);
        opened.contains(&since)
            && ended.contains(&since)
            && (one.what == What::Opened || one.what == What::Ended && recovered)
    };
    news.retain(|one| !is_both(one));
    news
}

fn by_nights(
    judged: &Judged<'_>,
    now_ms: i64,
    change: &LevelChange,
    standing: &Standing,
) -> Regression {
    let (context, tail) = (&standing.change.context, &standing.change.tail);
    let start = judged
        .nights
        .partition_point(|night| night.0 < change.since_ms);
    let night = |at: usize| {
        judged
            .nights
            .get(at)
            .map_or(change.since_ms, |night| night.0)
    };
    let unit = context.reading.unit();
    let within = (WITHIN * unit).max(DEVIATIONS * context.noise.deviation());
    Regression {
        since_ms: change.since_ms,
        earliest_ms: night(start.saturating_sub(standing.change.early)),
        latest_ms: night(start + standing.change.late),
        last_good_ms: before(judged.nights, change.since_ms),
        confirmed_ms: now_ms,
        by: if standing.change.paired {
            By::Pairs
        } else {
            By::Nights
        },
        frozen_baseline: change.frozen_baseline,
        limit: worse(
            judged.better,
            context.reading,
            change.frozen_baseline,
            within,
        ),
        change: Some(change.change),
        numbers: Some(Numbers {
            nights: tail.nights,
            z: tail.z,
            threshold: tail.threshold,
            unit: context.noise.unit / unit,
            variance: context.noise.variance,
            rho: context.noise.rho,
            reference_nights: context.reference.map_or(0, |reference| reference.nights),
        }),
        ended: None,
    }
}

/// What pairs measured tonight would confirm: that the nights of the tail that asked for them are
/// a new, worse level.
fn asked(judged: &Judged<'_>, now_ms: i64, tonight: &Tonight) -> Option<Regression> {
    let ask = tonight
        .confirm
        .as_ref()
        .filter(|_| tonight.confirmed.is_none())?;
    let nights = judged.nights.iter();
    let nights = nights.filter(|night| night.0 >= ask.since_ms).count();
    let looked = tonight.tails.iter();
    let looked = looked
        .map(|looked| (&looked.context, &looked.tail))
        .find(|(_, tail)| tail.nights == nights && tail.step > 0.0);
    let (context, tail) = looked?;
    let reference = context.reference?;
    let (reading, unit) = (context.reading, context.reading.unit());
    let sign = match judged.better {
        Direction::Lower => 1.0,
        Direction::Higher => -1.0,
    };
    let (frozen_baseline, change) = match reading {
        Reading::Log => {
            let change = sign * (sign * tail.step).exp_m1();
            ((sign * reference.level).exp(), change)
        }
        Reading::Linear(_) => (sign * reference.level, tail.step / unit),
    };
    let within = (WITHIN * unit).max(DEVIATIONS * context.noise.deviation());
    Some(Regression {
        since_ms: ask.since_ms,
        earliest_ms: ask.since_ms,
        latest_ms: ask.since_ms,
        last_good_ms: before(judged.nights, ask.since_ms),
        confirmed_ms: now_ms,
        by: By::Pairs,
        frozen_baseline,
        limit: worse(judged.better, reading, frozen_baseline, within),
        change: Some(change),
        numbers: Some(Numbers {
            nights: tail.nights,
            z: tail.z,
            threshold: tail.threshold,
            unit: context.noise.unit / unit,
            variance: context.noise.variance,
            rho: context.noise.rho,
            reference_nights: reference.nights,
        }),
        ended: None,
    })
}

fn before(nights: &[(i64, f64)], since_ms: i64) -> Option<i64> {
    let at = nights.partition_point(|night| night.0 < since_ms);
    Some(nights.get(at.checked_sub(1)?)?.0)
}

fn is_worse(band: Band) -> bool {
    matches!(band, Band::Info | Band::Warning | Band::Critical)
}

/// Whether a value is on the bad side of a limit.
pub fn is_beyond(better: Direction, value: f64, limit: f64) -> bool {
    match better {
        Direction::Lower => value > limit,
        Direction::Higher => value < limit,
    }
}

/// A level that is worse by a distance of its reading.
fn worse(better: Direction, reading: Reading, level: f64, distance: f64) -> f64 {
    match (reading, better) {
        (Reading::Log, Direction::Lower) => level * distance.exp(),
        (Reading::Log, Direction::Higher) => level * (-distance).exp(),
        (Reading::Linear(_), _) => worse_by(better, level, distance),
    }
}

fn worse_by(better: Direction, level: f64, distance: f64) -> f64 {
    match better {
        Direction::Lower => level + distance,
        Direction::Higher => level - distance,
    }
}

#[cfg(test)]
mod tests;
