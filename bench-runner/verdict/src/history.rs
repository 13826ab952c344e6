//! A series' past, prepared for statistics: one value a night, up is worse.

use bench_report::metric::Direction;
use serde::{Deserialize, Serialize};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One night of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Night {
    /// The run's start: milliseconds since 1970, UTC.
    pub time_ms: i64,
    /// The published value: the median of the run's samples. Finite.
    pub value: f64,
    /// The epoch: any number that changes when the environment or the suite's version does.
    pub epoch: u64,
}

/// A value of a series that touches zero is read as at most so much: squares of what is farther away
/// leave the range of numbers.
const MOST: f64 = 1e100;

/// The same of its parts of a typical value.
const MOST_UNITS: f64 = 1e50;

/// What a series is apart from its nights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Which way is better.
    pub better: Direction,
    /// The least amount that matters, in the metric's unit; scales series that touch zero.
    pub floor: f64,
}

impl Metric {
    /// A metric with this direction and no floor.
    pub fn new(better: Direction) -> Metric {
        Metric { better, floor: 0.0 }
    }
}

/// How a stretch of nights is read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// As `ln x`: differences are ratios.
    Log,
    /// As `x / unit`: where some values are not positive. Differences are parts of `unit`.
    Linear(f64),
}

/// Nights in time order, prepared. Up is worse in everything it gives out.
#[derive(Debug, Clone)]
pub struct History {
    nights: Vec<Night>,
    metric: Metric,
    /// `+ ln x` or `- ln x`; where x is not positive, of the smallest positive number.
    log: Vec<f64>,
    /// `+ x` or `- x`, within [`MOST`].
    plain: Vec<f64>,
    /// The calendar day (UTC) modulo 7.
    weekday: Vec<u8>,
    /// How many values up to here are not positive.
    not_positive: Vec<u32>,
}

impl History {
    /// Prepares nights, which are in time order.
    pub fn new(nights: Vec<Night>, metric: Metric) -> History {
        let sign = match metric.better {
            Direction::Lower => 1.0,
            Direction::Higher => -1.0,
        };
        let mut seen = 0;
        let not_positive = std::iter::once(0)
            .chain(nights.iter().map(|night| {
                seen += u32::from(night.value <= 0.0);
                seen
            }))
            .collect();
        History {
            log: nights
                .iter()
                .map(|night| sign * night.value.max(f64::MIN_POSITIVE).ln())
                .collect(),
            plain: nights
                .iter()
                .map(|night| sign * night.value.clamp(-MOST, MOST))
                .collect(),
            weekday: nights
                .iter()
                .map(|night| night.time_ms.div_euclid(DAY_MS).rem_euclid(7) as u8)
                .collect(),
            not_positive,
            nights,
            metric,
        }
    }

    /// The first night of the last stretch of one epoch; 0 of nothing.
    pub fn epoch_start(&self) -> usize {
        let last = self.nights.last().map(|night| night.epoch);
        self.nights
            .iter()
            .rposition(|night| Some(night.epoch) != last)
            .map_or(0, |at| at + 1)
    }

    /// One value as a number of that reading.
    pub fn read(&self, reading: Reading, value: f64) -> f64 {
        let size = match reading {
            Reading::Log => value.max(f64::MIN_POSITIVE).ln(),
            Reading::Linear(_) => value.clamp(-MOST, MOST),
        };
        match self.metric.better {
            Direction::Lower => size,
            Direction::Higher => -size,
        }
    }

    /// How many nights.
    pub fn len(&self) -> usize {
        self.nights.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nights.is_empty()
    }

    /// The nights as they were given.
    pub fn nights(&self) -> &[Night] {
        &self.nights
    }

    /// What the series is.
    pub fn metric(&self) -> &Metric {
        &self.metric
    }

    /// The weekday of each night, 0 to 6.
    pub fn weekdays(&self) -> &[u8] {
        &self.weekday
    }

    /// How the nights `from..to` are read: as logarithms where all are positive.
    pub fn reading(&self, from: usize, to: usize) -> Reading {
        let count = |at: usize| self.not_positive.get(at).copied().unwrap_or_default();
        if count(from) == count(to) {
            return Reading::Log;
        }
        let mut sizes: Vec<f64> = self
            .plain
            .iter()
            .take(to)
            .skip(from)
            .map(|value| value.abs())
            .collect();
        let typical = crate::stats::order::median_of(&mut sizes).unwrap_or_default();
        let largest = sizes.iter().copied().fold(0.0, f64::max);
        let unit = typical.max(self.metric.floor).max(largest / MOST_UNITS);
        Reading::Linear(if unit > 0.0 { unit } else { 1.0 })
    }

