//! Judges every series of a run against the main branch's history before it.

use std::collections::HashMap;
use std::sync::Arc;

use bench_report::metric::Kind;
use bench_verdict::band;
use bench_verdict::evidence::Thresholds;
use bench_verdict::inputs::{Inputs, InputsHash};
use bench_verdict::regression::News;
use bench_verdict::tonight::{Tonight, tonight};
use bench_verdict::verdict::{Band, Evidence};

use super::carried::{Carried, CarriedSeries};
use crate::domain::alert::SeriesNews;
use crate::domain::{Judgement, Measurement, Millis, Series, SeriesId};

/// What a run is judged from.
#[derive(Debug, Clone)]
pub struct JudgeInputs {
    /// The run's time.
    pub at: Millis,
    /// What it measured.
    pub rows: Vec<(Arc<Series>, Measurement)>,
    /// For each of its series, time and published value of the runs before it that form baselines
    /// and have its suite version, oldest first: all of the seven days before it at least. A
    /// series without an entry has no history.
    pub history: Vec<(SeriesId, Vec<(Millis, f64)>)>,
}

/// What is said of a run, and what it leaves behind.
#[derive(Debug, Clone, Default)]
pub struct JudgedNight {
    /// One judgement a row, in the order of the rows.
    pub judgements: Vec<(SeriesId, Judgement)>,
    /// All that the detector says of the series that it watches, in the order of the rows.
    pub tonight: Vec<(SeriesId, Tonight)>,
    /// What became of worsenings, in the order of the rows; nothing where this run forms no
    /// baseline.
    pub news: Vec<SeriesNews>,
    /// What the next night is judged from. None where this run leaves nothing behind: it forms no
    /// baseline, or it came late.
    pub carried: Option<Carried>,
}

/// One judgement a row, in the order of the rows, by the plain rule alone: of anything but a count,
/// one night against a mean cannot tell change from noise.
pub fn judge(inputs: &JudgeInputs) -> Vec<(SeriesId, Judgement)> {
    let history = by_series(inputs);
    let each = inputs.rows.iter().map(|(series, measurement)| {
        let judgement = by_rule(series, measurement.value, &history, inputs.at);
        (series.id, judgement)
    });
    each.collect()
}

/// Judges a run by the plain rule and by the nights that were carried. `forms_baseline`: whether the
/// next night is to be judged from this run, too.
///
/// A run that is not later than what was carried is judged by the rule alone: what was carried
/// knows more than it may.
pub fn judge_night(inputs: &JudgeInputs, carried: Carried, forms_baseline: bool) -> JudgedNight {
    if carried.through.is_some_and(|through| through >= inputs.at) {
        return JudgedNight {
            judgements: judge(inputs),
            ..JudgedNight::default()
        };
    }
    let history = by_series(inputs);
    let one = |(series, measurement): &(Arc<Series>, Measurement)| {
        let before = carried.series.get(&series.id);
        let window = points_of(series, &history);
        let night = (inputs.at, measurement.value);
        watch(
            series,
            night,
            before.cloned().unwrap_or_default(),
            &window,
            forms_baseline,
        )
    };
    let watched = in_parallel(&inputs.rows, LEAST_ROWS, one);
    let mut judged = JudgedNight::default();
    let mut carried = carried;
    for ((series, _), watched) in inputs.rows.iter().zip(watched) {
        judged.judgements.push((series.id, watched.judgement));
        judged
            .tonight
            .extend(watched.tonight.map(|tonight| (series.id, tonight)));
        if forms_baseline {
            let news = watched.news.into_iter();
            judged.news.extend(news.map(|news| SeriesNews {
                series: series.id,
                news,
            }));
        }
        carried.series.insert(series.id, watched.carried);
    }
    carried.through = Some(inputs.at);
    judged.carried = forms_baseline.then_some(carried);
    judged
}

/// Fewer rows than this are judged before a thread has begun.
const LEAST_ROWS: usize = 32;

/// One series, watched for one night.
struct Watched {
    judgement: Judgement,
    tonight: Option<Tonight>,
    news: Vec<News>,
    carried: CarriedSeries,
}

