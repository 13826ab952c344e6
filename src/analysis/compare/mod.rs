//! Two stored runs, row by row, by [`bench_verdict::compare`]: what CI, a reviewer and a pull
//! request's comment are told.
//!
//! # Layout
//! - here: [`compare`], from two runs with their samples to a judged comparison.
//! - [`sections`]: the rows as a page groups them, counts first, then by evidence and size.
//! - `coverage`: what one side has and the other has not. `apart`: what tells two machines apart.

mod apart;
mod coverage;
pub mod sections;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use bench_report::metric::{Direction, Kind};
use bench_verdict::compare::{Compared, Question};
pub use bench_verdict::comparison::{Centre, Comparison, Geomean, Row};
use bench_verdict::comparison::{Side, Sides, Subject};
use bench_verdict::gate::GateOptions;
use bench_verdict::markdown;
use bench_verdict::stats::sample::Sample;
use bench_verdict::verdict::Evidence;

use super::judge::in_parallel;
use crate::domain::{Environment, Judged, JudgedRun, Run, RunPair, Series, SeriesId};

/// One side of a comparison, with all that is looked at.
#[derive(Debug, Clone)]
pub struct RunSide {
    /// The run with its rows.
    pub run: JudgedRun,
    /// Raw samples by series, in the order they were measured.
    pub samples: HashMap<SeriesId, Vec<f64>>,
    /// Which side of which pair the run is.
    pub pair: Option<RunPair>,
    /// Its machine.
    pub environment: Environment,
}

/// Two runs compared.
#[derive(Debug, Clone)]
pub struct RunComparison {
    /// The comparison as it travels. Its rows are sorted: counts that changed first, then by
    /// evidence, then by size.
    pub comparison: Comparison,
    /// For each row of it, the series of both sides.
    pub series: Vec<RowSeries>,
}

/// The series of a row.
#[derive(Debug, Clone)]
pub struct RowSeries {
    /// The side compared with; the same as the other one's where the machine is.
    pub base: SeriesId,
    /// The side judged.
    pub head: Arc<Series>,
}

/// Fewer rows than this are compared before a thread has begun.
const LEAST_ROWS: usize = 16;

/// Compares two runs.
pub fn compare(base: &RunSide, head: &RunSide, options: &GateOptions) -> RunComparison {
    let rounds = common_rounds(base, head);
    let identical = base.run.run.binary_sha256.is_some()
        && base.run.run.binary_sha256 == head.run.run.binary_sha256;
    let of_base: HashMap<Name<'_>, &Judged> =
        base.run.rows.iter().map(|row| (name(row), row)).collect();
    let both: Vec<(&Judged, &Judged)> = head
        .run
        .rows
        .iter()
        .filter_map(|row| Some((*of_base.get(&name(row))?, row)))
        .collect();
    let compared = in_parallel(&both, LEAST_ROWS, |(old, new)| {
        let samples = (samples(base, old), samples(head, new));
        let question = Question {
            better: new.series.better,
            exact: new.series.kind == Kind::Count
                && is_constant(&samples.0)
                && is_constant(&samples.1),
            identical,
            floor: new.series.floor,
            threshold: options.threshold,
        };
        one(&samples, &rounds, &question)
    });
    let mut rows: Vec<(RowSeries, Subject, Compared)> = both
        .iter()
        .zip(compared)
        .filter_map(|((old, new), compared)| {
            let series = RowSeries {
                base: old.series.id,
                head: new.series.clone(),
            };
            Some((series, subject(&new.series), compared?))
        })
        .collect();
    rows.sort_by_cached_key(|(_, subject, row)| (place(row), subject.benchmark.clone()));
    let (series, rows): (Vec<RowSeries>, Vec<(Subject, Compared)>) = rows
        .into_iter()
        .map(|(series, subject, row)| (series, (subject, row)))
        .unzip();
    let sides = Sides {
        base: Side {
            name: base_name(&base.run.run, &head.run.run),
            ..side(&base.run.run)
        },
        head: side(&head.run.run),
        paired: !rounds.is_empty(),
        coverage: coverage::coverage(&base.run, &head.run),
        environments_differ: apart::differences(base, head),
    };
    RunComparison {
        comparison: Comparison::judge(sides, &rows, options),
        series,
    }
}

/// A comparison as Markdown, with lines of the caller's own beneath what was compared: the very
/// text of a pull request's comment.
pub fn markdown(comparison: &Comparison, lines: &[String]) -> String {
    markdown::comparison_with(comparison, lines)
}

/// What makes two measurements of two runs the same thing: benchmark, params, metric, unit.
type Name<'a> = (
    &'a str,
    &'a std::collections::BTreeMap<String, String>,
    &'a str,
    &'a str,
);

fn name(row: &Judged) -> Name<'_> {
    let key = &row.series.key;
    (&key.benchmark, &key.params, &key.metric, &key.unit)
}

fn subject(series: &Series) -> Subject {
    let key = &series.key;
    Subject {
        benchmark: key.benchmark.clone(),
        params: key.params.clone(),
        metric: key.metric.clone(),
        unit: key.unit.clone(),
        better: series.better,
    }
}

