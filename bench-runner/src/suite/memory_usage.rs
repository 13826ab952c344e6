//! KVEventMemoryUsage: what the index takes for so many blocks.

use bench_report::metric::{Op, Params, Unit};

use super::sample::number;
use super::subject::Subject;
use super::{BenchmarkInfo, Context, Goal, MetricInfo, ParamInfo, Sample, SampleError, Variant};
use crate::measure::parallel;
use crate::workload::catalogue;

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventMemoryUsage",
    title: "memory usage",
    description: "An index is filled, from empty, with exactly so many distinct blocks: prompts of 64 \
        blocks in groups of 20, half of each shared by its group and half its own, stored by 16 \
        engines in events of 8 blocks. Every allocation of the filling thread is counted, by the \
        sizes asked for: what is held in the end (the heap), what was asked for on the way (churn), \
        and the highest amount held at once over what is held in the end. The last two are what \
        garbage-collection pressure is without a collector. Hash keys and seed are fixed, hashing \
        uses no instructions that only some machines have, one thread works, and a run counts twice: where both agree these are exact counts, and any \
        change is real.",
    params: &[ParamInfo {
        name: "items",
        about: "distinct blocks (cached prefixes)",
    }],
    variants: &[
        Variant {
            params: &[("items", "1000")],
            per_cpu: false,
        },
        Variant {
            params: &[("items", "10000")],
            per_cpu: false,
        },
        Variant {
            params: &[("items", "100000")],
            per_cpu: false,
        },
    ],
    metrics: &[
        MetricInfo::allocated(
            "bytes_per_item",
            Unit::Bytes,
            "heap a distinct block (cached prefix)",
        )
        .floor(0.1)
        .goals(&[Goal::new(Op::Less, 1_024.0)]),
        MetricInfo::allocated("bytes_per_event", Unit::Bytes, "heap an event").floor(1.0),
        MetricInfo::allocated("heap_total", Unit::Bytes, "heap held when all is stored")
            .floor(1_024.0),
        MetricInfo::allocated("heap_per_1k_events", Unit::Bytes, "heap for 1,000 events")
            .floor(1_024.0)
            .goals(&[Goal::new(Op::Less, 1e6).reference(8e5)]),
        MetricInfo::allocated("allocs_per_event", Unit::One, "allocations an event").floor(0.001),
        MetricInfo::allocated(
            "churn_bytes_per_event",
            Unit::Bytes,
            "bytes asked for an event, given back or not",
        )
        .floor(1.0),
        MetricInfo::allocated(
            "peak_over_live",
            Unit::One,
            "highest heap on the way over the heap in the end",
        )
        .floor(0.01),
    ],
};

/// Takes one sample.
pub fn sample(params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let items = number(INFO.name, "items", params)?;
    let stores = context.workloads.catalogue(items);
    let counted = parallel::run_one(context.cpus, || {
        context.count_allocations(
            || {
                // What a thread allocates once, for its first event, belongs to no item.
                let first = stores.events().next();
                first.map_or(Ok(()), |(_, bytes)| {
                    Subject::portable(1)?.must_apply(0, bytes)
                })
            },
            |()| {
                let subject = Subject::portable(catalogue::ENGINES)?;
                for (engine, bytes) in stores.events() {
                    subject.must_apply(engine, bytes)?;
                }
                subject.must_hold_distinct(items as u64)?;
                subject.must_hold(stores.pairs as u64)?;
                Ok(subject)
            },
        )
    })??;
    context.go_on()?;
    let events = stores.event_count() as f64;
    let mut sample = Sample {
        iterations: stores.event_count() as u64,
        ..Sample::default()
    };
    if let Some(counted) = counted {
        let (seen, live) = (counted.seen, counted.seen.live as f64);
        sample.put_counts(
            &counted,
            &[
                ("bytes_per_item", live / items.max(1) as f64),
                ("bytes_per_event", live / events),
                ("heap_total", live),
                ("heap_per_1k_events", 1_000.0 * live / events),
                ("allocs_per_event", seen.count as f64 / events),
                ("churn_bytes_per_event", seen.bytes as f64 / events),
                ("peak_over_live", seen.peak as f64 / live),
            ],
        );
    }
    Ok(sample)
}
