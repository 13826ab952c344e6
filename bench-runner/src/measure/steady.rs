//! Warming up until it is steady: caches, branch predictors, frequency and lazily made structures
//! have settled when several windows in a row take the same time.

use std::time::Duration;

use super::clock::Clock;

/// Windows in a row that must agree.
pub const WINDOWS: usize = 4;
/// By how much they may differ, largest over smallest less one.
pub const TOLERANCE: f64 = 0.05;
/// A window is made long enough that the clock and a timer interrupt do not decide it.
pub const WINDOW_NS: u64 = 1_000_000;

/// How a warm-up went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmUp {
    /// Whether it became steady before the time ran out.
    pub steady: bool,
    /// Operations done.
    pub operations: u64,
    /// Time that it took, ns.
    pub ns: u64,
}

/// Runs `operation` until [`WINDOWS`] windows in a row agree within [`TOLERANCE`], or until `limit`
/// has passed. A limit of zero runs one operation.
pub fn warm_up(clock: &impl Clock, limit: Duration, mut operation: impl FnMut()) -> WarmUp {
    let start = clock.now();
    let deadline = start + limit.as_nanos() as u64;
    let mut recent = [f64::NAN; WINDOWS];
    let mut operations = 0;
    let mut window = 0;
    loop {
        let from = clock.now();
        let first = operations;
        let now = loop {
            operation();
            operations += 1;
            // The clock is read every 16 operations: its cost is in every window alike.
            if operations % 16 == 0 || operations == 1 {
                let now = clock.now();
                if now - from >= WINDOW_NS || now >= deadline {
                    break now;
                }
            }
        };
        recent[window % WINDOWS] = (now - from) as f64 / (operations - first) as f64;
        window += 1;
        let steady = agree(&recent);
        if steady || now >= deadline {
            return WarmUp {
                steady,
                operations,
                ns: now - start,
            };
        }
    }
}

fn agree(windows: &[f64]) -> bool {
    let smallest = windows.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = windows.iter().copied().fold(0.0, f64::max);
    windows.iter().all(|window| window.is_finite()) && largest <= smallest * (1.0 + TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::super::clock::Manual;
    use super::*;

    #[test]
    fn it_ends_when_windows_agree_and_not_before() {
        let clock = Manual::default();
        let mut cost = 100_000;
        // A hundredth cheaper each time, until it costs 1 us.
        let warm = warm_up(&clock, Duration::from_secs(60), || {
            cost = (cost * 99 / 100).max(1_000);
            clock.advance(cost);
        });
        assert!(warm.steady);
        assert_eq!(cost, 1_000);
        assert!(warm.ns < 60_000_000_000);
    }

    #[test]
    fn what_never_settles_ends_with_the_time_and_says_so() {
        let clock = Manual::default();
        let mut cost = 1_000;
        let warm = warm_up(&clock, Duration::from_millis(100), || {
            cost += 200;
            clock.advance(cost);
        });
        assert!(!warm.steady);
        assert!(warm.ns >= 100_000_000);
    }

    #[test]
    fn no_time_at_all_still_runs_once() {
        let clock = Manual::default();
        let warm = warm_up(&clock, Duration::ZERO, || clock.advance(5));
        assert_eq!((warm.operations, warm.steady), (1, false));
    }
}
