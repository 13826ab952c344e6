//! What rules would have done to the nights that are stored: shown before they are saved.

use std::sync::Arc;

use bench_verdict::gate::GateOptions;
use bench_verdict::patterns::{Change, Effective, Named};
pub use bench_verdict::patterns::{MOST, Pattern, Patterns};
use serde::Serialize;

use super::order;
use crate::domain::{Millis, Point, Series, SeriesId};

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The rules.
    pub rules: &'a Patterns,
    /// What holds where no rule does.
    pub options: &'a GateOptions,
    /// Spans of a series that a person dismissed, or that were taken back: from, to.
    pub dismissed: &'a [(SeriesId, Millis, Millis)],
}

/// One series with its machine's name and its nights, oldest first.
#[derive(Debug, Clone)]
pub struct Nights {
    /// The series.
    pub series: Arc<Series>,
    /// The name of its machine.
    pub environment: String,
    /// The nights of the main branch that form baselines.
    pub points: Vec<Point>,
}

/// What rules would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backtest {
    /// Nights looked at, over all series.
    pub nights: usize,
    /// Series looked at.
    pub series: usize,
    /// What all rules together would have done.
    pub sum: Tally,
    /// What the gate alone would have done, without any rule.
    pub without: Tally,
    /// By rule, in their order: the cases of series that it is the last one to name.
    pub rules: Vec<RuleTally>,
    /// Cases of series that no rule names.
    pub unnamed: Tally,
}

/// Cases. A case is a stretch of nights of one series in which the gate would have failed for it:
/// above the threshold, and confirmed or exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many would have been raised.
    pub raised: usize,
    /// Of these, how many lie in a span that was dismissed or taken back.
    pub dismissed: usize,
    /// Of these, how many lasted one night only.
    pub one_night: usize,
    /// How many the gate alone would have raised, and these rules would not.
    pub silenced: usize,
}

/// What one rule would have done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleTally {
    /// Series that it names.
    pub names: usize,
    /// Series for which it is the last one to.
    pub decides: usize,
    /// Its cases.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Tries rules on stored nights.
pub fn backtest(all: &[Nights], trial: Trial<'_>) -> Backtest {
    let mut backtest = Backtest {
        nights: 0,
        series: all.len(),
        sum: Tally::default(),
        without: Tally::default(),
        rules: vec![RuleTally::default(); trial.rules.0.len()],
        unnamed: Tally::default(),
    };
    let none = Patterns::default();
    for nights in all {
        backtest.nights += nights.points.len();
        let own = effective(trial.rules, nights, trial.options);
        let alone = effective(&none, nights, trial.options);
        for at in &own.by {
            backtest.rules[*at].names += 1;
        }
        let (with, without) = (cases(nights, &own), cases(nights, &alone));
        let mut tally = tallied(&with, nights, trial.dismissed);
        let overlaps = |case: &Case| with.iter().any(|w| w.0 <= case.1 && case.0 <= w.1);
        tally.silenced = without.iter().filter(|case| !overlaps(case)).count();
        backtest.sum.add(tally);
        backtest
            .without
            .add(tallied(&without, nights, trial.dismissed));
        match own.by.last() {
            Some(at) => {
                backtest.rules[*at].decides += 1;
                backtest.rules[*at].tally.add(tally);
            }
            None => backtest.unnamed.add(tally),
        }
    }
    backtest
}

/// What holds for a series of a machine.
pub fn effective(rules: &Patterns, nights: &Nights, options: &GateOptions) -> Effective {
    let key = &nights.series.key;
    let named = Named {
        benchmark: &key.benchmark,
        metric: &key.metric,
        params: &key.params,
        environment: &nights.environment,
    };
    rules.effective(named, options)
}

/// The first and the last night of a case, as places among the points.
type Case = (usize, usize);

fn cases(nights: &Nights, own: &Effective) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (at, point) in nights.points.iter().enumerate() {
        let judged = &point.judgement;
        let change = Change {
            value: point.value,
            baseline: judged.baseline,
            change: judged.change,
            band: judged.band,
        };
        if !order::is_certain(judged.evidence) || !own.is_above(&change) {
            continue;
        }
        match cases.last_mut() {
            Some(last) if last.1 + 1 == at => last.1 = at,
            _ => cases.push((at, at)),
        }
    }
    cases
}

fn tallied(cases: &[Case], nights: &Nights, dismissed: &[(SeriesId, Millis, Millis)]) -> Tally {
    let is_dismissed = |case: &&Case| {
        let (from, to) = (nights.points[case.0].time, nights.points[case.1].time);
        dismissed
            .iter()
            .any(|(series, start, end)| *series == nights.series.id && *start <= to && from <= *end)
    };
    Tally {
        raised: cases.len(),
        dismissed: cases.iter().filter(is_dismissed).count(),
        one_night: cases.iter().filter(|case| case.0 == case.1).count(),
        silenced: 0,
    }
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.raised += other.raised;
        self.dismissed += other.dismissed;
        self.one_night += other.one_night;
        self.silenced += other.silenced;
    }
}
