//! Batches that came before their turn, in a bounded place.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;

use super::Origin;

/// A batch that waits for those before it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) payload: Bytes,
    pub(super) digest: u64,
    pub(super) origin: Origin,
}

/// What became of a batch that was to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It waits.
    New,
    /// The same batch waits already.
    Again,
    /// Another batch waits under the same number.
    Conflict,
}

/// The waiting batches. Past a bound the batch farthest from its turn is let go: those near it
/// are the ones a replay has to fetch first, and the far ones come again with it.
#[derive(Debug)]
pub(super) struct Held {
    batches: BTreeMap<u64, Waiting>,
    bytes: usize,
    max_batches: usize,
    max_bytes: usize,
}

impl Held {
    pub(super) fn new(max_batches: usize, max_bytes: usize) -> Held {
        Held {
            batches: BTreeMap::new(),
            bytes: 0,
            max_batches: max_batches.max(1),
            max_bytes,
        }
    }

    /// Holds a batch. The second value is the number of batches let go to stay in bounds.
    pub(super) fn hold(&mut self, seq: u64, waiting: Waiting) -> (Kept, u64) {
        match self.batches.entry(seq) {
            Entry::Occupied(present) if present.get().digest == waiting.digest => (Kept::Again, 0),
            Entry::Occupied(_) => (Kept::Conflict, 0),
            Entry::Vacant(place) => {
                self.bytes += waiting.payload.len();
                place.insert(waiting);
                (Kept::New, self.shrink())
            }
        }
    }

    fn shrink(&mut self) -> u64 {
        let mut dropped = 0;
        while self.batches.len() > self.max_batches
            || (self.bytes > self.max_bytes && self.batches.len() > 1)
        {
            let Some((_, farthest)) = self.batches.pop_last() else {
                break;
            };
            self.bytes -= farthest.payload.len();
            dropped += 1;
        }
        dropped
    }

    pub(super) fn take(&mut self, seq: u64) -> Option<Waiting> {
        let waiting = self.batches.remove(&seq)?;
        self.bytes -= waiting.payload.len();
        Some(waiting)
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.batches.first_key_value().map(|(&seq, _)| seq)
    }

    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
    }
}
