//! How much noise the machine has: the same piece of work, again and again, on every processor.

use std::time::Duration;

use serde::Serialize;

use crate::measure::clock::{Clock, Monotonic};
use crate::measure::parallel::{self, ParallelError};
use crate::measure::sampler::{Moment, Observation};
use crate::workload::random::mix;

/// A piece of work takes about a tenth of this, ns; several make a figure.
const PIECE_NS: u64 = 2_000_000;
/// Rounds of the work in the first, calibrating piece.
const CALIBRATION: u64 = 100_000;

/// What equal pieces of work took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Noise {
    /// Pieces of work, all processors together.
    pub pieces: usize,
    /// By how much the slower nine in ten exceed the median, worst processor: 90th percentile over
    /// median, less one.
    pub spread: f64,
    /// By how much the slowest second exceeds the fastest, by their medians, worst processor.
    pub drift: f64,
    /// Time that the hypervisor gave to others, percent.
    pub steal_percent: Option<f64>,
}

/// Works for about `time` on each of `cpus`, all at once, and compares.
pub fn probe(cpus: &[usize], time: Duration) -> Result<Noise, ParallelError> {
    let from = Moment::now();
    let mut states = vec![(); cpus.len().max(1)];
    let series = parallel::run(cpus, &mut states, |_, ()| pieces(&Monotonic::new(), time))?;
    let mut observation = Observation::default();
    observation.add(from, Moment::now());
    let worst =
        |of: fn(&[(u64, u64)]) -> f64| series.iter().map(|pieces| of(pieces)).fold(0.0, f64::max);
    Ok(Noise {
        pieces: series.iter().map(Vec::len).sum(),
        spread: worst(spread),
        drift: worst(drift),
        steal_percent: observation.steal_percent(),
    })
}

/// `(start, duration)` of equal pieces of work, ns.
fn pieces(clock: &impl Clock, time: Duration) -> Vec<(u64, u64)> {
    let start = clock.now();
    work(CALIBRATION);
    let took = (clock.now() - start).max(1);
    let rounds = (CALIBRATION * PIECE_NS / took).max(1);
    let deadline = start + time.as_nanos() as u64;
    let mut pieces = Vec::new();
    loop {
        let from = clock.now();
        work(rounds);
        let to = clock.now();
        pieces.push((from - start, to - from));
        if to >= deadline {
            return pieces;
        }
    }
}

/// A chain of multiplications that needs no memory: it is slower only when the processor is.
fn work(rounds: u64) {
    let mut value = 1_u64;
    for _ in 0..rounds {
        value = mix(value);
    }
    std::hint::black_box(value);
}

fn spread(pieces: &[(u64, u64)]) -> f64 {
    let mut durations: Vec<u64> = pieces.iter().map(|piece| piece.1).collect();
    durations.sort_unstable();
    match (
        durations.get(durations.len() / 2),
        durations.get(durations.len() * 9 / 10),
    ) {
        (Some(&median), Some(&high)) if median > 0 => high as f64 / median as f64 - 1.0,
        _ => 0.0,
    }
}

fn drift(pieces: &[(u64, u64)]) -> f64 {
    let seconds = pieces.chunk_by(|one, next| one.0 / 1_000_000_000 == next.0 / 1_000_000_000);
    let medians: Vec<u64> = seconds
        .filter_map(|second| {
            let mut durations: Vec<u64> = second.iter().map(|piece| piece.1).collect();
            durations.sort_unstable();
            durations.get(durations.len() / 2).copied()
        })
        .collect();
    match (medians.iter().min(), medians.iter().max()) {
        (Some(&least), Some(&most)) if least > 0 => most as f64 / least as f64 - 1.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(durations: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
        let durations = durations.into_iter().enumerate();
        durations
            .map(|(number, duration)| (number as u64 * 100_000_000, duration))
            .collect()
    }

    #[test]
    fn equal_pieces_have_no_noise() {
        let equal = series(vec![1_000; 50]);
        assert_eq!((spread(&equal), drift(&equal)), (0.0, 0.0));
    }

    #[test]
    fn a_few_slow_pieces_are_spread_and_no_drift() {
        let uneven = series((0..50).map(|n| if n % 5 == 0 { 1_500 } else { 1_000 }));
        assert_eq!(spread(&uneven), 0.5);
        assert_eq!(drift(&uneven), 0.0);
    }

    #[test]
    fn a_slower_second_is_drift() {
        let slower = series((0..50).map(|n| if (20..30).contains(&n) { 1_100 } else { 1_000 }));
        assert!((drift(&slower) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_no_noise() {
        assert_eq!((spread(&[]), drift(&[])), (0.0, 0.0));
    }

    #[test]
    fn a_short_probe_works_on_this_machine() {
        let noise = probe(&[], Duration::from_millis(5)).ok();
        assert!(
            noise.is_some_and(|noise| noise.pieces > 0 && noise.spread >= 0.0),
            "{noise:?}"
        );
    }
}
