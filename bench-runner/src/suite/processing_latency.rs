//! KVEventProcessingLatency: how long one event takes.

use bench_report::metric::{Op, Params, Unit};

use super::counted::{self, CountedSubject};
use super::drive::{Timed, drive};
use super::plant::{self, Operation};
use super::subject::{Errors, Subject};
use super::{BenchmarkInfo, Context, Goal, MetricInfo, ParamInfo, Sample, SampleError, Variant};
use crate::measure::parallel;

/// Events of the counting pass.
const COUNTED_EVENTS: usize = 4_096;

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventProcessingLatency",
    title: "event processing latency",
    description: "One event at a time, from its msgpack bytes to the changed index: decoded, hashed \
        and applied. The index is in steady state: 16 engines hold 32,768 blocks, every store makes \
        an engine remove what it used longest ago, and a cycle of events leaves the index as it \
        found it, so that the figure does not depend on the number of iterations. The mean and the \
        rate are taken in batches of 64 with no clock inside; the percentiles are timed one by one \
        with the clock's own cost, measured at the start, taken off. With cpu=N, N pinned threads \
        do this at once to one index, each with engines' streams of its own. Allocations and \
        the work inside the index (blocks hashed, table slots looked at, bytes decoded) are counted \
        in passes of their own on one thread, with fixed keys and a fixed seed.",
    params: &[ParamInfo {
        name: "cpu",
        about: "processors, with one pinned thread each",
    }],
    variants: &[Variant {
        params: &[],
        per_cpu: true,
    }],
    metrics: &[
        MetricInfo::time(
            "latency_mean",
            "mean time of an event, without a clock inside",
        )
        .floor(1.0)
        .goals(&[Goal::new(Op::Less, 1e6)]),
        MetricInfo::time("latency_p50", "median time of an event")
            .floor(1.0)
            .goals(&[Goal::new(Op::Less, 5e5).reference(4.5e5)]),
        MetricInfo::time("latency_p90", "time that nine events in ten do not exceed").floor(1.0),
        MetricInfo::time("latency_p99", "time that 99 events in 100 do not exceed")
            .floor(1.0)
            .goals(&[Goal::new(Op::Less, 1e6).reference(9.5e5)]),
        MetricInfo::time(
            "latency_p999",
            "time that 999 events in 1,000 do not exceed",
        )
        .floor(1.0),
        MetricInfo::rate("ops_per_second", "events a second, all threads together"),
        MetricInfo::allocated("bytes_per_op", Unit::Bytes, "bytes allocated for an event")
            .floor(1.0),
        MetricInfo::allocated(
            "allocs_per_op",
            Unit::PerOperation,
            "allocations for an event",
        )
        .floor(0.01),
        counted::hash_operations("hash_operations_per_op"),
        counted::probes("probes_per_op"),
        MetricInfo::instructions(),
        counted::bytes_decoded("bytes_decoded_per_op"),
    ],
};

/// Takes one sample.
pub fn sample(_params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let fleet = context.workloads.fleet();
    let subject = Subject::filled(fleet)?;
    let threads = context.cpus.len().max(1);
    let mut replays: Vec<_> = (0..threads)
        .map(|thread| fleet.share(thread, threads))
        .collect();
    let driven = drive(
        context,
        Operation::Apply,
        Timed::Half,
        &mut replays,
        |replay| {
            let (engine, bytes) = replay.event();
            std::hint::black_box(subject.apply(engine, bytes)).ok();
        },
    )?;
    let mut sample = Sample {
        iterations: driven.batched.operations + driven.latencies.len(),
        steady: Some(driven.steady),
        ..Sample::default()
    };
    sample.put("latency_mean", driven.batched.mean_ns());
    sample.put("ops_per_second", driven.per_second);
    sample.put_latencies(
        "latency",
        driven.latencies,
        &[
            ("latency_p50", 0.5),
            ("latency_p90", 0.9),
            ("latency_p99", 0.99),
            ("latency_p999", 0.999),
        ],
    );
    count(context, &mut sample)?;
    count_work(context, &mut sample)?;
    Ok(sample)
}

/// Counts the allocations of steady-state events, on one thread and a fresh index.
fn count(context: &Context<'_>, sample: &mut Sample) -> Result<(), SampleError> {
    let fleet = context.workloads.fleet();
    let allocates = context.allocates(Operation::Apply);
    let counted = parallel::run_one(context.cpus, || {
        let prepare = || {
            // One whole turn first: what is allocated once is not what an event costs.
            let (subject, mut replay) = (Subject::portable_filled(fleet)?, fleet.share(0, 1));
            for _ in 0..COUNTED_EVENTS {
                let (engine, bytes) = replay.event();
                subject.must_apply(engine, bytes)?;
            }
            Ok((subject, replay, Errors::default()))
        };
        context.count_allocations(prepare, |(subject, mut replay, mut errors)| {
            for _ in 0..COUNTED_EVENTS {
                let (engine, bytes) = replay.event();
                errors.note(&subject.apply(engine, bytes));
                if allocates {
                    plant::allocate();
                }
            }
            Ok(subject)
        })
    })??;
    if let Some(counted) = counted {
        let per_op = |amount: u64| amount as f64 / COUNTED_EVENTS as f64;
        sample.put_counts(
            &counted,
            &[
                ("bytes_per_op", per_op(counted.seen.bytes)),
                ("allocs_per_op", per_op(counted.seen.count)),
            ],
        );
    }
    Ok(())
}

/// Counts the work inside the index for the first events of a cycle, on one thread.
fn count_work(context: &Context<'_>, sample: &mut Sample) -> Result<(), SampleError> {
    let fleet = context.workloads.fleet();
    let work = parallel::run_one(context.cpus, || {
        context.count_work(
            || CountedSubject::filled(fleet),
            |subject| {
                let mut replay = fleet.share(0, 1);
                for _ in 0..COUNTED_EVENTS {
                    let (engine, bytes) = replay.event();
                    subject.apply(engine, bytes)?;
                }
                Ok(())
            },
        )
    })??;
    let names = [
        "hash_operations_per_op",
        "probes_per_op",
        "bytes_decoded_per_op",
    ];
    sample.put_work(work, COUNTED_EVENTS, names);
    Ok(())
}
