use bench_report::metric::{Direction, Op};

use super::*;
use crate::verdict::TargetResult;

fn series(change: f64, evidence: Evidence) -> SeriesVerdict {
    SeriesVerdict {
        series_id: 1,
        benchmark: "KVEventConcurrency".to_owned(),
        params: [("cpu".to_owned(), "2".to_owned())].into(),
        metric: "latency_p99".to_owned(),
        unit: "ns".to_owned(),
        better: Direction::Lower,
        floor: None,
        environment: "e1".to_owned(),
        value: 1000.0 * (1.0 + change),
        samples: 10,
        baseline: Some(1000.0),
        baseline_runs: 7,
        change: Some(change),
        interval: None,
        band: Band::of(change),
        evidence,
        detectable_change: Some(0.04),
        noise_floor: Some(0.02),
        accepted_level: None,
        creep: None,
        alert_id: None,
        frozen_baseline: None,
        frozen_change: None,
        confirm: None,
        target: None,
        samples_needed: None,
        decided: None,
    }
}

fn covered(series: Vec<SeriesVerdict>) -> GateInput {
    let count = series.len();
    let coverage = Coverage {
        expected: count,
        measured: count,
        ..Coverage::default()
    };
    GateInput {
        coverage,
        series,
        ..GateInput::default()
    }
}

fn judged(series: SeriesVerdict) -> Verdict {
    gate(covered(vec![series]), &GateOptions::default())
}

#[track_caller]
fn check(verdict: &Verdict, status: Status, reasons: &[&str]) {
    assert_eq!(
        (verdict.status, verdict.exit_code),
        (status, status.exit_code())
    );
    assert_eq!(verdict.reasons, reasons);
}

#[test]
fn a_quiet_night_passes_without_reasons() {
    check(&judged(series(0.01, Evidence::Noise)), Status::Pass, &[]);
}

#[test]
fn a_confirmed_change_fails_above_the_threshold_and_not_at_it() {
    let name = "KVEventConcurrency latency_p99 cpu=2";
    check(
        &judged(series(0.25, Evidence::Confirmed)),
        Status::Fail,
        &[&format!(
            "{name}: +25.0% against its baseline (critical), confirmed"
        )],
    );
    check(&judged(series(0.1, Evidence::Confirmed)), Status::Pass, &[]);
    check(
        &judged(series(0.1 + 1e-10, Evidence::Confirmed)),
        Status::Pass,
        &[],
    );
    assert_eq!(judged(series(0.1001, Evidence::Exact)).status, Status::Fail);
}

#[test]
fn a_change_that_a_person_let_be_fails_no_more_but_what_goes_beyond_it_is_not_green() {
    let decided = |value: f64, evidence: Evidence| {
        let known = series(value - 1.0, evidence);
        let one = SeriesVerdict {
            value: known.baseline.unwrap_or(1.0) * value,
            decided: Some(Decided {
                alert_id: 4,
                level: known.baseline.map(|baseline| 1.25 * baseline),
            }),
            ..known
        };
        judged(one)
    };
    check(&decided(1.25, Evidence::Confirmed), Status::Pass, &[]);
    check(&decided(1.3, Evidence::Confirmed), Status::Pass, &[]);
    check(
        &decided(1.5, Evidence::Confirmed),
        Status::Inconclusive,
        &[
            "KVEventConcurrency latency_p99 cpu=2: +20.0% against the level of alert 4, which was \
           let be, and not confirmed",
        ],
    );
}

#[test]
fn what_is_only_likely_is_inconclusive_and_noise_does_not_count() {
    assert_eq!(
        judged(series(0.15, Evidence::Likely)).status,
        Status::Inconclusive
    );
    assert_eq!(
        judged(series(0.15, Evidence::Inconclusive)).status,
        Status::Inconclusive
    );
    assert_eq!(judged(series(0.15, Evidence::Noise)).status, Status::Pass);
    assert_eq!(judged(series(0.08, Evidence::Likely)).status, Status::Pass);
    assert_eq!(
        judged(series(-0.4, Evidence::Confirmed)).status,
        Status::Pass
    );
}

#[test]
fn without_the_noise_guard_the_band_alone_decides() {
    let bare = GateOptions {
        noise_guard: false,
        ..GateOptions::default()
    };
    let status = |series| gate(covered(vec![series]), &bare).status;
    assert_eq!(status(series(0.15, Evidence::Noise)), Status::Fail);
    assert_eq!(status(series(0.15, Evidence::Inconclusive)), Status::Fail);
    assert_eq!(status(series(0.1, Evidence::Noise)), Status::Pass);
    let few = SeriesVerdict {
        samples_needed: Some(4),
        ..series(0.0, Evidence::Inconclusive)
    };
    assert_eq!(status(few), Status::Pass);
    let warming = SeriesVerdict {
        band: Band::Warming,
        ..series(0.0, Evidence::Inconclusive)
    };
    assert_eq!(status(warming), Status::Inconclusive);
}

