use std::sync::Arc;

use bench_report::metric::{Scale, Unit};
use bench_verdict::verdict::{Band, Evidence};

use super::*;
use crate::analysis::history::Event;
use crate::chart::fixtures::{TONIGHT, history, night};
use crate::domain::Point;

fn plot_of(points: Vec<Point>, days: i64) -> TrendPlot {
    let history = history(points, days);
    let scale = Scale::common(Unit::Nanoseconds, history.points.iter().map(|p| p.value));
    TrendPlot::new(&history, scale, XScale::Date, YScale::Linear)
}

fn quiet(ago: i64) -> Point {
    let value = 205_000.0 + f64::from((ago * 37 % 11) as i32) * 400.0;
    night(ago, value, Band::None, Evidence::Noise)
}

fn count(svg: &str, what: &str) -> usize {
    svg.matches(what).count()
}

#[test]
fn every_marked_night_of_five_years_is_drawn() {
    let mut points: Vec<_> = (0..1825).rev().map(quiet).collect();
    for i in [3, 500, 501, 502, 1824] {
        points[i].judgement.band = Band::Critical;
        points[i].judgement.evidence = Evidence::Confirmed;
    }
    let plot = plot_of(points, 1825);
    for size in [Size::Wide, Size::Narrow] {
        let svg = trend(&plot, size, None);
        assert_eq!(count(&svg, "m critical confirmed"), 5);
        assert!(svg.len() < 48_000, "{} bytes", svg.len());
    }
}

#[test]
fn noise_below_ten_percent_has_no_mark() {
    let mut points: Vec<_> = (0..30).rev().map(quiet).collect();
    points[4].judgement.band = Band::Info;
    points[5].judgement.band = Band::Warning;
    let svg = trend(&plot_of(points, 30), Size::Wide, None);
    assert_eq!(count(&svg, "m info"), 0);
    assert_eq!(count(&svg, "m warning noise"), 1);
}

#[test]
fn the_line_breaks_at_a_gap_and_the_gap_is_hatched() {
    let points: Vec<_> = (0..30)
        .rev()
        .filter(|i| !(10..13).contains(i))
        .map(quiet)
        .collect();
    let svg = trend(&plot_of(points, 30), Size::Wide, None);
    assert_eq!(count(&svg, "class=\"ln s1\""), 2);
    assert_eq!(count(&svg, "class=\"gap\""), 1);
}

#[test]
fn a_night_alone_between_two_gaps_is_a_dot() {
    let points: Vec<_> = (0..30)
        .rev()
        .filter(|i| ![8, 9, 11, 12].contains(i))
        .map(quiet)
        .collect();
    let svg = trend(&plot_of(points, 30), Size::Narrow, None);
    assert_eq!(count(&svg, "class=\"pt s1\""), 1);
}

#[test]
fn without_a_baseline_there_is_no_zone() {
    let points: Vec<_> = (0..30)
        .rev()
        .map(|ago| {
            let mut point = quiet(ago);
            point.judgement.baseline = None;
            point.judgement.band = Band::Warming;
            point
        })
        .collect();
    let svg = trend(&plot_of(points, 30), Size::Wide, None);
    assert_eq!(count(&svg, "class=\"zone\""), 0);
    assert!(!svg.contains("+20%"));
}

#[test]
fn the_zone_ends_at_an_epoch() {
    let mut points: Vec<_> = (0..30).rev().map(quiet).collect();
    for point in &mut points[15..] {
        Arc::make_mut(&mut point.of).suite_version = "5".into();
    }
    let svg = trend(&plot_of(points, 30), Size::Wide, None);
    assert_eq!(count(&svg, "class=\"zone\""), 2);
    assert!(svg.contains("suite 4 to 5"));
}

#[test]
fn thresholds_lie_below_where_higher_is_better() {
    let mut lower = plot_of((0..30).rev().map(quiet).collect(), 30);
    assert!((lower.worse_by(0.1) - 1.1).abs() < 1e-12);
    lower.better = bench_report::metric::Direction::Higher;
    assert!((lower.worse_by(0.1) - 0.9).abs() < 1e-12);
}

#[test]
fn no_run_in_the_range_draws_a_sentence() {
    let svg = trend(&plot_of(Vec::new(), 30), Size::Wide, None);
    assert!(svg.contains("no run in this range"));
}

#[test]
fn one_run_is_drawn() {
    let svg = trend(&plot_of(vec![quiet(0)], 30), Size::Wide, None);
    assert!(svg.contains("class=\"pt s1\""), "{svg}");
}

#[test]
fn markup_in_names_notes_and_units_stays_text() {
    let mut plot = plot_of((0..30).rev().map(quiet).collect(), 30);
    let evil = "<script>alert(1)</script>";
    plot.label = evil.to_owned();
    plot.desc = evil.to_owned();
    plot.unit = evil.to_owned();
    plot.events = vec![Event {
        time: TONIGHT.minus_days(12),
        kind: EventKind::Annotation,
        label: evil.to_owned(),
    }];
    let svg = trend(&plot, Size::Wide, None);
    assert!(!svg.contains("<script"));
    assert_eq!(count(&svg, "&lt;script&gt;alert(1)&lt;/script&gt;"), 4);
}

#[test]
fn values_beyond_all_measure_neither_panic_nor_hang() {
    for value in [
        0.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::NAN,
        f64::INFINITY,
        -5.0,
    ] {
        let mut points: Vec<_> = (0..5).rev().map(quiet).collect();
        points[2].value = value;
        let history = history(points, 5);
        for y in [
            YScale::Linear,
            YScale::Log,
            YScale::OfFirst,
            YScale::OfBaseline,
        ] {
            let scale = Scale::common(Unit::Nanoseconds, history.points.iter().map(|p| p.value));
            for x in [XScale::Date, XScale::Evenly] {
                let plot = TrendPlot::new(&history, scale, x, y);
                assert!(trend(&plot, Size::Wide, None).ends_with("</svg>"));
            }
        }
    }
}
