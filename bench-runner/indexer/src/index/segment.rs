//! A segment: up to eight blocks in a row, who holds them, and what the engines call them.

use super::chain::Chains;
use super::prefetch::prefetch;
use crate::hash::LocalHash;
use crate::sync::{AtomicU8, AtomicU32, AtomicU64, Check, Ordering, Own, fence, is_made};

/// Blocks in a segment.
pub(crate) const BLOCKS: usize = 8;
/// No segment, block or record.
pub(crate) const NONE: u32 = u32::MAX;

/// Four cache lines: what a walk reads first, the hashes it compares, who holds each block where
/// not everyone holds all, and the engines' names.
///
/// Invariants of the holders (here and in [`Spill`]):
/// 1. A worker in `full` holds every block below `length`.
/// 2. A worker in `part` and not in `full` holds the blocks whose column has its bit.
/// 3. A column's bit means nothing for any other worker.
/// 4. `version` grows before each change of `full` or `part`.
///
/// Together these guarantee that a holder of everything costs one bit in one line, and that a
/// reader can tell whether what it read belongs together.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Segment {
    pub(crate) holders: Holders,
    /// The block before the first; NONE for a root.
    pub(crate) parent: AtomicU32,
    /// The first child of the eighth block.
    pub(crate) next: AtomicU32,
    /// The first record of another plane's holders.
    pub(crate) spill: AtomicU32,
    /// Child segments of any of the blocks.
    pub(crate) children: AtomicU32,
    /// The [`tag`] of the block that `next` begins with; stored before `next` is.
    pub(crate) next_tag: AtomicU32,
    /// Published blocks; only grows while the segment is linked.
    pub(crate) length: AtomicU8,
    /// Writer only: blocks that somebody holds, a bit each.
    pub(crate) held: AtomicU8,
    /// Writer only: blocks whose entry in `names` is the fleet's name for them.
    pub(crate) named: AtomicU8,
    /// Writer only: linked, and stored to since the evicting hand came by.
    pub(crate) state: AtomicU8,
    /// What leads to the first block: for a root, the scope it belongs to.
    pub(crate) chain: AtomicU64,
    /// What leads on behind the eighth block; valid where there are eight.
    pub(crate) chain_behind: AtomicU64,
    pub(crate) hashes: [AtomicU64; BLOCKS],
    pub(crate) columns: [AtomicU64; BLOCKS],
    /// The low 64 bits of the engines' name for each block.
    pub(crate) names: [AtomicU64; BLOCKS],
}

/// `Segment::state`: in use.
pub(crate) const LINKED: u8 = 1;
/// `Segment::state`: stored to lately.
pub(crate) const TOUCHED: u8 = 2;
/// `Segment::state`: ready, and kept for the chain whose segments lie before it.
pub(crate) const KEPT: u8 = 4;

/// Who holds all, and who holds some, of one plane's 64 workers.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    pub(crate) version: AtomicU32,
    /// Whose they are.
    pub(crate) plane: AtomicU32,
    pub(crate) full: AtomicU64,
    pub(crate) part: AtomicU64,
}

/// Holders of a further plane, in a list that hangs from the segment.
#[derive(Debug, Default)]
#[repr(C, align(32))]
pub(crate) struct Spill {
    pub(crate) holders: Holders,
    pub(crate) next: AtomicU32,
    pub(crate) columns: [AtomicU64; BLOCKS],
}

/// One plane's holders, wherever they are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) holders: &'a Holders,
    pub(crate) columns: &'a [AtomicU64; BLOCKS],
}

/// One consistent reading of a [`Holders`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) full: u64,
    pub(crate) part: u64,
}

