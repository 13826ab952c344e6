//! A planted slowdown: what proves that a gate can fail.
//!
//! One operation of the index is made slower by a known fraction, or made to allocate, so that the
//! canary of each night, and a test of `ab`, know what must be found.
//!
//! # Why a wrapper around the operation
//! The index itself is not touched: it has no switch, no branch and no counter for this, in any
//! build. A benchmark hands its operation to its loop as a closure; where something is planted, the
//! loop gets that closure followed by a delay instead, which is another instance of the same
//! generic loop. So the plain side runs the code that it always runs, the decision is made once a
//! sample and outside of what is timed, and the same program measures both sides: the canary needs
//! no source tree, no second build, and differs from the plain side in nothing but the delay.
//!
//! # How long the delay is
//! A delay that was computed from the operation's time would be too short: processors run it beside
//! the end of the operation. It is tuned instead: batches with and without it are timed in turn,
//! and its length is corrected until the loop with it takes `1 + fraction` times as long
//! ([`tuned`]). It does arithmetic only, touches no memory, and has the same length each time.

use std::fmt;
use std::hint::black_box;

use crate::measure::clock::Clock;

/// An operation of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Decoding, hashing and applying an event.
    Apply,
    /// Looking a prompt up.
    Lookup,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// It takes longer by this fraction.
    Slower(f64),
    /// It allocates once more, [`EXTRA_BYTES`].
    Allocates,
}

/// What is planted in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plant {
    /// Where.
    pub operation: Operation,
    /// What.
    pub effect: Effect,
}

/// Bytes of a planted allocation.
pub const EXTRA_BYTES: usize = 64;

impl Operation {
    /// `apply` or `lookup`.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Apply => "apply",
            Operation::Lookup => "lookup",
        }
    }

    /// Reads `apply` or `lookup`.
    pub fn parse(text: &str) -> Option<Self> {
        [Operation::Apply, Operation::Lookup]
            .into_iter()
            .find(|operation| operation.as_str() == text)
    }
}

/// Reads `apply=15%`, `lookup=5%` or `apply=alloc`.
pub fn parse(text: &str) -> Result<Plant, String> {
    let wrong = || "give an operation and what happens to it: apply=15%, lookup=5%, apply=alloc";
    let (operation, effect) = text.split_once('=').ok_or_else(wrong)?;
    let operation = Operation::parse(operation).ok_or_else(wrong)?;
    let effect = if effect == "alloc" {
        Effect::Allocates
    } else {
        let percent: Option<f64> = effect.strip_suffix('%').and_then(|text| text.parse().ok());
        let percent = percent.filter(|percent| (1.0..=400.0).contains(percent));
        Effect::Slower(percent.ok_or("a slowdown is 1% to 400%")? / 100.0)
    };
    Ok(Plant { operation, effect })
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.as_str();
        match self.effect {
            Effect::Slower(fraction) => write!(f, "{operation}={}%", fraction * 100.0),
            Effect::Allocates => write!(f, "{operation}=alloc"),
        }
    }
}

/// Whether a metric of a benchmark that repeats such an operation moves by the planted fraction: means and rates do, a
/// quantile moves by the delay, which is another fraction of it.
pub fn is_promised(metric: &str) -> bool {
    matches!(
        metric,
        "latency_mean" | "ops_per_second" | "events_per_second" | "decisions_per_second"
    )
}

/// Does arithmetic, so many steps, each of which needs the one before.
#[inline]
pub(super) fn spin(steps: u64) {
    let mut value = steps;
    for _ in 0..steps {
        value = black_box(value.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 1);
    }
    black_box(value);
}

/// Allocates once, and lets go of it.
#[inline]
pub(super) fn allocate() {
    black_box(Vec::<u8>::with_capacity(EXTRA_BYTES));
}

/// A timed batch lasts so long at least: longer than what the clock and one interrupt do to it.
const BATCH_NS: u64 = 500_000;
/// Pairs of batches that one correction is made from; their median counts.
const PAIRS: usize = 15;
/// Corrections.
const CORRECTIONS: usize = 8;
/// Steps that the length of one is measured with.
const LONG: u64 = 1 << 17;

/// How many steps of `spin` after each `operation` make the loop take `1 + fraction` times as long.
pub(super) fn tuned(
    clock: &impl Clock,
    fraction: f64,
    mut operation: impl FnMut(),
    spin: impl Fn(u64),
) -> u64 {
    let mut batch = |operations: u64, steps: u64| -> f64 {
        let start = clock.now();
        for _ in 0..operations {
            operation();
            spin(steps);
        }
        clock.now().saturating_sub(start).max(1) as f64
    };
    let mut operations = 16;
    while batch(operations, 0) < BATCH_NS as f64 && operations < 1 << 24 {
        operations *= 2;
    }
    let plain = batch(operations, 0) / operations as f64;
    let start = clock.now();
    spin(LONG);
    let step = clock.now().saturating_sub(start).max(1) as f64 / LONG as f64;
    // By how much one step more slows the loop, once the first ones no longer hide.
    let slope = step / plain;
    let mut steps = fraction / slope;
    for _ in 0..CORRECTIONS {
        let mut slower: Vec<f64> = (0..PAIRS)
            .map(|_| batch(operations, steps as u64) / batch(operations, 0) - 1.0)
            .collect();
        slower.sort_by(f64::total_cmp);
        steps = (steps + (fraction - slower[PAIRS / 2]) / slope).max(1.0);
    }
    steps.round() as u64
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::measure::clock::Manual;

    #[test]
    fn what_is_planted_reads_as_it_is_written() {
        for text in ["apply=15%", "lookup=5%", "apply=alloc", "lookup=12.5%"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "apply",
            "remove=5%",
            "apply=15",
            "apply=0%",
            "apply=-5%",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    /// The slowdown of a loop whose operation takes 700 ns, of which a delay's first `hidden` ns
    /// run beside it.
    fn slowdown(fraction: f64, hidden: u64) -> f64 {
        let clock = Manual::default();
        let cost = |steps: u64| (3 * steps).saturating_sub(hidden);
        let steps = tuned(
            &clock,
            fraction,
            || clock.advance(700),
            |steps| clock.advance(cost(steps)),
        );
        cost(steps) as f64 / 700.0
    }

    #[test]
    fn the_delay_is_tuned_to_the_fraction_whatever_runs_beside_the_operation() {
        for fraction in [0.05, 0.15, 0.25] {
            for hidden in [0, 20, 150] {
                let slower = slowdown(fraction, hidden);
                // A step is 3 ns of 700.
                assert!(
                    (slower - fraction).abs() < 0.01,
                    "{fraction} {hidden}: {slower}"
                );
            }
        }
    }

    #[test]
    fn the_operation_alone_is_repeated_while_tuning() {
        let (clock, count) = (Manual::default(), Cell::new(0_u64));
        let steps = tuned(
            &clock,
            0.15,
            || {
                clock.advance(1_000);
                count.set(count.get() + 1);
            },
            |steps| clock.advance(steps),
        );
        assert_eq!(steps, 150);
        assert!(count.get() > 500);
    }
}
