//! What comes by the live connection, and what it does to the sequence.

use bytes::Bytes;

use super::held::{Kept, Waiting};
use super::seen::Likeness;
use super::{Batch, Doubt, LossCause, Origin, Step, Tracker};
use crate::feed::wire::END_OF_REPLAY;

impl Tracker {
    /// A live connection has been made. `connection` names it; each has another name.
    pub fn connected(&mut self, connection: u64) {
        self.connection = Some(connection);
        self.next_at_connect = self.next;
        self.heard_on_connection = false;
        self.heard_since_answer = false;
        self.late = 0..0;
        if self.ever_connected && self.next > 0 {
            // A doubt that is still open keeps its older anchor: batches applied since may be
            // those of the other incarnation.
            self.doubt.get_or_insert(Doubt {
                anchor: self.next - 1,
                highest: self.highest,
            });
        }
        // What was known to exist may have been another incarnation's; it counts again when the
        // doubt is settled.
        self.highest = self.next;
        self.ever_connected = true;
        self.fruitless = 0;
        self.oldest = u64::MAX;
        self.unanswered = 0;
        self.empty_answers = 0;
        self.deaf_probes = 0;
        self.ask();
    }

    /// A live connection is gone. What it brought has all been told before.
    pub fn disconnected(&mut self, connection: u64) {
        if self.connection == Some(connection) {
            self.connection = None;
            self.round = None;
            // The next connection may lead to another incarnation: nothing of this one may be
            // applied behind what that one sends.
            self.held.clear();
        }
    }

    /// The worker is to be forgotten, because the engine has been away for too long.
    pub fn gone(&mut self) {
        self.start_over();
    }

    /// Nothing has come for a while. The last batches of a burst can be lost without a later one
    /// that would show it, so the engine is asked whether there are more.
    pub fn quiet(&mut self) {
        self.ask();
        if let Some(round) = &mut self.round {
            round.probe = true;
        }
    }

    /// Batch `seq` came by the live connection named `connection`. The number that ends a replay
    /// cannot be a batch's and is passed over.
    pub fn live(&mut self, connection: u64, seq: u64, payload: Bytes) {
        if self.connection != Some(connection) || seq == END_OF_REPLAY {
            return;
        }
        self.heard_since_answer = true;
        self.deaf_probes = 0;
        let first = !std::mem::replace(&mut self.heard_on_connection, true);
        let digest = self.seen.digest(&payload);
        if seq < self.next {
            // A new subscriber is never sent an old batch, so a first batch numbered 0 is a
            // restart whatever it holds.
            let likeness = match self.seen.compare(self.next, seq, digest) {
                _ if first && seq == 0 && self.next_at_connect > 0 => Likeness::Different,
                likeness => likeness,
            };
            let late = !first && self.late.contains(&seq);
            if likeness == Likeness::Same || (likeness == Likeness::Forgotten && late) {
                self.counts.duplicates += 1;
                return;
            }
            self.restarted();
        }
        if seq > self.live_next {
            self.counts.gaps += 1;
        }
        self.live_next = self.live_next.max(seq + 1);
        if !self.can_replay {
            self.doubt = None;
        }
        self.take(seq, payload, digest, Origin::Live);
        if self.next < self.highest {
            if self.can_replay {
                self.ask();
            } else {
                self.give_up(LossCause::NoReplay);
            }
        }
    }

    /// The batch of the last [`Step::Apply`], numbered `seq`, could not be decoded to its end.
    pub fn undecoded(&mut self, seq: u64) {
        self.undecoded.get_or_insert((0, seq)).0 += 1;
    }

    /// The batch of the last [`Step::Apply`], numbered `seq`, left nothing of what came by this
    /// stream before: what was lost before it no longer matters.
    pub fn cleared(&mut self, seq: u64) {
        // A hole behind this batch may have been given up in the same breath.
        self.lost.take_if(|loss| loss.end <= seq);
        self.undecoded = None;
        self.doubt = None;
        self.unverifiable = false;
    }

    /// The engine started anew, seen by a live batch of the new incarnation.
    pub(super) fn restarted(&mut self) {
        self.counts.restarts += 1;
        self.start_over();
    }

    /// The engine started anew, seen by what a replay said. Live batches of the old incarnation
    /// may still be under way, so the connection is made anew as well.
    pub(super) fn restarted_unseen(&mut self) {
        self.restarted();
        self.reconnect();
    }

    pub(super) fn reconnect(&mut self) {
        self.connection = None;
        self.round = None;
        self.held.clear();
        self.steps.push_back(Step::Reconnect);
    }

    pub(super) fn start_over(&mut self) {
        self.next = 0;
        self.highest = 0;
        self.live_next = 0;
        self.seen.clear();
        self.held.clear();
        self.caught_up = false;
        self.doubt = None;
        self.unverifiable = false;
        self.round = None;
        self.fruitless = 0;
        self.oldest = u64::MAX;
        self.unanswered = 0;
        self.empty_answers = 0;
        self.deaf_probes = 0;
        self.lost = None;
        self.late = 0..0;
        self.undecoded = None;
        self.steps.push_back(Step::Clear);
    }

    /// Applies a batch at or past its turn, or holds it.
    pub(super) fn take(&mut self, seq: u64, payload: Bytes, digest: u64, origin: Origin) {
        self.highest = self.highest.max(seq + 1);
        let waiting = Waiting {
            payload,
            digest,
            origin,
        };
        if seq == self.next {
            self.count_fresh(origin);
            self.apply(waiting);
            self.drain();
            return;
        }
        let (kept, dropped) = self.held.hold(seq, waiting);
        self.counts.dropped += dropped;
        match kept {
            Kept::New => self.count_fresh(origin),
            Kept::Again if origin == Origin::Live => self.counts.duplicates += 1,
            Kept::Again => {}
            Kept::Conflict => self.restarted_unseen(),
        }
    }

    pub(super) fn count_fresh(&mut self, origin: Origin) {
        if let (Origin::Replay, Some(round)) = (origin, self.round.as_mut()) {
            round.fresh += 1;
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(waiting) = self.held.take(self.next) {
            self.apply(waiting);
        }
    }

    pub(super) fn apply(&mut self, waiting: Waiting) {
        if waiting.origin == Origin::Replay {
            self.counts.replayed_batches += 1;
        }
        self.seen.push(waiting.digest);
        self.caught_up = true;
        self.steps.push_back(Step::Apply(Batch {
            seq: self.next,
            payload: waiting.payload,
            origin: waiting.origin,
        }));
        self.next += 1;
    }
}
