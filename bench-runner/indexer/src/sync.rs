//! The atomics of the shared structures, and their sizes.
//!
//! The model check (`tests/protocol`) compiles the same structures over loom's atomics and small
//! sizes by putting another module in this one's place.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

/// Items in a chunk of an arena, as a power of two.
pub(crate) const CHUNK_BITS: u32 = 8;
/// Parts of the child table, as a power of two.
pub(crate) const CHILD_PART_BITS: u32 = 8;
/// Things in quarantine that make it worth moving the epoch: readers under way start over then.
pub(crate) const QUARANTINE: usize = 256;

/// Reading a word that only the reader of it writes.
pub(crate) trait Own {
    /// The word's type.
    type Word;

    /// The word, as its only writer left it.
    fn own(&self) -> Self::Word;
}

macro_rules! own {
    ($($atomic:ty => $word:ty),*) => {$(
        impl Own for $atomic {
            type Word = $word;

            #[inline(always)]
            fn own(&self) -> $word {
                self.load(Ordering::Relaxed)
            }
        }
    )*};
}

own!(AtomicU8 => u8, AtomicU32 => u32, AtomicU64 => u64);

impl<T> Own for AtomicPtr<T> {
    type Word = *mut T;

    #[inline(always)]
    fn own(&self) -> *mut T {
        self.load(Ordering::Relaxed)
    }
}

/// The checks that guard what readers may conclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Memory that was used again during a walk.
    Epoch,
    /// Holders that changed while they were read.
    Version,
    /// Holders on several planes that changed one after the other.
    Planes,
    /// Tables of children that were used again during a walk.
    Tables,
}

/// Whether a check is made: always, but in the model check, which shows what each is for.
#[inline(always)]
pub(crate) const fn is_made(_: Check) -> bool {
    true
}
