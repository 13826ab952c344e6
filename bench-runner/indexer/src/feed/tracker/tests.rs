use super::*;

/// A tracker whose steps are carried out against a list of applied batches.
struct Bench {
    tracker: Tracker,
    applied: Vec<(u64, Origin)>,
    clears: u32,
    reconnects: u32,
    lost: Vec<Range<u64>>,
    asked: Vec<Ask>,
}

fn payload(incarnation: u64, seq: u64) -> Bytes {
    Bytes::from(format!("{incarnation}/{seq}"))
}

impl Bench {
    fn new(can_replay: bool) -> Bench {
        Bench::with(Limits::default(), can_replay)
    }

    fn with(limits: Limits, can_replay: bool) -> Bench {
        Bench {
            tracker: Tracker::new(limits, can_replay),
            applied: Vec::new(),
            clears: 0,
            reconnects: 0,
            lost: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn run(&mut self, tell: impl FnOnce(&mut Tracker)) -> &mut Bench {
        tell(&mut self.tracker);
        while let Some(step) = self.tracker.next_step() {
            match step {
                Step::Apply(batch) => self.applied.push((batch.seq, batch.origin)),
                Step::Clear => {
                    self.clears += 1;
                    self.applied.clear();
                }
                Step::Lost(range) => self.lost.push(range),
                Step::Ask(ask) => self.asked.push(ask),
                Step::Reconnect => self.reconnects += 1,
            }
        }
        self
    }

    fn connected(&mut self, connection: u64) -> &mut Bench {
        self.run(|t| t.connected(connection))
    }

    fn live(&mut self, seqs: impl IntoIterator<Item = u64>) -> &mut Bench {
        self.live_of(1, 1, seqs)
    }

    fn live_of(
        &mut self,
        connection: u64,
        incarnation: u64,
        seqs: impl IntoIterator<Item = u64>,
    ) -> &mut Bench {
        for seq in seqs {
            self.run(|t| t.live(connection, seq, payload(incarnation, seq)));
        }
        self
    }

    /// Answers the replay under way with these batches and, when `ended`, its end marker.
    fn answer(&mut self, incarnation: u64, seqs: impl IntoIterator<Item = u64>, ended: bool) {
        let id = self.tracker.replay_id().expect("a replay is under way");
        for seq in seqs {
            self.run(|t| t.replayed(id, seq, payload(incarnation, seq)));
        }
        if ended {
            self.run(|t| t.replay_ended(id));
        }
    }

    fn fail_replay(&mut self) {
        let id = self.tracker.replay_id().expect("a replay is under way");
        self.run(|t| t.replay_failed(id));
    }

    fn applied_seqs(&self) -> Vec<u64> {
        self.applied.iter().map(|(seq, _)| *seq).collect()
    }

    fn last_from(&self) -> u64 {
        self.asked.last().expect("a replay was asked for").from
    }

    fn reasons(&self) -> String {
        let reasons: Vec<String> = self
            .tracker
            .reasons()
            .iter()
            .map(ToString::to_string)
            .collect();
        reasons.join("; ")
    }
}

fn settled(can_replay: bool, batches: u64) -> Bench {
    let mut bench = Bench::new(can_replay);
    bench.connected(1).live(0..batches);
    if can_replay {
        bench.answer(1, 0..batches, true);
    }
    assert!(bench.tracker.is_exact(), "{}", bench.reasons());
    bench
}

#[test]
fn contiguous_batches_are_applied_as_they_come() {
    let bench = settled(false, 5);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3, 4]);
    assert_eq!(bench.tracker.counts(), SequenceCounts::default());
}

#[test]
fn a_new_tracker_says_that_it_knows_nothing() {
    let mut bench = Bench::new(true);
    assert_eq!(bench.reasons(), "not connected yet");
    bench.connected(1);
    assert_eq!(
        bench.reasons(),
        "earlier batches are not known to be complete yet"
    );
    bench.answer(1, [], true);
    assert_eq!(bench.reasons(), "");
    assert_eq!(bench.tracker.settled_replays(), 1);
}

