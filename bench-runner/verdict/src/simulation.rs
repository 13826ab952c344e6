//! Made-up histories for the tests of the statements: seeded, so that each test sees what it saw
//! before.

use bench_report::metric::Direction;

use crate::history::{History, Metric, Night};
use crate::stats::random::Random;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A history in the making: log-normal noise about a level of 1000.
#[derive(Clone)]
pub(crate) struct Simulation {
    random: Random,
    noise: f64,
    level: f64,
    epoch: u64,
    better: Direction,
    nights: Vec<Night>,
}

impl Simulation {
    /// An empty history.
    pub(crate) fn new(seed: u64) -> Simulation {
        Simulation {
            random: Random::new(seed),
            noise: 0.01,
            level: 1000.0,
            epoch: 1,
            better: Direction::Lower,
            nights: Vec::new(),
        }
    }

    /// From now on, noise of this standard deviation on logarithms.
    pub(crate) fn noise(mut self, noise: f64) -> Self {
        self.noise = noise;
        self
    }

    /// Which way is better.
    pub(crate) fn better(mut self, better: Direction) -> Self {
        self.better = better;
        self
    }

    /// Multiplies the level.
    pub(crate) fn step(mut self, factor: f64) -> Self {
        self.level *= factor;
        self
    }

    /// Another machine.
    pub(crate) fn epoch(mut self) -> Self {
        self.epoch += 1;
        self
    }

    /// Adds nights.
    pub(crate) fn nights(mut self, count: usize) -> Self {
        for _ in 0..count {
            let value = self.level * (self.noise * self.normal()).exp();
            self.push(value);
        }
        self
    }

    /// Adds nights whose level grows by `rate` each.
    pub(crate) fn drift(mut self, count: usize, rate: f64) -> Self {
        for _ in 0..count {
            self.level *= 1.0 + rate;
            self = self.nights(1);
        }
        self
    }

    /// Adds one night of this value.
    pub(crate) fn night(mut self, value: f64) -> Self {
        self.push(value);
        self
    }

    /// The history so far.
    pub(crate) fn history(&self) -> History {
        self.history_until(self.nights.len())
    }

    /// The first nights of it.
    pub(crate) fn history_until(&self, end: usize) -> History {
        History::new(self.nights[..end].to_vec(), Metric::new(self.better))
    }

    /// The history so far and so many nights more, of a level that is `factor` times as high; it
    /// stays as it is itself.
    pub(crate) fn history_and(&self, nights: usize, factor: f64) -> History {
        self.clone().step(factor).nights(nights).history()
    }

    /// How many nights.
    pub(crate) fn len(&self) -> usize {
        self.nights.len()
    }

    /// The logarithms of the values.
    pub(crate) fn logs(&self) -> Vec<f64> {
        self.nights.iter().map(|night| night.value.ln()).collect()
    }

    fn push(&mut self, value: f64) {
        let time_ms = self.nights.len() as i64 * DAY_MS + DAY_MS / 8;
        self.nights.push(Night {
            time_ms,
            value,
            epoch: self.epoch,
        });
    }

    /// Box and Muller, 1958.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.random.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.random.unit()).cos()
    }
}
