//! The answer to a lookup, owned by the caller and used again and again.

use super::types::WorkerId;

/// The workers that hold at least the first block of a prompt, and how far each holds it.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// Deepest first.
    pairs: Vec<(WorkerId, u32)>,
}

impl Matches {
    /// An empty answer, to be filled by a lookup.
    pub fn new() -> Self {
        Self::default()
    }

    /// Each worker with the number of leading blocks it holds (at least 1), deepest first.
    pub fn iter(&self) -> impl Iterator<Item = (WorkerId, u32)> + '_ {
        self.pairs.iter().copied()
    }

    /// A worker that holds the most leading blocks, and how many.
    pub fn best(&self) -> Option<(WorkerId, u32)> {
        self.pairs.first().copied()
    }

    /// How many leading blocks a worker holds.
    pub fn depth_of(&self, worker: WorkerId) -> u32 {
        self.iter()
            .find(|pair| pair.0 == worker)
            .map_or(0, |pair| pair.1)
    }

    /// Whether nobody holds the first block.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The number of workers that hold the first block.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(crate) fn fill(&mut self, pairs: impl Iterator<Item = (WorkerId, u32)>) {
        self.pairs.clear();
        self.pairs.extend(pairs);
        self.pairs
            .sort_by_key(|&(worker, depth)| (std::cmp::Reverse(depth), worker));
    }
}