#[test]
fn a_late_start_is_caught_up_by_replay() {
    let mut bench = Bench::new(true);
    bench.connected(1).live([7]);
    assert_eq!(bench.last_from(), 0);
    bench.answer(1, 0..8, true);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(bench.tracker.is_exact());
    let counts = bench.tracker.counts();
    assert_eq!(
        (counts.gaps, counts.replayed_batches, counts.lost_batches),
        (1, 7, 0)
    );
}

#[test]
fn a_gap_holds_later_batches_until_the_replay_fills_it() {
    let mut bench = settled(true, 3);
    bench.live([5, 6]);
    assert_eq!(bench.applied_seqs(), [0, 1, 2]);
    assert_eq!(bench.reasons(), "batches 3..5 are missing and asked for");
    assert_eq!(
        bench.last_from(),
        2,
        "the last applied batch is asked for as well"
    );
    bench.answer(1, 2..7, true);
    assert_eq!(
        bench.applied[3..],
        [
            (3, Origin::Replay),
            (4, Origin::Replay),
            (5, Origin::Live),
            (6, Origin::Live)
        ]
    );
    assert!(bench.tracker.is_exact());
    assert_eq!(bench.tracker.counts().gaps, 1);
    assert_eq!(bench.tracker.counts().replayed_batches, 2);
}

#[test]
fn a_replay_that_loses_messages_is_asked_again_from_the_last_contiguous_batch() {
    let mut bench = settled(true, 1);
    bench.live([10]);
    bench.answer(1, [0, 1, 2, 3, 6, 7], true);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3]);
    assert_eq!(bench.last_from(), 3);
    bench.answer(1, [3, 4, 5, 8, 9, 10], true);
    assert_eq!(bench.applied_seqs(), (0..=10).collect::<Vec<_>>());
    assert!(bench.tracker.is_exact());
    assert_eq!(bench.tracker.counts().lost_batches, 0);
}

#[test]
fn what_the_buffer_no_longer_holds_is_given_up_after_the_bound_and_said() {
    let mut bench = settled(true, 2);
    bench.live([9]);
    let rounds = Limits::default().fruitless_replays;
    assert_eq!(bench.reasons(), "batches 2..9 are missing and asked for");
    for _ in 0..rounds {
        bench.answer(1, [7, 8, 9], true);
    }
    assert_eq!(bench.lost, vec![Range { start: 2, end: 7 }]);
    assert_eq!(bench.applied_seqs(), [0, 1, 7, 8, 9]);
    assert_eq!(bench.tracker.counts().lost_batches, 5);
    assert_eq!(
        bench.reasons(),
        "5 batches are lost, the first hole is 2..7: the engine's replay no longer holds them"
    );
    let waits: Vec<u128> = bench
        .asked
        .iter()
        .map(|ask| ask.after.as_millis())
        .collect();
    assert_eq!(waits, [0, 0, 50, 100, 200, 0]);
}

#[test]
fn all_holes_before_the_oldest_batch_in_the_buffer_are_given_up_together() {
    let mut bench = settled(true, 1);
    bench.live([2, 4, 6, 20, 22]);
    for _ in 0..Limits::default().fruitless_replays {
        bench.answer(1, [18, 19, 20], true);
    }
    assert_eq!(bench.applied_seqs(), [0, 2, 4, 6, 18, 19, 20]);
    assert_eq!(
        bench.reasons().split(';').next(),
        Some("batches 21..22 are missing and asked for")
    );
    bench.answer(1, [20, 21, 22], true);
    assert_eq!(bench.applied_seqs().last(), Some(&22));
}

#[test]
fn a_stream_without_replay_says_at_once_what_it_lost() {
    let mut bench = settled(false, 2);
    bench.live([4, 5]);
    assert_eq!(bench.applied_seqs(), [0, 1, 4, 5]);
    assert_eq!(bench.lost, vec![Range { start: 2, end: 4 }]);
    assert!(
        bench
            .reasons()
            .ends_with("the stream has no replay endpoint")
    );
}