/// What a run is called: `main 9f3c2ab`.
pub fn side_name(run: &Run) -> String {
    let revision = &run.revision;
    let of = match (revision.pull, &revision.branch) {
        (Some(pull), _) => format!("#{pull} "),
        (None, Some(branch)) => format!("{branch} "),
        (None, None) => String::new(),
    };
    format!("{of}{}", revision.short())
}

/// A merge base is called that: its run may carry the pull request's own branch.
fn base_name(base: &Run, head: &Run) -> String {
    if head.revision.base_commit.as_ref() == Some(&base.revision.commit) {
        format!("merge base {}", base.revision.short())
    } else {
        side_name(base)
    }
}

fn side(run: &Run) -> Side {
    Side {
        name: side_name(run),
        run_id: Some(run.id.0),
        commit: Some(run.revision.commit.clone()),
        branch: run.revision.branch.clone(),
        environment: Some(run.environment_name.clone()),
        started_at: Some(run.started_at.timestamp().to_string()),
    }
}

/// A row's samples; what is published where there are none.
fn samples(side: &RunSide, row: &Judged) -> Vec<f64> {
    match side.samples.get(&row.series.id) {
        Some(samples) if !samples.is_empty() => samples.clone(),
        _ => vec![row.measurement.value],
    }
}

/// The samples behind a row, and how its pairs went.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// Of the side compared with, in the order they were measured.
    pub before: Vec<f64>,
    /// Of the side judged.
    pub after: Vec<f64>,
    /// In how many pairs the head was worse, and of how many; none where nothing is paired.
    pub pairs_worse: Option<(usize, usize)>,
}

/// The samples behind a row that both runs have.
pub fn detail(base: &RunSide, head: &RunSide, of: &RowSeries) -> Option<Detail> {
    let old = base.run.rows.iter().find(|row| row.series.id == of.base)?;
    let new = head
        .run
        .rows
        .iter()
        .find(|row| row.series.id == of.head.id)?;
    let (before, after) = (samples(base, old), samples(head, new));
    let rounds = common_rounds(base, head);
    let pairs: Option<Vec<(f64, f64)>> = rounds
        .iter()
        .map(|(old, new)| Some((*before.get(*old)?, *after.get(*new)?)))
        .collect();
    let is_worse = |(old, new): &(f64, f64)| match of.head.better {
        Direction::Lower => new > old,
        Direction::Higher => new < old,
    };
    let pairs_worse = pairs.filter(|pairs| !pairs.is_empty()).map(|pairs| {
        (
            pairs.iter().filter(|pair| is_worse(pair)).count(),
            pairs.len(),
        )
    });
    Some(Detail {
        before,
        after,
        pairs_worse,
    })
}

fn is_constant(samples: &[f64]) -> bool {
    samples.windows(2).all(|two| two[0] == two[1])
}

/// Places of the samples, base and head, of the rounds that both sides of one pair have. Empty
/// where the runs are no pair.
fn common_rounds(base: &RunSide, head: &RunSide) -> Vec<(usize, usize)> {
    let (Some(old), Some(new)) = (&base.pair, &head.pair) else {
        return Vec::new();
    };
    if old.key != new.key || old.side == new.side {
        return Vec::new();
    }
    let place: HashMap<u32, usize> = old.rounds.iter().copied().zip(0..).collect();
    new.rounds
        .iter()
        .enumerate()
        .filter_map(|(at, round)| Some((*place.get(round)?, at)))
        .collect()
}

/// Pairs where the samples are of rounds; else one side after the other.
fn one(
    (old, new): &(Vec<f64>, Vec<f64>),
    rounds: &[(usize, usize)],
    question: &Question,
) -> Option<Compared> {
    if !question.exact && !rounds.is_empty() {
        let side = |values: &[f64], of: fn(&(usize, usize)) -> usize| -> Option<Vec<f64>> {
            rounds
                .iter()
                .map(|places| values.get(of(places)).copied())
                .collect()
        };
        let paired = side(old, |places| places.0)
            .zip(side(new, |places| places.1))
            .and_then(|(old, new)| bench_verdict::compare::compare_paired(&old, &new, question));
        if paired.is_some() {
            return paired;
        }
    }
    let (old, new) = (Sample::new(old).ok()?, Sample::new(new).ok()?);
    Some(bench_verdict::compare::compare(&old, &new, question))
}

/// Counts that changed, then by evidence, then the largest first.
fn place(row: &Compared) -> (u8, Reverse<u64>) {
    let size = row.change.map_or(f64::INFINITY, f64::abs);
    let rank = match row.evidence {
        Evidence::Exact if row.old.median != row.new.median => 0,
        Evidence::Confirmed => 1,
        Evidence::Likely => 2,
        Evidence::Inconclusive => 3,
        Evidence::Noise | Evidence::Incomparable => 4,
        Evidence::Exact => 5,
    };
    // Sizes are not negative, and of such numbers the bits are in the order of the numbers.
    (rank, Reverse(size.to_bits()))
}
