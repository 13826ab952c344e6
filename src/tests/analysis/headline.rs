//! The sentence that opens the overview, case by case.

use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::overview::{BlockInputs, blocks};
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{Coverage, EnvironmentId, Millis, RunKind};

use super::builders::{
    MORNING, TONIGHT, block, environment, inputs, measured, night, point, quiet, row, series,
};

#[track_caller]
fn check(inputs: BlockInputs, text: &str, mark: Option<(Band, Evidence)>) {
    let block = block(inputs);
    assert_eq!(block.headline.text, text);
    assert_eq!(block.headline.mark, mark);
}

#[test]
fn nothing_confirmed_says_what_was_compared() {
    check(
        inputs(night(quiet(180))),
        "Main is as fast as last week: 180 of 180 series, nothing confirmed",
        None,
    );
}

#[test]
fn confirmed_regressions_are_counted_and_dated() {
    let mut rows = quiet(177);
    rows.push(row(1, Band::Critical, Evidence::Confirmed));
    rows.push(row(2, Band::Critical, Evidence::Exact));
    rows.push(row(3, Band::Warning, Evidence::Confirmed));
    // Three causes: one metric of one benchmark would be one.
    for row in rows.iter_mut().skip(177) {
        let id = row.series.id;
        std::sync::Arc::make_mut(&mut row.series).key.metric = format!("metric_{id}");
    }
    let mut inputs = inputs(night(rows));
    let text = "Main is slower tonight: three confirmed regressions of 10% or more";
    let mark = Some((Band::Critical, Evidence::Confirmed));
    check(inputs.clone(), text, mark);

    let since_yesterday = |id: i64| {
        let night = |n, band| point(n, 100.0, band);
        let points = vec![
            night(2, Band::None),
            night(1, Band::Warning),
            night(0, Band::Critical),
        ];
        (kvmark::domain::SeriesId(id), points)
    };
    inputs.points = vec![since_yesterday(1), since_yesterday(2), since_yesterday(3)];
    check(inputs.clone(), &format!("{text}, since 23 Nov"), mark);

    inputs.points.pop();
    check(inputs, &format!("{text}, the oldest since 23 Nov"), mark);
}

#[test]
fn lost_series_are_named_beside_a_regression() {
    let mut rows = quiet(9);
    rows.push(row(1, Band::Warning, Evidence::Exact));
    let mut night = night(rows);
    night.run.coverage.expected = 12;
    night.run.coverage.missing = vec!["A m".to_owned(), "B m".to_owned()];
    check(
        inputs(night),
        "Main is slower tonight: one confirmed regression of 10% or more; two of 12 series have \
         no value",
        Some((Band::Warning, Evidence::Exact)),
    );
}

#[test]
fn incomplete_coverage_is_never_called_fine() {
    let mut night = night(quiet(171));
    night.run.coverage.expected = 180;
    night.run.coverage.missing = vec!["A m".to_owned(); 7];
    night.run.coverage.failed = vec!["B m: it stopped".to_owned(); 2];
    check(
        inputs(night),
        "Main was not wholly measured tonight: 171 of 180 series, seven missing, two failed",
        None,
    );
}

#[test]
fn a_run_without_a_single_value_says_so() {
    let mut night = night(Vec::new());
    night.run.coverage = Coverage {
        expected: 180,
        ..Coverage::default()
    };
    check(
        inputs(night),
        "Nothing was measured tonight: 0 of 180 series",
        None,
    );
}

#[test]
fn the_first_nights_are_warming_up_and_not_green() {
    let warming = || vec![row(1, Band::Warming, Evidence::Inconclusive); 3];
    let mut first = inputs(night(warming()));
    first.environment.first_seen = TONIGHT;
    check(
        first,
        "First night of ci-a: 3 of 3 series measured, a baseline needs three nights",
        None,
    );
    let mut second = night(warming());
    for row in &mut second.rows {
        row.judgement.baseline_runs = 1;
    }
    check(
        inputs(second),
        "Main is warming up: 3 of 3 series measured, one of the three nights that a baseline needs",
        None,
    );
    let pause = "Main is warming up: 3 of 3 series measured, none of the three nights that a \
                 baseline needs";
    check(inputs(night(warming())), pause, None);
}

#[test]
fn new_series_are_told_from_settled_ones() {
    let mut rows = quiet(178);
    rows.push(row(1, Band::Warming, Evidence::Inconclusive));
    rows.push(row(2, Band::Warming, Evidence::Inconclusive));
    check(
        inputs(night(rows)),
        "Main is as fast as last week: 180 of 180 series, nothing confirmed; two series are \
         warming up",
        None,
    );
}