#[test]
fn a_cache_that_was_cleared_makes_what_was_lost_before_irrelevant() {
    let mut bench = settled(false, 2);
    bench.live([4]);
    assert!(!bench.tracker.is_exact());
    bench.run(|t| t.cleared(4));
    assert!(bench.tracker.is_exact());
    assert_eq!(bench.tracker.counts().lost_batches, 2);
}

#[test]
fn a_batch_that_comes_twice_is_applied_once() {
    let mut bench = settled(true, 3);
    bench.live([1, 2, 3, 3]);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3]);
    assert_eq!(bench.tracker.counts().duplicates, 3);
    assert_eq!(bench.clears, 0);
}

#[test]
fn a_sequence_that_falls_back_with_other_bytes_clears_the_worker() {
    let mut bench = settled(true, 3);
    bench.live_of(1, 2, [0, 1]);
    assert_eq!(bench.clears, 1);
    assert_eq!(bench.applied_seqs(), [0, 1]);
    assert_eq!(bench.tracker.counts().restarts, 1);
    assert!(bench.tracker.is_exact(), "{}", bench.reasons());
}

#[test]
fn a_restart_whose_first_batches_were_missed_is_caught_up() {
    let mut bench = settled(true, 30);
    bench.live_of(1, 2, [4]);
    assert_eq!(bench.clears, 1);
    assert_eq!(bench.last_from(), 0);
    bench.answer(2, 0..5, true);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3, 4]);
    assert!(bench.tracker.is_exact());
}

#[test]
fn a_restart_that_went_past_the_old_sequence_is_found_by_the_anchor() {
    let mut bench = settled(true, 3);
    bench.run(|t| t.disconnected(1)).connected(2);
    assert_eq!(bench.last_from(), 2);
    // The new incarnation has published 0..5 unseen; its batch 5 looks contiguous enough.
    bench.live_of(2, 2, [3]);
    assert!(bench.reasons().contains("a restart is not ruled out"));
    bench.answer(2, [2], false);
    assert_eq!((bench.clears, bench.reconnects), (1, 1));
    assert_eq!(bench.applied_seqs(), [0_u64; 0]);
    assert_eq!(bench.reasons(), "the connection is down");
    bench.connected(3);
    assert_eq!(bench.last_from(), 0);
    bench.answer(2, 0..4, true);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3]);
    assert!(bench.tracker.is_exact());
}

#[test]
fn live_batches_of_a_connection_that_was_given_up_are_not_applied() {
    let mut bench = settled(true, 3);
    bench.run(|t| t.disconnected(1)).connected(2);
    bench.answer(2, [2], false);
    bench.live_of(2, 1, [3, 4]);
    assert_eq!(bench.applied_seqs(), [0_u64; 0]);
}

#[test]
fn a_reconnect_to_the_same_engine_keeps_everything() {
    let mut bench = settled(true, 3);
    bench.run(|t| t.disconnected(1)).connected(2);
    bench.answer(1, [2, 3, 4], true);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3, 4]);
    assert_eq!((bench.clears, bench.tracker.counts().restarts), (0, 0));
    assert!(bench.tracker.is_exact(), "{}", bench.reasons());
}

#[test]
fn an_engine_that_comes_back_with_an_empty_buffer_has_restarted() {
    let mut bench = settled(true, 3);
    bench.run(|t| t.disconnected(1)).connected(2);
    bench.answer(1, [], true);
    assert_eq!(
        bench.clears, 0,
        "one empty answer could be a replay that lost every message"
    );
    bench.answer(1, [], true);
    assert_eq!((bench.clears, bench.tracker.counts().restarts), (1, 1));
}

