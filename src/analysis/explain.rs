//! Why a run's series has the verdict that it has: judged again from its stored history, with every
//! number on the way.

use std::sync::Arc;

use bench_report::metric::Kind;
use bench_verdict::band;
use bench_verdict::explain::{self, LeftOut, RunUsed};
pub use bench_verdict::explain::{Explanation, Row};
use bench_verdict::gate::GateOptions;

use super::carried::metric;
use super::follow::{Beside, Seen, follow_from};
use super::published::published;
use super::verdict::series_verdict;
use crate::domain::{Judged, Measurement, Patterns, Point, Run, Series};

/// What an explanation is made from.
#[derive(Debug, Clone)]
pub struct ExplainInputs {
    /// The run.
    pub run: Run,
    /// The series.
    pub series: Arc<Series>,
    /// All its runs of the run's suite version and machine, in the order of time.
    pub points: Vec<Point>,
    /// Runs of the seven days before that form no baseline, with what is known of them.
    pub others: Vec<(Point, Run)>,
    /// The raw samples; empty where they are not kept.
    pub samples: Vec<f64>,
    /// What people and pairs said of the series.
    pub beside: Beside,
    /// The branch whose nightly runs form baselines.
    pub main_branch: String,
    /// How strict the gate is.
    pub options: GateOptions,
    /// How strict it is with which series.
    pub rules: Patterns,
}

/// Judges the run's night again. None where the run is not among the points.
pub fn explain(inputs: ExplainInputs) -> Option<Explanation> {
    let ExplainInputs { run, series, .. } = &inputs;
    let at = inputs.points.iter().position(|point| point.run == run.id)?;
    let before = inputs.points.get(..=at)?;
    let point = before.last()?;
    let seen: Vec<Seen> = before.iter().map(Seen::from).collect();
    let mut beside = inputs.beside.clone();
    beside.accepted.retain(|time| *time <= point.time);
    let mut said = None;
    let (carried, _) = follow_from(at, series, &seen, &beside, |one| {
        said = (one.seen.run == run.id).then_some((one.judgement, one.tonight));
    });
    let (judgement, tonight) = said?;

    let mut settled = beside.settled.iter();
    let settled = settled.find(|(night, _)| *night == run.id);
    let used = |point: &Point| RunUsed {
        run_id: point.run.0,
        time_ms: point.time.0,
        value: point.value,
    };
    let forming = before[..at].iter().filter(|point| point.of.forms_baseline);
    let nights: Vec<RunUsed> = forming.chain([point]).map(used).collect();
    let from = point.time.0.saturating_sub(band::WINDOW_MS);
    let in_window = |run: &&RunUsed| from <= run.time_ms && run.time_ms < point.time.0;
    let window = nights.iter().filter(in_window).copied().collect();
    let left_out = inputs.others.iter().map(|(other, what)| LeftOut {
        run: used(other),
        why: why_not(what, run, &inputs.main_branch),
    });
    let interval = published(&inputs.samples).interval;
    let row = Judged {
        series: series.clone(),
        measurement: Measurement {
            series: series.id,
            run: run.id,
            value: point.value,
            sample_count: point.sample_count,
            interval,
        },
        judgement,
        standing: None,
        decided: None,
    };
    Some(explain::explain(explain::Judged {
        run_id: run.id.0,
        series: series_verdict(&row, &run.environment_name),
        is_count: series.kind == Kind::Count,
        metric: metric(series),
        interval: interval.map(|(low, high)| [low, high]),
        nights: &nights,
        window,
        left_out: left_out.collect(),
        tonight: tonight.as_ref(),
        pairs: settled.map(|(_, pairs)| *pairs),
        state: &carried.state,
        inputs_hash: judgement.inputs?,
        stored_hash: point.judgement.inputs,
        is_same: judgement == point.judgement,
        options: inputs.options,
        patterns: inputs.rules,
        samples: inputs.samples,
    }))
}

/// Why a run is in no baseline of another.
fn why_not(what: &Run, of: &Run, main_branch: &str) -> String {
    if let Some(why) = what.why_no_baseline(main_branch) {
        why
    } else if what.suite_version != of.suite_version {
        format!(
            "suite version {}, not {}",
            what.suite_version, of.suite_version
        )
    } else {
        "another machine".to_owned()
    }
}
