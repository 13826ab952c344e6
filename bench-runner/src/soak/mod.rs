//! Soaking: the mixed workload for a long time, and whether memory grows meanwhile.
//!
//! # Layout
//! - here: the run and its readings. [`fit`]: what they say.

pub mod fit;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::measure::clock::{Clock as _, Monotonic};
use crate::measure::looping::Budget;
use crate::measure::{memory, parallel};
use crate::suite::mixed::Mixed;
use crate::suite::{SampleError, Stop, Workloads};

/// Readings of a whole soak.
const READINGS: u64 = 240;
/// Turns between two looks at the clock.
const ROUND: u64 = 256;

/// How long to soak, and on what.
#[derive(Debug)]
pub struct Soak<'a> {
    /// The streams.
    pub workloads: &'a Workloads,
    /// A time, or a number of events.
    pub budget: Budget,
    /// Processors, a thread on each.
    pub cpus: &'a [usize],
    /// Asks to stop; the readings until then are judged.
    pub stop: &'a Stop,
}

/// Memory at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Since the beginning, s.
    pub seconds: f64,
    /// Events until then, of all threads.
    pub events: u64,
    /// Bytes that the index says it holds.
    pub index: u64,
    /// Bytes that the program holds from its allocator.
    pub heap: Option<u64>,
    /// Bytes of the process in memory.
    pub resident: Option<u64>,
}

impl Soak<'_> {
    /// Soaks. `beside` is called after each turn of a thread: what else is done meanwhile.
    pub fn run(&self, beside: impl Fn() + Sync) -> Result<Vec<Reading>, SampleError> {
        let mixed = Mixed::new(self.workloads)?;
        let threads = self.cpus.len().max(1);
        let (events, clock) = (AtomicU64::new(0), Monotonic::new());
        let mut numbers: Vec<usize> = (0..threads).collect();
        let read = |readings: &mut Vec<Reading>| {
            readings.push(Reading {
                seconds: clock.now() as f64 / 1e9,
                events: events.load(Ordering::Relaxed),
                index: mixed.index_bytes(),
                heap: memory::heap_bytes(),
                resident: memory::resident_bytes(),
            });
        };
        let results = parallel::run(self.cpus, &mut numbers, |_, number| {
            let mut worker = mixed.worker(*number, threads);
            // Room for all readings at once: what measures memory must not take more and more of it.
            let mut readings = Vec::with_capacity(READINGS as usize + 2);
            let mut next = 0;
            loop {
                let done = self.done(clock.now(), events.load(Ordering::Relaxed));
                if *number == 0 && done >= next && readings.len() < readings.capacity() {
                    read(&mut readings);
                    next = done + 1;
                }
                if done >= READINGS || self.stop.is_asked() {
                    return worker.outcome().map(|()| readings);
                }
                for _ in 0..ROUND {
                    worker.turn();
                    beside();
                }
                events.fetch_add(ROUND, Ordering::Relaxed);
            }
        })?;
        let mut readings = Vec::new();
        for result in results {
            readings.extend(result?);
        }
        Ok(readings)
    }

    /// How many of all readings are due.
    fn done(&self, ns: u64, events: u64) -> u64 {
        let (done, all) = match self.budget {
            Budget::Time(time) => (u128::from(ns), time.as_nanos()),
            Budget::Count(count) => (u128::from(events), u128::from(count)),
        };
        (done * u128::from(READINGS) / all.max(1)).min(u128::from(READINGS)) as u64
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Mutex;

    use super::fit::{Judgement, judge};
    use super::*;
    use crate::workload::fleet::tests::SMALL;

    fn soak(events: u64, beside: impl Fn() + Sync) -> Vec<Reading> {
        let soak = Soak {
            workloads: &Workloads::with_shape(7, SMALL),
            budget: Budget::Count(events),
            cpus: &[],
            stop: &Stop::default(),
        };
        soak.run(beside).unwrap()
    }

    fn growth_of(readings: &[Reading], what: &str) -> Judgement {
        let fits = judge(readings);
        fits.into_iter()
            .find(|fit| fit.what == what)
            .unwrap()
            .judgement
    }

    #[test]
    fn an_index_in_steady_state_does_not_grow() {
        let readings = soak(120_000, || ());
        assert!(readings.len() as u64 >= READINGS, "{}", readings.len());
        assert!(readings.last().unwrap().events >= 120_000);
        assert_eq!(growth_of(&readings, "index"), Judgement::Steady);
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn a_planted_leak_is_found() {
        // Kept to the end, so that the heap grows with every event: 4 KiB each, far above what the
        // other tests of this process allocate and free.
        let leak = Mutex::new(Vec::new());
        let readings = soak(60_000, || leak.lock().unwrap().push(vec![7_u8; 4_096]));
        assert_eq!(growth_of(&readings, "heap"), Judgement::Grows);
        assert_eq!(growth_of(&readings, "index"), Judgement::Steady);
        assert!(leak.lock().unwrap().len() >= 60_000);
    }

    #[test]
    fn asked_to_stop_it_keeps_its_readings() {
        let stop = Stop::default();
        stop.ask();
        let soak = Soak {
            workloads: &Workloads::with_shape(7, SMALL),
            budget: Budget::Count(u64::MAX),
            cpus: &[],
            stop: &stop,
        };
        assert_eq!(soak.run(|| ()).unwrap().len(), 1);
    }
}
