//! What goes into an index and comes out of it: options, ids, queries, counts, errors.

use crate::extra::ExtraKeys;
use crate::hash::ScopeId;
use thiserror::Error;

/// Tokens in a block where nothing else is said (vLLM's default).
pub const DEFAULT_BLOCK_SIZE: u32 = 16;
/// Media that an index tells apart; an event on one more is refused and counted.
pub const MAX_MEDIA: usize = 8;
/// Workers that an index holds at a time (a worker with several full-attention groups counts once
/// for each).
pub const MAX_WORKERS: usize = 16_384;

/// How an index is set up.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Tokens in a block; events of another size are refused. 0 counts as 1.
    pub block_size: u32,
    /// Fixes the hash keys, for benchmarks and tests. `None`: random keys, so that nobody outside
    /// can choose tokens that collide.
    pub seed: Option<u64>,
    /// Hashes in the same way on every machine, without the vector instructions that some have: what
    /// is counted inside (probes, allocations of tables) is then the same everywhere.
    pub portable: bool,
    /// Distinct blocks to make room for at once; 0 grows from nothing.
    pub expected_blocks: usize,
    /// Most distinct blocks to keep; past it, those used longest ago are evicted: stored, or named to
    /// [`Index::touch`](crate::Index::touch).
    pub max_blocks: Option<usize>,
    /// Most bytes of memory to hold; past it, the blocks used longest ago are evicted.
    pub max_bytes: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            block_size: DEFAULT_BLOCK_SIZE,
            seed: None,
            portable: false,
            expected_blocks: 0,
            max_blocks: None,
            max_bytes: None,
        }
    }
}

/// A registered worker: one engine, one served model, one data-parallel rank.
///
/// Ids are never used twice: an id of a worker that was removed stays invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl WorkerId {
    /// A small number for tables by worker: below [`MAX_WORKERS`], and free to be given to another
    /// worker once this one is removed.
    pub fn slot(&self) -> usize {
        self.slot as usize
    }
}

/// A medium, resolved by [`Index::medium`](crate::Index::medium).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediumId(pub(crate) u8);

/// Whose cache holds the beginning of this prompt?
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Model and adapter, from [`Index::scope`](crate::Index::scope).
    pub scope: ScopeId,
    /// The prompt. Tokens behind the last whole block are not looked at.
    pub tokens: &'a [u32],
    /// Extra keys of the prompt's blocks; the list may end early.
    pub extra: ExtraKeys<'a>,
    /// Count only blocks on this medium; `None` counts a block wherever it lies.
    pub medium: Option<MediumId>,
}

impl<'a> Query<'a> {
    /// A query for plain tokens on any medium.
    pub fn new(scope: ScopeId, tokens: &'a [u32]) -> Self {
        Self {
            scope,
            tokens,
            extra: ExtraKeys::None,
            medium: None,
        }
    }

    /// The same query with extra keys.
    pub fn extra(mut self, extra: ExtraKeys<'a>) -> Self {
        self.extra = extra;
        self
    }

    /// The same query on one medium.
    pub fn medium(mut self, medium: MediumId) -> Self {
        self.medium = Some(medium);
        self
    }
}

/// What one event did, in blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Blocks that the worker did not hold on that medium before.
    pub stored: u32,
    /// Blocks that it held already.
    pub already_held: u32,
    /// Blocks removed from that worker and medium.
    pub removed: u32,
    /// Removals of blocks that the worker does not hold there.
    pub unknown: u32,
    /// Blocks dropped because their parent is not held by the worker: a gap, or a late subscriber.
    pub orphaned: u32,
    /// Blocks refused: another block size, lists of unequal length, too many media or workers, a
    /// worker that was removed, or an index full of newer blocks.
    pub refused: u32,
    /// Blocks of cache groups that cannot make a prefix (sliding windows, running states).
    pub skipped: u32,
    /// Whether the worker's cache was cleared.
    pub cleared: bool,
}

impl Applied {
    /// Adds another event's counts.
    pub fn add(&mut self, other: &Self) {
        self.stored += other.stored;
        self.already_held += other.already_held;
        self.removed += other.removed;
        self.unknown += other.unknown;
        self.orphaned += other.orphaned;
        self.refused += other.refused;
        self.skipped += other.skipped;
        self.cleared |= other.cleared;
    }
}

/// What one payload did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchApplied {
    /// The worker that the events went to: the batch's data-parallel rank of the engine.
    pub worker: WorkerId,
    /// Events of known kinds.
    pub events: u32,
    /// Events of kinds not known here, skipped.
    pub unknown_events: u32,
    /// When the engine made the batch, in seconds since the Unix epoch.
    pub timestamp: f64,
    /// The counts of all its events.
    pub applied: Applied,
}

/// What went with a removed worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Whether the id was a registered worker's.
    pub known: bool,
    /// (worker, block) pairs dropped.
    pub held_blocks: u64,
}

/// The index at one moment. Counts of what happened run since the index was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Blocks that at least one worker holds.
    pub distinct_blocks: u64,
    /// (worker, block) pairs; a block in two media or two cache groups of a worker counts twice.
    pub held_blocks: u64,
    /// Registered workers.
    pub workers: u64,
    /// Blocks newly stored so far.
    pub stored: u64,
    /// Blocks removed so far by removal events.
    pub removed: u64,
    /// Removals so far of blocks that were not held.
    pub unknown: u64,
    /// Blocks dropped so far for want of their parent.
    pub orphans: u64,
    /// Blocks refused so far.
    pub refused: u64,
    /// Blocks skipped so far as part of no prefix.
    pub skipped: u64,
    /// Blocks evicted so far to stay within the bounds.
    pub evicted: u64,
    /// Workers' caches cleared so far by events.
    pub cleared: u64,
    /// Bytes of memory held for blocks, from the capacities of the tables.
    pub memory_bytes: u64,
}

/// Why a worker or medium cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IndexError {
    /// No slot is left.
    #[error("the index holds {limit} workers, its limit; remove workers that are gone")]
    TooManyWorkers {
        /// The limit.
        limit: usize,
    },
    /// No medium is left.
    #[error("the index tells {limit} media apart, its limit, and this would be one more")]
    TooManyMedia {
        /// The limit.
        limit: usize,
    },
}