fn watch(
    series: &Series,
    night: (Millis, f64),
    mut carried: CarriedSeries,
    points: &[band::Point],
    forms_baseline: bool,
) -> Watched {
    let ruled = rule(series, night.1, points, night.0);
    let window = band::window(points, night.0.0);
    let nights = carried.history(series, Some(night));
    let inputs = Inputs {
        metric: nights.metric(),
        nights: nights.nights(),
        state: &carried.state,
        window,
        is_count: series.kind == Kind::Count,
    };
    let hash = inputs.hash();
    // A count needs no statistics.
    let tonight = if series.kind == Kind::Count {
        None
    } else {
        tonight(&nights, &mut carried.state, &Thresholds::default())
    };
    carried.push(night);
    let judgement = with_evidence(ruled, tonight.as_ref(), forms_baseline, hash);
    let state = std::mem::take(&mut carried.state);
    let news = carried.watch(series, &judgement, tonight.as_ref(), &state);
    carried.state = state;
    Watched {
        judgement,
        tonight,
        news,
        carried,
    }
}

/// The rule's answer with the detector's beside it, which says nothing of a count. That main crept
/// is not the doing of a run that is none of its nights.
pub(super) fn with_evidence(
    ruled: Judgement,
    tonight: Option<&Tonight>,
    forms_baseline: bool,
    inputs: InputsHash,
) -> Judgement {
    let ruled = Judgement {
        inputs: Some(inputs),
        ..ruled
    };
    match tonight {
        None => ruled,
        Some(tonight) => Judgement {
            evidence: tonight.evidence,
            noise_floor: tonight.noise_floor,
            detectable_change: tonight.detectable_change,
            accepted_level: tonight.accepted_level,
            creep: tonight.creep.filter(|_| forms_baseline),
            ..ruled
        },
    }
}

/// Maps slices of `rows`, each of `least` at least, on all processors; the order stays.
pub fn in_parallel<'t, T: Sync, R: Send>(
    rows: &'t [T],
    least: usize,
    map: impl Fn(&'t T) -> R + Sync,
) -> Vec<R> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let size = rows.len().div_ceil(processors).max(least);
    std::thread::scope(|scope| {
        let map = &map;
        let parts: Vec<_> = rows
            .chunks(size)
            .map(|part| scope.spawn(move || part.iter().map(map).collect::<Vec<R>>()))
            .collect();
        let parts = parts.into_iter().map(|part| match part.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        parts.flatten().collect()
    })
}

type History<'a> = HashMap<SeriesId, &'a [(Millis, f64)]>;

fn by_series(inputs: &JudgeInputs) -> History<'_> {
    let each = inputs.history.iter();
    each.map(|(id, values)| (*id, values.as_slice())).collect()
}

/// Statement A for a value of [`JudgeInputs`].
fn by_rule(series: &Series, value: f64, history: &History<'_>, at: Millis) -> Judgement {
    rule(series, value, &points_of(series, history), at)
}

/// What may form the baseline of a series, in the order of time.
fn points_of(series: &Series, history: &History<'_>) -> Vec<band::Point> {
    let before = history.get(&series.id).copied().unwrap_or_default();
    let point = |&(time, value): &(Millis, f64)| band::Point {
        time_ms: time.0,
        value,
    };
    before.iter().map(point).collect()
}

/// Statement A for one value: `points` may form its baseline, and are in the order of time.
pub(super) fn rule(series: &Series, value: f64, points: &[band::Point], at: Millis) -> Judgement {
    let baseline = band::baseline(points, at.0);
    let judged = band::judge(value, baseline.mean, series.better, series.floor);
    let compared = !matches!(judged.band, Band::Warming | Band::Undefined);
    Judgement {
        baseline: baseline.mean,
        baseline_runs: u32::try_from(baseline.runs).unwrap_or(u32::MAX),
        change: judged.change,
        band: judged.band,
        evidence: if series.kind == Kind::Count && compared {
            Evidence::Exact
        } else {
            Evidence::Inconclusive
        },
        noise_floor: None,
        detectable_change: None,
        accepted_level: None,
        creep: None,
        inputs: None,
    }
}
