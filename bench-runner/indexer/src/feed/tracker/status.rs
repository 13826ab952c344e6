//! What a stream's tracker counts, and why a stream is not exact.

use std::fmt;
use std::ops::{AddAssign, Range};

/// What happened on one stream since it began. All are plain counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SequenceCounts {
    /// Times that the live sequence skipped at least one batch (a late start counts as one).
    pub gaps: u64,
    /// Batches that were applied and came by a replay.
    pub replayed_batches: u64,
    /// Batches that are known to have existed and could not be had.
    pub lost_batches: u64,
    /// Times that the engine was seen to have started anew.
    pub restarts: u64,
    /// Live batches that had been applied already.
    pub duplicates: u64,
    /// Batches that came before their turn and were let go because too many waited.
    pub dropped: u64,
    /// Replays asked for.
    pub replays: u64,
    /// Replays that were not answered to their end.
    pub unanswered_replays: u64,
}

/// Why batches were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// The stream has no replay endpoint.
    NoReplay,
    /// The engine answered, and its buffer no longer holds them.
    NotInBuffer,
    /// The engine did not answer.
    Unanswered,
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LossCause::NoReplay => "the stream has no replay endpoint",
            LossCause::NotInBuffer => "the engine's replay no longer holds them",
            LossCause::Unanswered => "the engine's replay did not answer",
        })
    }
}

/// A reason why what the index holds of a stream may differ from what the engine holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No connection has been made yet.
    NeverConnected,
    /// The connection is down; the engine may go on without being heard.
    Disconnected,
    /// The batches from before the connection are not known to be complete yet.
    CatchingUp,
    /// Batches are missing and are being asked for.
    Missing(Range<u64>),
    /// Since the connection came back, a restart has not been ruled out yet.
    Unverified,
    /// The engine is connected and silent, and does not answer a replay either.
    Silent,
    /// Batches are gone for good, until the engine clears its cache or restarts.
    Lost {
        /// How many, over all holes.
        batches: u64,
        /// The first hole.
        first: Range<u64>,
        /// Why the last of them was given up.
        cause: LossCause,
    },
    /// Batches came that could not be decoded to their end, the first of them with this number.
    Undecoded {
        /// How many.
        batches: u64,
        /// The sequence number of the first.
        first: u64,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NeverConnected => f.write_str("not connected yet"),
            Reason::Disconnected => f.write_str("the connection is down"),
            Reason::CatchingUp => f.write_str("earlier batches are not known to be complete yet"),
            Reason::Missing(range) => {
                write!(
                    f,
                    "batches {}..{} are missing and asked for",
                    range.start, range.end
                )
            }
            Reason::Unverified => {
                f.write_str("the connection came back and a restart is not ruled out yet")
            }
            Reason::Silent => f.write_str("the engine is silent and its replay does not answer"),
            Reason::Lost {
                batches,
                first,
                cause,
            } => write!(
                f,
                "{batches} batches are lost, the first hole is {}..{}: {cause}",
                first.start, first.end
            ),
            Reason::Undecoded { batches, first } => {
                write!(
                    f,
                    "{batches} batches could not be decoded, the first is {first}"
                )
            }
        }
    }
}

impl AddAssign for SequenceCounts {
    fn add_assign(&mut self, other: SequenceCounts) {
        self.gaps += other.gaps;
        self.replayed_batches += other.replayed_batches;
        self.lost_batches = self.lost_batches.saturating_add(other.lost_batches);
        self.restarts += other.restarts;
        self.duplicates += other.duplicates;
        self.dropped += other.dropped;
        self.replays += other.replays;
        self.unanswered_replays += other.unanswered_replays;
    }
}