impl Holders {
    /// Begins a reading: the version to compare at its end.
    #[inline]
    pub(crate) fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }

    /// Who holds all and who holds some. Read between [`Holders::version`] and
    /// [`Holders::unchanged`].
    ///
    /// One change may be under way all the while (its version grew before the reading began). A
    /// worker on its way from `part` to `full` is seen in the second reading of `full`, one on
    /// its way back in the first: it is never seen in neither.
    #[inline]
    pub(crate) fn read(&self) -> Held {
        let before = self.full.load(Ordering::Acquire);
        let part = self.part.load(Ordering::Acquire);
        let after = self.full.load(Ordering::Acquire);
        Held {
            full: before | after,
            part,
        }
    }

    /// Whether no change began since `version` was read.
    #[inline]
    pub(crate) fn unchanged(&self, version: u32) -> bool {
        // Pairs with the fence in `change`.
        fence(Ordering::Acquire);
        !is_made(Check::Version) || self.version.load(Ordering::Relaxed) == version
    }

    /// Announces a change of `full` or `part`.
    #[inline]
    pub(crate) fn change(&self) {
        let next = self.version.own().wrapping_add(1);
        // Release: who reads this version sees all earlier changes whole.
        self.version.store(next, Ordering::Release);
        // And who sees a part of this change sees this version.
        fence(Ordering::Release);
    }

    /// Moves workers from nowhere into `full`, or out of it.
    #[inline]
    pub(crate) fn set_full(&self, add: u64, remove: u64) {
        let full = self.full.own();
        self.full.store((full | add) & !remove, Ordering::Release);
    }

    /// Moves workers into `part`, or out of it.
    #[inline]
    pub(crate) fn set_part(&self, add: u64, remove: u64) {
        let part = self.part.own();
        self.part.store((part | add) & !remove, Ordering::Release);
    }

    /// Everybody in either, as the writer sees it.
    #[inline]
    pub(crate) fn anybody(&self) -> u64 {
        self.full.own() | self.part.own()
    }
}

impl Segment {
    /// Has all of it brought near.
    #[inline]
    pub(crate) fn prefetch(&self) {
        prefetch(&self.holders);
        prefetch(&self.hashes);
        prefetch(&self.columns);
        prefetch(&self.names);
    }

    /// Has what a walk reads of it brought near.
    #[inline(always)]
    pub(crate) fn prefetch_walk(&self) {
        prefetch(&self.holders);
        prefetch(&self.hashes);
    }

    #[inline]
    pub(crate) fn record(&self) -> Record<'_> {
        Record {
            holders: &self.holders,
            columns: &self.columns,
        }
    }

    /// What leads on behind the first `count` of its blocks.
    #[inline]
    pub(crate) fn chain_behind(&self, chains: &Chains, count: usize) -> u64 {
        if count == BLOCKS {
            return self.chain_behind.load(Ordering::Relaxed);
        }
        chains.within(self.chain.load(Ordering::Relaxed), &self.hashes, count)
    }

    /// Publishes the first `length` of its blocks, whose hashes are there.
    #[inline]
    pub(crate) fn set_length(&self, chains: &Chains, length: usize) {
        if length == BLOCKS {
            let behind = chains.within(self.chain.own(), &self.hashes, BLOCKS);
            self.chain_behind.store(behind, Ordering::Relaxed);
        }
        self.length.store(length as u8, Ordering::Release);
    }

    /// How many leading blocks of the segment, from `first` on and below `limit`, have the wanted
    /// hashes.
    #[inline]
    pub(crate) fn matching(&self, first: usize, limit: usize, wanted: &[LocalHash]) -> usize {
        let stored = self.hashes[..limit.min(BLOCKS)].iter().skip(first);
        stored
            .zip(wanted)
            .take_while(|(stored, wanted)| stored.load(Ordering::Relaxed) == wanted.0)
            .count()
    }

    /// Whether all eight blocks have the wanted hashes.
    #[inline]
    pub(crate) fn matches_all(&self, wanted: &[LocalHash; BLOCKS]) -> bool {
        let mut pairs = self.hashes.iter().zip(wanted);
        pairs.all(|(stored, wanted)| stored.load(Ordering::Relaxed) == wanted.0)
    }

    /// A field that only the writer changes, as the writer sees it.
    #[inline]
    pub(crate) fn length(&self) -> usize {
        self.length.own() as usize
    }

    #[inline]
    pub(crate) fn is_linked(&self) -> bool {
        self.state.own() & LINKED != 0
    }
}

impl Spill {
    #[inline]
    pub(crate) fn record(&self) -> Record<'_> {
        Record {
            holders: &self.holders,
            columns: &self.columns,
        }
    }
}

/// What tells most blocks apart without a look at them.
#[inline]
pub(crate) fn tag(hash: LocalHash) -> u32 {
    hash.0 as u32
}

/// A block's number from its segment and place.
#[inline]
pub(crate) fn block_at(segment: u32, place: usize) -> u32 {
    segment * BLOCKS as u32 + place as u32
}

/// A block's segment and place.
#[inline]
pub(crate) fn place_of(block: u32) -> (u32, usize) {
    (block / BLOCKS as u32, block as usize % BLOCKS)
}

/// Blocks from `from` up to `to`, a bit each.
#[inline]
pub(crate) fn span(from: usize, to: usize) -> u8 {
    (((1u32 << to) - 1) & !((1u32 << from) - 1)) as u8
}
