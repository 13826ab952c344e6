//! One engine cache under a stream of requests that repeats: what it publishes.
//!
//! The cache is modelled as engines have it: blocks in use order, the least recently used goes
//! first, and of one request the last block first, so that what is held is always whole prefixes.
//! Such a cache has the stack property: after a whole cycle of requests it holds the most recently
//! used blocks, whatever it held before. So the events of the second cycle leave it exactly as they
//! found it, and may be replayed for ever.

use ahash::AHashMap;

use super::block::{Block, extend};
use super::random::{Random, derive};
use super::wire::Batches;

/// Blocks in one event at most: engines publish a chunk of a prompt at a time.
pub const EVENT_BLOCKS: usize = 8;
/// Turns of a conversation at most.
const TURNS: usize = 4;

/// The shape of a lane.
#[derive(Debug, Clone, Copy)]
pub struct LaneShape {
    /// Blocks that the cache holds.
    pub capacity: usize,
    /// Requests in a cycle.
    pub requests: usize,
    /// Prefixes (system prompts) that the requests share.
    pub prefixes: usize,
}

/// A lane's stream.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Fills an empty cache to the state in which each cycle begins and ends.
    pub fill: Batches,
    /// One cycle.
    pub cycle: Batches,
    /// The prompts of a cycle, in order.
    pub prompts: Vec<Vec<Block>>,
    /// The hashes held where a cycle begins and ends.
    pub held: Vec<u64>,
}

impl Lane {
    /// The lane of two seeds: `shared` makes the prefixes (lanes with an equal one share them),
    /// `own` everything else.
    pub fn new(shape: LaneShape, shared: u64, own: u64) -> Self {
        let prompts = requests(shape, shared, own);
        let mut cache = Cache {
            capacity: shape.capacity,
            held: AHashMap::default(),
            now: 0,
        };
        for prompt in &prompts {
            cache.request(prompt, &mut Batches::default());
        }
        let fill = cache.fill(&prompts);
        let mut held: Vec<u64> = cache.held.keys().copied().collect();
        held.sort_unstable();
        let mut cycle = Batches::default();
        for prompt in &prompts {
            cache.request(prompt, &mut cycle);
        }
        Self {
            fill,
            cycle,
            prompts,
            held,
        }
    }
}

/// The prompts of a cycle: new conversations behind a popular prefix, and further turns of earlier
/// ones, which repeat all that was said.
fn requests(shape: LaneShape, shared: u64, own: u64) -> Vec<Vec<Block>> {
    let mut random = Random::new(own);
    let mut conversations: Vec<(Vec<Block>, usize)> = Vec::new();
    let mut prompts = Vec::with_capacity(shape.requests);
    for number in 0..shape.requests {
        let recent = conversations.len().min(4) as u64;
        let current = if recent > 0 && random.chance(0.45) {
            conversations.len() - 1 - random.below(recent) as usize
        } else {
            let prefix = random.popular(shape.prefixes);
            let mut prompt = Vec::new();
            // A system prompt of 64 to 192 tokens.
            let length = 4 + derive(shared, prefix as u64) % 9;
            extend(
                &mut prompt,
                derive(shared, 1_000 + prefix as u64),
                length as usize,
            );
            conversations.push((prompt, 0));
            conversations.len() - 1
        };
        let (prompt, turns) = &mut conversations[current];
        if *turns < TURNS {
            *turns += 1;
            extend(
                prompt,
                derive(own, 1_000_000 + number as u64),
                random.between(2, 6) as usize,
            );
        }
        prompts.push(prompt.clone());
    }
    prompts
}

struct Cache {
    capacity: usize,
    /// Hash to (last use, place in its prompt).
    held: AHashMap<u64, (u64, usize)>,
    now: u64,
}

impl Cache {
    /// Serves one prompt: makes room, stores what is missing, and publishes both.
    fn request(&mut self, prompt: &[Block], out: &mut Batches) {
        self.now += 1;
        let known = prompt
            .iter()
            .take_while(|block| self.held.contains_key(&block.hash))
            .count();
        for (place, block) in prompt[..known].iter().enumerate() {
            self.held.insert(block.hash, (self.now, place));
        }
        let missing = &prompt[known..];
        let surplus = (self.held.len() + missing.len()).saturating_sub(self.capacity);
        let evicted = self.evict(surplus);
        for hashes in evicted.chunks(EVENT_BLOCKS) {
            out.removed(hashes);
        }
        for (place, block) in missing.iter().enumerate() {
            self.held.insert(block.hash, (self.now, known + place));
        }
        for blocks in missing.chunks(EVENT_BLOCKS) {
            out.stored(blocks);
        }
    }

