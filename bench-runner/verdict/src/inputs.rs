//! Everything that a night is judged from, as one number: what is judged again later can be seen to
//! have been judged from the same.

use std::fmt;

use bench_report::metric::Direction;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::band::Point;
use crate::evidence::Thresholds;
use crate::history::{Metric, Night};
use crate::tonight::State;
use crate::tonight::settle::Settled;

/// The first 64 bits of the SHA-256 of the inputs of a verdict. Written as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputsHash(pub u64);

/// The inputs of a night.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What the series is.
    pub metric: &'a Metric,
    /// The nights before it that are read, and the night itself, last.
    pub nights: &'a [Night],
    /// What the night before left.
    pub state: &'a State,
    /// The runs of the seven days before it.
    pub window: &'a [Point],
    /// Needs no statistics.
    pub is_count: bool,
}

impl InputsHash {
    /// The hash of these inputs and of what pairs of the same night came to.
    pub fn and(self, settled: &Settled) -> InputsHash {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        // As below: this cannot fail.
        let _ = serde_json::to_writer(&mut hash, settled);
        first_bits(hash)
    }
}

fn first_bits(hash: Sha256) -> InputsHash {
    let digest = hash.finalize();
    let first = digest.first_chunk::<8>().copied().unwrap_or_default();
    InputsHash(u64::from_be_bytes(first))
}

impl Inputs<'_> {
    /// Hashes the version of the rules, what the series is, the window of statement A, and what B
    /// and D read: the state and as many nights as [`Thresholds::window`] says.
    pub fn hash(&self) -> InputsHash {
        let mut hash = Sha256::new();
        hash.update(crate::RULE.as_bytes());
        let higher = self.metric.better == Direction::Higher;
        hash.update([0, u8::from(higher), u8::from(self.is_count)]);
        hash.update(self.metric.floor.to_bits().to_le_bytes());
        for point in self.window {
            number(&mut hash, point.time_ms, point.value);
        }
        // Nights never have this time, so that a window cannot be read as nights.
        hash.update(i64::MIN.to_le_bytes());
        let from = (self.nights.len()).saturating_sub(Thresholds::default().window());
        for Night {
            time_ms,
            value,
            epoch,
        } in &self.nights[from..]
        {
            number(&mut hash, *time_ms, *value);
            hash.update(epoch.to_le_bytes());
        }
        if !self.is_count {
            // A hasher takes everything, and the state is numbers, lists and words: this cannot fail.
            let _ = serde_json::to_writer(&mut hash, self.state);
        }
        first_bits(hash)
    }
}

fn number(hash: &mut Sha256, time_ms: i64, value: f64) {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&time_ms.to_le_bytes());
    bytes[8..].copy_from_slice(&value.to_bits().to_le_bytes());
    hash.update(bytes);
}

impl fmt::Display for InputsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for InputsHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InputsHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16)
            .map(InputsHash)
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is no hash of 16 hex digits")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::simulation::Simulation;
    use crate::tonight::replay;

    fn hash_of(history: &History, state: &State, window: &[Point]) -> InputsHash {
        Inputs {
            metric: history.metric(),
            nights: history.nights(),
            state,
            window,
            is_count: false,
        }
        .hash()
    }

    #[test]
    fn every_changed_input_changes_the_hash_and_nothing_else_does() {
        let simulation = Simulation::new(5)
            .noise(0.01)
            .nights(60)
            .step(1.2)
            .nights(30);
        let history = simulation.history();
        let before = simulation.history_until(89);
        let state = replay(&before, &Thresholds::default());
        let window = [Point {
            time_ms: 1,
            value: 2.0,
        }];
        let hash = hash_of(&history, &state, &window);
        assert_eq!(hash, hash_of(&history, &state, &window));

        let nights = history.nights().to_vec();
        for night in [0, 45, 89] {
            let mut changed = nights.clone();
            changed[night].value *= 1.0 + f64::EPSILON;
            let changed = History::new(changed, *history.metric());
            assert_ne!(hash, hash_of(&changed, &state, &window), "night {night}");
        }
        let mut later = nights.clone();
        later[45].time_ms += 1;
        let later = History::new(later, *history.metric());
        assert_ne!(hash, hash_of(&later, &state, &window));
        let floored = Metric {
            floor: 1.0,
            ..*history.metric()
        };
        assert_ne!(
            hash,
            hash_of(&History::new(nights, floored), &state, &window)
        );
        assert_ne!(hash, hash_of(&history, &State::default(), &window));
        assert_ne!(hash, hash_of(&history, &state, &[]));
        let mut accepted = state.clone();
        accepted.accept(7);
        assert_ne!(hash, hash_of(&history, &accepted, &window));
    }

    #[test]
    fn nights_before_the_window_do_not_count() {
        let long = Simulation::new(5).noise(0.01).nights(400).history();
        let (all, state) = (long.nights().to_vec(), State::default());
        let window = Thresholds::default().window();
        let last = History::new(all[400 - window..].to_vec(), *long.metric());
        assert_eq!(hash_of(&long, &state, &[]), hash_of(&last, &state, &[]));
        let fewer = History::new(all[401 - window..].to_vec(), *long.metric());
        assert_ne!(hash_of(&long, &state, &[]), hash_of(&fewer, &state, &[]));
    }

    #[test]
    fn a_hash_is_sixteen_hex_digits_and_reads_back() {
        let hash = InputsHash(0x0123_4567_89ab_cdef);
        let json = serde_json::to_string(&hash).unwrap_or_default();
        assert_eq!(json, "\"0123456789abcdef\"");
        assert_eq!(serde_json::from_str::<InputsHash>(&json).ok(), Some(hash));
        assert!(serde_json::from_str::<InputsHash>("\"x\"").is_err());
    }
}
