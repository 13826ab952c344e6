//! What happened to the sample machine in its year, so that every sort of verdict can be seen.

use super::SampleSeries;

/// Nights of the history, the newest included.
pub(super) const NIGHTS: i64 = 365;

/// Nights ago on which nothing ran.
pub(super) const MISSING: &[i64] = &[338, 291, 224, 223, 222, 166, 121, 77, 47, 19];

/// The machine was replaced: its nights up to this one belong to another machine.
pub(super) const OLD_MACHINE_UNTIL: i64 = 311;

/// The suite changed: nights up to this one had the version before.
pub(super) const OLD_SUITE_UNTIL: i64 = 256;

/// The night on which the burst benchmark failed.
pub(super) const FAILED_NIGHT: i64 = 3;

/// The benchmark that failed then.
pub(super) const FAILED_BENCHMARK: &str = "KVEventBurstLoad";

/// The level that somebody accepted, after a step that was worth it.
pub(in crate::demo) const ACCEPTED: Accepted = Accepted {
    benchmark: "KVEventMemoryUsage",
    metric: "churn_bytes_per_event",
    nights_ago: 68,
    reason: "the price of telling sessions apart: 12% more to allocate for each event",
};

/// A level that somebody accepted.
pub(in crate::demo) struct Accepted {
    pub(in crate::demo) benchmark: &'static str,
    pub(in crate::demo) metric: &'static str,
    pub(in crate::demo) nights_ago: i64,
    pub(in crate::demo) reason: &'static str,
}

/// Something that happened to some series.
struct Event {
    benchmark: &'static str,
    /// Beginnings of metric names.
    metrics: &'static [&'static str],
    /// A param that the series must have.
    param: Option<(&'static str, &'static str)>,
    /// The first and the last night of it, in nights ago.
    nights: (i64, i64),
    /// What it multiplies values by, from its first night on or little by little.
    factor: f64,
    course: Course,
}

#[derive(Clone, Copy, PartialEq)]
enum Course {
    /// All at once.
    Step,
    /// Evenly from the first night to the last.
    Ramp,
}

const EVENTS: &[Event] = &[
    // A step that is not fixed yet, in three series of one cause.
    Event {
        benchmark: "KVEventConcurrency",
        metrics: &["latency_p99"],
        param: Some(("concurrency", "100")),
        nights: (2, 0),
        factor: 1.36,
        course: Course::Step,
    },
    Event {
        benchmark: "KVEventConcurrency",
        metrics: &["lock_wait_per_op"],
        param: Some(("concurrency", "100")),
        nights: (2, 0),
        factor: 1.6,
        course: Course::Step,
    },
    Event {
        benchmark: "KVEventConcurrency",
        metrics: &["events_per_second"],
        param: Some(("concurrency", "100")),
        nights: (2, 0),
        factor: 0.82,
        course: Course::Step,
    },
    // A count that grew: exact, and small.
    Event {
        benchmark: "KVEventMemoryUsage",
        metrics: &["bytes_per_item", "bytes_per_event", "heap"],
        param: None,
        nights: (0, 0),
        factor: 238.0 / 226.0,
        course: Course::Step,
    },
    // One allocation less, and what it brought.
    Event {
        benchmark: "KVEventProcessingLatency",
        metrics: &["allocs_per_op"],
        param: None,
        nights: (5, 0),
        factor: 3.0 / 3.571,
        course: Course::Step,
    },
    Event {
        benchmark: "KVEventProcessingLatency",
        metrics: &["latency_mean", "latency_p50"],
        param: None,
        nights: (5, 0),
        factor: 0.93,
        course: Course::Step,
    },
    // Creep: each night alone looks fine.
    Event {
        benchmark: "KVEventLargePrefix",
        metrics: &["hash_time"],
        param: Some(("prefix", "50000")),
        nights: (84, 0),
        factor: 1.09,
        course: Course::Ramp,
    },
    // Outliers: one bad night, and nothing behind it.
    Event {
        benchmark: "KVEventBurstLoad",
        metrics: &["recovery_time", "latency_p99"],
        param: None,
        nights: (22, 22),
        factor: 1.62,
        course: Course::Step,
    },
    Event {
        benchmark: "KVEventRoutingDecision",
        metrics: &["latency_p99"],
        param: None,
        nights: (58, 58),
        factor: 1.4,
        course: Course::Step,
    },
    // A step that was found and fixed.
    Event {
        benchmark: "KVEventRoutingDecision",
        metrics: &["latency"],
        param: None,
        nights: (151, 138),
        factor: 1.15,
        course: Course::Step,
    },
    // A step that was accepted.
    Event {
        benchmark: "KVEventMemoryUsage",
        metrics: &["churn_bytes_per_event"],
        param: None,
        nights: (70, 0),
        factor: 1.12,
        course: Course::Step,
    },
    // An improvement that stayed.
    Event {
        benchmark: "KVEventLargePrefix",
        metrics: &["store_latency"],
        param: None,
        nights: (96, 0),
        factor: 0.88,
        course: Course::Step,
    },
    Event {
        benchmark: "KVEventThroughput",
        metrics: &["events_per_second"],
        param: Some(("rate", "max")),
        nights: (182, 0),
        factor: 1.09,
        course: Course::Step,
    },
];

/// What a series' usual value is multiplied by on a night.
pub(super) fn factor(series: &SampleSeries, nights_ago: i64) -> f64 {
    let events: f64 = EVENTS
        .iter()
        .filter(|event| event.touches(series))
        .map(|event| event.factor_on(nights_ago))
        .product();
    events * machine_and_suite(series, nights_ago)
}

impl Event {
    fn touches(&self, series: &SampleSeries) -> bool {
        self.benchmark == series.benchmark
            && self
                .metrics
                .iter()
                .any(|start| series.metric.starts_with(start))
            && self
                .param
                .is_none_or(|(name, value)| series.params.get(name).is_some_and(|own| own == value))
    }

    fn factor_on(&self, nights_ago: i64) -> f64 {
        let (first, last) = self.nights;
        if nights_ago > first || nights_ago < last {
            return 1.0;
        }
        match self.course {
            Course::Step => self.factor,
            Course::Ramp => {
                let done = (first - nights_ago) as f64 / (first - last).max(1) as f64;
                self.factor.powf(done)
            }
        }
    }
}

/// The machine before was slower, and the suite before did less work an event. Neither touches what
/// is counted.
fn machine_and_suite(series: &SampleSeries, nights_ago: i64) -> f64 {
    use bench_report::metric::Kind;
    let slower = match series.kind {
        Kind::Time => 1.17,
        Kind::Rate if !series.params.contains_key("rate") => 1.0 / 1.17,
        Kind::Rate if series.params.get("rate").is_some_and(|rate| rate == "max") => 1.0 / 1.17,
        _ => return 1.0,
    };
    let lighter = if series.kind == Kind::Time {
        0.94
    } else {
        1.0 / 0.94
    };
    let machine = if nights_ago >= OLD_MACHINE_UNTIL {
        slower
    } else {
        1.0
    };
    let suite = if nights_ago >= OLD_SUITE_UNTIL {
        lighter
    } else {
        1.0
    };
    machine * suite
}