#[test]
fn a_first_batch_numbered_zero_is_a_restart_even_when_it_looks_the_same() {
    let mut bench = settled(false, 3);
    bench.run(|t| t.disconnected(1)).connected(2);
    bench.live_of(2, 1, [0]);
    assert_eq!(bench.clears, 1);
    assert_eq!(bench.applied_seqs(), [0]);
}

#[test]
fn a_first_batch_that_a_replay_brought_already_is_no_restart() {
    let mut bench = Bench::new(true);
    bench.connected(1);
    bench.answer(1, [0], true);
    bench.live([0, 1]);
    assert_eq!(bench.clears, 0);
    assert_eq!(bench.applied_seqs(), [0, 1]);
}

#[test]
fn a_lost_tail_is_found_by_the_quiet_probe() {
    let mut bench = settled(true, 3);
    bench.run(Tracker::quiet);
    bench.answer(1, [2, 3, 4], true);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3, 4]);
    let settled = bench.tracker.settled_replays();
    bench.run(Tracker::quiet);
    bench.answer(1, [4], true);
    assert_eq!(bench.tracker.settled_replays(), settled + 1);
}

#[test]
fn a_probe_answered_without_the_anchor_proves_nothing_and_two_call_for_a_new_connection() {
    let mut bench = settled(true, 3);
    let settled = bench.tracker.settled_replays();
    bench.run(Tracker::quiet);
    bench.answer(1, [], true);
    assert_eq!(bench.tracker.settled_replays(), settled);
    assert_eq!((bench.clears, bench.reconnects), (0, 0));
    bench.answer(1, [], true);
    assert_eq!((bench.clears, bench.reconnects), (0, 1));
    bench.connected(2).answer(1, [2], true);
    assert_eq!(bench.clears, 0);
    assert!(bench.tracker.is_exact(), "{}", bench.reasons());
}

