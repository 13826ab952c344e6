//! Closed loops on pinned threads: warmed up until steady, then batched with no clock inside, then
//! timed one by one.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use super::plant::{self, Effect, Operation};
use super::{Context, SampleError};
use crate::measure::clock::{Clock as _, Monotonic};
use crate::measure::cpu;
use crate::measure::histogram::Latencies;
use crate::measure::looping::{Elapsed, batched, each_timed};
use crate::measure::parallel;
use crate::measure::sites::waiting;
use crate::measure::spans::within;
use crate::measure::steady::warm_up;

/// What closed loops gave.
#[derive(Debug, Default)]
pub(super) struct Driven {
    /// Operations of all threads in the batched phase, and the sum of their wall times.
    pub(super) batched: Elapsed,
    /// Operations a second of all threads together, in the batched phase.
    pub(super) per_second: f64,
    /// Processor time of the threads over wall time, in the batched phase: cores used.
    pub(super) cores: f64,
    /// Latencies of the timed phase.
    pub(super) latencies: Latencies,
    /// Whether every thread's warm-up ended because it was steady.
    pub(super) steady: bool,
}

/// Which part of the budget the timed phase gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Timed {
    /// None: throughput alone.
    No,
    /// Half.
    Half,
}

/// Runs `operation` on one pinned thread for each of `states`, all phases in step. `which` says
/// what it is, for what may be planted in it.
pub(super) fn drive<S: Send>(
    context: &Context<'_>,
    which: Operation,
    timed: Timed,
    states: &mut [S],
    operation: impl Fn(&mut S) + Sync,
) -> Result<Driven, SampleError> {
    match context.effect_on(which) {
        None => phases(context, timed, states, operation),
        Some(Effect::Allocates) => phases(context, timed, states, |state| {
            operation(state);
            plant::allocate();
        }),
        Some(Effect::Slower(fraction)) => {
            let steps = delay(context, fraction, states, &operation)?;
            phases(context, timed, states, |state| {
                operation(state);
                plant::spin(steps);
            })
        }
    }
}

/// The delay that slows `operation` by `fraction`, tuned on all threads at once: the mean of theirs.
pub(super) fn delay<S: Send>(
    context: &Context<'_>,
    fraction: f64,
    states: &mut [S],
    operation: impl Fn(&mut S) + Sync,
) -> Result<u64, SampleError> {
    let steps = parallel::run(context.cpus, states, |_, state| {
        let clock = Monotonic::new();
        warm_up(&clock, context.warmup, || operation(state));
        plant::tuned(&clock, fraction, || operation(state), plant::spin)
    })?;
    Ok(steps.iter().sum::<u64>() / steps.len().max(1) as u64)
}

fn phases<S: Send>(
    context: &Context<'_>,
    timed: Timed,
    states: &mut [S],
    operation: impl Fn(&mut S) + Sync,
) -> Result<Driven, SampleError> {
    let threads = states.len();
    let phase = Barrier::new(threads);
    let share = context.budget.share(threads);
    let (batch_share, timed_share) = match timed {
        Timed::No => (share, None),
        Timed::Half => (share.part(0.5), Some(share.part(0.5))),
    };
    let results = parallel::run(context.cpus, states, |_, state| {
        let clock = Monotonic::new();
        let mut latencies = Latencies::new();
        let warm = within("warm up", || {
            warm_up(&clock, context.warmup, || operation(state))
        });
        waiting(|| phase.wait());
        let (wall, busy) = (clock.now(), cpu::thread_time());
        let elapsed = within("batches", || {
            batched(&clock, batch_share, || operation(state))
        });
        let (wall, busy) = (clock.now() - wall, cpu::thread_time() - busy);
        waiting(|| phase.wait());
        if let Some(share) = timed_share {
            within("one by one", || {
                each_timed(&clock, share, &mut latencies, || operation(state))
            });
        }
        (
            elapsed,
            busy as f64 / wall.max(1) as f64,
            latencies,
            warm.steady,
        )
    })?;
    context.go_on()?;
    let mut driven = Driven {
        steady: true,
        ..Driven::default()
    };
    for (elapsed, cores, latencies, steady) in results {
        driven.batched.operations += elapsed.operations;
        driven.batched.ns += elapsed.ns;
        driven.per_second += elapsed.operations as f64 * 1e9 / elapsed.ns.max(1) as f64;
        driven.cores += cores;
        driven.latencies.merge(&latencies);
        driven.steady &= steady;
    }
    Ok(driven)
}

/// A start that one thread gives for all: others work on, unmeasured, until it is given.
#[derive(Debug)]
pub(super) struct StartLine {
    at: AtomicU64,
}

impl StartLine {
    pub(super) fn new() -> Self {
        Self {
            at: AtomicU64::new(u64::MAX),
        }
    }

    /// Gives the start, at this time of the common clock.
    pub(super) fn give(&self, now: u64) {
        self.at.store(now, Ordering::Relaxed);
    }

    /// The time of the start; `None` until it is given.
    pub(super) fn given(&self) -> Option<u64> {
        let at = self.at.load(Ordering::Relaxed);
        (at != u64::MAX).then_some(at)
    }
}