    /// Takes out the `count` least recently used blocks, of one request the last first.
    fn evict(&mut self, count: usize) -> Vec<u64> {
        if count == 0 {
            return Vec::new();
        }
        let mut order: Vec<(u64, std::cmp::Reverse<usize>, u64)> = self
            .held
            .iter()
            .map(|(&hash, &(used, place))| (used, std::cmp::Reverse(place), hash))
            .collect();
        order.sort_unstable();
        order.truncate(count);
        let evicted: Vec<u64> = order.into_iter().map(|(_, _, hash)| hash).collect();
        for hash in &evicted {
            self.held.remove(hash);
        }
        evicted
    }

    /// Events that bring an empty cache to this one's content. What is held of a prompt is a prefix
    /// of it, so every event's parent is held before.
    fn fill(&self, prompts: &[Vec<Block>]) -> Batches {
        let mut batches = Batches::default();
        let mut stored = ahash::AHashSet::default();
        for prompt in prompts {
            let held = prompt
                .iter()
                .take_while(|block| self.held.contains_key(&block.hash))
                .count();
            let first_new = prompt
                .iter()
                .position(|block| !stored.contains(&block.hash));
            let from = first_new.unwrap_or(held).min(held);
            stored.extend(prompt[from..held].iter().map(|block| block.hash));
            for blocks in prompt[from..held].chunks(EVENT_BLOCKS) {
                batches.stored(blocks);
            }
        }
        batches
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPE: LaneShape = LaneShape {
        capacity: 64,
        requests: 24,
        prefixes: 4,
    };

    /// What a cache holds after one more cycle from `held`.
    fn after_a_cycle(shape: LaneShape, lane: &Lane) -> (Vec<u64>, Batches) {
        let mut cache = Cache {
            capacity: shape.capacity,
            held: AHashMap::default(),
            now: 0,
        };
        for _ in 0..3 {
            for prompt in &lane.prompts {
                cache.request(prompt, &mut Batches::default());
            }
        }
        let mut cycle = Batches::default();
        for prompt in &lane.prompts {
            cache.request(prompt, &mut cycle);
        }
        let mut held: Vec<u64> = cache.held.keys().copied().collect();
        held.sort_unstable();
        (held, cycle)
    }

    #[test]
    fn a_cycle_leaves_the_cache_as_it_found_it() {
        proptest!(|(shared: u64, own: u64, requests in 24_usize..60, capacity in 48_usize..100)| {
            let shape = LaneShape { capacity, requests, prefixes: 4 };
            let lane = Lane::new(shape, shared, own);
            let (held, cycle) = after_a_cycle(shape, &lane);
            prop_assert_eq!(&held, &lane.held);
            prop_assert!(cycle == lane.cycle, "the fourth cycle differs from the second");
        });
    }

    #[test]
    fn a_lane_stores_and_removes() {
        let lane = Lane::new(SHAPE, 1, 2);
        assert_eq!(lane.held.len(), SHAPE.capacity);
        assert!(lane.cycle.len() > SHAPE.requests);
        assert!(
            lane.cycle
                .iter()
                .any(|bytes| bytes.windows(12).any(|part| part == b"BlockRemoved"))
        );
        assert!(
            lane.cycle
                .iter()
                .any(|bytes| bytes.windows(11).any(|part| part == b"BlockStored"))
        );
    }

    #[test]
    fn the_same_seeds_give_the_same_bytes_and_others_do_not() {
        assert!(Lane::new(SHAPE, 1, 2).cycle == Lane::new(SHAPE, 1, 2).cycle);
        assert!(Lane::new(SHAPE, 1, 2).cycle != Lane::new(SHAPE, 1, 3).cycle);
    }

    #[test]
    fn lanes_of_one_shared_seed_share_prefixes_and_nothing_else() {
        let (one, other) = (Lane::new(SHAPE, 1, 2), Lane::new(SHAPE, 1, 3));
        let first_blocks = |lane: &Lane| -> Vec<u64> {
            lane.prompts.iter().map(|prompt| prompt[0].hash).collect()
        };
        assert!(
            first_blocks(&one)
                .iter()
                .any(|hash| first_blocks(&other).contains(hash))
        );
        let last = |lane: &Lane| {
            lane.prompts
                .iter()
                .map(|p| p[p.len() - 1].hash)
                .collect::<Vec<_>>()
        };
        assert!(last(&one).iter().all(|hash| !last(&other).contains(hash)));
    }
}