    /// All nights as numbers of that reading, before division by its unit: see [`Reading::unit`].
    pub fn values(&self, reading: Reading) -> &[f64] {
        match reading {
            Reading::Log => &self.log,
            Reading::Linear(_) => &self.plain,
        }
    }

    /// A difference of two levels as a change, positive being worse.
    pub fn change(&self, reading: Reading, difference: f64) -> f64 {
        let change = match (reading, self.metric.better) {
            (Reading::Log, Direction::Lower) => difference.exp_m1(),
            (Reading::Log, Direction::Higher) => -(-difference).exp_m1(),
            (Reading::Linear(unit), _) => difference / unit,
        };
        // An infinity does not travel as JSON.
        change.clamp(-f64::MAX, f64::MAX)
    }

    /// A level in the metric's unit.
    pub fn level(&self, reading: Reading, value: f64) -> f64 {
        let signed = match self.metric.better {
            Direction::Lower => value,
            Direction::Higher => -value,
        };
        match reading {
            Reading::Log => signed.exp().min(f64::MAX),
            Reading::Linear(_) => signed,
        }
    }
}

impl Reading {
    /// What a relative difference of 1 is in the numbers of this reading.
    pub fn unit(self) -> f64 {
        match self {
            Reading::Log => 1.0,
            Reading::Linear(unit) => unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: &[f64], better: Direction) -> History {
        let nights = (0..).zip(values).map(|(day, &value)| Night {
            time_ms: day * DAY_MS,
            value,
            epoch: u64::from(day >= 3),
        });
        History::new(nights.collect(), Metric { better, floor: 0.5 })
    }

    #[test]
    fn up_is_worse_whichever_direction_is_better() {
        let lower = history(&[100.0, 150.0], Direction::Lower);
        let reading = lower.reading(0, 2);
        assert_eq!(reading, Reading::Log);
        let difference = lower.values(reading)[1] - lower.values(reading)[0];
        assert!((lower.change(reading, difference) - 0.5).abs() < 1e-12);
        let higher = history(&[100.0, 80.0], Direction::Higher);
        let difference = higher.values(reading)[1] - higher.values(reading)[0];
        assert!((higher.change(reading, difference) - 0.2).abs() < 1e-12);
        assert!((higher.level(reading, higher.read(reading, 80.0)) - 80.0).abs() < 1e-9);
    }

    #[test]
    fn stretches_that_touch_zero_are_read_as_parts_of_a_typical_value() {
        let touching = history(&[0.0, 4.0, 6.0, 5.0], Direction::Higher);
        assert_eq!(touching.reading(0, 4), Reading::Linear(4.5));
        assert_eq!(touching.reading(1, 4), Reading::Log);
        let reading = touching.reading(0, 4);
        assert_eq!(touching.values(reading), [0.0, -4.0, -6.0, -5.0]);
        assert_eq!(touching.change(reading, 0.9), 0.2);
        assert_eq!(
            history(&[0.0; 3], Direction::Lower).reading(0, 3),
            Reading::Linear(0.5)
        );
        let no_floor = History::new(
            history(&[0.0; 3], Direction::Lower).nights,
            Metric::new(Direction::Lower),
        );
        assert_eq!(no_floor.reading(0, 3), Reading::Linear(1.0));
    }

    #[test]
    fn the_last_epoch_starts_where_the_number_changes() {
        assert_eq!(history(&[1.0; 5], Direction::Lower).epoch_start(), 3);
        assert_eq!(history(&[1.0; 2], Direction::Lower).epoch_start(), 0);
        assert_eq!(history(&[], Direction::Lower).epoch_start(), 0);
        assert!(history(&[], Direction::Lower).is_empty());
    }

    #[test]
    fn a_zero_among_positive_values_stays_finite() {
        let zero = history(&[0.0, 1.0], Direction::Higher);
        assert!(
            zero.values(Reading::Log)
                .iter()
                .all(|value| value.is_finite())
        );
    }
}
