//! The sequence of one stream: what to apply, what to ask for again, and what is lost.
//!
//! A stream is one PUB socket of one engine. The tracker is told what arrives and answers with
//! [`Step`]s. It judges by these facts of the wire:
//! - An engine numbers its batches 0, 1, 2, …; a number that was skipped is a batch not seen.
//! - A PUB socket never sends an old batch to a new subscriber. A number that falls back is either
//!   the same batch again (the bytes are equal) or an engine that started anew.
//! - A replay lists what the engine still holds, in order. Messages of a replay can be lost as
//!   well, its first and its last included, so one replay proves presence and never absence: what
//!   is missing is asked for again, from the last contiguous batch, until nothing new comes.
//! - The last applied batch is asked for again with every replay. When it comes back with other
//!   bytes, or (after a reconnect) not at all, the engine has restarted unseen.

mod arrive;
mod held;
mod replay;
mod seen;
mod status;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use super::wire::REPLAY_BUFFER_BATCHES;
use held::Held;
use seen::Seen;
pub use status::{LossCause, Reason, SequenceCounts};

/// Bounds of a tracker.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Batches that may wait for an earlier one.
    pub held_batches: usize,
    /// Payload bytes that may wait for an earlier batch.
    pub held_bytes: usize,
    /// Applied batches whose digests are remembered; what an engine's replay buffer holds.
    pub remembered_batches: usize,
    /// Replays in a row that were answered and brought the missing batch no nearer, before it is
    /// given up.
    pub fruitless_replays: u32,
    /// Replays in a row that were not answered, before a missing batch is given up.
    pub unanswered_replays: u32,
    /// The wait before a replay is asked for a second time; it doubles from there.
    pub first_wait: Duration,
    /// The longest wait between two replays.
    pub longest_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            held_batches: 20_000,
            held_bytes: 256 << 20,
            remembered_batches: REPLAY_BUFFER_BATCHES,
            fruitless_replays: 4,
            unanswered_replays: 5,
            first_wait: Duration::from_millis(50),
            longest_wait: Duration::from_secs(2),
        }
    }
}

/// How a batch came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the PUB socket.
    Live,
    /// From a replay.
    Replay,
}

/// One batch whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its sequence number.
    pub seq: u64,
    /// Its msgpack payload.
    pub payload: Bytes,
    /// How it came.
    pub origin: Origin,
}

/// What is to be done next. Steps are to be carried out in order, all of them before the tracker
/// is told anything else but [`Tracker::undecoded`] and [`Tracker::cleared`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Apply this batch.
    Apply(Batch),
    /// Forget everything that came by this stream: the engine started anew, or is gone.
    Clear,
    /// Batches are given up.
    Lost(Range<u64>),
    /// Ask the engine for a replay. It replaces any that is under way.
    Ask(Ask),
    /// Close the live connection and open another.
    Reconnect,
}

/// A replay to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Names the replay; answers are given back with it.
    pub id: u64,
    /// The first sequence number wanted.
    pub from: u64,
    /// The wait before asking.
    pub after: Duration,
}

/// What would show that an engine is still the one it was before the connection broke.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    /// The last batch applied before.
    anchor: u64,
    /// One past the highest number known before.
    highest: u64,
}

/// What was given up since the worker was last known to be empty.
#[derive(Debug)]
struct Loss {
    batches: u64,
    first: Range<u64>,
    /// Where the last hole ends.
    end: u64,
    cause: LossCause,
}

/// A replay under way.
#[derive(Debug)]
struct Round {
    id: u64,
    next_at_start: u64,
    /// Whether the last applied batch was asked for as well.
    anchored: bool,
    answers: u64,
    /// The lowest number it brought.
    oldest: u64,
    /// Batches it brought that had not come before.
    fresh: u64,
    /// It was asked for because nothing came.
    probe: bool,
}

/// The state machine of one stream.
#[derive(Debug)]
pub struct Tracker {
    limits: Limits,
    can_replay: bool,
    counts: SequenceCounts,
    steps: VecDeque<Step>,

