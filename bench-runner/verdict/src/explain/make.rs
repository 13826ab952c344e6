//! An explanation from what judged.

use super::{
    BandPart, CreepPart, CutPart, Explanation, GatePart, LeftOut, LevelPart, NightPart, NoisePart,
    RunUsed, StandingPart, TailPart,
};
use crate::band::{self, Band};
use crate::confirmation::Confirmation;
use crate::evidence::Thresholds;
use crate::evidence::context::Context;
use crate::evidence::detector::Looked;
use crate::gate::{GateInput, GateOptions, gate};
use crate::history::{History, Metric, Night};
use crate::inputs::InputsHash;
use crate::patterns::Patterns;
use crate::segments::{self, Cutting};
use crate::tonight::{State, Tonight};
use crate::verdict::{Coverage, Evidence, SeriesVerdict};
use crate::words::{evidence_word, nights, percent, plain};

/// What was judged, and what judged it.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The run.
    pub run_id: i64,
    /// Its verdict on the series, made again.
    pub series: SeriesVerdict,
    /// A count needs no statistics.
    pub is_count: bool,
    /// What the series is.
    pub metric: Metric,
    /// Its raw samples.
    pub samples: Vec<f64>,
    /// The interval of their median.
    pub interval: Option<[f64; 2]>,
    /// The nights up to this one, which is last; they form baselines, but for the last one perhaps.
    pub nights: &'a [RunUsed],
    /// The runs of the window of statement A.
    pub window: Vec<RunUsed>,
    /// Runs of that time that form no baseline.
    pub left_out: Vec<LeftOut>,
    /// All that the detector says of the night; none of a count.
    pub tonight: Option<&'a Tonight>,
    /// What pairs measured on the night say.
    pub pairs: Option<Confirmation>,
    /// What the night leaves.
    pub state: &'a State,
    /// The hash of what it was judged from.
    pub inputs_hash: InputsHash,
    /// The hash stored with the verdict.
    pub stored_hash: Option<InputsHash>,
    /// Whether the stored verdict is the same.
    pub is_same: bool,
    /// How strict the gate is.
    pub options: GateOptions,
    /// How strict it is with which series.
    pub patterns: Patterns,
}

/// Puts the numbers in the order of the rules.
pub fn explain(judged: Judged<'_>) -> Explanation {
    let nights: Vec<Night> = judged
        .nights
        .iter()
        .map(|run| Night {
            time_ms: run.time_ms,
            value: run.value,
            epoch: 0,
        })
        .collect();
    let history = History::new(nights, judged.metric);
    let thresholds = Thresholds::default();
    let time_ms = judged.nights.last().map_or(0, |run| run.time_ms);
    let context = judged.tonight.and_then(|tonight| tonight.context.as_ref());
    let gate = gate_part(&judged.series, &judged.options, &judged.patterns);
    let why = why(&judged, &thresholds, time_ms);
    let tails = judged.tonight.map_or_else(Vec::new, |tonight| {
        let part = |looked| tail(looked, judged.nights, &history);
        tonight.tails.iter().filter_map(part).collect()
    });
    let change_points = cuts(judged.nights, &history);
    let series = judged.series;
    Explanation {
        rule: crate::RULE.to_owned(),
        run_id: judged.run_id,
        series_id: series.series_id,
        benchmark: series.benchmark,
        params: series.params,
        metric: series.metric,
        unit: series.unit,
        better: series.better,
        is_count: judged.is_count,
        time_ms,
        value: series.value,
        samples: judged.samples,
        interval: judged.interval,
        inputs_hash: judged.inputs_hash,
        stored_hash: judged.stored_hash,
        is_same: judged.is_same,
        band: BandPart {
            from_ms: time_ms.saturating_sub(band::WINDOW_MS),
            runs: judged.window,
            left_out: judged.left_out,
            least_runs: band::MIN_RUNS,
            baseline: series.baseline,
            change: series.change,
            interval: series.interval,
            band: series.band,
        },
        noise: context.map(|context| noise(context, &thresholds)),
        level: context.and_then(|context| level(context, &history)),
        night: judged.tonight.and_then(|tonight| {
            Some(NightPart {
                z: tonight.tonight_z?,
                beyond: thresholds.beyond,
                noise_floor: tonight.noise_floor?,
                detectable_change: tonight.detectable_change,
            })
        }),
        tails,
        standing: standing(judged.state, &history),
        pairs: judged.pairs,
        evidence: series.evidence,
        why,
        change_points,
        creep: judged
            .tonight
            .and_then(|tonight| creep(tonight, judged.state)),
        gate,
    }
}

fn noise(context: &Context, thresholds: &Thresholds) -> NoisePart {
    let noise = &context.noise;
    NoisePart {
        nights: noise.nights,
        reading: context.reading,
        unit: noise.unit,
        variance: noise.variance,
        phi: noise.phi,
        rho: noise.rho,
        deviation: noise.deviation(),
        weekly_h: context.weekly_h,
        weekly_limit: thresholds.weekly_h,
        weekly: context.weekly,
    }
}

fn level(context: &Context, history: &History) -> Option<LevelPart> {
    let reference = context.reference?;
    Some(LevelPart {
        nights: reference.nights,
        mu: reference.level,
        level: history.level(context.reading, reference.level),
        m0: reference.offset,
    })
}

