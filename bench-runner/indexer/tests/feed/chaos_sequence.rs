//! Chaos without sockets: a simulated engine and network in virtual time, against the feed's
//! sequence tracker. Each seed is a minute and more of traffic with batches dropped, duplicated,
//! overtaken and paused, replays that lose messages, connections that break and engines that are
//! killed. A failing seed fails again.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use kv_indexer::feed::tracker::{Ask, Limits, Reason, Step, Tracker};

const SEEDS: u64 = 150;
const QUIET_POINTS_PER_SEED: u64 = 3;
/// Virtual milliseconds of traffic before a quiet point, and of quiet for it.
const BUSY_MS: u64 = 20_000;
const QUIET_MS: u64 = 40_000;

struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn in_thousand(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    fn in_million(&mut self, chance: u64) -> bool {
        self.below(1_000_000) < chance
    }
}

/// How bad engine and network are.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Chances in a thousand, a batch, a replayed batch, a replay.
    drop: u64,
    duplicate: u64,
    delay: u64,
    replay_drop: u64,
    replay_unanswered: u64,
    /// Chances in a million, a millisecond.
    disconnect: u64,
    restart: u64,
    pause: u64,
}

impl Faults {
    fn drawn(rng: &mut Rng) -> Faults {
        Faults {
            drop: rng.below(80),
            duplicate: rng.below(80),
            delay: rng.below(80),
            replay_drop: rng.below(150),
            replay_unanswered: rng.below(200),
            disconnect: rng.below(200),
            restart: rng.below(60),
            pause: rng.below(100),
        }
    }
}

struct Engine {
    incarnation: u64,
    published: u64,
    buffer: u64,
    idle_until: u64,
}

impl Engine {
    fn payload(&self, seq: u64) -> Bytes {
        [self.incarnation.to_be_bytes(), seq.to_be_bytes()]
            .concat()
            .into()
    }
}

fn read(payload: &[u8]) -> (u64, u64) {
    let part = |at: usize| {
        let bytes: [u8; 8] = payload[at..at + 8].try_into().unwrap();
        u64::from_be_bytes(bytes)
    };
    (part(0), part(8))
}

/// What is under way between engine and tracker.
#[derive(Default)]
struct Network {
    connection: Option<u64>,
    connections: u64,
    /// Live batches by time of arrival, and by order of sending.
    live: BTreeMap<(u64, u64), (u64, Bytes)>,
    sent: u64,
    ask: Option<(u64, Ask)>,
    answer: VecDeque<Option<(u64, Bytes)>>,
    answer_id: u64,
    last_heard: u64,
}

