//! KVEventConcurrency: what sharing the index costs.

use bench_report::metric::{Params, Unit};

use super::drive::{StartLine, delay};
use super::plant::{self, Effect, Operation as Planted};
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
    description: "So many operations are under way at once, in a closed loop: each is a stream of its \
        own engines' events, from msgpack bytes, whose next operation is ready when the one before \
        is done. They share cpu=N worker threads, pinned to one processor each, which serve the \
        operations that are ready in turn, as tasks of an asynchronous server are served (with \
        fewer operations than workers, one worker each); so the kernel's scheduler, which would \
        decide the figures of 500 threads on two processors, does not enter. All concurrencies \
        replay the same streams over the same index in steady state: only the concurrency differs. \
        Response time runs from the moment an operation was ready until it is done: waiting for a \
        worker and for a lock is in it. lock_wait_per_op is the time that workers waited for the \
        index's locks, by its own counters, over all operations. Measuring begins when the first \
        worker is steady.",
    params: &[
        ParamInfo {
            name: "concurrency",
            about: "operations under way at once",
        },
        ParamInfo {
            name: "cpu",
            about: "workers that serve them, pinned to one processor each",
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
            "events applied a second, all workers together",
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

/// One operation under way: its stream, and since when its next event is ready.
struct Operation<'a> {
    replay: Replay<'a>,
    ready_at: u64,
}

/// What one worker measured.
struct Served {
    latencies: Latencies,
    ended_at: u64,
    steady: bool,
    /// Lock waits of all workers before measuring began; known to the first worker.
    waited_before: u64,
}

/// Takes one sample.
pub fn sample(params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let concurrency = number(INFO.name, "concurrency", params)?.max(1);
    let fleet = context.workloads.fleet();
    let subject = Subject::filled(fleet)?;
    let count = concurrency.min(context.cpus.len().max(1));
    let mut workers: Vec<Vec<Operation<'_>>> = (0..count).map(|_| Vec::new()).collect();
    for number in 0..concurrency {
        let replay = fleet.share(number, concurrency);
        workers[number % count].push(Operation {
            replay,
            ready_at: 0,
        });
    }
    let effect = context.effect_on(Planted::Apply);
    let steps = match effect {
        Some(Effect::Slower(fraction)) => delay(context, fraction, &mut workers, |operations| {
            // Any of them: all streams are alike.
            if let Some(operation) = operations.first_mut() {
                let (engine, bytes) = operation.replay.event();
                std::hint::black_box(subject.apply(engine, bytes)).ok();
            }
        })?,
        _ => 0,
    };
    let (clock, line) = (Monotonic::new(), StartLine::new());
    let share = context.budget.share(count);
    let results = parallel::run(context.cpus, &mut workers, |number, operations| {
        let (times, how) = ((&clock, &line), (context, share));
        let is_first = number == 0;
        match effect {
            None => serve(is_first, operations, &subject, times, how, || ()),
            Some(Effect::Allocates) => {
                serve(is_first, operations, &subject, times, how, plant::allocate)
            }
            Some(Effect::Slower(_)) => serve(is_first, operations, &subject, times, how, || {
                plant::spin(steps);
            }),
        }
    })?;
    context.go_on()?;
    let start = line.given().unwrap_or(0);
    let (mut latencies, mut end, mut steady) = (Latencies::new(), start, true);
    let mut waited = subject.lock_wait_ns();
    for served in results {
        latencies.merge(&served.latencies);
        end = end.max(served.ended_at);
        steady &= served.steady;
        waited -= served.waited_before;
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

/// Serves a worker's operations in turn: unmeasured until the first worker is steady and gives the
/// start, then within the budget. `then` follows each operation: what is planted, or nothing.
fn serve(
    is_first: bool,
    operations: &mut [Operation<'_>],
    subject: &Subject,
    (clock, line): (&Monotonic, &StartLine),
    (context, share): (&Context<'_>, Budget),
    then: impl Fn(),
) -> Served {
    let (mut latencies, cost) = (Latencies::new(), reading_cost());
    let mut turn = 0;
    let mut next = |operations: &mut [Operation<'_>]| -> usize {
        let current = turn;
        turn = if turn + 1 == operations.len() {
            0
        } else {
            turn + 1
        };
        let (engine, bytes) = operations[current].replay.event();
        std::hint::black_box(subject.apply(engine, bytes)).ok();
        then();
        current
    };
    let (mut steady, mut waited_before) = (true, 0);
    if is_first {
        steady = warm_up(clock, context.warmup, || {
            next(operations);
        })
        .steady;
        waited_before = subject.lock_wait_ns();
        line.give(clock.now());
    }
    let start = loop {
        if let Some(start) = line.given() {
            break start;
        }
        next(operations);
    };
    let (deadline, most) = match share {
        Budget::Time(time) => (start + time.as_nanos() as u64, u64::MAX),
        Budget::Count(count) => (u64::MAX, count),
    };
    // Everything is ready when measuring begins.
    let mut now = clock.now();
    operations
        .iter_mut()
        .for_each(|operation| operation.ready_at = now);
    while latencies.len() < most && (now < deadline || latencies.is_empty()) {
        let done = next(operations);
        now = clock.now();
        latencies.record((now - operations[done].ready_at).saturating_sub(cost));
        operations[done].ready_at = now;
    }
    Served {
        latencies,
        ended_at: now,
        steady,
        waited_before,
    }
}