fn tail(looked: &Looked, nights: &[RunUsed], history: &History) -> Option<TailPart> {
    let Looked {
        context,
        tail,
        shape,
    } = looked;
    let reference = context.reference?;
    let noise = &context.noise;
    // Counted from the end: the detector may have seen fewer nights than there are.
    let since = nights.len().checked_sub(tail.nights)?;
    let deviation = noise.variance_of_mean(tail.nights, reference.nights).sqrt();
    Some(TailPart {
        nights: tail.nights,
        since: *nights.get(since)?,
        pool: noise.nights,
        unit: noise.unit,
        variance: noise.variance,
        rho: noise.rho,
        reference: reference.nights,
        mu: reference.level,
        m0: reference.offset,
        d: tail.z * deviation,
        deviation,
        z: tail.z,
        threshold: tail.threshold,
        change: history.change(context.reading, tail.step),
        shape: *shape,
        confirms: tail.nights >= Thresholds::default().tail_least
            && tail.z.abs() >= tail.threshold
            && shape.is_whole(),
    })
}

fn standing(state: &State, history: &History) -> Vec<StandingPart> {
    let part = |standing: &crate::tonight::Standing| {
        let (context, tail) = (&standing.change.context, &standing.change.tail);
        let reference = context.reference;
        StandingPart {
            by_pairs: standing.change.paired,
            since_ms: standing.since_ms,
            confirmed_ms: standing.confirmed_ms,
            nights: tail.nights,
            z: tail.z,
            threshold: tail.threshold,
            change: history.change(context.reading, tail.step),
            frozen_baseline: reference.map(|level| history.level(context.reading, level.level)),
        }
    };
    state.changes.iter().map(part).collect()
}

fn cuts(nights: &[RunUsed], history: &History) -> Vec<CutPart> {
    let reading = history.reading(0, history.len());
    segments::cuts(history, 0, history.len(), &Cutting::HISTORY)
        .into_iter()
        .filter_map(|cut| {
            Some(CutPart {
                at: *nights.get(cut.at)?,
                change: history.change(reading, cut.step),
                z: cut.z,
            })
        })
        .collect()
}

fn creep(tonight: &Tonight, state: &State) -> Option<CreepPart> {
    let level = state.levels.last()?;
    Some(CreepPart {
        since_ms: level.since_ms,
        by: level.by,
        accepted_level: tonight.accepted_level?,
        first_nights: level.first.len(),
        since_accepted: tonight.since_accepted,
        reach: tonight.creep_numbers.map(|numbers| numbers.reach),
        is_flagged: tonight.creep.is_some(),
    })
}

fn gate_part(series: &SeriesVerdict, options: &GateOptions, patterns: &Patterns) -> GatePart {
    let own = patterns.effective(series.into(), options);
    let input = GateInput {
        coverage: Coverage {
            expected: 1,
            measured: 1,
            ..Coverage::default()
        },
        series: vec![series.clone()],
        patterns: patterns.clone(),
        ..GateInput::default()
    };
    let verdict = gate(input, options);
    let quiet = || {
        if own.is_above(&series.into()) {
            let word = evidence_word(series.evidence);
            format!("above the threshold, and does not count: {word}")
        } else {
            "not above the threshold".to_owned()
        }
    };
    let said = verdict.reasons.join("; ");
    GatePart {
        status: verdict.status,
        line: if said.is_empty() { quiet() } else { said },
        threshold: own.options.threshold,
        fail_on: own.options.fail_on,
    }
}

/// Why the evidence is what it is, in a sentence.
fn why(judged: &Judged<'_>, thresholds: &Thresholds, time_ms: i64) -> String {
    let series = &judged.series;
    let z = judged.tonight.and_then(|tonight| tonight.tonight_z);
    let away = |z: f64| {
        format!(
            "this night lies {} deviations from the level before it, {} are likely",
            plain(z.abs()),
            thresholds.beyond
        )
    };
    match (series.evidence, z) {
        (Evidence::Exact, _) => {
            "a count: the same work gives the same number, so any change is real".to_owned()
        }
        (Evidence::Confirmed, _) => {
            let shown = |standing: &&crate::tonight::Standing| {
                standing.since_ms > time_ms - band::WINDOW_MS
            };
            let newest = judged.state.changes.iter().rev().find(shown);
            newest.map_or_else(
                || "a confirmed change of the level lies in the window".to_owned(),
                |standing| {
                    let tail = &standing.change.tail;
                    if standing.change.paired {
                        return "a change of the level in the window was confirmed by pairs measured on its night".to_owned();
                    }
                    format!(
                        "a change of the level in the window was confirmed by {} at {} deviations, {} were needed",
                        nights(tail.nights),
                        plain(tail.z.abs()),
                        plain(tail.threshold),
                    )
                },
            )
        }
        (Evidence::Incomparable, _) => "measured in another epoch".to_owned(),
        (Evidence::Likely, Some(z)) => {
            format!("{}; one night alone confirms nothing", away(z))
        }
        (Evidence::Noise, Some(z)) if series.band == Band::None => away(z),
        (Evidence::Noise, Some(z)) => {
            format!("{} in the direction of the band", away(z))
        }
        _ if judged.is_count => "a count without a baseline yet".to_owned(),
        _ if series.band == Band::Warming => format!(
            "{} of {} runs that a baseline needs",
            series.baseline_runs,
            band::MIN_RUNS
        ),
        _ if z.is_none() => format!(
            "fewer than {} since the last boundary: the level before is not known",
            nights(thresholds.reference_least)
        ),
        _ => match series.change {
            Some(change) => format!("{} and nothing to tell it from noise", percent(change)),
            None => "no percentage can be taken of the baseline".to_owned(),
        },
    }
}
