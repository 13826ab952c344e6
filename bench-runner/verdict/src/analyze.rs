//! A whole history judged at once, replayed night by night: what the nightly job would have said.

use std::collections::HashMap;

use bench_report::metric::Direction;
use serde::Serialize;

use crate::band::{self, Band, Point};
use crate::creep;
use crate::evidence::Thresholds;
use crate::evidence::context::{Context, Scratch};
use crate::evidence::detector::{Detector, News};
use crate::history::{History, Metric, Night};
use crate::segments::{self, Cutting};
use crate::stats::e_divisive::Divisive;

/// Everything that the rules say about one series.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Analysis {
    /// Where the level changed, seen from today.
    pub change_points: Vec<ChangePoint>,
    /// The alarms that the nightly job would have raised, each seeing only the past.
    pub alarms: Vec<Alarm>,
    /// Where slow change was first seen against each accepted level.
    pub creep: Vec<CreepPoint>,
    /// The band of each night.
    pub bands: Vec<Band>,
}

/// What a change point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// The level changed.
    Step,
    /// A new epoch began.
    Environment,
}

/// Where the level changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChangePoint {
    /// The first night of the new level.
    pub index: usize,
    /// The change of the level, positive being worse.
    pub change: f64,
    /// What it is.
    pub kind: ChangeKind,
}

/// An alarm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Alarm {
    /// The night on which it was raised.
    pub index: usize,
    /// The first night of the new level.
    pub change_index: usize,
    /// The change of the level, positive being worse.
    pub change: f64,
}

/// Slow change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CreepPoint {
    /// The night on which it was first seen.
    pub index: usize,
    /// The change since the accepted level, positive being worse.
    pub change: f64,
}

/// Where a second opinion sees the distribution change, inside each epoch. It decides nothing.
pub fn second_opinion(history: &History) -> Vec<ChangePoint> {
    let nights = history.nights();
    let mut found = Vec::new();
    let mut from = 0;
    for epoch in nights.chunk_by(|a, b| a.epoch == b.epoch) {
        let to = from + epoch.len();
        let reading = history.reading(from, to);
        let values = &history.values(reading)[from..to];
        let cuts = Divisive::default().cuts(values);
        for (place, &at) in cuts.iter().enumerate() {
            let before = place.checked_sub(1).map_or(0, |place| cuts[place]);
            let after = cuts.get(place + 1).copied().unwrap_or(values.len());
            let median = |part: &[f64]| crate::stats::order::median(part).unwrap_or_default();
            let step = median(&values[at..after]) - median(&values[before..at]);
            found.push(ChangePoint {
                index: from + at,
                change: history.change(reading, step),
                kind: ChangeKind::Step,
            });
        }
        from = to;
    }
    found
}

/// Judges a history.
pub fn analyze(history: &History) -> Analysis {
    let mut analysis = Analysis {
        bands: bands(history),
        ..Analysis::default()
    };
    change_points(history, &mut analysis);
    replay(history, &mut analysis);
    analysis
}

/// Judges nights that are in time order.
pub fn analyze_nights(nights: Vec<Night>, better: Direction) -> Analysis {
    analyze(&History::new(nights, Metric::new(better)))
}

/// Each night against the nights of its own environment, also where environments take turns.
fn bands(history: &History) -> Vec<Band> {
    let metric = history.metric();
    let mut points: HashMap<u64, Vec<Point>> = HashMap::new();
    history
        .nights()
        .iter()
        .map(|night| {
            let own = points.entry(night.epoch).or_default();
            let baseline = band::baseline(own, night.time_ms);
            own.push(Point {
                time_ms: night.time_ms,
                value: night.value,
            });
            band::judge(
                night.value,
                baseline.mean,
                metric.better,
                Some(metric.floor),
            )
            .band
        })
        .collect()
}

fn change_points(history: &History, analysis: &mut Analysis) {
    let nights = history.nights();
    let mut from = 0;
    while from < nights.len() {
        let same = nights[from..]
            .iter()
            .take_while(|night| night.epoch == nights[from].epoch);
        let to = from + same.count();
        let reading = history.reading(from, to);
        if from > 0 {
            let (change, kind) = (level_change(history, from), ChangeKind::Environment);
            analysis.change_points.push(ChangePoint {
                index: from,
                change,
                kind,
            });
        }
        for cut in segments::cuts(history, from, to, &Cutting::HISTORY) {
            let change = history.change(reading, cut.step);
            analysis.change_points.push(ChangePoint {
                index: cut.at,
                change,
                kind: ChangeKind::Step,
            });
        }
        from = to;
    }
}

/// The change of the medians of the two weeks around the start of an epoch.
fn level_change(history: &History, at: usize) -> f64 {
    let (from, to) = (
        at.saturating_sub(creep::NIGHTS),
        (at + creep::NIGHTS).min(history.len()),
    );
    let reading = history.reading(from, to);
    let values = history.values(reading);
    let median = |part: &[f64]| crate::stats::order::median(part).unwrap_or_default();
    history.change(reading, median(&values[at..to]) - median(&values[from..at]))
}

