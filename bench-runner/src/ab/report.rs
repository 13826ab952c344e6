//! What was measured as the two reports of a pair: one a side, which the server keeps.

use std::collections::BTreeMap;

use bench_report::metric::{Kind, SeriesName};
use bench_report::report::{
    Benchmark, Environment, Expected, FORMAT, Metric, Options, Pair, Purpose, Report, Revision,
    RunKind, Runner, Side, Status, Suite,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::rounds::Pairs;
use super::side::Figures;
use crate::environment;

/// Suite of a command of somebody else's, as `import` names it too.
const FOREIGN_SUITE: &str = "go";

/// What the figures do not say.
#[derive(Debug, Clone)]
pub struct Told {
    /// Names the pair.
    pub pair_key: Uuid,
    /// What kind of run each side is.
    pub kind: RunKind,
    /// Why it was measured.
    pub purpose: Purpose,
    /// The run that it confirms or refutes.
    pub against_run: Option<i64>,
    /// The revisions, base and head.
    pub revisions: [Revision; 2],
    /// What people call the machine.
    pub environment_name: Option<String>,
    /// What was planted in the head, if anything.
    pub planted: Option<String>,
    /// When the first turn began.
    pub started_at: Timestamp,
}

/// The reports of base and head; series that do not have a sample of every round are left out.
/// None where no series is left.
pub fn reports(pairs: &Pairs, told: &Told, finished_at: Timestamp) -> Option<[Report; 2]> {
    let mut base = BTreeMap::new();
    let mut head = BTreeMap::new();
    for (name, figures, one, other) in pairs.samples() {
        let whole = |samples: &[f64]| samples.len() == pairs.rounds as usize;
        if whole(one) && whole(other) {
            let constant = |samples: &[f64]| samples.windows(2).all(|two| two[0] == two[1]);
            let exact = constant(one) && constant(other);
            add(&mut base, name, metric(name, figures, one, exact));
            add(&mut head, name, metric(name, figures, other, exact));
        }
    }
    if base.is_empty() {
        return None;
    }
    let sides = [(Side::Base, base), (Side::Head, head)];
    let mut reports = sides
        .into_iter()
        .zip(&pairs.first_reports)
        .map(|((side, found), first)| {
            report(pairs, told, (side, found), first.as_ref(), finished_at)
        });
    Some([reports.next()?, reports.next()?])
}

type Found = BTreeMap<(String, bench_report::metric::Params), Vec<Metric>>;

fn add(found: &mut Found, name: &SeriesName, metric: Metric) {
    let benchmark = (name.benchmark.clone(), name.params.clone());
    found.entry(benchmark).or_default().push(metric);
}

fn metric(name: &SeriesName, figures: &Figures, samples: &[f64], exact: bool) -> Metric {
    Metric {
        name: name.metric.clone(),
        unit: figures.unit.clone(),
        better: figures.better,
        // What differs between rounds is no count.
        kind: match figures.kind {
            Kind::Count if !exact => Kind::Ratio,
            kind => kind,
        },
        samples: samples.to_vec(),
        floor: figures.floor,
        target: None,
    }
}

fn report(
    pairs: &Pairs,
    told: &Told,
    (side, found): (Side, Found),
    first: Option<&Report>,
    finished_at: Timestamp,
) -> Report {
    let is_ours = first.is_some_and(|report| report.runner.binary_sha256.is_some());
    let machine = environment::environment(told.environment_name.clone());
    let is_head = side == Side::Head;
    Report {
        format: FORMAT,
        run_key: Uuid::new_v4(),
        kind: told.kind,
        suite: first.filter(|_| is_ours).map_or_else(
            || Suite {
                name: first
                    .map_or(FOREIGN_SUITE, |report| &report.suite.name)
                    .to_owned(),
                version: first.map_or("1", |report| &report.suite.version).to_owned(),
            },
            |report| report.suite.clone(),
        ),
        runner: match first.filter(|_| is_ours) {
            Some(report) => report.runner.clone(),
            None => Runner {
                name: "bench-runner".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                binary_sha256: None,
            },
        },
        options: Options {
            count: Some(pairs.rounds),
            planted: told.planted.clone().filter(|_| is_head),
            ..first
                .map(|report| report.options.clone())
                .unwrap_or_default()
        },
        revision: told.revisions[usize::from(is_head)].clone(),
        environment: match first {
            Some(report) if is_ours => Environment {
                name: told.environment_name.clone(),
                ..report.environment.clone()
            },
            // What our own program was built with says nothing about theirs.
            _ => Environment {
                compiler: None,
                flags: None,
                allocator: None,
                ..machine
            },
        },
        conditions: environment::conditions(),
        started_at: told.started_at,
        finished_at: finished_at.max(told.started_at),
        expected: found
            .iter()
            .map(|((name, params), metrics)| Expected {
                name: name.clone(),
                params: params.clone(),
                metrics: metrics.iter().map(|metric| metric.name.clone()).collect(),
            })
            .collect(),
        benchmarks: found
            .into_iter()
            .map(|((name, params), metrics)| Benchmark {
                name,
                params,
                status: Status::Ok,
                error: None,
                iterations: 0,
                conditions: None,
                disturbed: Vec::new(),
                metrics,
                histograms: Vec::new(),
                curves: Vec::new(),
            })
            .collect(),
        pair: Some(Pair {
            pair_key: told.pair_key,
            side,
            rounds: (0..pairs.rounds).collect(),
            against_run: told.against_run,
            purpose: told.purpose,
        }),
        artifacts: Vec::new(),
    }
}
