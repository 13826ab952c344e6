//! What left its band.

use std::sync::Arc;

use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::overview::{self, MOVERS_SHOWN, series_to_draw};
use kvmark::domain::{Millis, SeriesId};

use super::builders::{TONIGHT, block, inputs, night, point, quiet, row};

#[test]
fn movers_are_worst_first_and_the_surest_first() {
    let mut rows = quiet(5);
    rows.push(row(1, Band::Improved, Evidence::Exact));
    rows.push(row(2, Band::Info, Evidence::Likely));
    rows.push(row(3, Band::Warning, Evidence::Noise));
    rows.push(row(4, Band::Warning, Evidence::Confirmed));
    rows.push(row(5, Band::Critical, Evidence::Likely));
    let mut larger = row(6, Band::Warning, Evidence::Exact);
    larger.judgement.change = Some(0.19);
    rows.push(larger);
    // Different metrics, so that none stands for another.
    for row in &mut rows {
        Arc::make_mut(&mut row.series).key.metric = format!("metric_{}", row.series.id);
    }
    let block = block(inputs(night(rows)));
    let order: Vec<i64> = block.movers.iter().map(|m| m.judged.series.id.0).collect();
    assert_eq!(order, [5, 6, 4, 3, 2, 1]);
    assert_eq!(block.movers_total, 6);
}

#[test]
fn a_change_from_zero_is_the_largest() {
    let mut from_zero = row(1, Band::Critical, Evidence::Likely);
    from_zero.judgement.change = None;
    let rows = vec![row(2, Band::Critical, Evidence::Likely), from_zero];
    assert_eq!(
        series_to_draw(&night(rows), &[]),
        [SeriesId(1), SeriesId(2)]
    );
}

#[test]
fn no_more_movers_are_shown_than_a_page_can_hold() {
    let rows = (0..50)
        .map(|id| row(id, Band::Info, Evidence::Likely))
        .collect();
    let night = night(rows);
    assert_eq!(series_to_draw(&night, &[]).len(), MOVERS_SHOWN);
    let block = block(inputs(night));
    assert_eq!((block.movers.len(), block.movers_total), (MOVERS_SHOWN, 50));
}

#[test]
fn since_is_the_first_night_in_a_row_on_the_same_side() {
    let mut inputs = inputs(night(vec![row(1, Band::Critical, Evidence::Exact)]));
    inputs.points = vec![(
        SeriesId(1),
        vec![
            point(6, 1.0, Band::Critical),
            point(5, 1.0, Band::None),
            point(4, 1.0, Band::Info),
            point(2, 1.0, Band::Warning),
            point(0, 1.0, Band::Critical),
        ],
    )];
    assert_eq!(block(inputs.clone()).movers[0].since, TONIGHT.minus_days(4));

    inputs.points[0].1[3] = point(2, 1.0, Band::Improved);
    assert_eq!(block(inputs).movers[0].since, TONIGHT);
}

#[test]
fn an_alert_stands_beside_its_series() {
    let mut inputs = inputs(night(vec![
        row(1, Band::Critical, Evidence::Exact),
        row(2, Band::Warning, Evidence::Exact),
    ]));
    inputs.alerts = vec![(SeriesId(2), 41)];
    let alerts: Vec<Option<i64>> = block(inputs).movers.iter().map(|m| m.alert).collect();
    assert_eq!(alerts, [None, Some(41)]);
}

#[test]
fn of_the_series_of_an_alert_the_worst_stands_for_all() {
    let mut inputs = inputs(night(vec![
        row(1, Band::Critical, Evidence::Likely),
        row(2, Band::Critical, Evidence::Confirmed),
        row(3, Band::Warning, Evidence::Confirmed),
        row(4, Band::Info, Evidence::Noise),
        row(5, Band::Info, Evidence::Noise),
    ]));
    inputs.alerts = vec![(SeriesId(1), 41), (SeriesId(2), 41), (SeriesId(3), 41)];
    let block = block(inputs);
    let movers = block.movers.iter();
    let movers: Vec<(i64, usize)> = movers.map(|m| (m.judged.series.id.0, m.others)).collect();
    assert_eq!(movers, [(2, 2), (4, 0), (5, 0)]);
    assert_eq!(block.movers_total, 5);
}

#[test]
fn a_metric_that_surely_moved_at_several_params_is_one_cause_on_each_side() {
    let mut rows: Vec<_> = (1..=3)
        .map(|id| row(id, Band::Improved, Evidence::Exact))
        .collect();
    rows.push(row(4, Band::Info, Evidence::Exact));
    for row in &mut rows {
        Arc::make_mut(&mut row.series).key.metric = "allocs_per_op".to_owned();
    }
    let block = block(inputs(night(rows)));
    let others: Vec<usize> = block.movers.iter().map(|m| m.others).collect();
    assert_eq!(others, [0, 2]);
}

#[test]
fn nights_carry_their_own_answer() {
    let mut inputs = inputs(night(quiet(3)));
    let mut before = night(vec![row(1, Band::Critical, Evidence::Exact)]);
    before.run.started_at = Millis(TONIGHT.0 - 1);
    inputs.earlier.push(overview::night(&before));
    let block = block(inputs);
    let answers: Vec<&str> = block
        .nights
        .iter()
        .map(|night| night.status.as_str())
        .collect();
    assert_eq!(answers, ["pass", "fail"]);
    assert_eq!(block.nights[1].counts.of_band(Band::Critical), 1);
    assert_eq!(block.counts.of(Band::None, Evidence::Noise), 3);
}
