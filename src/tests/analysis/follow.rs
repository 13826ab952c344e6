//! Nights judged one by one and a history judged at once say the same.

use bench_report::metric::Kind;
use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::carried::Carried;
use kvmark::analysis::follow::{Beside, Seen, follow};
use kvmark::analysis::judge::{JudgeInputs, judge_night};
use kvmark::domain::{Judgement, Measurement, Millis, RunId, Series};
use proptest::prelude::*;

use super::builders::{TONIGHT, series};

const DAY: i64 = 86_400_000;

/// What uploads one after the other would have been told, and what the last one left.
fn one_by_one(series: &Series, runs: &[Seen]) -> (Vec<(RunId, Judgement)>, Carried) {
    let mut carried = Carried::default();
    let mut told = Vec::new();
    for (index, seen) in runs.iter().enumerate() {
        let history = runs[..index]
            .iter()
            .filter(|before| before.forms_baseline && before.time >= seen.time.minus_days(7))
            .map(|before| (before.time, before.value))
            .collect();
        let measurement = Measurement {
            series: series.id,
            run: seen.run,
            value: seen.value,
            sample_count: 10,
            interval: None,
        };
        let inputs = JudgeInputs {
            at: seen.time,
            rows: vec![(series.clone().into(), measurement)],
            history: vec![(series.id, history)],
        };
        // What is carried is kept as bytes between two uploads.
        let kept = Carried::from_bytes(&carried.to_bytes()).unwrap();
        assert_eq!(kept, carried);
        let night = judge_night(&inputs, kept, seen.forms_baseline);
        told.push((seen.run, night.judgements[0].1));
        carried = night.carried.unwrap_or(carried);
    }
    (told, carried)
}

fn at_once(series: &Series, runs: &[Seen]) -> (Vec<(RunId, Judgement)>, Carried) {
    let mut told = Vec::new();
    let (left, _) = follow(series, runs, &Beside::default(), |said| {
        told.push((said.seen.run, said.judgement));
    });
    let through = runs
        .iter()
        .filter(|seen| seen.forms_baseline)
        .map(|seen| seen.time)
        .next_back();
    let carried = Carried {
        through,
        series: [(series.id, left)].into(),
    };
    (told, carried)
}

fn runs(values: &[(f64, bool)]) -> Vec<Seen> {
    let count = i64::try_from(values.len()).unwrap();
    (0..)
        .zip(values)
        .map(|(index, &(value, forms_baseline))| Seen {
            run: RunId(index),
            time: Millis(TONIGHT.0 - (count - index) * DAY),
            value,
            forms_baseline,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn one_by_one_and_at_once_say_the_same(
        noise in proptest::collection::vec((-1.0_f64..1.0, 0_u8..12), 1..230),
        step_at in 0_usize..230,
        step in 0.7_f64..1.4,
        is_count in any::<bool>(),
    ) {
        let values: Vec<(f64, bool)> = noise
            .iter()
            .enumerate()
            .map(|(night, (noise, kind))| {
                let level = if night >= step_at { 100.0 * step } else { 100.0 };
                (level * (1.0 + 0.02 * noise), *kind > 0)
            })
            .collect();
        let runs = runs(&values);
        let mut series = series(1, "B", "latency_p50", "");
        if is_count {
            series.kind = Kind::Count;
        }
        let (told, carried) = one_by_one(&series, &runs);
        let (told_at_once, carried_at_once) = at_once(&series, &runs);
        prop_assert_eq!(told, told_at_once);
        if runs.iter().any(|seen| seen.forms_baseline) {
            prop_assert_eq!(carried, carried_at_once);
        }
    }
}

#[test]
fn a_step_is_likely_at_first_and_confirmed_soon() {
    let noise = |night: usize| 1.0 + 0.004 * ((night * 7919 % 13) as f64 - 6.0) / 6.0;
    let values: Vec<(f64, bool)> = (0..44)
        .map(|night| (if night >= 40 { 125.0 } else { 100.0 } * noise(night), true))
        .collect();
    let (told, _) = one_by_one(&series(1, "B", "latency_p50", ""), &runs(&values));
    let evidence = |night: usize| (told[night].1.band, told[night].1.evidence);
    assert_eq!(evidence(39), (Band::None, Evidence::Noise));
    assert_eq!(evidence(40), (Band::Critical, Evidence::Likely));
    assert_eq!(evidence(43), (Band::Warning, Evidence::Confirmed));
}

#[test]
fn a_run_by_hand_is_judged_and_leaves_nothing_behind() {
    let quiet = |n| vec![(100.0, true); n];
    let mut values = quiet(30);
    values.push((150.0, false));
    values.extend(quiet(3));
    let series = series(1, "B", "latency_p50", "");
    let (told, carried) = one_by_one(&series, &runs(&values));
    assert_eq!(
        (told[30].1.band, told[30].1.evidence),
        (Band::Critical, Evidence::Likely)
    );
    assert!(
        carried.series[&series.id]
            .nights
            .iter()
            .all(|night| night.1 == 100.0)
    );
}

#[test]
fn a_late_run_is_judged_by_the_rule_alone() {
    let series = series(1, "B", "latency_p50", "");
    let (_, carried) = at_once(&series, &runs(&[(100.0, true); 30]));
    let measurement = Measurement {
        series: series.id,
        run: RunId(99),
        value: 150.0,
        sample_count: 10,
        interval: None,
    };
    let at = TONIGHT.minus_days(5);
    let inputs = JudgeInputs {
        at,
        history: vec![(series.id, vec![(at.minus_days(1), 100.0); 3])],
        rows: vec![(series.into(), measurement)],
    };
    let night = judge_night(&inputs, carried, true);
    let judgement = night.judgements[0].1;
    assert_eq!(
        (judgement.band, judgement.evidence),
        (Band::Critical, Evidence::Inconclusive)
    );
    assert!(night.carried.is_none());
}

#[test]
fn bytes_of_another_make_do_not_read() {
    let (_, carried) = at_once(
        &series(1, "B", "latency_p50", ""),
        &runs(&[(100.0, true); 3]),
    );
    let bytes = carried.to_bytes();
    for cut in [0, 1, 8, 12, 20, bytes.len() - 1] {
        assert_eq!(
            Carried::from_bytes(&bytes[..cut]),
            None,
            "{cut} of {}",
            bytes.len()
        );
    }
    assert_eq!(Carried::from_bytes(&[&[9], &bytes[1..]].concat()), None);
    assert_eq!(Carried::from_bytes(&bytes), Some(carried));
}