#[test]
fn what_is_not_confirmed_is_a_may() {
    let mut rows = quiet(10);
    rows.push(row(1, Band::Critical, Evidence::Inconclusive));
    rows.push(row(2, Band::Warning, Evidence::Likely));
    rows.push(row(3, Band::Critical, Evidence::Noise));
    rows.push(row(4, Band::Info, Evidence::Likely));
    check(
        inputs(night(rows)),
        "Main may be slower tonight: two series are worse by 10% or more, none confirmed",
        None,
    );
}

#[test]
fn small_confirmed_changes_and_improvements_have_their_own_words() {
    let mut rows = quiet(10);
    rows.push(row(1, Band::Improved, Evidence::Confirmed));
    let improved = Some((Band::Improved, Evidence::Confirmed));
    let text = "Main is faster tonight: one confirmed improvement, nothing confirmed slower";
    check(inputs(night(rows.clone())), text, improved);

    rows.push(row(2, Band::Info, Evidence::Exact));
    check(
        inputs(night(rows)),
        "Main is a little slower tonight: one confirmed regression below 10%",
        Some((Band::Info, Evidence::Exact)),
    );
}

#[test]
fn a_gate_that_fails_by_a_rule_says_which() {
    let mut rows = quiet(3);
    let p99 = series(1, "KVEventProcessingLatency", "latency_p99", "cpu=1");
    rows.push(measured(p99, 3e6, Some(0.0), Band::None, Evidence::Noise));
    check(
        inputs(night(rows)),
        "Main fails the gate tonight: p99 latency of KVEventProcessingLatency cpu=1: 3,000 µs, \
         must be ≤ 2,000 µs",
        None,
    );
}

#[test]
fn an_old_run_is_not_called_tonights() {
    let now = Millis(TONIGHT.0 + 12 * DAY_MS);
    let block = blocks(&[inputs(night(quiet(180)))], now).pop().unwrap();
    assert_eq!(
        block.headline.text,
        "Main was as fast as the week before when last measured, 24 Nov: 180 of 180 series, \
         nothing confirmed"
    );
    let next_year = Millis(TONIGHT.0 + 60 * DAY_MS);
    let block = blocks(&[inputs(night(quiet(1)))], next_year).pop().unwrap();
    assert!(
        block.headline.text.contains("24 Nov 2026"),
        "{}",
        block.headline.text
    );
}

#[test]
fn sample_data_is_called_so_first() {
    let mut rows = quiet(2);
    rows.push(row(1, Band::Warning, Evidence::Exact));
    let mut inputs = inputs(night(rows));
    inputs.environment.is_sample = true;
    check(
        inputs,
        "Sample data: main is slower tonight, one confirmed regression of 10% or more",
        Some((Band::Warning, Evidence::Exact)),
    );
}

#[test]
fn a_run_by_hand_is_no_night_of_main() {
    let mut night = night(vec![row(1, Band::Warming, Evidence::Inconclusive)]);
    night.run.kind = RunKind::Manual;
    check(
        inputs(night),
        "No night of main yet: run 1482, made by hand, measured 1 of 1 series",
        None,
    );
}

#[test]
fn a_run_that_was_set_aside_gives_its_reason() {
    let mut night = night(vec![row(1, Band::Critical, Evidence::Confirmed)]);
    night.run.excluded = Some("the fan was broken".to_owned());
    check(
        inputs(night),
        "The run of 24 Nov was set aside: the fan was broken",
        Some((Band::Critical, Evidence::Confirmed)),
    );
}

#[test]
fn the_worst_machine_comes_first_and_sample_data_last() {
    let mut id = 0;
    let mut named = |name: &str, rows, is_sample| {
        id += 1;
        let mut inputs = inputs(night(rows));
        inputs.environment = environment();
        inputs.environment.name = name.to_owned();
        inputs.environment.id = EnvironmentId(id);
        inputs.environment.is_sample = is_sample;
        inputs
    };
    let mut slow = quiet(2);
    slow.push(row(1, Band::Critical, Evidence::Confirmed));
    let fine = quiet(2);
    let empty = BlockInputs {
        tonight: None,
        ..named("empty", Vec::new(), false)
    };
    let all = [
        named("sample", slow.clone(), true),
        named("fine", fine, false),
        empty,
        named("slow", slow, false),
    ];
    let names: Vec<String> = blocks(&all, MORNING)
        .into_iter()
        .map(|block| block.environment.name)
        .collect();
    assert_eq!(names, ["slow", "fine", "sample"]);
}

#[test]
fn a_machine_that_was_replaced_under_its_name_has_no_block() {
    let mut old = inputs(night(quiet(1)));
    old.environment.id = EnvironmentId(2);
    old.environment.last_seen = TONIGHT.minus_days(30);
    let new = inputs(night(quiet(2)));
    let blocks = blocks(&[old, new], MORNING);
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].environment.id, EnvironmentId(1));
}
