//! KVEventConcurrency: what sharing the index costs.

use bench_report::metric::{Params, Unit};

use super::drive::StartLine;
use super::sample::number;
use super::subject::Subject;
use super::{BenchmarkInfo, Context, MetricInfo, ParamInfo, Sample, SampleError, Variant};
use crate::measure::clock::{Clock as _, Monotonic, reading_cost};
use crate::measure::histogram::Latencies;
use crate::measure::looping::Budget;
use crate::measure::parallel;
use crate::measure::steady::warm_up;
use crate::workload::fleet::Replay;

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventConcurrency",
    title: "concurrency",
    description: "So many operations at once: each concurrent operation is a thread of its own that \
        applies events of its own engines' streams, from msgpack bytes, in a closed loop; all work \
        on one index in steady state, and all concurrencies together replay the same streams over \
        the same content, so that only the concurrency differs. The threads are pinned in turn to \
        cpu=N processors; where there are more threads than processors each gives way before an \
        operation. Response time runs from the moment an operation could have begun (the one \
        before it ended) until it is done: waiting for a processor and for a lock is in it. \
        lock_wait_per_op is the time that threads waited for the index's locks, by its own \
        counters, over all operations. Measuring begins when the first thread is steady.",
    params: &[
        ParamInfo {
            name: "concurrency",
            about: "operations at once, one thread each",
        },
        ParamInfo {
            name: "cpu",
            about: "processors that the threads share",
        },
    ],
    variants: &[
        Variant {
            params: &[("concurrency", "1")],
            per_cpu: true,
        },
        Variant {
            params: &[("concurrency", "10")],
            per_cpu: true,
        },
        Variant {
            params: &[("concurrency", "50")],
            per_cpu: true,
        },
        Variant {
            params: &[("concurrency", "100")],
            per_cpu: true,
        },
        Variant {
            params: &[("concurrency", "500")],
            per_cpu: true,
        },
    ],
    metrics: &[
        MetricInfo::rate(
            "events_per_second",
            "events applied a second, all threads together",
        ),
        MetricInfo::ratio(
            "lock_wait_per_op",
            Unit::Nanoseconds,
            "time waited for locks, an operation",
        )
        .floor(1.0),
        MetricInfo::time("latency_p50", "median response time").floor(1.0),
        MetricInfo::time(
            "latency_p90",
            "response time that nine in ten do not exceed",
        )
        .floor(1.0),
        MetricInfo::time("latency_p99", "response time that 99 in 100 do not exceed").floor(1.0),
        MetricInfo::time(
            "latency_p999",
            "response time that 999 in 1,000 do not exceed",
        )
        .floor(1.0),
    ],
};

/// Takes one sample.
pub fn sample(params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let concurrency = number(INFO.name, "concurrency", params)?;
    let fleet = context.workloads.fleet();
    let subject = Subject::filled(fleet)?;
    let mut replays: Vec<Replay<'_>> = (0..concurrency)
        .map(|thread| fleet.share(thread, concurrency))
        .collect();
    let share = context.budget.share(concurrency);
    let gives_way = concurrency > context.cpus.len();
    let (clock, line) = (Monotonic::new(), StartLine::new());
    let cost = reading_cost();

    let results = parallel::run(context.cpus, &mut replays, |thread, replay| {
        let mut latencies = Latencies::new();
        let mut operation = || {
            if gives_way {
                std::thread::yield_now();
            }
            let (engine, bytes) = replay.event();
            std::hint::black_box(subject.apply(engine, bytes)).ok();
        };
        let (mut steady, mut waited_before) = (true, 0);
        if thread == 0 {
            steady = warm_up(&clock, context.warmup, &mut operation).steady;
            waited_before = subject.lock_wait_ns();
            line.give(clock.now());
        }
        let start = loop {
            if let Some(start) = line.given() {
                break start;
            }
            operation();
        };
        let (deadline, most) = match share {
            Budget::Time(time) => (start + time.as_nanos() as u64, u64::MAX),
            Budget::Count(count) => (u64::MAX, count),
        };
        let mut last = clock.now();
        while latencies.len() < most && last < deadline {
            operation();
            let now = clock.now();
            latencies.record((now - last).saturating_sub(cost));
            last = now;
        }
        (latencies, last, steady, waited_before)
    })?;
    context.go_on()?;
    let start = line.given().unwrap_or(0);
    let (mut latencies, mut end, mut steady) = (Latencies::new(), start, true);
    let mut waited = subject.lock_wait_ns();
    for (own, last, own_steady, waited_before) in results {
        waited -= waited_before;
        latencies.merge(&own);
        end = end.max(last);
        steady &= own_steady;
    }
    let operations = latencies.len();
    let mut sample = Sample {
        iterations: operations,
        steady: Some(steady),
        ..Sample::default()
    };
    sample.put(
        "events_per_second",
        operations as f64 * 1e9 / (end - start).max(1) as f64,
    );
    sample.put("lock_wait_per_op", waited as f64 / operations.max(1) as f64);
    sample.put_latencies(
        "latency",
        latencies,
        &[
            ("latency_p50", 0.5),
            ("latency_p90", 0.9),
            ("latency_p99", 0.99),
            ("latency_p999", 0.999),
        ],
    );
    Ok(sample)
}
