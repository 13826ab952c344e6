//! KVEventThroughput: how many events a second, and at what cost at a given rate.

use bench_report::metric::{Op, Params, Unit};

use super::drive::{Timed, drive};
use super::plant::Operation;
use super::rates::{LEAST_TIME, MAX, QUANTILES, STEADY, cpu_percent};
use super::sample::number;
use super::subject::{Errors, Subject};
use super::{
    BenchmarkInfo, Context, Goal, MetricInfo, ParamInfo, Sample, SampleError, Variant, When,
};
use crate::measure::clock::Monotonic;
use crate::measure::looping::Budget;
use crate::measure::{cpu, open_loop, parallel};
use crate::workload::arrivals;
use crate::workload::fleet::Replay;

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventThroughput",
    title: "event throughput",
    description: "With rate=max, cpu=N pinned workers apply events from msgpack bytes as fast as they \
        can (closed loop) to one index in steady state, each worker with engines' streams of its \
        own; every outcome is checked, and errors are counted by type. cores_used is processor time \
        of the workers over wall time. With rate=2000 (normal load) and rate=10000 (target \
        throughput), events arrive at equal distances whether or not the worker is ready (open \
        loop); it sleeps in between. Latency there runs from the moment an event was due until it \
        was applied, the timer's wake-up included, so that a stall counts for every event that \
        waited; cpu_percent is the worker's processor time over wall time, in percent of one core.",
    params: &[
        ParamInfo {
            name: "cpu",
            about: "workers, pinned to one processor each",
        },
        ParamInfo {
            name: "rate",
            about: "events a second that arrive; max: as fast as they are taken",
        },
    ],
    variants: &[
        Variant {
            params: &[("rate", "max")],
            per_cpu: true,
        },
        Variant {
            params: &[("rate", "2000")],
            per_cpu: false,
        },
        Variant {
            params: &[("rate", "10000")],
            per_cpu: false,
        },
    ],
    metrics: &[
        MetricInfo::rate(
            "events_per_second",
            "events applied a second, all workers together",
        )
        .goals(&[
            Goal::new(Op::Greater, 2_000.0)
                .when(When::Is("cpu", "1"))
                .reference(2_200.0),
            Goal::new(Op::Greater, 10_000.0)
                .when(When::Is("cpu", "8"))
                .reference(12_000.0),
            Goal::new(Op::Greater, 10_000.0).when(MAX),
        ]),
        MetricInfo::ratio(
            "error_rate",
            Unit::Percent,
            "share of events not taken whole",
        )
        .floor(0.001)
        .goals(&[Goal::new(Op::Less, 0.1)]),
        MetricInfo::ratio(
            "error_rate_decode",
            Unit::Percent,
            "share of events that could not be read",
        )
        .floor(0.001)
        .when(MAX),
        MetricInfo::ratio(
            "error_rate_orphaned",
            Unit::Percent,
            "share of events whose parent block was not held",
        )
        .floor(0.001)
        .when(MAX),
        MetricInfo::ratio(
            "error_rate_refused",
            Unit::Percent,
            "share of events that the index refused",
        )
        .floor(0.001)
        .when(MAX),
        MetricInfo::ratio(
            "error_rate_unknown",
            Unit::Percent,
            "share of events that removed what was not held",
        )
        .floor(0.001)
        .when(MAX),
        MetricInfo::ratio(
            "cores_used",
            Unit::Cores,
            "processor time of the workers over wall time",
        )
        .floor(0.001),
        cpu_percent("processor time over wall time, of one core"),
        MetricInfo::time("latency_p50", "median time from due to applied")
            .floor(1.0)
            .when(STEADY),
        MetricInfo::time(
            "latency_p90",
            "time from due to applied that nine in ten do not exceed",
        )
        .floor(1.0)
        .when(STEADY),
        MetricInfo::time(
            "latency_p99",
            "time from due to applied that 99 in 100 do not exceed",
        )
        .floor(1.0)
        .when(STEADY)
        .goals(&[Goal::new(Op::Less, 1e6)]),
    ],
};

/// Takes one sample.
pub fn sample(params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    if MAX.holds(params) {
        return closed(context);
    }
    open(number(INFO.name, "rate", params)? as u64, context)
}

/// As fast as the events are taken.
fn closed(context: &Context<'_>) -> Result<Sample, SampleError> {
    let fleet = context.workloads.fleet();
    let subject = Subject::filled(fleet)?;
    let threads = context.cpus.len().max(1);
    let mut workers: Vec<(Replay<'_>, Errors, u64)> = (0..threads)
        .map(|thread| (fleet.share(thread, threads), Errors::default(), 0))
        .collect();
    let driven = drive(
        context,
        Operation::Apply,
        Timed::No,
        &mut workers,
        |(replay, errors, events)| {
            let (engine, bytes) = replay.event();
            errors.note(&subject.apply(engine, bytes));
            *events += 1;
        },
    )?;
    let (mut errors, mut events) = (Errors::default(), 0);
    for (_, own, seen) in &workers {
        errors.add(*own);
        events += seen;
    }
    let mut sample = Sample {
        iterations: driven.batched.operations,
        steady: Some(driven.steady),
        ..Sample::default()
    };
    sample.put("events_per_second", driven.per_second);
    sample.put("cores_used", driven.cores);
    // The warm-up's events count too: an error is an error whenever it happens.
    let percent = |count: u64| 100.0 * count as f64 / events.max(1) as f64;
    sample.put("error_rate", percent(errors.total()));
    sample.put("error_rate_decode", percent(errors.decode));
    sample.put("error_rate_orphaned", percent(errors.orphaned));
    sample.put("error_rate_refused", percent(errors.refused));
    sample.put("error_rate_unknown", percent(errors.unknown));
    Ok(sample)
}

/// As the events arrive.
fn open(rate: u64, context: &Context<'_>) -> Result<Sample, SampleError> {
    let fleet = context.workloads.fleet();
    let subject = Subject::filled(fleet)?;
    let seconds = match context.budget {
        Budget::Time(time) => time.max(LEAST_TIME).as_secs_f64(),
        Budget::Count(events) => events as f64 / rate.max(1) as f64,
    };
    let due = arrivals::steady(rate, seconds);
    let (served, errors, wall, busy) = parallel::run_one(context.cpus, || {
        cpu::sleep_exactly();
        let (mut replay, mut errors) = (fleet.share(0, 1), Errors::default());
        let clock = Monotonic::new();
        let (start, busy) = (std::time::Instant::now(), cpu::thread_time());
        let served = open_loop::serve(
            &clock,
            &due,
            || context.stop.is_asked(),
            |_| {
                let (engine, bytes) = replay.event();
                errors.note(&subject.apply(engine, bytes));
            },
        );
        let busy = cpu::thread_time() - busy;
        (
            served,
            errors,
            start.elapsed().as_secs_f64(),
            busy as f64 / 1e9,
        )
    })?;
    context.go_on()?;
    let events = served.done.len();
    let mut sample = Sample {
        iterations: events as u64,
        ..Sample::default()
    };
    sample.put("events_per_second", events as f64 / wall);
    sample.put(
        "error_rate",
        100.0 * errors.total() as f64 / events.max(1) as f64,
    );
    sample.put("cores_used", busy / wall);
    sample.put("cpu_percent", 100.0 * busy / wall);
    sample.put_latencies("latency", served.latencies(), &QUANTILES);
    Ok(sample)
}
