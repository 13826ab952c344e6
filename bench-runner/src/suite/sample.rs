//! What a benchmark gets to take a sample, and what it gives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bench_report::metric::Params;
use bench_report::report::Curve;
use kv_indexer::IndexError;
use thiserror::Error;

use super::Workloads;
use super::plant::{Effect, Operation, Plant};
use crate::measure::alloc::{self, Allocations};
use crate::measure::histogram::Latencies;
use crate::measure::looping::Budget;
use crate::measure::parallel::ParallelError;

/// What one sample is taken with.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The streams.
    pub workloads: &'a Workloads,
    /// How long to measure.
    pub budget: Budget,
    /// How long warming up may take at most.
    pub warmup: Duration,
    /// The processors to use, as many as the params ask for (one where they do not).
    pub cpus: &'a [usize],
    /// Whether counts are taken twice and compared, which each run does once.
    pub verify_counts: bool,
    /// Whether this is for a profile: counting passes are left out, what they would count is done.
    pub profiled: bool,
    /// Whether to stop.
    pub stop: &'a Stop,
    /// A planted slowdown; none but where a gate proves itself.
    pub plant: Option<Plant>,
}

/// Asks what runs to stop as soon as it can.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
}

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

/// One sample of a benchmark.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Operations that were measured.
    pub iterations: u64,
    /// The value of each metric. A metric that could not be had is absent.
    pub values: Vec<(&'static str, f64)>,
    /// Distributions, in ns.
    pub histograms: Vec<(&'static str, Latencies)>,
    /// Courses over time.
    pub curves: Vec<Curve>,
    /// Counts that two passes did not agree on: no counts, then.
    pub differing: Vec<&'static str>,
    /// Whether warming up ended because it was steady, where there was any.
    pub steady: Option<bool>,
}

impl Sample {
    /// Adds a value; what could not be had stays absent.
    pub(super) fn put(&mut self, name: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into().filter(|value| value.is_finite()) {
            self.values.push((name, value));
        }
    }

    /// Adds quantiles of a distribution as `names` (metric and quantile), and the distribution.
    pub(super) fn put_latencies(
        &mut self,
        histogram: &'static str,
        latencies: Latencies,
        names: &[(&'static str, f64)],
    ) {
        for &(name, quantile) in names {
            self.put(name, latencies.quantile(quantile));
        }
        self.histograms.push((histogram, latencies));
    }

    /// Adds values that are derived from counted allocations.
    pub(super) fn put_counts(&mut self, counted: &Counted, values: &[(&'static str, f64)]) {
        for &(name, value) in values {
            self.put(name, value);
            if counted.differs {
                self.differing.push(name);
            }
        }
    }
}

/// Allocations of a piece of work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) seen: Allocations,
    /// A second pass counted something else.
    pub(super) differs: bool,
}

impl Context<'_> {
    /// What is planted in an operation.
    pub(super) fn effect_on(&self, operation: Operation) -> Option<Effect> {
        self.plant
            .filter(|plant| plant.operation == operation)
            .map(|plant| plant.effect)
    }

    /// Whether an allocation is planted in an operation.
    pub(super) fn allocates(&self, operation: Operation) -> bool {
        self.effect_on(operation) == Some(Effect::Allocates)
    }

    /// Counts the allocations of `measured`, on what `prepare` made; once, or twice for comparison.
    /// `None` where the program does not count.
    pub(super) fn count_allocations<S, T>(
        &self,
        prepare: impl Fn() -> Result<S, SampleError>,
        measured: impl Fn(S) -> Result<T, SampleError>,
    ) -> Result<Option<Counted>, SampleError> {
        if self.profiled {
            measured(prepare()?)?;
            return Ok(None);
        }
        let pass = || -> Result<Option<Allocations>, SampleError> {
            let prepared = prepare()?;
            let (kept, seen) = alloc::count(|| measured(prepared));
            kept?;
            Ok(seen)
        };
        let Some(seen) = pass()? else { return Ok(None) };
        let differs = self.verify_counts && pass()? != Some(seen);
        Ok(Some(Counted { seen, differs }))
    }

    /// An error when stopping was asked for.
    pub(super) fn go_on(&self) -> Result<(), SampleError> {
        if self.stop.is_asked() {
            Err(SampleError::Stopped)
        } else {
            Ok(())
        }
    }
}

/// Why a benchmark gave no sample.
#[derive(Debug, Error)]
pub enum SampleError {
    /// Threads could not be had, or panicked.
    #[error(transparent)]
    Parallel(#[from] ParallelError),
    /// The index refused a worker.
    #[error("the index refused a worker: {0}")]
    Index(#[from] IndexError),
    /// The index does not hold what the workload stored.
    #[error(
        "the index holds {held} {what} where the workload stored {stored}; its figures would be worth nothing"
    )]
    Incorrect {
        /// What was counted.
        what: &'static str,
        /// What the index says.
        held: u64,
        /// What is right.
        stored: u64,
    },
    /// An event of the workload was not taken.
    #[error("the index did not take an event of the workload: {0}")]
    Refused(String),
    /// The feed did not do what it is measured for.
    #[error("the feed over ZeroMQ: {0}")]
    Feed(String),
    /// A stored block never became visible.
    #[error("a stored prefix was not visible after {0} s")]
    NeverVisible(u64),
    /// A param is missing or is no number.
    #[error("{benchmark} needs the param `{param}` as a number; it has {params:?}")]
    Param {
        /// Of which benchmark.
        benchmark: &'static str,
        /// Which param.
        param: &'static str,
        /// What was given.
        params: Params,
    },
    /// No benchmark has that name.
    #[error("the suite has no benchmark {0:?}; `bench-runner list` shows those that it has")]
    UnknownBenchmark(String),
    /// Somebody asked to stop.
    #[error("stopped before it was measured")]
    Stopped,
}

/// A param as a number.
pub(super) fn number(
    benchmark: &'static str,
    param: &'static str,
    params: &Params,
) -> Result<usize, SampleError> {
    params
        .get(param)
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| SampleError::Param {
            benchmark,
            param,
            params: params.clone(),
        })
}
