//! Gathers the results of a file into reports.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::units::Foreign;
use super::{Origin, ReadError};
use crate::metric::NOT_AVAILABLE;
use crate::report::{
    Benchmark, Conditions, Environment, FORMAT, Metric, Options, Params, Report, Revision, RunKind,
    Runner, Status, Suite,
};

/// What a file says of one run, beside its results.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The suite's name.
    pub(super) suite: String,
    /// The suite's version, if the file knows one.
    pub(super) suite_version: Option<String>,
    /// The tool that measured.
    pub(super) runner: &'static str,
    /// Its version, if the file knows it.
    pub(super) runner_version: Option<String>,
    /// Known parts of the revision.
    pub(super) revision: Revision,
    /// Known parts of the environment.
    pub(super) environment: Environment,
    /// When it was measured.
    pub(super) started_at: Option<Timestamp>,
    /// When it ended.
    pub(super) finished_at: Option<Timestamp>,
}

/// The results of one run, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Results {
    benchmarks: Vec<Benchmark>,
    places: HashMap<(String, Params), usize>,
}

impl Results {
    pub(super) fn is_empty(&self) -> bool {
        self.benchmarks.is_empty()
    }

    /// The benchmark of this name and these params, made if it is not there yet.
    pub(super) fn benchmark(&mut self, name: &str, params: &Params) -> &mut Benchmark {
        let place = *self
            .places
            .entry((name.to_owned(), params.clone()))
            .or_insert_with(|| {
                self.benchmarks.push(Benchmark {
                    name: name.to_owned(),
                    params: params.clone(),
                    status: Status::Ok,
                    error: None,
                    iterations: 0,
                    conditions: None,
                    disturbed: Vec::new(),
                    metrics: Vec::new(),
                    histograms: Vec::new(),
                    curves: Vec::new(),
                });
                self.benchmarks.len() - 1
            });
        &mut self.benchmarks[place]
    }
}

/// A run as the file tells it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) facts: Facts,
    pub(super) results: Results,
}

/// The reports of the runs of one file.
pub(super) fn finish(drafts: Vec<Draft>, origin: &Origin) -> Result<Vec<Report>, ReadError> {
    let drafts: Vec<_> = drafts
        .into_iter()
        .filter(|draft| !draft.results.is_empty())
        .collect();
    let commits: HashSet<_> = drafts
        .iter()
        .filter_map(|draft| draft.facts.revision.commit.as_ref())
        .collect();
    let times: HashSet<_> = drafts
        .iter()
        .filter_map(|draft| draft.facts.started_at)
        .collect();
    if (origin.commit.is_some() && commits.len() > 1) || (origin.time.is_some() && times.len() > 1)
    {
        return Err(ReadError::OneOriginForMany { runs: drafts.len() });
    }
    drafts
        .into_iter()
        .map(|draft| report(draft, origin))
        .collect()
}

fn report(Draft { facts, results }: Draft, origin: &Origin) -> Result<Report, ReadError> {
    let started_at = origin.time.or(facts.started_at).unwrap_or(origin.read_at);
    // The end belongs to the beginning that the file gives, not to another one.
    let finished_at = facts
        .finished_at
        .filter(|end| origin.time.is_none() && *end >= started_at);
    let mut revision = facts.revision;
    revision.commit = origin.commit.clone().or(revision.commit);
    revision.branch = origin.branch.clone().or(revision.branch);
    let mut environment = facts.environment;
    environment.name = origin.environment.clone().or(environment.name);
    let mut report = Report {
        format: FORMAT,
        run_key: Uuid::nil(),
        kind: origin.kind.unwrap_or(RunKind::Import),
        suite: Suite {
            name: facts.suite,
            version: facts.suite_version.unwrap_or_else(|| "1".to_owned()),
        },
        runner: Runner {
            name: facts.runner.to_owned(),
            version: facts
                .runner_version
                .unwrap_or_else(|| NOT_AVAILABLE.to_owned()),
            binary_sha256: None,
        },
        options: Options::default(),
        revision,
        environment,
        conditions: Conditions::default(),
        started_at,
        finished_at: finished_at.unwrap_or(started_at),
        expected: Vec::new(),
        benchmarks: results.benchmarks,
        pair: None,
        artifacts: Vec::new(),
    };
    report.run_key = report.content_key();
    report.validate(origin.read_at)?;
    Ok(report)
}

/// Adds a sample to a metric, made if it is not there yet.
pub(super) fn add_sample_as(benchmark: &mut Benchmark, metric: &str, is: Foreign, value: f64) {
    if let Some(known) = benchmark
        .metrics
        .iter_mut()
        .find(|known| known.name == metric)
    {
        known.samples.push(value);
        return;
    }
    benchmark.metrics.push(Metric {
        name: metric.to_owned(),
        unit: is.unit.as_str().to_owned(),
        better: is.better,
        kind: is.kind,
        samples: vec![value],
        floor: None,
        target: None,
    });
}

/// Marks a benchmark as failed or skipped: what it measured before is no result.
pub(super) fn end_without_result(benchmark: &mut Benchmark, status: Status, reason: &str) {
    benchmark.status = status;
    benchmark.error = Some(reason.to_owned());
    benchmark.metrics.clear();
}

/// A text of another program, without what the format refuses: control characters become spaces,
/// and what is too long is cut.
pub(super) fn clean(text: &str, limit: usize) -> String {
    let mut clean = String::new();
    for character in text.trim().chars() {
        let character = if character.is_control() && character != '\n' {
            ' '
        } else {
            character
        };
        if clean.len() + character.len_utf8() > limit {
            break;
        }
        clean.push(character);
    }
    clean
}
