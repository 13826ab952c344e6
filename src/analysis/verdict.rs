//! The verdict of a stored run, judged by [`bench_verdict::gate`]: what CI is told.

use bench_report::metric::{Direction, Target};
use bench_verdict::band;
use bench_verdict::gate::{self, GateInput, GateOptions};
use bench_verdict::suite_rules;
use bench_verdict::verdict::{Coverage, Decided, SeriesVerdict, TargetResult, Verdict};

pub use bench_verdict::RULE;

use super::overview::Gate;
use super::{confirmation, targets};
use crate::domain::{self, Judged, JudgedRun};

/// The verdict of a run under the given options.
pub fn of_run(run: &JudgedRun, options: &GateOptions) -> Verdict {
    let coverage = &run.run.coverage;
    let input = GateInput {
        coverage: Coverage {
            expected: coverage.expected as usize,
            measured: coverage.measured as usize,
            missing: coverage.missing.clone(),
            failed: coverage.failed.clone(),
            new: coverage.new.clone(),
            not_available: coverage.not_available.clone(),
        },
        series: run
            .rows
            .iter()
            .map(|row| {
                let judged = series_verdict(row, &run.run.environment_name);
                let confirm = confirmation::asked(&run.proofs, row.series.id);
                SeriesVerdict { confirm, ..judged }
            })
            .collect(),
        rules: targets::absolute_rules(run),
        patterns: run.rules.clone(),
        red_flags: suite_rules::raised(&targets::red_flags(run)),
        left_open: run.left_open.iter().map(left_open).collect(),
        canary_missed: confirmation::canary_missed(&run.rows, &run.proofs),
        ..GateInput::default()
    };
    Verdict {
        rule: run
            .run
            .rule
            .clone()
            .unwrap_or_else(|| UNKNOWN_RULE.to_owned()),
        rejudged: run.run.is_rejudged,
        ..gate::gate(input, options)
    }
}

/// The version of the rules that judged a run of which none is kept: it waits to be judged again.
const UNKNOWN_RULE: &str = "unknown";

/// What the gate answers with its usual options.
pub fn gate(run: &JudgedRun) -> Gate {
    let verdict = of_run(run, &GateOptions::default());
    Gate {
        status: status_word(verdict.status).to_owned(),
        exit_code: verdict.exit_code.code(),
        reasons: verdict.reasons,
    }
}

/// The word of a status, as JSON has it.
pub fn status_word(status: bench_verdict::exit::Status) -> &'static str {
    use bench_verdict::exit::Status;
    match status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Inconclusive => "inconclusive",
        Status::Incomplete => "incomplete",
        Status::Incomparable => "incomparable",
    }
}

/// The place of a status in an order with the worst first.
pub fn status_rank(status: &str) -> usize {
    const WORST_FIRST: [&str; 5] = ["fail", "incomplete", "incomparable", "inconclusive", "pass"];
    WORST_FIRST
        .iter()
        .position(|word| *word == status)
        .unwrap_or(WORST_FIRST.len())
}

/// The change as tonight's samples leave it open; none below six samples or without a baseline.
pub fn change_interval(row: &Judged) -> Option<[f64; 2]> {
    let interval = row.measurement.interval?;
    band::change_interval(interval, row.judgement.baseline, row.series.better)
}

/// How far a row lies from the level before its alert, positive being worse; none without an alert,
/// and where that level is zero.
pub fn frozen_change(row: &Judged) -> Option<f64> {
    let frozen = row.standing?.frozen_baseline;
    let (value, series) = (row.measurement.value, &row.series);
    band::judge(value, Some(frozen), series.better, series.floor).change
}

fn left_open(left: &domain::bridge::LeftOpen) -> gate::LeftOpen {
    gate::LeftOpen {
        alert_id: left.alert.0,
        ended_on: left.last_night.timestamp().strftime("%Y-%m-%d").to_string(),
    }
}

fn decided_of(row: &Judged, decided: &domain::Decided) -> Decided {
    let worse = match row.series.better {
        Direction::Lower => 1.0,
        Direction::Higher => -1.0,
    };
    let level = |change: f64| decided.frozen_baseline * (1.0 + worse * change);
    Decided {
        alert_id: decided.alert.0,
        level: decided.change.map(level),
    }
}

/// What is said of one row, as the gate takes it.
pub(super) fn series_verdict(row: &Judged, environment: &str) -> SeriesVerdict {
    let (key, judgement) = (&row.series.key, &row.judgement);
    let met = |target: &Target| target.is_met_by(row.measurement.value);
    SeriesVerdict {
        series_id: row.series.id.0,
        benchmark: key.benchmark.clone(),
        params: key.params.clone(),
        metric: key.metric.clone(),
        unit: key.unit.clone(),
        better: row.series.better,
        floor: row.series.floor,
        environment: environment.to_owned(),
        value: row.measurement.value,
        samples: row.measurement.sample_count as usize,
        baseline: judgement.baseline,
        baseline_runs: judgement.baseline_runs as usize,
        change: judgement.change,
        interval: change_interval(row),
        band: judgement.band,
        evidence: judgement.evidence,
        detectable_change: judgement.detectable_change,
        noise_floor: judgement.noise_floor,
        accepted_level: judgement.accepted_level,
        creep: judgement.creep,
        alert_id: row.standing.map(|standing| standing.alert.0),
        frozen_baseline: row.standing.map(|standing| standing.frozen_baseline),
        frozen_change: frozen_change(row),
        decided: row.decided.map(|decided| decided_of(row, &decided)),
        confirm: None,
        target: row.series.target.map(|target| TargetResult {
            op: target.op,
            value: target.value,
            met: met(&target),
        }),
        samples_needed: None,
    }
}