#[test]
fn fail_on_critical_lets_warnings_pass() {
    let strict = GateOptions {
        fail_on: FailOn::Critical,
        ..GateOptions::default()
    };
    let status = |change| gate(covered(vec![series(change, Evidence::Confirmed)]), &strict).status;
    assert_eq!(status(0.2), Status::Pass);
    assert_eq!(status(0.21), Status::Fail);
}

#[test]
fn a_change_from_a_zero_baseline_exceeds_any_threshold() {
    let appeared = SeriesVerdict {
        baseline: Some(0.0),
        change: None,
        band: Band::Critical,
        value: 3.0,
        unit: "1".to_owned(),
        ..series(0.0, Evidence::Exact)
    };
    let verdict = judged(appeared);
    assert_eq!(verdict.status, Status::Fail);
    assert!(verdict.reasons[0].contains("3 where the baseline is 0 (critical), exact"));
}

#[test]
fn an_open_alert_stays_red_when_the_rolling_baseline_has_caught_up() {
    let open = SeriesVerdict {
        alert_id: Some(41),
        frozen_baseline: Some(800.0),
        frozen_change: Some(0.25),
        ..series(0.0, Evidence::Noise)
    };
    let verdict = judged(open.clone());
    assert_eq!(verdict.status, Status::Fail);
    assert!(
        verdict.reasons[0].contains("+25.0% against the level before alert 41"),
        "{verdict:?}"
    );
    let small = SeriesVerdict {
        frozen_change: Some(0.07),
        ..open
    };
    assert_eq!(judged(small.clone()).status, Status::Pass);
    // Errors where there were none have no percentage, and stay red until there are none.
    let errors = |value| SeriesVerdict {
        value,
        frozen_baseline: Some(0.0),
        frozen_change: None,
        ..small.clone()
    };
    assert_eq!(judged(errors(3.0)).status, Status::Fail);
    assert_eq!(judged(errors(0.0)).status, Status::Pass);
    // What is too little to matter opens no alert, and keeps none red.
    let floored = |value| SeriesVerdict {
        floor: Some(0.5),
        ..errors(value)
    };
    assert_eq!(judged(floored(0.5)).status, Status::Pass);
    assert_eq!(judged(floored(0.51)).status, Status::Fail);
}

#[test]
fn creep_above_the_threshold_fails() {
    let crept = |creep| SeriesVerdict {
        creep: Some(creep),
        ..series(0.0, Evidence::Noise)
    };
    assert_eq!(judged(crept(0.12)).status, Status::Fail);
    assert_eq!(judged(crept(0.1)).status, Status::Pass);
    assert_eq!(judged(crept(-0.3)).status, Status::Pass);
}

#[test]
fn a_target_fails_only_where_the_baseline_met_it() {
    let target = Some(TargetResult {
        op: Op::Less,
        value: 1010.0,
        met: false,
    });
    let missed = SeriesVerdict {
        target,
        ..series(0.02, Evidence::Noise)
    };
    let verdict = judged(missed.clone());
    check(
        &verdict,
        Status::Fail,
        &[
            "KVEventConcurrency latency_p99 cpu=2: misses its target < 1,010 ns with 1,020 ns; the \
           baseline met it with 1,000 ns",
        ],
    );
    let never = SeriesVerdict {
        baseline: Some(1015.0),
        ..missed
    };
    assert_eq!(judged(never).status, Status::Pass);
}

#[test]
fn an_absolute_rule_fails_whatever_the_baseline_says() {
    let mut input = covered(vec![series(0.0, Evidence::Noise)]);
    input.rules = vec![crate::rules::p99_latency("KVEventThroughput", 2.5e6)];
    check(
        &gate(input, &GateOptions::default()),
        Status::Fail,
        &["p99 latency of KVEventThroughput: 2,500 µs, must be \u{2264} 2,000 µs"],
    );
}

#[test]
fn comparing_nothing_is_never_green() {
    for noise_guard in [true, false] {
        let options = GateOptions {
            noise_guard,
            ..GateOptions::default()
        };
        let verdict = gate(GateInput::default(), &options);
        check(
            &verdict,
            Status::Incomplete,
            &["nothing was compared: no series in common"],
        );
    }
    let undefined = SeriesVerdict {
        band: Band::Undefined,
        ..series(0.0, Evidence::Noise)
    };
    assert_eq!(judged(undefined).status, Status::Incomplete);
}

