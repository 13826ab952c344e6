//! What a feed counts and how it stands, one report a stream.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::sink::Delivered;
use super::tracker::{Reason, SequenceCounts};

/// Counts of one stream since it began, or of several streams together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Batches applied.
    pub batches: u64,
    /// Payload bytes of the batches applied.
    pub payload_bytes: u64,
    /// Events of known kinds in them.
    pub events: u64,
    /// Events of unknown kinds in them, skipped.
    pub unknown_events: u64,
    /// Blocks that events said are stored, whether or not they were new, known or orphans.
    pub stored_blocks: u64,
    /// Blocks that events said are removed, whether or not they were held.
    pub removed_blocks: u64,
    /// Batches that cleared a whole cache.
    pub cleared: u64,
    /// Blocks dropped because their parent is unknown.
    pub orphans: u64,
    /// Blocks that the index refused.
    pub refused: u64,
    /// Messages that could not be decoded, by kind.
    pub decode_errors: BTreeMap<&'static str, u64>,
    /// Batches received and let go because a queue was full: each is a gap, and asked for again.
    pub dropped: u64,
    /// Connections made.
    pub connections: u64,
    /// What happened to the sequence.
    pub sequence: SequenceCounts,
}

impl Counters {
    /// Messages that could not be decoded, of all kinds.
    pub fn decode_error_count(&self) -> u64 {
        self.decode_errors.values().sum()
    }

    pub(super) fn add_delivered(&mut self, delivered: &Delivered, payload_bytes: usize) {
        let applied = &delivered.applied;
        self.batches += 1;
        self.payload_bytes += payload_bytes as u64;
        self.events += u64::from(delivered.events);
        self.unknown_events += u64::from(delivered.unknown_events);
        self.stored_blocks += u64::from(applied.stored)
            + u64::from(applied.already_held)
            + u64::from(applied.orphaned)
            + u64::from(applied.refused)
            + u64::from(applied.skipped);
        self.removed_blocks += u64::from(applied.removed) + u64::from(applied.unknown);
        self.cleared += u64::from(applied.cleared);
        self.orphans += u64::from(applied.orphaned);
        self.refused += u64::from(applied.refused);
    }

    pub(super) fn add_decode_error(&mut self, kind: &'static str) {
        *self.decode_errors.entry(kind).or_default() += 1;
    }
}

impl AddAssign<&Counters> for Counters {
    fn add_assign(&mut self, other: &Counters) {
        self.batches += other.batches;
        self.payload_bytes += other.payload_bytes;
        self.events += other.events;
        self.unknown_events += other.unknown_events;
        self.stored_blocks += other.stored_blocks;
        self.removed_blocks += other.removed_blocks;
        self.cleared += other.cleared;
        self.orphans += other.orphans;
        self.refused += other.refused;
        for (kind, count) in &other.decode_errors {
            *self.decode_errors.entry(kind).or_default() += count;
        }
        self.dropped += other.dropped;
        self.connections += other.connections;
        self.sequence += other.sequence;
    }
}

/// How one stream stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamReport {
    /// The engine's name.
    pub worker: String,
    /// Its data-parallel rank.
    pub rank: u32,
    /// What happened so far.
    pub counters: Counters,
    /// Why the index may differ from the engine; empty when it does not, as far as is known.
    pub reasons: Vec<Reason>,
    /// The batch whose turn is next.
    pub next_seq: u64,
    /// Batches received and not applied yet.
    pub waiting_batches: u64,
    /// Replays that showed that nothing is missing.
    pub settled_replays: u64,
    /// Seconds between the engine making the last applied batch and its being applied, by the
    /// wall clocks of both machines. `None` before the first batch.
    pub lag_seconds: Option<f64>,
}

impl StreamReport {
    /// Whether every batch known to exist has been applied.
    pub fn is_exact(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Why the stream is not exact, as one line; empty when it is.
    pub fn stale_because(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        reasons.join("; ")
    }
}
