//! Closed loops: the next operation starts when the one before has ended.

use std::time::Duration;

use super::clock::{Clock, reading_cost};
use super::histogram::Latencies;
use super::spans;

/// Operations between two readings of the clock where only a mean is wanted: a reading of 25 ns
/// is then below a hundredth of even a 50 ns operation.
pub const BATCH: u64 = 64;

/// How long a loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Until so much time has passed.
    Time(Duration),
    /// For so many operations.
    Count(u64),
}

impl Budget {
    /// The budget of one of `threads` threads that share the work: the same time, or its part of
    /// the count (never zero).
    pub fn share(self, threads: usize) -> Budget {
        match self {
            Budget::Time(time) => Budget::Time(time),
            Budget::Count(count) => Budget::Count(count.div_ceil(threads.max(1) as u64).max(1)),
        }
    }

    /// A part of this budget.
    pub fn part(self, part: f64) -> Budget {
        match self {
            Budget::Time(time) => Budget::Time(time.mul_f64(part)),
            Budget::Count(count) => Budget::Count(((count as f64 * part) as u64).max(1)),
        }
    }

    /// The time that the budget allows, or `otherwise` where it counts operations.
    pub fn time_or(self, otherwise: Duration) -> Duration {
        match self {
            Budget::Time(time) => time,
            Budget::Count(_) => otherwise,
        }
    }

    fn deadline(self, start: u64) -> u64 {
        match self {
            Budget::Time(time) => start.saturating_add(time.as_nanos() as u64),
            Budget::Count(_) => u64::MAX,
        }
    }

    fn operations(self) -> u64 {
        match self {
            Budget::Time(_) => u64::MAX,
            Budget::Count(count) => count,
        }
    }
}

/// Operations and the time that they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Elapsed {
    /// Operations done.
    pub operations: u64,
    /// Wall time, nanoseconds.
    pub ns: u64,
}

impl Elapsed {
    /// Mean nanoseconds an operation; `None` when nothing was done.
    pub fn mean_ns(self) -> Option<f64> {
        (self.operations > 0).then(|| self.ns as f64 / self.operations as f64)
    }
}

/// Runs `operation` within the budget in batches of [`BATCH`], with no clock inside a batch.
/// At least one batch (or the count asked for) is run.
pub fn batched(clock: &impl Clock, budget: Budget, mut operation: impl FnMut()) -> Elapsed {
    let start = clock.now();
    let (deadline, limit) = (budget.deadline(start), budget.operations());
    let mut operations = 0;
    loop {
        for _ in 0..BATCH.min(limit - operations) {
            operation();
            operations += 1;
        }
        let now = clock.now();
        if operations >= limit || now >= deadline {
            return Elapsed {
                operations,
                ns: now - start,
            };
        }
    }
}

/// Runs `operation` within the budget and records how long each one took. The clock is read once an
/// operation (the end of one is the start of the next), and the cost of that reading is taken off.
/// At least one operation is run.
pub fn each_timed(
    clock: &impl Clock,
    budget: Budget,
    latencies: &mut Latencies,
    mut operation: impl FnMut(),
) -> Elapsed {
    // A trace has a loop of its own: the measured one asks nothing.
    if spans::is_on() {
        let traced = || spans::within("operation", &mut operation);
        return each_timed_by(clock, budget, latencies, traced);
    }
    each_timed_by(clock, budget, latencies, operation)
}

#[inline]
fn each_timed_by(
    clock: &impl Clock,
    budget: Budget,
    latencies: &mut Latencies,
    mut operation: impl FnMut(),
) -> Elapsed {
    let cost = reading_cost();
    let start = clock.now();
    let (deadline, limit) = (budget.deadline(start), budget.operations());
    let mut operations = 0;
    let mut last = start;
    loop {
        operation();
        operations += 1;
        let now = clock.now();
        latencies.record((now - last).saturating_sub(cost));
        last = now;
        if operations >= limit || now >= deadline {
            return Elapsed {
                operations,
                ns: now - start,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Manual;
    use super::*;

    #[test]
    fn a_count_is_kept_exactly_and_a_batch_is_cut_for_it() {
        let clock = Manual::default();
        let elapsed = batched(&clock, Budget::Count(100), || clock.advance(10));
        assert_eq!(
            elapsed,
            Elapsed {
                operations: 100,
                ns: 1_000
            }
        );
        assert_eq!(elapsed.mean_ns(), Some(10.0));
    }

    #[test]
    fn a_time_budget_ends_with_the_batch_in_which_it_ran_out() {
        let clock = Manual::default();
        let elapsed = batched(&clock, Budget::Time(Duration::from_nanos(650)), || {
            clock.advance(10);
        });
        assert_eq!(elapsed.operations, 2 * BATCH);
    }

    #[test]
    fn each_operation_is_recorded_with_the_reading_taken_off() {
        let clock = Manual::default();
        let mut latencies = Latencies::new();
        let mut turn = 0;
        each_timed(&clock, Budget::Count(100), &mut latencies, || {
            turn += 1;
            clock.advance(reading_cost() + if turn == 100 { 900 } else { 100 });
        });
        assert_eq!(latencies.len(), 100);
        assert_eq!(latencies.quantile(0.99), Some(100.0));
        assert_eq!(latencies.quantile(1.0), Some(900.0));
    }

    #[test]
    fn threads_share_a_count_and_each_have_all_the_time() {
        assert_eq!(Budget::Count(10).share(4), Budget::Count(3));
        assert_eq!(Budget::Count(1).share(500), Budget::Count(1));
        let second = Budget::Time(Duration::from_secs(1));
        assert_eq!(second.share(4), second);
    }
}
