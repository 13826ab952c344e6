//! The atomics of the shared structures, and their sizes.
//!
//! The model check (`tests/protocol`) compiles the same structures over loom's atomics and small
//! sizes by putting another module in this one's place.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

/// Items in a chunk of an arena, as a power of two.
pub(crate) const CHUNK_BITS: u32 = 8;
/// Parts of the child table, as a power of two.
pub(crate) const CHILD_PART_BITS: u32 = 5;
/// Things in quarantine that make it worth moving the epoch: readers under way start over then.
pub(crate) const QUARANTINE: usize = 256;
