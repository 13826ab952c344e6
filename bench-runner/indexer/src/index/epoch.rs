//! When memory may be used again: the one word that readers and the writer agree by.
//!
//! Readers write nothing shared, so nobody knows who is reading what. What the writer takes out of
//! the structure keeps its content until the epoch has moved; a reader that saw the epoch move
//! during its walk may have followed a link into memory that was used again, and starts over.
//!
//! 1. The writer unlinks a thing, then moves the epoch, then writes into the thing's memory.
//! 2. A reader that begins after the move sees the unlinking: it cannot reach the old thing.
//! 3. A reader that began before the move and saw any write of the new use sees the moved epoch
//!    at its end (the two fences order it), and throws its answer away.
//!
//! Together these guarantee that an answer given out never rests on memory used twice.

use crate::sync::{AtomicU64, Check, Ordering, Own, fence, is_made};

/// The epoch of an index.
#[derive(Debug, Default)]
pub(crate) struct Epoch {
    moved: AtomicU64,
}

impl Epoch {
    /// Begins a walk.
    #[inline]
    pub(crate) fn begin(&self) -> u64 {
        self.moved.load(Ordering::Acquire)
    }

    /// Whether nothing that the walk saw can have been used again.
    #[inline]
    pub(crate) fn holds(&self, begun: u64) -> bool {
        // Pairs with the fence in `advance`.
        fence(Ordering::Acquire);
        !is_made(Check::Epoch) || self.moved.load(Ordering::Relaxed) == begun
    }

    /// Called by the one writer between unlinking things and using their memory again.
    pub(crate) fn advance(&self) {
        let next = self.moved.own() + 1;
        // Release: a reader that begins in the new epoch sees what was unlinked before it.
        self.moved.store(next, Ordering::Release);
        // Every later write to the memory comes behind this fence.
        fence(Ordering::Release);
    }
}