#[test]
fn a_connection_that_keeps_back_what_probes_bring_is_made_anew() {
    let mut bench = settled(true, 3);
    for seq in 3..6 {
        assert_eq!(bench.reconnects, 0);
        bench.run(Tracker::quiet);
        bench.answer(1, [seq - 1, seq], true);
    }
    assert_eq!(bench.reconnects, 1);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_replay_that_never_answers_is_given_up_while_the_engine_goes_on() {
    let mut bench = settled(true, 1);
    bench.live([3]);
    for seq in 4..20 {
        bench.live([seq]);
        if bench.tracker.replay_id().is_some() && bench.lost.is_empty() {
            bench.fail_replay();
        }
    }
    assert_eq!(bench.lost, vec![Range { start: 1, end: 3 }]);
    assert_eq!(bench.applied_seqs().last(), Some(&19));
    assert!(
        bench
            .reasons()
            .contains("the engine's replay did not answer")
    );
    assert_eq!(bench.reconnects, 0);
}

#[test]
fn an_engine_that_answers_nothing_at_all_is_connected_anew() {
    let mut bench = settled(true, 1);
    bench.run(Tracker::quiet);
    bench.fail_replay();
    assert!(bench.reasons().contains("silent"), "{}", bench.reasons());
    bench.run(Tracker::quiet);
    bench.fail_replay();
    assert_eq!(bench.reconnects, 1);
    assert_eq!(bench.reasons(), "the connection is down");
}

#[test]
fn held_batches_are_bounded_and_what_is_let_go_is_fetched_again() {
    let limits = Limits {
        held_batches: 3,
        ..Limits::default()
    };
    let mut bench = Bench::with(limits, true);
    bench.connected(1).live(1..=6);
    assert_eq!(bench.tracker.held_batches(), 3);
    assert_eq!(bench.tracker.counts().dropped, 3);
    bench.answer(1, 0..=3, true);
    assert_eq!(bench.applied_seqs(), [0, 1, 2, 3]);
    assert_eq!(bench.reasons(), "batches 4..7 are missing and asked for");
    bench.answer(1, 3..=6, true);
    assert_eq!(bench.applied_seqs(), (0..=6).collect::<Vec<_>>());
    assert!(bench.tracker.is_exact());
}

#[test]
fn held_bytes_are_bounded_as_well() {
    let limits = Limits {
        held_bytes: 8,
        ..Limits::default()
    };
    let mut bench = Bench::with(limits, true);
    bench.connected(1).live(1..=6);
    assert_eq!(bench.tracker.held_batches(), 2, "payloads are 3 bytes long");
}

#[test]
fn a_batch_that_comes_too_late_is_neither_applied_nor_a_restart() {
    let mut bench = settled(false, 2);
    bench.live([4, 3]);
    assert_eq!(bench.clears, 0);
    assert_eq!(bench.applied_seqs(), [0, 1, 4]);
}

#[test]
fn a_batch_that_cannot_be_decoded_makes_the_stream_inexact_until_a_restart() {
    let mut bench = settled(true, 3);
    bench.run(|t| t.undecoded(2));
    assert_eq!(
        bench.reasons(),
        "1 batches could not be decoded, the first is 2"
    );
    bench.live_of(1, 2, [0]);
    assert!(bench.tracker.is_exact(), "{}", bench.reasons());
}

#[test]
fn a_worker_that_is_gone_is_cleared_and_counted_from_the_start_again() {
    let mut bench = settled(true, 3);
    bench.run(|t| t.disconnected(1)).run(Tracker::gone);
    assert_eq!((bench.clears, bench.tracker.counts().restarts), (1, 0));
    bench.connected(2);
    assert_eq!(bench.last_from(), 0);
}

#[test]
fn the_highest_sequence_number_does_not_overflow() {
    let mut bench = Bench::new(false);
    bench.connected(1).live([u64::MAX - 1, u64::MAX]);
    assert_eq!(bench.tracker.counts().lost_batches, u64::MAX - 1);
    assert_eq!(bench.tracker.next_seq(), u64::MAX);
}

#[test]
fn a_restart_after_everything_known_was_lost_is_still_seen() {
    let mut bench = Bench::new(true);
    bench.connected(1).live([799]);
    bench.run(|t| t.disconnected(1)).connected(2);
    // The engine that answers now is a new one; nothing of the old one's 800 is expected of it.
    bench.answer(2, [], true);
    assert!(bench.tracker.is_exact(), "{}", bench.reasons());
    bench.live_of(2, 2, [1]);
    bench.answer(2, [0, 1], true);
    assert_eq!(bench.applied_seqs(), [0, 1]);
    assert_eq!(bench.tracker.counts().lost_batches, 0);
}

#[test]
fn a_restart_is_seen_even_when_the_last_batch_before_was_given_up() {
    let mut bench = settled(true, 2);
    bench.live([9]);
    for _ in 0..Limits::default().fruitless_replays {
        bench.answer(1, [1], true);
    }
    bench.run(|t| t.disconnected(1)).connected(2);
    assert_eq!(bench.last_from(), 9);
    bench.answer(2, [], true);
    bench.answer(2, [], true);
    assert_eq!(bench.clears, 1);
}

#[test]
fn what_was_known_before_a_reconnect_counts_again_once_the_engine_is_known_to_be_the_same() {
    let mut bench = settled(true, 3);
    bench.live([9]).run(|t| t.disconnected(1)).connected(2);
    bench.answer(1, [2], true);
    assert_eq!(bench.reasons(), "batches 3..10 are missing and asked for");
}

#[test]
fn a_cleared_cache_does_not_excuse_what_was_lost_after_it() {
    let mut bench = settled(true, 1);
    bench.live([2, 4, 20]);
    for _ in 0..Limits::default().fruitless_replays {
        bench.answer(1, [20], true);
    }
    // Steps are carried out after all three holes were given up: batch 2 empties the worker.
    bench.run(|t| t.cleared(2));
    assert!(bench.reasons().contains("lost"), "{}", bench.reasons());
    bench.run(|t| t.cleared(20));
    assert_eq!(bench.reasons(), "");
}
