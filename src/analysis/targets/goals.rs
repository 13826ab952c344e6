//! The goals as data. Sources: the performance testing guide, "Performance Baselines" (targets and
//! the v1.0 figures) and "Overview" (the five of the whole system).

use bench_report::metric::{Direction, Op};

/// Which of the series that differ in `cpu` measures a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cores {
    /// What one worker does.
    Fewest,
    /// What the whole machine does.
    Most,
}

/// An absolute goal and the series that measures it.
pub(super) struct Goal {
    /// What people call it.
    pub(super) name: &'static str,
    /// Benchmark name.
    pub(super) benchmark: &'static str,
    /// Metric name.
    pub(super) metric: &'static str,
    /// Params that the series must have.
    pub(super) params: &'static [(&'static str, &'static str)],
    /// Which one is taken where several have them.
    pub(super) cores: Cores,
    /// Unit of the series, and of `limit` and `reference`.
    pub(super) unit: &'static str,
    /// How a value is compared with the limit.
    pub(super) op: Op,
    /// The limit.
    pub(super) limit: f64,
    /// The guide's v1.0 figure.
    pub(super) reference: Option<f64>,
}

impl Goal {
    /// Which way is better.
    pub(super) fn direction(&self) -> Direction {
        match self.op {
            Op::Less | Op::AtMost | Op::Equal => Direction::Lower,
            Op::AtLeast | Op::Greater => Direction::Higher,
        }
    }

    /// The series that would measure it, in words.
    pub(super) fn wanted(&self) -> String {
        let mut text = format!("{} {}", self.benchmark, self.metric);
        for (key, value) in self.params {
            text += &format!(" {key}={value}");
        }
        text
    }

    /// Whether a name of a run's coverage speaks of this goal's series. Such names begin with the
    /// benchmark and hold the params as `key=value`; a benchmark that failed as a whole may be
    /// named without its metrics.
    pub(super) fn is_named_by(&self, name: &str) -> bool {
        let what = name.split_once(": ").map_or(name, |(what, _)| what);
        let words: Vec<&str> = what.split([' ', '/']).collect();
        let metrics: Vec<&&str> = words
            .iter()
            .skip(1)
            .filter(|word| !word.contains('='))
            .collect();
        words.first() == Some(&self.benchmark)
            && (metrics.is_empty() || metrics.contains(&&self.metric))
            && self.params.iter().all(|(k, v)| {
                words
                    .iter()
                    .any(|word| word.split_once('=') == Some((*k, *v)))
            })
    }
}

/// One millisecond.
const MS: f64 = 1e6;
/// One microsecond.
const US: f64 = 1e3;

/// The goals, in the order of a page.
pub(super) const GOALS: &[Goal] = &[
    Goal {
        name: "Event latency, median",
        benchmark: "KVEventProcessingLatency",
        metric: "latency_p50",
        params: &[],
        cores: Cores::Fewest,
        unit: "ns",
        op: Op::Less,
        limit: 500.0 * US,
        reference: Some(450.0 * US),
    },
    Goal {
        name: "Event latency, 99th percentile",
        benchmark: "KVEventProcessingLatency",
        metric: "latency_p99",
        params: &[],
        cores: Cores::Fewest,
        unit: "ns",
        op: Op::Less,
        limit: MS,
        reference: Some(950.0 * US),
    },
    Goal {
        name: "Events per second, one core",
        benchmark: "KVEventThroughput",
        metric: "events_per_second",
        params: &[("cpu", "1"), ("rate", "max")],
        cores: Cores::Fewest,
        unit: "1/s",
        op: Op::Greater,
        limit: 2_000.0,
        reference: Some(2_200.0),
    },
    Goal {
        name: "Events per second, eight cores",
        benchmark: "KVEventThroughput",
        metric: "events_per_second",
        params: &[("cpu", "8"), ("rate", "max")],
        cores: Cores::Fewest,
        unit: "1/s",
        op: Op::Greater,
        limit: 10_000.0,
        reference: Some(12_000.0),
    },
    Goal {
        name: "Memory per 1,000 events",
        benchmark: "KVEventMemoryUsage",
        metric: "heap_per_1k_events",
        params: &[("items", "100000")],
        cores: Cores::Fewest,
        unit: "B",
        op: Op::Less,
        limit: 1e6,
        reference: Some(0.8e6),
    },
    Goal {
        name: "Routing decision, mean",
        benchmark: "KVEventRoutingDecision",
        metric: "latency_mean",
        params: &[],
        cores: Cores::Fewest,
        unit: "ns",
        op: Op::Less,
        limit: 100.0 * US,
        reference: Some(85.0 * US),
    },
    Goal {
        name: "Event latency, mean",
        benchmark: "KVEventProcessingLatency",
        metric: "latency_mean",
        params: &[],
        cores: Cores::Fewest,
        unit: "ns",
        op: Op::Less,
        limit: MS,
        reference: None,
    },
    Goal {
        name: "Event until a decision sees it",
        benchmark: "KVEventRoutingDecision",
        metric: "visible_p99",
        params: &[],
        cores: Cores::Fewest,
        unit: "ns",
        op: Op::Less,
        limit: 5.0 * MS,
        reference: None,
    },
    Goal {
        name: "Events per second, whole system",
        benchmark: "KVEventThroughput",
        metric: "events_per_second",
        params: &[("rate", "max")],
        cores: Cores::Most,
        unit: "1/s",
        op: Op::AtLeast,
        limit: 10_000.0,
        reference: None,
    },
    Goal {
        name: "Bytes per cached prefix",
        benchmark: "KVEventMemoryUsage",
        metric: "bytes_per_item",
        params: &[("items", "100000")],
        cores: Cores::Fewest,
        unit: "B",
        op: Op::Less,
        limit: 1_024.0,
        reference: None,
    },
    Goal {
        name: "CPU under normal load",
        benchmark: "KVEventThroughput",
        metric: "cpu_percent",
        params: &[("rate", "2000")],
        cores: Cores::Fewest,
        unit: "%",
        op: Op::Less,
        limit: 20.0,
        reference: None,
    },
];
