//! Every series of a run is judged by the plain rule, checked against a second way to compute it.

use bench_report::metric::{Direction, Kind};
use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::judge::{JudgeInputs, judge};
use kvmark::domain::{Judgement, Measurement, Millis, RunId, Series, SeriesId};
use proptest::prelude::*;

use super::builders::{TONIGHT, series};

const DAY: i64 = 86_400_000;

fn one(series: Series, value: f64, history: Vec<(Millis, f64)>) -> Judgement {
    let measurement = Measurement {
        series: series.id,
        run: RunId(9),
        value,
        sample_count: 10,
        interval: None,
    };
    let inputs = JudgeInputs {
        at: TONIGHT,
        history: vec![(SeriesId(77), Vec::new()), (series.id, history)],
        rows: vec![(series.into(), measurement)],
    };
    let mut judged = judge(&inputs);
    assert_eq!(judged.len(), 1);
    judged.remove(0).1
}

fn nights(values: &[f64]) -> Vec<(Millis, f64)> {
    let count = i64::try_from(values.len()).unwrap();
    values
        .iter()
        .zip(0..)
        .map(|(value, i)| (Millis(TONIGHT.0 - (count - i) * DAY), *value))
        .collect()
}

#[test]
fn the_window_holds_its_first_instant_and_not_its_last() {
    let history = vec![
        (Millis(TONIGHT.0 - 7 * DAY - 1), 1000.0),
        (Millis(TONIGHT.0 - 7 * DAY), 10.0),
        (Millis(TONIGHT.0 - DAY), 20.0),
        (Millis(TONIGHT.0 - 1), 30.0),
        (TONIGHT, 5000.0),
    ];
    let judgement = one(series(1, "B", "latency_p50", ""), 20.0, history);
    assert_eq!(
        (judgement.baseline, judgement.baseline_runs),
        (Some(20.0), 3)
    );
    assert_eq!((judgement.band, judgement.change), (Band::None, Some(0.0)));
}

#[test]
fn fewer_than_three_runs_warm_up() {
    let judgement = one(
        series(1, "B", "latency_p50", ""),
        900.0,
        nights(&[10.0, 10.0]),
    );
    assert_eq!((judgement.band, judgement.baseline), (Band::Warming, None));
    assert_eq!((judgement.baseline_runs, judgement.change), (2, None));
    assert_eq!(judgement.evidence, Evidence::Inconclusive);
}

#[test]
fn a_series_without_an_entry_has_no_history() {
    let inputs = JudgeInputs {
        at: TONIGHT,
        rows: vec![(
            series(1, "B", "latency_p50", "").into(),
            Measurement {
                series: SeriesId(1),
                run: RunId(9),
                value: 1.0,
                sample_count: 1,
                interval: None,
            },
        )],
        history: Vec::new(),
    };
    assert_eq!(judge(&inputs)[0].1.band, Band::Warming);
}

#[test]
fn a_changed_count_is_exact() {
    let mut count = series(1, "B", "allocs_per_op", "");
    count.kind = Kind::Count;
    let judgement = one(count.clone(), 5.0, nights(&[4.0, 4.0, 4.0]));
    assert_eq!(
        (judgement.band, judgement.evidence),
        (Band::Critical, Evidence::Exact)
    );
    let warming = one(count, 5.0, nights(&[4.0]));
    assert_eq!(warming.evidence, Evidence::Inconclusive);
}

#[test]
fn errors_out_of_nothing_do_not_pass() {
    let mut errors = series(1, "B", "error_rate", "");
    errors.floor = Some(0.001);
    let appeared = one(errors.clone(), 0.002, nights(&[0.0; 5]));
    assert_eq!((appeared.band, appeared.change), (Band::Critical, None));
    assert_eq!(one(errors, 0.001, nights(&[0.0; 5])).band, Band::None);
}

/// The rule in whole numbers: values are integers, so that every comparison is exact.
fn by_integers(value: i128, window: &[i128], better: Direction) -> Band {
    let count = i128::try_from(window.len()).unwrap();
    if count < 3 {
        return Band::Warming;
    }
    let sum: i128 = window.iter().sum();
    // change = (value * count - sum) / sum, positive is worse.
    let worse_by = match better {
        Direction::Lower => value * count - sum,
        Direction::Higher => sum - value * count,
    };
    let hundredths = 100 * worse_by;
    if hundredths > 20 * sum {
        Band::Critical
    } else if hundredths >= 10 * sum {
        Band::Warning
    } else if hundredths >= 5 * sum {
        Band::Info
    } else if hundredths <= -5 * sum {
        Band::Improved
    } else {
        Band::None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Round values near each other, so that edges are hit often.
    #[test]
    fn bands_equal_the_rule_in_whole_numbers(
        value in 70_i64..140,
        history in proptest::collection::vec((-9 * DAY..2 * DAY, 9_i64..12), 0..20),
        higher in any::<bool>(),
    ) {
        let better = if higher { Direction::Higher } else { Direction::Lower };
        let mut history: Vec<(Millis, f64)> = history
            .into_iter()
            .map(|(offset, tens)| (Millis(TONIGHT.0 + offset), tens as f64 * 10.0))
            .collect();
        history.sort_by_key(|(time, _)| *time);
        let window: Vec<i128> = history
            .iter()
            .filter(|(time, _)| time.0 >= TONIGHT.0 - 7 * DAY && time.0 < TONIGHT.0)
            .map(|(_, value)| *value as i128)
            .collect();
        let mut series = series(1, "B", "latency_p50", "");
        series.better = better;
        let judgement = one(series, value as f64, history);
        prop_assert_eq!(judgement.baseline_runs as usize, window.len());
        prop_assert_eq!(judgement.band, by_integers(i128::from(value), &window, better));
    }
}
