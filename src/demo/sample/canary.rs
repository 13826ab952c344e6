//! The canaries of the made-up nights: a slowdown is planted in the series that the runner would draw,
//! and each is measured against itself, too. One of the nights missed its canary, as a night on a
//! disturbed machine does.

use bench_report::metric::{Direction, SeriesName};
use bench_report::report::{Metric, Pair, Purpose, Report, RunKind, Side};
use bench_runner::night::canary::{SLOWER, draw};
use bench_runner::suite::operation_of;
use bench_runner::suite::plant::{Effect, Plant};
use jiff::ToSpan;
use serde_json::json;

use super::random::Random;
use super::{bytes, five_digits, middle};

/// So many nights, counted back from the newest, have canaries.
pub(in crate::demo) const NIGHTS: usize = 30;

/// Pairs of a series: what decides on a quiet night, and all that are measured where it does not.
const PAIRS: [u32; 2] = [4, 12];

/// Nights ago on which the machine was disturbed, and by how much a value then wanders.
const DISTURBED: (usize, f64) = (12, 0.22);

/// By how much a value wanders from round to round otherwise.
const QUIET: f64 = 0.009;

/// A night's canaries as its runner would send them: bodies for the confirmation of its run.
pub(in crate::demo) fn canaries(night: &Report, nights_ago: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed, &format!("canary {nights_ago}"));
    let mut bodies = Vec::new();
    for drawn in draw(night, false) {
        for purpose in [Purpose::Canary, Purpose::Aa] {
            bodies.extend(pair(night, &drawn.series, purpose, nights_ago, &mut random));
        }
    }
    bodies
}

fn pair(
    night: &Report,
    series: &SeriesName,
    purpose: Purpose,
    nights_ago: usize,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let (wander, rounds) = match nights_ago == DISTURBED.0 {
        true => (DISTURBED.1, PAIRS[1]),
        false => (QUIET, PAIRS[0]),
    };
    let planted = match purpose {
        Purpose::Canary => {
            let operation = operation_of(&series.benchmark, &series.params)?;
            let effect = Effect::Slower(SLOWER);
            Some(Plant { operation, effect }.to_string())
        }
        _ => None,
    };
    let pair_key = uuid::Builder::from_random_bytes(bytes(random)).into_uuid();
    let mut sides = Vec::with_capacity(2);
    for side in [Side::Base, Side::Head] {
        let plant = planted.clone().filter(|_| side == Side::Head);
        let mut report = narrowed(night, series, random)?;
        report.kind = match purpose {
            Purpose::Canary => RunKind::Canary,
            _ => RunKind::Aa,
        };
        report.options.count = Some(rounds);
        report.pair = Some(Pair {
            pair_key,
            side,
            rounds: (0..rounds).collect(),
            against_run: None,
            purpose,
        });
        let slower = if plant.is_some() { 1.0 + SLOWER } else { 1.0 };
        let metrics = report.benchmarks.iter_mut().flat_map(|b| &mut b.metrics);
        for metric in metrics {
            sample(metric, slower, wander, rounds, random);
        }
        report.options.planted = plant;
        sides.push(serde_json::to_value(&report).ok()?);
    }
    let head = sides.pop()?;
    let body = json!({ "base": sides.pop()?, "head": head });
    Some(body.to_string().into_bytes())
}

/// The night's report with nothing but one series, as a side has it.
fn narrowed(night: &Report, series: &SeriesName, random: &mut Random) -> Option<Report> {
    let mut report = night.clone();
    report.run_key = uuid::Builder::from_random_bytes(bytes(random)).into_uuid();
    report.started_at = night.finished_at;
    report.finished_at = night.finished_at + 2.minutes();
    report.revision.commits.clear();
    report.artifacts.clear();
    report
        .expected
        .retain(|case| case.name == series.benchmark && case.params == series.params);
    for case in &mut report.expected {
        case.metrics.retain(|metric| *metric == series.metric);
    }
    report
        .benchmarks
        .retain(|case| case.name == series.benchmark && case.params == series.params);
    let case = report.benchmarks.first_mut()?;
    case.histograms.clear();
    case.curves.clear();
    case.metrics.retain(|metric| metric.name == series.metric);
    Some(report)
}

/// One sample a round about the night's middle, of what is slower by a factor.
fn sample(metric: &mut Metric, slower: f64, wander: f64, rounds: u32, random: &mut Random) {
    let middle = middle(&metric.samples);
    let factor = match metric.better {
        Direction::Lower => slower,
        Direction::Higher => 1.0 / slower,
    };
    let each = (0..rounds).map(|_| five_digits(middle * factor * (wander * random.normal()).exp()));
    metric.samples = each.collect();
}