    /// The batch whose turn is next.
    next: u64,
    /// One past the highest number known to exist.
    highest: u64,
    /// One past the highest live number of this incarnation: what the next gap is counted from.
    live_next: u64,
    seen: Seen,
    held: Held,

    connection: Option<u64>,
    ever_connected: bool,
    next_at_connect: u64,
    heard_on_connection: bool,
    /// Nothing that was published before the connection is unknown.
    caught_up: bool,
    /// Set by a reconnect, until a restart is ruled out.
    doubt: Option<Doubt>,
    /// A doubt that could not be settled: the engine no longer holds what would settle it.
    unverifiable: bool,

    round: Option<Round>,
    last_round_id: u64,
    fruitless: u32,
    /// The lowest number that the fruitless replays in a row brought: none of them held anything
    /// before it.
    oldest: u64,
    unanswered: u32,
    /// A live batch has come since the last answer to a replay.
    heard_since_answer: bool,
    empty_answers: u32,
    /// Probes in a row that brought batches which the live connection should have brought.
    deaf_probes: u32,
    settled_replays: u64,

    lost: Option<Loss>,
    /// The hole given up last on this connection: its batches may still come, too late.
    late: Range<u64>,
    undecoded: Option<(u64, u64)>,
}

impl Tracker {
    /// A tracker for a stream of which nothing is known. `can_replay` says whether there is an
    /// endpoint to ask for replays.
    pub fn new(limits: Limits, can_replay: bool) -> Tracker {
        Tracker {
            seen: Seen::new(limits.remembered_batches),
            held: Held::new(limits.held_batches, limits.held_bytes),
            limits,
            can_replay,
            counts: SequenceCounts::default(),
            steps: VecDeque::new(),
            next: 0,
            highest: 0,
            live_next: 0,
            connection: None,
            ever_connected: false,
            next_at_connect: 0,
            heard_on_connection: false,
            caught_up: false,
            doubt: None,
            unverifiable: false,
            round: None,
            last_round_id: 0,
            fruitless: 0,
            oldest: u64::MAX,
            unanswered: 0,
            heard_since_answer: false,
            empty_answers: 0,
            deaf_probes: 0,
            settled_replays: 0,
            lost: None,
            late: 0..0,
            undecoded: None,
        }
    }

    /// The next thing to do, if any.
    pub fn next_step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// What happened so far.
    pub fn counts(&self) -> SequenceCounts {
        self.counts
    }

    /// The batch whose turn is next: all before it are applied or given up.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// Batches that came before their turn and wait.
    pub fn held_batches(&self) -> usize {
        self.held.len()
    }

    /// The replay that is under way or waits to be asked for.
    pub fn replay_id(&self) -> Option<u64> {
        self.round.as_ref().map(|round| round.id)
    }

    /// Replays that ended and had nothing new to tell, with nothing missing: each shows that all
    /// the engine had published when it answered has been applied.
    pub fn settled_replays(&self) -> u64 {
        self.settled_replays
    }

    /// Why the index may differ from the engine; empty when every batch known to exist has been
    /// applied.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if !self.ever_connected {
            reasons.push(Reason::NeverConnected);
        } else if self.connection.is_none() {
            reasons.push(Reason::Disconnected);
        } else if !self.caught_up {
            reasons.push(Reason::CatchingUp);
        }
        if self.next < self.highest {
            let end = self.held.first().unwrap_or(self.highest);
            reasons.push(Reason::Missing(self.next..end));
        }
        if self.doubt.is_some() || self.unverifiable {
            reasons.push(Reason::Unverified);
        }
        if self.connection.is_some() && self.unanswered > 0 && !self.heard_since_answer {
            reasons.push(Reason::Silent);
        }
        if let Some(loss) = &self.lost {
            reasons.push(Reason::Lost {
                batches: loss.batches,
                first: loss.first.clone(),
                cause: loss.cause,
            });
        }
        if let Some((batches, first)) = self.undecoded {
            reasons.push(Reason::Undecoded { batches, first });
        }
        reasons
    }

    /// Whether every batch that is known to exist has been applied.
    pub fn is_exact(&self) -> bool {
        self.reasons().is_empty()
    }
}

#[cfg(test)]
mod tests;
