//! Asking for what is missing, and when to stop.

use std::time::Duration;

use bytes::Bytes;

use super::seen::Likeness;
use super::{Ask, Loss, LossCause, Origin, Round, Step, Tracker};

/// Answers without any batch, in a row after a reconnect, that mean an engine with an empty
/// buffer: one could be a replay whose messages were all lost.
const EMPTY_ANSWERS_OF_A_RESTART: u32 = 2;

/// Probes in a row that bring batches which did not come live, after which the connection is taken
/// for one that leads nowhere.
const PROBES_OF_A_DEAF_CONNECTION: u32 = 3;

/// Unanswered replays in a row, with no live batch in between, after which the connection is
/// taken for dead.
const UNANSWERED_OF_A_DEAD_PEER: u32 = 2;

impl Tracker {
    /// Replay `id` brought batch `seq`.
    pub fn replayed(&mut self, id: u64, seq: u64, payload: Bytes) {
        let Some(round) = self.round.as_mut().filter(|round| round.id == id) else {
            return;
        };
        round.answers += 1;
        round.oldest = round.oldest.min(seq);
        self.answered();
        self.empty_answers = 0;
        let digest = self.seen.digest(&payload);
        if seq < self.next {
            match self.seen.compare(self.next, seq, digest) {
                Likeness::Same => {
                    if let Some(doubt) = self.doubt.take_if(|doubt| seq <= doubt.anchor) {
                        self.highest = self.highest.max(doubt.highest);
                    }
                }
                Likeness::Different => self.restarted_unseen(),
                Likeness::Forgotten => {}
            }
            return;
        }
        self.take(seq, payload, digest, Origin::Replay);
    }

    /// Replay `id` came to its end marker.
    pub fn replay_ended(&mut self, id: u64) {
        if self.replay_id() != Some(id) {
            return;
        }
        let Some(round) = self.round.take() else {
            return;
        };
        self.answered();
        if round.answers == 0 && round.anchored {
            self.answered_without_anchor();
            return;
        }
        if round.probe && round.fresh > 0 {
            self.deaf_probes += 1;
            if self.deaf_probes >= PROBES_OF_A_DEAF_CONNECTION {
                // The engine goes on and the connection does not say so: it leads nowhere.
                self.reconnect();
                return;
            }
        }
        if self.next == self.highest && self.doubt.is_none() {
            self.fruitless = 0;
            self.caught_up = true;
            // With batches that were new, a live one behind them or the next probe has to show
            // that there are no more.
            if round.fresh == 0 {
                self.settled_replays += 1;
            }
            return;
        }
        if self.next > round.next_at_start {
            self.fruitless = 0;
            self.oldest = u64::MAX;
        } else {
            self.fruitless += 1;
            self.oldest = self.oldest.min(round.oldest);
        }
        if self.fruitless < self.limits.fruitless_replays {
            self.ask();
            return;
        }
        self.fruitless = 0;
        self.unverifiable |= self.doubt.take().is_some();
        self.give_up(LossCause::NotInBuffer);
        // What holds for the first hole holds for all before the oldest batch in the buffer.
        while self.next < self.oldest.min(self.highest) {
            self.give_up(LossCause::NotInBuffer);
        }
        self.oldest = u64::MAX;
        self.ask();
    }

    /// The engine answered and does not hold even the last applied batch.
    fn answered_without_anchor(&mut self) {
        self.empty_answers += 1;
        if self.empty_answers < EMPTY_ANSWERS_OF_A_RESTART {
            self.ask();
        } else if self.doubt.is_some() {
            self.restarted_unseen();
        } else {
            // A restart breaks the connection; perhaps it was broken and nobody said so.
            self.reconnect();
        }
    }

    /// Replay `id` could not be asked for, or was not answered to its end.
    pub fn replay_failed(&mut self, id: u64) {
        if self.replay_id() != Some(id) {
            return;
        }
        self.round = None;
        self.counts.unanswered_replays += 1;
        self.unanswered = self.unanswered.saturating_add(1);
        if !self.heard_since_answer && self.unanswered >= UNANSWERED_OF_A_DEAD_PEER {
            // A peer that vanished without closing leaves a connection that looks alive.
            self.reconnect();
            return;
        }
        let missing = self.next < self.highest;
        if missing && self.unanswered >= self.limits.unanswered_replays {
            self.unanswered = 0;
            self.give_up(LossCause::Unanswered);
            self.ask();
        } else if missing || self.doubt.is_some() || !self.caught_up {
            self.ask();
        }
    }

    pub(super) fn answered(&mut self) {
        self.unanswered = 0;
        self.heard_since_answer = false;
    }

    pub(super) fn ask(&mut self) {
        if !self.can_replay || self.connection.is_none() || self.round.is_some() {
            return;
        }
        let from = match self.doubt {
            Some(doubt) => doubt.anchor,
            None if self.seen.is_empty() => self.next,
            None => self.next - 1,
        };
        self.last_round_id += 1;
        self.counts.replays += 1;
        self.round = Some(Round {
            id: self.last_round_id,
            next_at_start: self.next,
            anchored: from < self.next,
            answers: 0,
            oldest: u64::MAX,
            fresh: 0,
            probe: false,
        });
        self.steps.push_back(Step::Ask(Ask {
            id: self.last_round_id,
            from,
            after: self.wait(),
        }));
    }

    pub(super) fn wait(&self) -> Duration {
        match self.fruitless.max(self.unanswered).max(self.empty_answers) {
            0 => Duration::ZERO,
            tries => {
                let doubled = 2_u32.saturating_pow(tries - 1);
                (self.limits.first_wait * doubled).min(self.limits.longest_wait)
            }
        }
    }

    /// Gives up the first hole, if there is one, and goes on behind it.
    pub(super) fn give_up(&mut self, cause: LossCause) {
        if self.next >= self.highest {
            return;
        }
        let hole = self.next..self.held.first().unwrap_or(self.highest);
        let batches = hole.end - hole.start;
        self.counts.lost_batches = self.counts.lost_batches.saturating_add(batches);
        let loss = self.lost.get_or_insert_with(|| Loss {
            batches: 0,
            first: hole.clone(),
            end: hole.end,
            cause,
        });
        loss.batches = loss.batches.saturating_add(batches);
        loss.end = hole.end;
        loss.cause = cause;
        self.seen.clear();
        self.late = hole.clone();
        self.next = hole.end;
        self.caught_up = true;
        self.steps.push_back(Step::Lost(hole));
        self.drain();
    }
}
