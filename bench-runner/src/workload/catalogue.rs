//! An exact number of distinct blocks, for memory: prompts of 64 blocks in groups of 20, each half
//! shared by its group and half its own, spread over 16 engines.

use super::block::{Block, extend};
use super::lane::EVENT_BLOCKS;
use super::random::derive;
use super::wire::Batches;

/// Engines that store them.
pub const ENGINES: usize = 16;
/// Prompts of a group.
const GROUP: usize = 20;
/// Blocks that the prompts of a group share, and blocks that each has for itself.
const HALF: usize = 32;

/// Stores that hold exactly `items` distinct blocks.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Distinct blocks.
    pub items: usize,
    /// Pairs of a worker and a block.
    pub pairs: usize,
    /// The engine of each event.
    pub engines: Vec<usize>,
    /// The events.
    pub batches: Batches,
}

impl Catalogue {
    /// The catalogue of a seed.
    pub fn new(items: usize, seed: u64) -> Self {
        let mut catalogue = Self {
            items,
            pairs: 0,
            engines: Vec::new(),
            batches: Batches::default(),
        };
        let mut left = items;
        for number in 0.. {
            if left == 0 {
                break;
            }
            let mut prompt: Vec<Block> = Vec::with_capacity(2 * HALF);
            let group = number / GROUP;
            extend(&mut prompt, derive(seed, group as u64), HALF);
            // A group's shared half is distinct once, with its first prompt, and each engine
            // publishes it once.
            let (known, held) = match number % GROUP {
                0 => (0, 0),
                later if later < ENGINES => (HALF, 0),
                _ => (HALF, HALF),
            };
            extend(&mut prompt, derive(seed, 1_000_000 + number as u64), HALF);
            prompt.truncate(known + left.min(2 * HALF - known));
            left -= prompt.len() - known;
            let published = &prompt[held..];
            catalogue.pairs += published.len();
            for blocks in published.chunks(EVENT_BLOCKS) {
                catalogue.engines.push(number % ENGINES);
                catalogue.batches.stored(blocks);
            }
        }
        catalogue
    }

    /// The events in order: `(engine, batch)`.
    pub fn events(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.engines.iter().copied().zip(self.batches.iter())
    }

    /// How many events.
    pub fn event_count(&self) -> usize {
        self.engines.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_exceed_items_by_what_groups_share() {
        let catalogue = Catalogue::new(1_000, 7);
        // 29 prompts and a part of one: 64, then 32 new ones each, in two groups.
        assert!(catalogue.pairs > 1_600, "{}", catalogue.pairs);
        assert_eq!(catalogue.event_count(), catalogue.batches.len());
    }

    #[test]
    fn nothing_is_nothing() {
        let catalogue = Catalogue::new(0, 7);
        assert_eq!((catalogue.pairs, catalogue.event_count()), (0, 0));
    }
}