#[test]
fn missing_and_failed_series_are_named() {
    let mut input = covered(vec![series(0.0, Evidence::Noise)]);
    input.coverage.expected = 9;
    input.coverage.missing = (1..8).map(|number| format!("B{number} x")).collect();
    input.coverage.failed = vec!["C x".to_owned()];
    check(
        &gate(input, &GateOptions::default()),
        Status::Incomplete,
        &[
            "7 of 9 expected series missing: B1 x, B2 x, B3 x, B4 x, B5 x and 2 more",
            "1 of 9 expected series failed: C x",
        ],
    );
}

#[test]
fn fewer_measured_than_expected_is_incomplete_even_if_nobody_is_named() {
    let mut input = covered(vec![series(0.0, Evidence::Noise)]);
    input.coverage.expected = 2;
    assert_eq!(
        gate(input, &GateOptions::default()).status,
        Status::Incomplete
    );
}

#[test]
fn warming_up_is_never_green() {
    let warming = SeriesVerdict {
        band: Band::Warming,
        baseline: None,
        change: None,
        ..series(0.0, Evidence::Inconclusive)
    };
    let both = gate(
        covered(vec![warming, series(0.0, Evidence::Noise)]),
        &GateOptions::default(),
    );
    assert_eq!(both.status, Status::Inconclusive);
    assert_eq!((both.counts.warming, both.counts.none), (1, 1));
}

#[test]
fn too_few_samples_say_how_many_are_needed() {
    let few = SeriesVerdict {
        samples: 3,
        samples_needed: Some(4),
        ..series(0.0, Evidence::Inconclusive)
    };
    check(
        &judged(few),
        Status::Inconclusive,
        &["KVEventConcurrency latency_p99 cpu=2: 3 samples a side cannot decide, 4 are needed"],
    );
}

#[test]
fn a_missed_canary_makes_the_night_inconclusive_and_hides_no_regression() {
    let mut input = covered(vec![series(0.3, Evidence::Confirmed)]);
    input.canary_missed = Some("a planted 15% was not confirmed".to_owned());
    let verdict = gate(input.clone(), &GateOptions::default());
    assert_eq!(verdict.status, Status::Fail);
    assert_eq!(
        verdict.reasons[1],
        "canary: a planted 15% was not confirmed"
    );
    input.series = vec![series(0.0, Evidence::Noise)];
    assert_eq!(
        gate(input, &GateOptions::default()).status,
        Status::Inconclusive
    );
}

#[test]
fn an_alert_that_an_ended_epoch_left_open_is_not_green() {
    let mut input = covered(vec![series(0.0, Evidence::Noise)]);
    input.left_open = vec![LeftOpen {
        alert_id: 4,
        ended_on: "2026-11-20".to_owned(),
    }];
    check(
        &gate(input.clone(), &GateOptions::default()),
        Status::Inconclusive,
        &[
            "alert 4 is open and its epoch ended on 2026-11-20, so nothing here is measured against \
           it: carry it on with `bench-runner bridge`, accept it or dismiss it",
        ],
    );
    let bare = GateOptions {
        noise_guard: false,
        ..GateOptions::default()
    };
    assert_eq!(gate(input, &bare).status, Status::Pass);
}

#[test]
fn sides_of_different_environments_are_incomparable() {
    let mut input = covered(vec![series(0.0, Evidence::Noise)]);
    input.environments_differ = Some("cpu_model: A and B".to_owned());
    check(
        &gate(input, &GateOptions::default()),
        Status::Incomparable,
        &["the environments differ: cpu_model: A and B"],
    );
}

#[test]
fn the_verdict_travels_with_the_fields_of_the_contract() {
    let text = serde_json::to_string(&judged(series(0.123, Evidence::Confirmed)));
    insta::assert_snapshot!(text.unwrap_or_default(), @r#"{"status":"fail","exit_code":1,"reasons":["KVEventConcurrency latency_p99 cpu=2: +12.3% against its baseline (warning), confirmed"],"threshold":0.1,"fail_on":"warning","rule":"2","rejudged":false,"coverage":{"expected":1,"measured":1,"missing":[],"failed":[],"new":[],"not_available":[]},"counts":{"critical":0,"warning":1,"info":0,"none":0,"improved":0,"warming":0,"undefined":0},"rules":[],"red_flags":[],"series":[{"series_id":1,"benchmark":"KVEventConcurrency","params":{"cpu":"2"},"metric":"latency_p99","unit":"ns","better":"lower","environment":"e1","value":1123.0,"samples":10,"baseline":1000.0,"baseline_runs":7,"change":0.123,"band":"warning","evidence":"confirmed","detectable_change":0.04,"noise_floor":0.02,"accepted_level":null,"creep":null}]}"#);
}