struct World {
    rng: Rng,
    faults: Faults,
    now: u64,
    engine: Engine,
    network: Network,
    tracker: Tracker,
    /// What was applied since the last clear: incarnation and sequence number.
    applied: Vec<(u64, u64)>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = Rng(seed);
        let faults = Faults::drawn(&mut rng);
        let engine = Engine {
            incarnation: 1,
            published: rng.below(30),
            buffer: [40, 400, 10_000][rng.below(3) as usize],
            idle_until: 0,
        };
        let limits = Limits {
            held_batches: 300,
            ..Limits::default()
        };
        World {
            rng,
            faults,
            now: 0,
            engine,
            network: Network::default(),
            tracker: Tracker::new(limits, true),
            applied: Vec::new(),
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Tracker)) {
        tell(&mut self.tracker);
        while let Some(step) = self.tracker.next_step() {
            match step {
                Step::Apply(batch) => {
                    let (incarnation, seq) = read(&batch.payload);
                    assert_eq!(seq, batch.seq);
                    self.applied.push((incarnation, seq));
                }
                Step::Clear => self.applied.clear(),
                Step::Lost(_) => {}
                Step::Ask(ask) => {
                    let after = u64::try_from(ask.after.as_millis()).unwrap();
                    self.network.answer.clear();
                    self.network.ask = Some((self.now + after, ask));
                }
                Step::Reconnect => self.break_connection(),
            }
        }
        self.check_exactness();
    }

    /// Whenever the tracker calls the stream exact, what it applied is the beginning of one
    /// incarnation's history: nothing skipped, nothing twice, nothing of another incarnation.
    fn check_exactness(&self) {
        if let (true, Some(first), Some(last)) = (
            self.tracker.is_exact(),
            self.applied.first(),
            self.applied.last(),
        ) {
            assert_eq!(first.1, 0);
            assert_eq!(*last, (first.0, self.applied.len() as u64 - 1));
        }
    }

    fn break_connection(&mut self) {
        self.network.live.clear();
        self.network.answer.clear();
        self.network.ask = None;
        if let Some(connection) = self.network.connection.take() {
            self.tell(|t| t.disconnected(connection));
        }
    }

    fn publish(&mut self) {
        let seq = self.engine.published;
        self.engine.published += 1;
        if self.network.connection.is_none() || self.rng.in_thousand(self.faults.drop) {
            return;
        }
        for _ in 0..1 + u64::from(self.rng.in_thousand(self.faults.duplicate)) {
            let late = if self.rng.in_thousand(self.faults.delay) {
                self.rng.below(400)
            } else {
                1
            };
            self.network.sent += 1;
            let at = (self.now + late, self.network.sent);
            self.network
                .live
                .insert(at, (seq, self.engine.payload(seq)));
        }
    }

    fn kill_engine(&mut self) {
        self.break_connection();
        self.engine.incarnation += 1;
        self.engine.published = 0;
        self.engine.idle_until = self.now + self.rng.below(3000);
    }

    fn answer(&mut self, ask: Ask) {
        self.network.answer_id = ask.id;
        if self.rng.in_thousand(self.faults.replay_unanswered) {
            self.tell(|t| t.replay_failed(ask.id));
            return;
        }
        let oldest = self.engine.published.saturating_sub(self.engine.buffer);
        for seq in ask.from.max(oldest)..self.engine.published {
            if !self.rng.in_thousand(self.faults.replay_drop) {
                self.network
                    .answer
                    .push_back(Some((seq, self.engine.payload(seq))));
            }
        }
        self.network.answer.push_back(None);
    }

    /// One millisecond.
    fn tick(&mut self, busy: bool) {
        self.now += 1;
        if self.rng.in_million(self.faults.restart) {
            self.kill_engine();
        } else if self.rng.in_million(self.faults.disconnect) {
            self.break_connection();
        } else if self.rng.in_million(self.faults.pause) {
            self.engine.idle_until = self.now + self.rng.below(5000);
        }
        if self.now >= self.engine.idle_until {
            self.engine_works(busy);
        }
        self.deliver();
    }

    fn engine_works(&mut self, busy: bool) {
        if busy && self.rng.below(20) == 0 {
            for _ in 0..1 + self.rng.below(3) {
                self.publish();
            }
        }
        if self.network.connection.is_none() && self.rng.below(200) == 0 {
            self.network.connections += 1;
            self.network.last_heard = self.now;
            let connection = self.network.connections;
            self.network.connection = Some(connection);
            self.tell(|t| t.connected(connection));
        }
        if let Some((_, ask)) = self.network.ask.take_if(|(at, _)| *at <= self.now) {
            self.answer(ask);
        }
    }

    fn deliver(&mut self) {
        while let Some(batch) = self.network.live.first_entry() {
            if batch.key().0 > self.now {
                break;
            }
            let (seq, payload) = batch.remove();
            self.network.last_heard = self.now;
            let connection = self.network.connections;
            self.tell(|t| t.live(connection, seq, payload));
        }
        for _ in 0..20 {
            let id = self.network.answer_id;
            match self.network.answer.pop_front() {
                Some(Some((seq, payload))) => self.tell(|t| t.replayed(id, seq, payload)),
                Some(None) => self.tell(|t| t.replay_ended(id)),
                None => break,
            }
        }
        if self.network.connection.is_some() && self.now >= self.network.last_heard + 500 {
            self.network.last_heard = self.now;
            self.tell(Tracker::quiet);
        }
    }

    /// Nothing fails any more and nothing is published. When the tracker has had its answers, what
    /// is applied is all that was published, or the tracker says what is lost.
    fn is_exact_at_quiet_point(&mut self) -> bool {
        let faults = std::mem::take(&mut self.faults);
        for _ in 0..QUIET_MS {
            self.tick(false);
        }
        self.faults = faults;
        let reasons = self.tracker.reasons();
        if reasons.is_empty() {
            let published: Vec<(u64, u64)> = (0..self.engine.published)
                .map(|seq| (self.engine.incarnation, seq))
                .collect();
            assert!(self.applied == published, "{:?} is not exact", self.tracker);
        }
        assert_eq!(
            self.tracker.next_seq(),
            self.engine.published,
            "{:?}",
            self.tracker
        );
        for reason in &reasons {
            let final_reason = matches!(reason, Reason::Lost { .. } | Reason::Unverified);
            assert!(
                final_reason,
                "still {reason} after {QUIET_MS} quiet milliseconds"
            );
        }
        reasons.is_empty()
    }
}

#[test]
fn at_every_quiet_point_a_stream_is_exact_or_says_what_is_lost() {
    let (mut exact, mut inexact) = (0, 0);
    let (mut gaps, mut replayed, mut restarts, mut lost) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..QUIET_POINTS_PER_SEED {
            for _ in 0..BUSY_MS {
                world.tick(true);
            }
            if world.is_exact_at_quiet_point() {
                exact += 1;
            } else {
                inexact += 1;
            }
        }
        let counts = world.tracker.counts();
        gaps += counts.gaps;
        replayed += counts.replayed_batches;
        restarts += counts.restarts;
        lost += counts.lost_batches;
    }
    // The faults really happened, and most of what they did was healed.
    println!(
        "{exact} exact, {inexact} not; {gaps} gaps, {replayed} replayed, {restarts} restarts, {lost} lost"
    );
    assert!(gaps > 10_000, "{gaps} gaps");
    assert!(replayed > 10_000, "{replayed} replayed batches");
    assert!(restarts > 100, "{restarts} restarts");
    assert!(lost > 0, "{lost} lost batches");
    assert!(
        exact > 3 * inexact,
        "{exact} quiet points are exact, {inexact} are not"
    );
}

#[test]
fn nothing_is_lost_when_the_buffer_reaches_back_and_replays_are_answered() {
    for seed in 1000..1000 + SEEDS {
        let mut world = World::new(seed);
        world.engine.buffer = u64::MAX;
        world.faults.replay_unanswered = 0;
        world.faults.replay_drop = world.faults.replay_drop.min(20);
        for _ in 0..BUSY_MS {
            world.tick(true);
        }
        assert!(
            world.is_exact_at_quiet_point(),
            "seed {seed}: {:?}",
            world.tracker.reasons()
        );
    }
}
