//! Many lanes on several engines, with prefixes shared between engines.

use super::lane::{Lane, LaneShape};
use super::random::derive;
use super::wire::Batches;

/// The shape of a fleet.
#[derive(Debug, Clone, Copy)]
pub struct FleetShape {
    /// Engines (workers of the index).
    pub engines: usize,
    /// Lanes: independent parts of the engines' caches, dealt out in turn. Each can be replayed by
    /// a thread of its own, because no event of one needs an event of another.
    pub lanes: usize,
    /// Shape of each.
    pub lane: LaneShape,
}

impl FleetShape {
    /// What the suite measures: 16 engines with 32 lanes each, 32,768 blocks held, of which about
    /// a third is shared between engines; enough lanes for 500 concurrent operations.
    pub const SUITE: FleetShape = FleetShape {
        engines: 16,
        lanes: 512,
        lane: LaneShape {
            capacity: 64,
            requests: 24,
            prefixes: 6,
        },
    };
}

/// The streams of a fleet of engines.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// Its shape.
    pub shape: FleetShape,
    /// Lane `i` belongs to engine `i % engines`.
    pub lanes: Vec<Lane>,
}

impl Fleet {
    /// The fleet of a seed.
    pub fn new(shape: FleetShape, seed: u64) -> Self {
        let lanes = (0..shape.lanes)
            .map(|lane| {
                // Lanes of one layer, one on each engine, have the same prefixes; two lanes of one
                // engine have none in common, so that neither removes what the other holds.
                let layer = (lane / shape.engines) as u64;
                let (shared, own) = (derive(seed, layer), derive(seed, 1_000_000 + lane as u64));
                Lane::new(shape.lane, shared, own)
            })
            .collect();
        Self { shape, lanes }
    }

    /// The engine of a lane.
    pub fn engine_of(&self, lane: usize) -> usize {
        lane % self.shape.engines
    }

    /// The name of an engine.
    pub fn engine_name(engine: usize) -> String {
        format!("engine-{engine}")
    }

    /// What thread `thread` of `threads` replays: every `threads`-th lane.
    pub fn share(&self, thread: usize, threads: usize) -> Replay<'_> {
        let lanes: Vec<(usize, &Batches)> = (thread..self.lanes.len())
            .step_by(threads.max(1))
            .map(|lane| (self.engine_of(lane), &self.lanes[lane].cycle))
            .collect();
        Replay {
            lanes,
            lane: 0,
            round: 0,
        }
    }

    /// All events that fill an empty index: `(engine, batch)`.
    pub fn fill(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.lanes
            .iter()
            .enumerate()
            .flat_map(move |(lane, stream)| {
                stream
                    .fill
                    .iter()
                    .map(move |bytes| (self.engine_of(lane), bytes))
            })
    }

    /// Events of one cycle of every lane.
    pub fn cycle_events(&self) -> usize {
        self.lanes.iter().map(|lane| lane.cycle.len()).sum()
    }

    /// Blocks held where a cycle begins, all engines together.
    pub fn held_blocks(&self) -> usize {
        self.lanes.iter().map(|lane| lane.held.len()).sum()
    }
}

/// An endless replay of some lanes, one event of each in turn, as a subscriber to several engines
/// sees it.
#[derive(Debug, Clone)]
pub struct Replay<'a> {
    lanes: Vec<(usize, &'a Batches)>,
    lane: usize,
    round: usize,
}

impl<'a> Replay<'a> {
    /// The next event: its engine and its batch.
    #[inline]
    pub fn event(&mut self) -> (usize, &'a [u8]) {
        let (engine, batches) = self.lanes[self.lane];
        let bytes = batches.get(self.round);
        self.lane += 1;
        if self.lane == self.lanes.len() {
            self.lane = 0;
            self.round += 1;
        }
        (engine, bytes)
    }

    /// Whether there is nothing to replay (more threads than lanes).
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A fleet small enough for unoptimised tests.
    pub(crate) const SMALL: FleetShape = FleetShape {
        engines: 4,
        lanes: 16,
        lane: LaneShape {
            capacity: 48,
            requests: 12,
            prefixes: 3,
        },
    };

    #[test]
    fn no_two_lanes_of_one_engine_hold_the_same_block() {
        let fleet = Fleet::new(SMALL, 7);
        for engine in 0..SMALL.engines {
            let mut held: Vec<u64> = (engine..SMALL.lanes)
                .step_by(SMALL.engines)
                .flat_map(|lane| fleet.lanes[lane].held.iter().copied())
                .collect();
            let all = held.len();
            held.sort_unstable();
            held.dedup();
            assert_eq!(held.len(), all);
        }
    }

    #[test]
    fn engines_share_prefixes() {
        let fleet = Fleet::new(SMALL, 7);
        let mut held: Vec<u64> = fleet
            .lanes
            .iter()
            .flat_map(|lane| lane.held.clone())
            .collect();
        let all = held.len();
        held.sort_unstable();
        held.dedup();
        assert!(
            held.len() < all * 9 / 10,
            "{} of {all} are distinct",
            held.len()
        );
    }

    #[test]
    fn threads_together_replay_every_lane_once() {
        let fleet = Fleet::new(SMALL, 7);
        let lanes: usize = (0..3)
            .map(|thread| fleet.share(thread, 3).lanes.len())
            .sum();
        assert_eq!(lanes, SMALL.lanes);
        assert!(fleet.share(20, 21).is_empty());
    }

    #[test]
    fn a_replay_goes_round_the_lanes() {
        let fleet = Fleet::new(SMALL, 7);
        let mut replay = fleet.share(0, 8);
        assert_eq!(replay.event(), (0, fleet.lanes[0].cycle.get(0)));
        assert_eq!(replay.event(), (0, fleet.lanes[8].cycle.get(0)));
        assert_eq!(replay.event(), (0, fleet.lanes[0].cycle.get(1)));
    }
}