fn replay(history: &History, analysis: &mut Analysis) {
    let thresholds = Thresholds::default();
    let mut detector = Detector::new(history, thresholds);
    let mut scratch = Scratch::default();
    let mut news = Vec::new();
    let mut flagged_since = None;
    for night in 0..history.len() {
        news.clear();
        detector.step(&mut news);
        for item in &news {
            if let News::Confirmed(change) = item {
                analysis.alarms.push(Alarm {
                    index: night,
                    change_index: change.start,
                    change: history.change(change.context.reading, change.tail.step),
                });
            }
        }
        let accepted = detector.boundaries().last().copied().unwrap_or(0);
        if flagged_since == Some(accepted) || night + 1 < accepted + 2 * creep::NIGHTS {
            continue;
        }
        let reading = history.reading(accepted, night + 1);
        let values = &history.values(reading)[accepted..=night];
        let quick = crate::stats::hodges_lehmann::shift(
            &values[..creep::NIGHTS],
            &values[values.len() - creep::NIGHTS..],
        );
        if quick.is_none_or(|shift| shift.abs() <= creep::LEAST * reading.unit()) {
            continue;
        }
        let boundaries = detector.boundaries();
        let context = Context::of(history, boundaries, night + 1, &thresholds, &mut scratch);
        let crept = context
            .and_then(|context| creep::creep(values, values, &context.noise, reading.unit()));
        if let Some(crept) = crept.filter(|crept| crept.flagged) {
            flagged_since = Some(accepted);
            let change = history.change(reading, crept.shift);
            analysis.creep.push(CreepPoint {
                index: night,
                change,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Simulation;
    use crate::stats::random::Random;
    use crate::tonight::Walk;

    #[test]
    fn a_history_with_everything_is_described() {
        let simulation = Simulation::new(11)
            .noise(0.01)
            .nights(60)
            .step(1.15)
            .nights(60)
            .epoch()
            .step(1.4)
            .nights(40)
            .drift(150, 0.0007);
        let analysis = analyze(&simulation.history());
        let steps: Vec<&ChangePoint> = analysis.change_points.iter().collect();
        assert!(steps[0].index.abs_diff(60) <= 1 && steps[0].kind == ChangeKind::Step);
        assert_eq!(
            (steps[1].index, steps[1].kind),
            (120, ChangeKind::Environment)
        );
        let alarm = analysis.alarms[0];
        assert!(
            alarm.change_index.abs_diff(60) <= 1 && alarm.index <= 64,
            "{alarm:?}"
        );
        assert!((alarm.change - 0.15).abs() < 0.03, "{alarm:?}");
        assert!(
            !analysis.creep.is_empty() && analysis.creep[0].index > 180,
            "{analysis:?}"
        );
        assert_eq!(analysis.bands.len(), 310);
        let warming = [0, 1, 2, 120, 121, 122].map(|night| analysis.bands[night]);
        assert_eq!(warming, [Band::Warming; 6], "a new epoch warms up again");
    }

    #[test]
    fn a_second_opinion_stays_inside_its_epochs() {
        let simulation = Simulation::new(4)
            .noise(0.01)
            .nights(50)
            .step(1.1)
            .nights(45)
            .epoch()
            .step(2.0)
            .nights(60);
        let found = second_opinion(&simulation.history());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].index.abs_diff(50) <= 1, "{found:?}");
        assert!((found[0].change - 0.1).abs() < 0.01, "{found:?}");
    }

    /// Histories of values from the ends of what a number can be, and of ordinary ones between them.
    fn extreme(random: &mut Random) -> Vec<Night> {
        const ENDS: [f64; 12] = [
            0.0,
            -0.0,
            5e-324,
            1e-300,
            1e-9,
            1.0,
            1e9,
            1e300,
            f64::MAX,
            -1e-300,
            -1e300,
            -f64::MAX,
        ];
        let kinds = 1 + random.below(4);
        let kinds: Vec<f64> = (0..kinds).map(|_| ENDS[random.below(ENDS.len())]).collect();
        (0..random.below(90))
            .map(|night| Night {
                time_ms: night as i64 * 86_400_000,
                value: kinds[random.below(kinds.len())] * [1.0, 0.5][random.below(2)],
                epoch: u64::from(random.below(40) == 0),
            })
            .collect()
    }

    #[test]
    fn whatever_finite_values_a_history_has_all_that_is_said_is_a_number() {
        let mut random = Random::new(31);
        let (mut cut, mut alarmed, mut crept) = (0, 0, 0);
        for case in 0..3_000 {
            let nights = extreme(&mut random);
            for better in [Direction::Lower, Direction::Higher] {
                let history = History::new(nights.clone(), Metric::new(better));
                let said = analyze(&history);
                assert_eq!(said.bands.len(), nights.len());
                let sizes = said.change_points.iter().map(|point| point.change);
                let sizes = sizes.chain(said.alarms.iter().map(|alarm| alarm.change));
                let sizes = sizes.chain(said.creep.iter().map(|point| point.change));
                for size in sizes {
                    assert!(size.is_finite(), "case {case}: {said:?}\n{nights:?}");
                }
                cut += said.change_points.len();
                alarmed += said.alarms.len();
                crept += said.creep.len();
                for told in Walk::new(&history, Thresholds::default()) {
                    let numbers = [told.noise_floor, told.detectable_change, told.creep];
                    let is_number = |number: &f64| number.is_finite();
                    assert!(
                        numbers.iter().flatten().all(is_number),
                        "case {case}: {told:?}\n{nights:?}"
                    );
                    let sizes = told.confirmed.iter().chain(&told.retracted);
                    for change in sizes {
                        assert!(
                            change.change.is_finite() && change.frozen_baseline.is_finite(),
                            "case {case}: {change:?}\n{nights:?}"
                        );
                    }
                }
            }
        }
        assert!(
            cut > 100 && alarmed > 100 && crept > 10,
            "{cut} {alarmed} {crept}"
        );
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let none = History::new(Vec::new(), Metric::new(Direction::Lower));
        assert_eq!(second_opinion(&none), []);
        assert_eq!(
            analyze_nights(Vec::new(), Direction::Lower),
            Analysis::default()
        );
    }
}
