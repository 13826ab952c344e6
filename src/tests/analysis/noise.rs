//! What a series' noise lets a reader see.

use bench_verdict::verdict::Band;
use kvmark::analysis::history::{HistoryInputs, build};
use kvmark::analysis::noise::{EDGE, NoiseCard, noise_card};
use kvmark::domain::Point;

use super::builders::{TONIGHT, environment, point, series};

/// Nights whose values wander by about `wide` to either side.
fn card(nights: i64, wide: f64, samples: &[f64]) -> Option<NoiseCard> {
    let points: Vec<Point> = (0..nights)
        .rev()
        .map(|ago| {
            let noise = ((ago * 7) as f64 * 0.618_034).fract() - 0.5;
            point(ago, 200_000.0 * (1.0 + 2.0 * wide * noise), Band::None)
        })
        .collect();
    let history = build(HistoryInputs {
        series: series(1, "KVEventConcurrency", "latency_p99", "cpu=2"),
        environment: environment(),
        points,
        earlier: Vec::new(),
        from: TONIGHT.minus_days(nights),
        to: TONIGHT,
    });
    noise_card(&history.series, &history.points, &history.events, samples)
}

#[test]
fn louder_nights_hide_larger_changes() {
    let quiet = card(90, 0.005, &[1.0, 1.01, 0.99]).unwrap();
    let loud = card(90, 0.05, &[1.0, 1.01, 0.99]).unwrap();
    assert!(quiet.between < loud.between / 3.0, "{quiet:?} {loud:?}");
    assert!(
        quiet.one_night < EDGE && loud.one_night > EDGE,
        "{quiet:?} {loud:?}"
    );
    assert!(
        quiet.three_nights >= EDGE - 1e-9,
        "never below the least step"
    );
    assert_eq!(quiet.nights_to_edge, Some(2));
    assert!(loud.nights_to_edge.is_none_or(|k| k > 3), "{loud:?}");
    assert!((quiet.within.unwrap() - 0.0148).abs() < 1e-3, "{quiet:?}");
}

#[test]
fn too_few_nights_say_nothing() {
    assert_eq!(card(7, 0.01, &[]), None);
    let few = card(20, 0.01, &[1.0]).unwrap();
    assert_eq!((few.within, few.weekly_h), (None, None));
    assert!(card(40, 0.01, &[]).unwrap().weekly_h.is_some());
}
