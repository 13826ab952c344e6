//! The clock, what reading it costs, and a clock that tests move by hand.
//!
//! Reading the clock costs tens of nanoseconds, as much as a fast index operation. Where a mean is
//! wanted, operations are timed in batches with no clock inside; where a distribution is wanted,
//! each interval holds exactly one reading, and [`reading_cost`] is taken off it.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A monotonic clock in nanoseconds.
pub trait Clock {
    /// Nanoseconds since an arbitrary, fixed origin.
    fn now(&self) -> u64;
    /// Gives the processor away until `at`; returns at once when `at` has passed.
    fn sleep_until(&self, at: u64);
}

/// The system's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    origin: Instant,
}

impl Monotonic {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    #[inline]
    fn now(&self) -> u64 {
        // 584 years fit into 64 bits of nanoseconds.
        self.origin.elapsed().as_nanos() as u64
    }

    fn sleep_until(&self, at: u64) {
        let now = self.now();
        if at > now {
            std::thread::sleep(Duration::from_nanos(at - now));
        }
    }
}

/// A clock that stands still until it is moved: sleeping moves it, and so does [`Manual::advance`].
#[derive(Debug, Default)]
pub struct Manual {
    now: Cell<u64>,
}

impl Manual {
    /// Moves the clock forward by `ns`.
    pub fn advance(&self, ns: u64) {
        self.now.set(self.now.get() + ns);
    }
}

impl Clock for Manual {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn sleep_until(&self, at: u64) {
        self.now.set(self.now.get().max(at));
    }
}

/// Readings of one batch, and batches, that the cost of a reading is measured with.
const READINGS: (u64, usize) = (128, 127);

/// What one reading of the system clock adds to an interval, in nanoseconds, measured once a
/// process: the median over batches of readings, because one interval alone says no more than the
/// clock's own steps.
pub fn reading_cost() -> u64 {
    static COST: OnceLock<u64> = OnceLock::new();
    *COST.get_or_init(|| median_reading_cost(&Monotonic::new()))
}

/// The smallest step of the system clock that was seen, in nanoseconds: no single interval can be
/// told more exactly.
pub fn resolution() -> u64 {
    let clock = Monotonic::new();
    let mut last = clock.now();
    let steps = (0..10_000).filter_map(|_| {
        let now = clock.now();
        let step = now - last;
        last = now;
        (step > 0).then_some(step)
    });
    // Steps are whole multiples of the smallest one.
    steps.fold(0, greatest_common_divisor)
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 {
        one
    } else {
        greatest_common_divisor(other, one % other)
    }
}

fn median_reading_cost(clock: &impl Clock) -> u64 {
    let (readings, batches) = READINGS;
    let mut totals: Vec<u64> = (0..batches)
        .map(|_| {
            let start = clock.now();
            for _ in 1..readings {
                std::hint::black_box(clock.now());
            }
            clock.now() - start
        })
        .collect();
    totals.sort_unstable();
    (totals[batches / 2] + readings / 2) / readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_never_runs_backwards() {
        let clock = Monotonic::new();
        let mut last = 0;
        for _ in 0..1_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn sleeping_until_a_past_moment_returns_at_once() {
        let clock = Manual::default();
        clock.advance(100);
        clock.sleep_until(50);
        assert_eq!(clock.now(), 100);
        clock.sleep_until(150);
        assert_eq!(clock.now(), 150);
    }

    #[test]
    fn steps_are_measured_by_what_divides_them_all() {
        let steps = [30, 20, 50];
        assert_eq!(steps.into_iter().fold(0, greatest_common_divisor), 10);
        assert!(resolution() > 0);
    }

    #[test]
    fn a_clock_that_costs_nothing_to_read_has_no_cost() {
        assert_eq!(median_reading_cost(&Manual::default()), 0);
    }
}
