//! What the page of one run says.

use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::run_report::{Difference, RunInputs, RunReport, run_report};
use kvmark::domain::JudgedRun;

use super::builders::{TONIGHT, environment, night, quiet, row, run};

fn report(run: JudgedRun) -> RunReport {
    run_report(RunInputs {
        run,
        environment: environment(),
        before: None,
    })
}

#[track_caller]
fn check(run: JudgedRun, text: &str) {
    assert_eq!(report(run).headline.text, text);
}

#[test]
fn a_run_says_what_it_measured_and_what_is_worst() {
    check(
        night(quiet(180)),
        "Run 1482 measured all 180 series; none is confirmed worse than its baseline",
    );
    let mut rows = quiet(177);
    rows.extend([1, 2, 3].map(|id| row(id, Band::Info, Evidence::Confirmed)));
    check(
        night(rows),
        "Run 1482 measured all 180 series; three are confirmed worse than their baseline",
    );
    check(
        night(vec![row(1, Band::Critical, Evidence::Exact)]),
        "Run 1482 measured its only series; one is confirmed worse than its baseline",
    );
    check(
        night(vec![row(1, Band::Improved, Evidence::Exact)]),
        "Run 1482 measured its only series; one is confirmed better, none confirmed worse",
    );
    check(
        night(vec![row(1, Band::Warning, Evidence::Likely)]),
        "Run 1482 measured its only series; one is worse by 10% or more, not confirmed",
    );
    check(
        night(vec![row(1, Band::Warming, Evidence::Inconclusive)]),
        "Run 1482 measured its only series; there is no baseline yet",
    );
}

#[test]
fn a_run_that_lost_series_says_so() {
    let mut lost = night(quiet(171));
    lost.run.coverage.expected = 180;
    lost.run.coverage.missing = vec!["KVEventBurstLoad queue_depth_max".to_owned(); 9];
    check(
        lost.clone(),
        "Run 1482 measured 171 of 180 series; none is confirmed worse than its baseline",
    );
    let report = report(lost);
    assert_eq!(report.gate.exit_code, 4);
    let burst = report
        .benchmarks
        .iter()
        .find(|row| row.name == "KVEventBurstLoad")
        .unwrap();
    assert_eq!((burst.series, burst.lost, burst.flagged), (0, 9, 0));

    let mut nothing = night(Vec::new());
    nothing.run.coverage.expected = 5;
    check(nothing, "Run 1482 measured nothing");
}

#[test]
fn a_sample_run_is_called_generated() {
    let report = run_report(RunInputs {
        run: night(quiet(2)),
        environment: kvmark::domain::Environment {
            is_sample: true,
            ..environment()
        },
        before: None,
    });
    assert_eq!(
        report.headline.text,
        "Sample run 1482 holds generated values for all 2 series; none is confirmed worse than \
         its baseline"
    );
}

#[test]
fn rows_are_worst_first_and_benchmarks_count_theirs() {
    let mut rows = quiet(3);
    rows.push(row(1, Band::Info, Evidence::Exact));
    rows.push(row(2, Band::Critical, Evidence::Likely));
    let report = report(night(rows));
    let first: Vec<i64> = report
        .rows
        .iter()
        .take(2)
        .map(|row| row.series.id.0)
        .collect();
    assert_eq!(first, [2, 1]);
    assert_eq!(report.flagged, 2);
    assert_eq!(report.benchmarks.len(), 1);
    let all = &report.benchmarks[0];
    assert_eq!((all.series, all.flagged, all.lost), (5, 2, 0));
    assert_eq!(all.mark, Some((Band::Info, Evidence::Exact)));
}

#[test]
fn what_differs_from_the_run_before_is_listed() {
    let fact = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    let mut tonight = night(quiet(1));
    tonight.run.conditions = vec![fact("Load at start", "0.31"), fact("Steal", "0.0%")];
    tonight.run.suite_version = "2".to_owned();
    let mut before = run(1481, TONIGHT.minus_days(1));
    before.conditions = vec![fact("Load at start", "0.04"), fact("Frequency", "2.4 GHz")];
    before.options = Vec::new();
    let mut machine = environment();
    machine.facts.push(fact("Kernel", "6.1"));
    let report = run_report(RunInputs {
        run: tonight,
        environment: environment(),
        before: Some((before, machine)),
    });
    let differs = |label: &str, now: Option<&str>, before: Option<&str>| Difference {
        label: label.to_owned(),
        now: now.map(str::to_owned),
        before: before.map(str::to_owned),
    };
    assert_eq!(
        report.differs,
        [
            differs("Kernel", None, Some("6.1")),
            differs("Suite", Some("kv-sync 2"), Some("kv-sync 1")),
            differs("Load at start", Some("0.31"), Some("0.04")),
            differs("Steal", Some("0.0%"), None),
            differs("Frequency", None, Some("2.4 GHz")),
        ]
    );
}
