//! What bridges make of the alerts of an ended epoch.

use std::sync::Arc;

use bench_report::metric::Direction;
use bench_verdict::verdict::Band;
use kvmark::analysis::alerts::bridge::{carry_on, legs};
use kvmark::analysis::epochs::Part;
use kvmark::domain::alert::{Alert, AlertEvent, AlertSeries, AlertState, By, How, Night, What};
use kvmark::domain::bridge::Bridges;
use kvmark::domain::{AlertId, Environment, EnvironmentId, Millis, Point, RunId, SeriesId};

use super::builders::{TONIGHT, environment, point};

/// A night of the series on machine `machine`, `days_ago`.
fn night(machine: i64, days_ago: i64, value: f64) -> Point {
    of_commit(point(days_ago, value, Band::None), machine)
}

fn of_commit(mut point: Point, machine: i64) -> Point {
    Arc::make_mut(&mut point.of).commit = format!("commit of {machine}").into();
    point
}

/// A machine's part: its nights, and what bridging runs measured there of the machine before.
fn part(machine: i64, nights: Vec<Point>, bridges: &[f64]) -> Part {
    let bridge = |value: &f64| of_commit(nights[0].clone(), machine - 1).with(*value);
    Part {
        machine: Environment {
            id: EnvironmentId(machine),
            ..environment()
        },
        series: SeriesId(machine),
        bridges: bridges.iter().map(bridge).collect(),
        nights,
    }
}

trait With {
    fn with(self, value: f64) -> Self;
}

impl With for Point {
    fn with(self, value: f64) -> Self {
        Self { value, ..self }
    }
}

/// Three machines, a week each; the second reads twice as much, the third half of that.
fn parts(second: &[f64], third: &[f64], last: f64) -> Vec<Part> {
    let week = |machine: i64, from: i64, value: f64| -> Vec<Point> {
        let days = (from..from + 7).rev();
        days.map(|days_ago| night(machine, days_ago, value))
            .collect()
    };
    vec![
        part(1, week(1, 14, 125.0), &[]),
        part(2, week(2, 7, 250.0), second),
        part(3, week(3, 0, last), third),
    ]
}

fn alert(limit: f64) -> Alert {
    let at = TONIGHT.minus_days(18);
    let since = Night {
        run: RunId(1),
        at,
        commit: "bad".to_owned(),
    };
    Alert {
        id: AlertId(1),
        fingerprint: "f".to_owned(),
        environment: EnvironmentId(1),
        suite: "kv-sync".to_owned(),
        suite_version: "1".to_owned(),
        state: AlertState::Open,
        owner: None,
        version: 1,
        opened_at: at,
        changed_at: at,
        first_bad: since.clone(),
        last_good: None,
        series: vec![AlertSeries {
            series: SeriesId(1),
            since,
            last_good: None,
            confirmed_at: at,
            by: By::Nights,
            frozen_baseline: 100.0,
            limit,
            change: Some(0.25),
            numbers: None,
            ended: None,
            bridged: None,
        }],
        events: vec![AlertEvent {
            at,
            who: None,
            what: What::Confirmed,
            series: Some(SeriesId(1)),
            text: None,
        }],
    }
}

fn bridges(parts: &[Part], better: Direction) -> Bridges {
    let legs = legs(parts, SeriesId(1), "1", better).unwrap();
    Bridges::from([(SeriesId(1), legs)])
}

#[test]
fn a_chain_of_bridges_multiplies_its_factors_as_far_as_it_reaches() {
    let factors = |second: &[f64], third: &[f64]| -> Vec<f64> {
        let all = bridges(&parts(second, third, 125.0), Direction::Lower);
        all[&SeriesId(1)].iter().map(|leg| leg.factor).collect()
    };
    assert_eq!(factors(&[250.0], &[125.0]), [2.0, 1.0]);
    // Several runs of one bridge: their median.
    assert_eq!(factors(&[240.0, 250.0, 300.0], &[]), [2.0]);
    assert_eq!(factors(&[], &[125.0]), [0.0; 0]);
    let none = legs(
        &parts(&[], &[], 1.0)[1..],
        SeriesId(1),
        "1",
        Direction::Lower,
    );
    assert_eq!(none, None, "of an epoch without nights nothing is known");
}

#[test]
fn a_series_is_carried_to_the_last_epoch_that_is_reached_and_is_back_there() {
    let reached = |last: f64| {
        let mut alert = alert(102.5);
        let bridges = bridges(&parts(&[250.0], &[125.0], last), Direction::Lower);
        carry_on(&mut alert, &bridges);
        alert
    };
    let worse = reached(124.0);
    let there = worse.series[0].bridged.as_ref().unwrap();
    assert_eq!((there.series, there.factor), (SeriesId(3), 1.0));
    assert_eq!((there.frozen_baseline, there.limit), (100.0, 102.5));
    assert_eq!(
        (worse.state, worse.series[0].ended),
        (AlertState::Open, None)
    );
    let fixed = reached(101.0);
    assert_eq!(fixed.state, AlertState::Resolved);
    // The third good night there.
    let at = TONIGHT.minus_days(4);
    assert_eq!(fixed.series[0].ended, Some((at, How::Recovered)));
}

#[test]
fn where_higher_is_better_back_means_at_least() {
    for (last, state) in [(97.0, AlertState::Open), (98.0, AlertState::Resolved)] {
        let mut alert = alert(97.5);
        let mut parts = parts(&[250.0], &[], 1.0);
        parts.truncate(2);
        for night in &mut parts[1].nights {
            night.value = 2.0 * last;
        }
        carry_on(&mut alert, &bridges(&parts, Direction::Higher));
        assert_eq!(alert.state, state, "{last}");
    }
}

#[test]
fn a_further_bridge_corrects_what_the_first_did_and_none_takes_it_back() {
    let mut carried = alert(102.5);
    let before = carried.clone();
    let with = |second: &[f64]| bridges(&parts(second, &[], 1.0), Direction::Lower);
    // By the first bridge alone it looks fixed.
    carry_on(&mut carried, &with(&[320.0]));
    assert_eq!(carried.state, AlertState::Resolved);
    carry_on(&mut carried, &with(&[320.0, 250.0, 250.0]));
    assert_eq!(carried.state, AlertState::Open);
    let mut at_once = before.clone();
    carry_on(&mut at_once, &with(&[320.0, 250.0, 250.0]));
    assert_eq!(carried, at_once);
    carry_on(&mut carried, &with(&[]));
    assert_eq!(carried, before);
    // Where nothing is known of it, it stays.
    let kept = at_once.clone();
    carry_on(&mut at_once, &Bridges::new());
    assert_eq!(at_once, kept);
}

#[test]
fn what_a_person_closed_knows_no_later_bridge() {
    let mut closed = alert(102.5);
    let said = |at: Millis| AlertEvent {
        at,
        who: Some("a.k.".to_owned()),
        what: What::Dismissed,
        series: None,
        text: Some("noise".to_owned()),
    };
    let bridges = bridges(&parts(&[250.0], &[], 1.0), Direction::Lower);
    closed.events.push(said(TONIGHT.minus_days(14)));
    carry_on(&mut closed, &bridges);
    assert_eq!(closed.state, AlertState::Dismissed);
    assert_eq!(closed.series[0].bridged, None);
    // One that was there before stays.
    closed.events.pop();
    closed.events.push(said(TONIGHT.minus_days(1)));
    carry_on(&mut closed, &bridges);
    assert_eq!(closed.state, AlertState::Dismissed);
    assert!(closed.series[0].bridged.is_some());
}
