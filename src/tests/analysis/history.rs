//! What a trend chart draws.

use std::sync::Arc;

use bench_verdict::verdict::Band;
use kvmark::analysis::history::{EventKind, HistoryInputs, build};
use kvmark::domain::{EnvironmentId, Millis, Point};

use super::builders::{TONIGHT, environment, point, series};

fn inputs(points: Vec<Point>) -> HistoryInputs {
    HistoryInputs {
        series: series(1, "KVEventConcurrency", "latency_p99", "cpu=2"),
        environment: environment(),
        points,
        earlier: Vec::new(),
        from: TONIGHT.minus_days(90),
        to: TONIGHT,
    }
}

fn night(nights: i64, value: f64) -> Point {
    point(nights, value, Band::None)
}

#[test]
fn no_points_draw_nothing() {
    let history = build(inputs(Vec::new()));
    assert!(history.points.is_empty() && history.gaps.is_empty() && history.levels.is_empty());
}

#[test]
fn points_outside_the_span_are_left_out_and_the_rest_is_in_order() {
    let history = build(inputs(vec![night(0, 3.0), night(91, 1.0), night(90, 2.0)]));
    let values: Vec<f64> = history.points.iter().map(|point| point.value).collect();
    assert_eq!(values, [2.0, 3.0]);
}

#[test]
fn a_missing_night_is_a_gap_and_a_late_one_is_not() {
    let mut late = night(3, 1.0);
    late.time = Millis(late.time.0 + 5 * 3_600_000);
    let history = build(inputs(vec![
        night(6, 1.0),
        night(5, 1.0),
        night(4, 1.0),
        late,
        night(1, 1.0),
        night(0, 1.0),
    ]));
    assert_eq!(history.gaps.len(), 1);
    assert_eq!(history.gaps[0].1, TONIGHT.minus_days(1));
}

#[test]
fn a_weekly_series_has_no_gaps() {
    let history = build(inputs(vec![
        night(21, 1.0),
        night(14, 1.0),
        night(7, 1.0),
        night(0, 1.0),
    ]));
    assert!(history.gaps.is_empty());
}

#[test]
fn several_runs_a_night_make_no_gap_of_the_day_between() {
    let again = |nights: i64| {
        let mut point = night(nights, 1.0);
        point.time = Millis(point.time.0 + 600_000);
        point
    };
    let points = vec![
        night(2, 1.0),
        again(2),
        night(1, 1.0),
        again(1),
        night(0, 1.0),
    ];
    assert!(build(inputs(points)).gaps.is_empty());
}

#[test]
fn a_new_suite_version_ends_an_epoch_and_its_level() {
    let mut points: Vec<Point> = (0..10).rev().map(|n| night(n, 100.0 + n as f64)).collect();
    for point in &mut points[6..] {
        Arc::make_mut(&mut point.of).suite_version = "2".into();
        point.value += 50.0;
    }
    let history = build(inputs(points));
    assert_eq!(history.events.len(), 1);
    assert_eq!(history.events[0].kind, EventKind::Epoch);
    assert_eq!(history.events[0].label, "suite 1 to 2");
    assert_eq!(history.events[0].time, TONIGHT.minus_days(3));
    let levels: Vec<f64> = history.levels.iter().map(|level| level.2).collect();
    assert_eq!(levels, [106.5, 151.5]);
    assert_eq!(history.levels[0].1, TONIGHT.minus_days(4));
}

#[test]
fn a_replaced_machine_is_an_earlier_epoch_and_says_what_differs() {
    let fact = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    let check = |changes: &[(&str, &str)], label: &str| {
        let mut before = environment();
        before.id = EnvironmentId(9);
        for (name, value) in changes {
            before.facts.retain(|fact| fact.0 != *name);
            before.facts.push(fact(name, value));
        }
        let mut inputs = inputs(vec![night(2, 120.0), night(1, 120.0), night(0, 120.0)]);
        inputs.environment.facts.push(fact("Kernel", "6.8"));
        before
            .facts
            .extend(changes.is_empty().then(|| fact("Kernel", "6.8")));
        inputs.earlier = vec![(before, vec![night(4, 100.0), night(3, 100.0)])];
        let history = build(inputs);
        assert_eq!(history.events.len(), 1);
        assert_eq!(history.events[0].label, label);
        assert_eq!(history.events[0].time, TONIGHT.minus_days(2));
        let levels: Vec<f64> = history.levels.iter().map(|level| level.2).collect();
        assert_eq!(levels, [100.0, 120.0]);
    };
    check(&[("Kernel", "6.1")], "kernel 6.1 to 6.8");
    check(
        &[("CPU", "EPYC 7313"), ("Kernel", "6.8")],
        "CPU EPYC 7313 to EPYC 7B13",
    );
    check(
        &[("CPU", "EPYC 7313"), ("Kernel", "6.1")],
        "another machine: CPU, kernel",
    );
    check(
        &[("Kernel", "6.8"), ("Turbo", "on")],
        "turbo on to not known",
    );
    check(&[], "another machine");
}

#[test]
fn a_level_that_changed_and_stayed_is_a_change_point_inside_its_epoch() {
    let noise = |n: i64| 1.0 + 0.01 * ((n * 7919 % 13) as f64 - 6.0) / 6.0;
    let points: Vec<Point> = (0..80)
        .rev()
        .map(|n| {
            let level = if n < 30 { 120.0 } else { 100.0 };
            let mut point = night(n, level * noise(n));
            Arc::make_mut(&mut point.of).suite_version = if n < 60 { "2" } else { "1" }.into();
            // A run by hand is no night, however odd.
            if n == 10 {
                Arc::make_mut(&mut point.of).forms_baseline = false;
                point.value = 900.0;
            }
            point
        })
        .collect();
    let history = build(inputs(points));
    let events: Vec<(EventKind, Millis)> = history
        .events
        .iter()
        .map(|event| (event.kind, event.time))
        .collect();
    assert_eq!(
        events,
        [
            (EventKind::Epoch, TONIGHT.minus_days(59)),
            (EventKind::ChangePoint, TONIGHT.minus_days(29)),
        ]
    );
    let label = &history.events[1].label;
    assert!(
        label.starts_with("step +19.") || label.starts_with("step +20."),
        "{label}"
    );
    assert_eq!(history.levels.len(), 3);
}

#[test]
fn change_points_are_those_of_the_nights_asked_for_however_often_others_were() {
    let noise = |n: i64| 1.0 + 0.01 * ((n * 7919 % 13) as f64 - 6.0) / 6.0;
    let changed = |ago: i64| {
        let level = |n: i64| if n <= ago { 120.0 } else { 100.0 };
        let points = (0..60).rev().map(|n| night(n, level(n) * noise(n)));
        let events = build(inputs(points.collect())).events;
        let times: Vec<Millis> = events.iter().map(|event| event.time).collect();
        times
    };
    for ago in [20, 25, 20, 25] {
        assert_eq!(changed(ago), [TONIGHT.minus_days(ago)]);
    }
}
