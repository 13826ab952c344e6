//! What the last applied batches looked like, so that a batch that comes again can be told from
//! the batch of an engine that started anew with the same number.

use std::collections::VecDeque;

use ahash::RandomState;

/// Digests of the last applied batches, in order of their sequence numbers.
#[derive(Debug)]
pub(super) struct Seen {
    limit: usize,
    hasher: RandomState,
    /// Digests of the batches `next - digests.len() .. next`.
    digests: VecDeque<u64>,
}

/// What a batch is, beside the one that was applied under its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same bytes.
    Same,
    /// Other bytes: two incarnations of an engine.
    Different,
    /// Too long ago to know.
    Forgotten,
}

impl Seen {
    /// Remembers `limit` batches. The digest is 64 bits wide under a fixed key: it guards against
    /// restarts, not against forgery; two different batches look alike once in 1.8e19.
    pub(super) fn new(limit: usize) -> Seen {
        Seen {
            limit: limit.max(1),
            hasher: RandomState::with_seeds(1, 2, 3, 4),
            digests: VecDeque::new(),
        }
    }

    pub(super) fn digest(&self, payload: &[u8]) -> u64 {
        self.hasher.hash_one(payload)
    }

    pub(super) fn push(&mut self, digest: u64) {
        if self.digests.len() == self.limit {
            self.digests.pop_front();
        }
        self.digests.push_back(digest);
    }

    /// Compares batch `seq` with the one applied under that number; `next` is the number of the
    /// batch that has not been applied yet.
    pub(super) fn compare(&self, next: u64, seq: u64, digest: u64) -> Likeness {
        let back = usize::try_from(next.saturating_sub(seq)).unwrap_or(usize::MAX);
        match self.digests.len().checked_sub(back) {
            Some(at) if back > 0 && self.digests[at] == digest => Likeness::Same,
            Some(_) if back > 0 => Likeness::Different,
            _ => Likeness::Forgotten,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.digests.clear();
    }
}
