//! A whole history of one series, judged night by night: each night sees the nights before it only.
//! It says what [`super::judge::judge_night`] would have said had the runs come one by one.

use std::sync::Arc;

use bench_report::metric::Kind;
use bench_verdict::band;
use bench_verdict::confirmation::Confirmation;
use bench_verdict::evidence::Thresholds;
use bench_verdict::history::{History, Night};
use bench_verdict::inputs::Inputs;
use bench_verdict::regression::News;
use bench_verdict::tonight::settle::Settled;
use bench_verdict::tonight::{Ask, Tonight, Walk, tonight};

use super::carried::{CarriedSeries, metric};
use super::judge::{in_parallel, rule, with_evidence};
use crate::domain::alert::SeriesNews;
use crate::domain::{Judgement, Millis, Point, RunId, Series, SeriesId};

/// One run of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// The run.
    pub run: RunId,
    /// Its time.
    pub time: Millis,
    /// What it published.
    pub value: f64,
    /// Whether later nights are judged from it.
    pub forms_baseline: bool,
}

impl From<&Point> for Seen {
    fn from(point: &Point) -> Self {
        Self {
            run: point.run,
            time: point.time,
            value: point.value,
            forms_baseline: point.of.forms_baseline,
        }
    }
}

/// What is said of one run.
#[derive(Debug)]
pub struct Said<'a> {
    /// The run.
    pub seen: &'a Seen,
    /// What is said of it.
    pub judgement: Judgement,
    /// All that the detector says; none of a count.
    pub tonight: Option<Tonight>,
    /// What it asked for before any pairs answered.
    pub asked: Option<Ask>,
    /// What became of worsenings: since the run before, levels were accepted; and tonight.
    pub news: Vec<News>,
}

/// What people and pairs said of a series, beside its runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// When a person or a release accepted the level, in the order of time.
    pub accepted: Vec<Millis>,
    /// The times of the nights whose pairs confirmed a worsening, in the order of time.
    pub confirmed: Vec<Millis>,
    /// What the pairs of a run's night came to.
    pub settled: Vec<(RunId, Confirmation)>,
}

/// Follows a series through its runs of one suite version and machine, which are in the order of
/// time, and tells `say` what is said of each. Returns what the next night is judged from, and what
/// became of worsenings after the last run.
pub fn follow(
    series: &Series,
    runs: &[Seen],
    beside: &Beside,
    say: impl FnMut(Said<'_>),
) -> (CarriedSeries, Vec<News>) {
    follow_from(0, series, runs, beside, say)
}

/// The same, for whom only the runs from place `from` on matter: those before it leave behind what
/// they leave, but nothing is said of them, and no worsening of theirs is watched.
pub(super) fn follow_from(
    from: usize,
    series: &Series,
    runs: &[Seen],
    beside: &Beside,
    mut say: impl FnMut(Said<'_>),
) -> (CarriedSeries, Vec<News>) {
    let forming = || runs.iter().filter(|seen| seen.forms_baseline);
    let points: Vec<band::Point> = forming()
        .map(|seen| band::Point {
            time_ms: seen.time.0,
            value: seen.value,
        })
        .collect();
    let nights: Vec<Night> = forming()
        .map(|seen| Night {
            time_ms: seen.time.0,
            value: seen.value,
            epoch: 0,
        })
        .collect();
    let history = History::new(nights, metric(series));
    let thresholds = Thresholds::default();
    let is_count = series.kind == Kind::Count;
    let mut walk = Walk::new(&history, thresholds);
    let mut carried = CarriedSeries::default();
    let mut accepted = beside.accepted.iter().peekable();
    let mut formed = 0;
    for (place, seen) in runs.iter().enumerate() {
        let mut news = Vec::new();
        while let Some(at) = accepted.next_if(|at| **at <= seen.time) {
            walk.accept(at.0);
            news.extend(carried.watch.accept(at.0));
        }
        let night = (seen.time, seen.value);
        let settled = beside.settled.iter().find(|(run, _)| *run == seen.run);
        if place < from && settled.is_none() {
            if seen.forms_baseline {
                carried.push(night);
                formed += 1;
                if !is_count {
                    walk.pass();
                }
            }
            continue;
        }
        // A run that forms no baseline is the last of a history of its own.
        let own = (!seen.forms_baseline).then(|| carried.history(series, Some(night)));
        if seen.forms_baseline {
            carried.push(night);
            formed += 1;
        }
        let nights = own.as_ref().map(History::nights);
        let mut hash = Inputs {
            metric: history.metric(),
            nights: nights.unwrap_or(&history.nights()[..formed]),
            state: walk.state(),
            window: band::window(&points, seen.time.0),
            is_count,
        }
        .hash();
        let mut told = match &own {
            _ if is_count => None,
            None => walk.next(),
            Some(own) => tonight(own, &mut walk.state().clone(), &thresholds),
        };
        let asked = told.as_ref().and_then(|told| told.confirm.clone());
        if let (Some(told), Some(asked), Some((_, pairs))) = (&mut told, &asked, settled)
            && seen.forms_baseline
        {
            let settled = Settled {
                against_ms: asked.against_ms,
                outcome: pairs.outcome,
                log_ratio: pairs.log_ratio,
            };
            walk.settle(&settled, told);
            hash = hash.and(&settled);
        }
        let ruled = rule(series, seen.value, &points, seen.time);
        let judgement = with_evidence(ruled, told.as_ref(), seen.forms_baseline, hash);
        if seen.forms_baseline {
            news.extend(carried.watch(series, &judgement, told.as_ref(), walk.state()));
            if beside.confirmed.binary_search(&seen.time).is_ok() {
                news.extend(carried.watch.confirm());
            }
        }
        say(Said {
            seen,
            judgement,
            tonight: told,
            asked,
            news,
        });
    }
    let mut news = Vec::new();
    for at in accepted {
        walk.accept(at.0);
        news.extend(carried.watch.accept(at.0));
    }
    carried.state = walk.state().clone();
    (carried, news)
}

/// What following a series came to.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The series.
    pub series: SeriesId,
    /// Runs of which something else is said than before.
    pub changes: Vec<(RunId, Judgement)>,
    /// What its newest night asks for, and that night's run.
    pub asked: Option<(RunId, Ask)>,
    /// What became of worsenings, in the order of time.
    pub news: Vec<SeriesNews>,
    /// What the next night is judged from.
    pub carried: CarriedSeries,
}

/// Follows series through their runs of one suite version, on all processors, and tells where what
/// is said now differs from what the points say.
pub fn follow_all(all: &[(Arc<Series>, Vec<Point>, Beside)]) -> Vec<Followed> {
    in_parallel(all, 1, |(series, points, beside)| {
        let runs: Vec<Seen> = points.iter().map(Seen::from).collect();
        let mut before = points.iter().map(|point| &point.judgement);
        let (mut changes, mut news, mut asked) = (Vec::new(), Vec::new(), None);
        let (carried, last) = follow(series, &runs, beside, |said| {
            if said.seen.forms_baseline {
                asked = said.asked.clone().map(|ask| (said.seen.run, ask));
            }
            if before.next() != Some(&said.judgement) {
                changes.push((said.seen.run, said.judgement));
            }
            news.extend(said.news);
        });
        news.extend(last);
        let of_series = |news| SeriesNews {
            series: series.id,
            news,
        };
        Followed {
            series: series.id,
            changes,
            asked,
            news: news.into_iter().map(of_series).collect(),
            carried,
        }
    })
}
