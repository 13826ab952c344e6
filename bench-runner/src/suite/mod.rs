//! The eight benchmarks: one file each, with what it is (as data) and how one sample of it is taken.
//!
//! - [`mod@catalogue`]: the suite as data.
//! - `subject`: the index under test, through its public API; `counted`: the same with its work counted.
//! - `rates`: events at a given rate, or as fast as they are taken.
//! - `drive`: closed loops on pinned threads, as several benchmarks need them.
//! - [`mixed`]: a workload without an end, for soaking.
//! - [`recorded`]: a recording as a benchmark of its own, where one is given.
//! - [`repeated`]: an operation alone, for counters outside the program.
//! - `workloads`: the seeded streams, made once a run.
//! - [`plant`]: a planted slowdown, which proves that a gate can fail.
//!
//! # Invariants
//! 1. Each sample is taken on an index of its own, freshly filled: samples are independent, and the
//!    luck of one memory layout is seen as noise between samples, not taken for the truth.
//! 2. What a sample measures does not depend on how many operations it does.

pub mod burst_load;
pub mod catalogue;
pub mod concurrency;
mod counted;
mod drive;
pub mod end_to_end;
pub mod large_prefix;
pub mod memory_usage;
pub mod mixed;
pub mod plant;
pub mod processing_latency;
mod rates;
pub mod recorded;
pub mod repeated;
pub mod routing_decision;
mod sample;
mod subject;
pub mod throughput;
mod workloads;

pub use catalogue::{
    BenchmarkInfo, Goal, INSTRUCTIONS, MetricInfo, ParamInfo, SUITE, SUITE_VERSION, Variant, When,
    catalogue, operation_of,
};
pub use sample::{Context, Sample, SampleError, Stop};
pub use workloads::Workloads;

use bench_report::metric::Params;

/// Takes one sample of a benchmark with its params.
pub fn sample(
    benchmark: &BenchmarkInfo,
    params: &Params,
    context: &Context<'_>,
) -> Result<Sample, SampleError> {
    let take = match benchmark.name {
        name if name == processing_latency::INFO.name => processing_latency::sample,
        name if name == throughput::INFO.name => throughput::sample,
        name if name == memory_usage::INFO.name => memory_usage::sample,
        name if name == concurrency::INFO.name => concurrency::sample,
        name if name == large_prefix::INFO.name => large_prefix::sample,
        name if name == burst_load::INFO.name => burst_load::sample,
        name if name == routing_decision::INFO.name => routing_decision::sample,
        name if name == end_to_end::INFO.name => end_to_end::sample,
        name if name == recorded::INFO.name => recorded::sample,
        name => return Err(SampleError::UnknownBenchmark(name.to_owned())),
    };
    take(params, context)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::cpu;
    use crate::measure::looping::Budget;

    #[test]
    fn every_benchmark_gives_every_metric_that_it_promises() {
        let workloads = Workloads::new(7);
        let cpus = cpu::allowed();
        for info in catalogue() {
            for params in info.cases(&[1]) {
                let context = Context {
                    workloads: &workloads,
                    budget: Budget::Count(100),
                    warmup: Duration::ZERO,
                    cpus: &cpus[..1],
                    verify_counts: true,
                    profiled: false,
                    stop: &Stop::default(),
                    plant: None,
                };
                let sample = sample(info, &params, &context)
                    .unwrap_or_else(|error| panic!("{} {params:?}: {error}", info.name));
                let promised: Vec<&str> = info
                    .metrics_of(&params)
                    .filter(|metric| !metric.needs_instructions)
                    .map(|metric| metric.name)
                    .collect();
                for name in &promised {
                    let value = sample.values.iter().find(|value| value.0 == *name);
                    assert!(
                        value.is_some_and(|value| value.1 >= 0.0),
                        "{} {params:?} {name}: {value:?}",
                        info.name
                    );
                }
                assert_eq!(
                    sample.values.len(),
                    promised.len(),
                    "{} {params:?}",
                    info.name
                );
                assert!(sample.iterations > 0);
                assert_eq!(sample.differing, [""; 0], "{} {params:?}", info.name);
            }
        }
    }

    #[test]
    fn the_index_is_exact_and_takes_every_event() {
        let workloads = Workloads::new(7);
        let context = Context {
            workloads: &workloads,
            budget: Budget::Count(2_000),
            warmup: Duration::ZERO,
            cpus: &[],
            verify_counts: false,
            profiled: false,
            stop: &Stop::default(),
            plant: None,
        };
        let value = |benchmark: &BenchmarkInfo, variant: usize, name: &str| {
            let params = &benchmark.cases(&[1])[variant];
            let sample = sample(benchmark, params, &context).ok()?;
            sample
                .values
                .iter()
                .find(|value| value.0 == name)
                .map(|value| value.1)
        };
        assert_eq!(value(&routing_decision::INFO, 0, "accuracy"), Some(100.0));
        assert_eq!(value(&throughput::INFO, 0, "error_rate"), Some(0.0));
    }

    #[test]
    fn a_planted_allocation_is_counted_and_nothing_else_is() {
        let workloads = Workloads::new(7);
        let counts = |plant: Option<plant::Plant>| -> Option<(f64, f64)> {
            let context = Context {
                workloads: &workloads,
                budget: Budget::Count(100),
                warmup: Duration::ZERO,
                cpus: &[],
                verify_counts: true,
                profiled: false,
                stop: &Stop::default(),
                plant,
            };
            let params = &processing_latency::INFO.cases(&[1])[0];
            let sample = sample(&processing_latency::INFO, params, &context).ok()?;
            let value = |name| sample.values.iter().find(|value| value.0 == name);
            Some((value("allocs_per_op")?.1, value("bytes_per_op")?.1))
        };
        let (plain, planted) = (counts(None), counts(plant::parse("apply=alloc").ok()));
        let (Some(plain), Some(planted)) = (plain, planted) else {
            panic!("{plain:?} {planted:?}");
        };
        assert_eq!(planted.0 - plain.0, 1.0);
        assert_eq!(planted.1 - plain.1, plant::EXTRA_BYTES as f64);
    }

    #[test]
    fn a_sample_that_was_asked_to_stop_is_an_error() {
        let stop = Stop::default();
        stop.ask();
        let context = Context {
            workloads: &Workloads::new(7),
            budget: Budget::Count(1),
            warmup: Duration::ZERO,
            cpus: &[],
            verify_counts: false,
            profiled: false,
            stop: &stop,
            plant: None,
        };
        let params = &burst_load::INFO.cases(&[1])[0];
        let error = sample(&burst_load::INFO, params, &context).err();
        assert!(matches!(error, Some(SampleError::Stopped)), "{error:?}");
    }
}
