//! A sample pull request: two pushes, each measured in pairs with its merge base. The first is
//! slower under contention and loses a benchmark; the second mends both.

use bench_report::metric::{Direction, Kind};
use bench_report::report::{Metric, Pair, Params, Purpose, Report, RunKind, Side, Status};
use jiff::{Timestamp, ToSpan};

use super::random::Random;
use super::{SampleSeries, SampleSuite, bytes, distributions, five_digits, middle, profile, story};

/// Its number.
pub(in crate::demo) const PULL: u64 = 219;

/// The night whose commit is the merge base, as many before the newest: before the step that main has
/// since.
pub(in crate::demo) const BASE_NIGHT: usize = 5;

/// Rounds of each push.
const ROUNDS: u32 = 12;

/// A push: its subject, how long ago it was measured, and what it multiplies.
struct Push {
    subject: &'static str,
    hours_ago: i64,
    changes: &'static [Change],
    /// A benchmark that fails on it.
    fails: Option<&'static str>,
}

/// Metrics of a benchmark that a push changes by a factor.
struct Change {
    benchmark: &'static str,
    metric: &'static str,
    param: Option<(&'static str, &'static str)>,
    factor: f64,
}

const fn change(
    benchmark: &'static str,
    metric: &'static str,
    param: Option<(&'static str, &'static str)>,
    factor: f64,
) -> Change {
    Change {
        benchmark,
        metric,
        param,
        factor,
    }
}

impl Push {
    /// What it multiplies a series by.
    fn factor(&self, benchmark: &str, params: &Params, metric: &str) -> f64 {
        let touches = |change: &&Change| {
            change.benchmark == benchmark
                && change.metric == metric
                && change
                    .param
                    .is_none_or(|(key, value)| params.get(key).is_some_and(|v| v == value))
        };
        let changes = self.changes.iter().filter(touches);
        changes.map(|change| change.factor).product()
    }
}

const CONTENDED: Option<(&str, &str)> = Some(("concurrency", "500"));
const BUSY: Option<(&str, &str)> = Some(("concurrency", "100"));

const PUSHES: [Push; 2] = [
    Push {
        subject: "sample: take the shard lock once a batch",
        hours_ago: 30,
        changes: &[
            change("KVEventConcurrency", "latency_p99", CONTENDED, 1.31),
            change("KVEventConcurrency", "lock_wait_per_op", CONTENDED, 1.24),
            change("KVEventConcurrency", "latency_p99", BUSY, 0.82),
            change("KVEventConcurrency", "lock_wait_per_op", BUSY, 0.7),
        ],
        fails: Some(story::FAILED_BENCHMARK),
    },
    Push {
        subject: "sample: give the lock back before a batch's last event",
        hours_ago: 6,
        changes: &[
            change("KVEventConcurrency", "latency_p99", BUSY, 0.8),
            change("KVEventConcurrency", "lock_wait_per_op", BUSY, 0.68),
            change("KVEventConcurrency", "events_per_second", BUSY, 1.13),
            change("KVEventLargePrefix", "store_latency_p50", None, 1.068),
        ],
        fails: None,
    },
];

/// The reports of the pull request, both sides of each push, oldest first; `base` is the report of the
/// night at the merge base.
pub(in crate::demo) fn pull_reports(
    suite: &SampleSuite,
    base: &Report,
    seed: u64,
    now: Timestamp,
) -> Vec<Report> {
    PUSHES
        .iter()
        .zip(1..)
        .flat_map(|(push, number)| {
            let mut random = Random::new(seed, &format!("push {number}"));
            let key = uuid::Builder::from_random_bytes(bytes(&mut random)).into_uuid();
            // What drifts hits both sides of a pair alike.
            let drift: Vec<f64> = (0..ROUNDS)
                .map(|_| (0.02 * random.normal()).exp())
                .collect();
            [Side::Base, Side::Head].map(|side| {
                let mut report = base.clone();
                report.kind = RunKind::Sample;
                report.run_key = uuid::Builder::from_random_bytes(bytes(&mut random)).into_uuid();
                report.started_at = now - push.hours_ago.hours();
                report.finished_at = report.started_at + 21.minutes();
                report.options.count = Some(ROUNDS);
                report.pair = Some(Pair {
                    pair_key: key,
                    side,
                    rounds: (0..ROUNDS).collect(),
                    against_run: None,
                    purpose: Purpose::Pull,
                });
                let revision = &mut report.revision;
                revision.base_commit.clone_from(&revision.commit);
                revision.branch = Some("sample/one-lock-a-batch".to_owned());
                revision.pull = Some(PULL);
                revision.commits.clear();
                if side == Side::Head {
                    let mut hash = format!("{:016x}{:016x}", random.bits(), random.bits());
                    hash.push_str("5a3917e0");
                    revision.commit = Some(hash);
                    revision.subject = Some(push.subject.to_owned());
                    revision.committed_at = Some(report.started_at - 1.hours());
                }
                measure(&mut report, push, side, &drift, &mut random);
                let moved = |series: &SampleSeries| {
                    let by_push = match side {
                        Side::Head => {
                            push.factor(&series.benchmark, &series.params, &series.metric)
                        }
                        Side::Base => 1.0,
                    };
                    by_push * story::factor(series, BASE_NIGHT as i64)
                };
                report.artifacts = profile::profiles(&suite.series, &moved, &mut random);
                report
            })
        })
        .collect()
}

/// Gives every metric one sample a round, and the head what its push did.
fn measure(report: &mut Report, push: &Push, side: Side, drift: &[f64], random: &mut Random) {
    let is_head = side == Side::Head;
    for benchmark in &mut report.benchmarks {
        benchmark.curves.clear();
        if is_head && push.fails == Some(benchmark.name.as_str()) {
            benchmark.status = Status::Failed;
            benchmark.error = Some("the queue grew beyond its bound and was dropped".to_owned());
            benchmark.iterations = 0;
            benchmark.metrics.clear();
            continue;
        }
        for metric in &mut benchmark.metrics {
            let factor = match side {
                Side::Head => push.factor(&benchmark.name, &benchmark.params, &metric.name),
                Side::Base => 1.0,
            };
            sample(metric, factor, drift, random);
        }
        let middles = benchmark.metrics.iter().map(|metric| {
            (
                metric.name.as_str(),
                metric.unit.as_str(),
                middle(&metric.samples),
            )
        });
        benchmark.histograms = distributions(middles);
    }
}

fn sample(metric: &mut Metric, factor: f64, drift: &[f64], random: &mut Random) {
    let middle = middle(&metric.samples);
    if metric.kind == Kind::Count {
        metric.samples = vec![middle];
        return;
    }
    if middle == 0.0 || middle == 100.0 {
        metric.samples = vec![middle; drift.len()];
        return;
    }
    let samples = drift.iter().map(|drift| {
        let drift = if metric.better == Direction::Lower {
            *drift
        } else {
            1.0 / drift
        };
        five_digits(middle * factor * drift * (0.012 * random.normal()).exp())
    });
    metric.samples = samples.collect();
}
