//! The index: which worker holds which prompt prefix.
//!
//! # How it is built
//! Blocks lie in *segments* of eight in an arena that never moves. A segment knows by bits who
//! holds all of it and who holds which of it, its successor, and its parent block; where prompts
//! part, a child table leads on. One map leads from the engines' names to blocks. Writers take a
//! lock, one at a time; lookups take none and write nothing shared.
//!
//! # Complexity
//! With *n* blocks in a prompt or event: a lookup is O(n / 8) steps, and each worker that drops
//! out adds one; a store or removal is O(n); clearing or removing a worker follows what it held.
//! Memory follows distinct blocks: about 32 bytes each in full segments and 12 in the map of
//! names, and half a byte for each further holder.

mod ahead;
mod aliases;
mod apply;
mod arena;
mod chain;
mod children;
mod engine_map;
mod epoch;
mod evict;
mod hold;
mod journal;
mod lanes;
mod matches;
mod meter;
mod names;
mod prefetch;
mod reader;
mod registry;
mod remove;
mod runs;
mod seats;
mod segment;
mod shared;
mod source;
mod space;
mod store;
pub(crate) mod types;
mod writer;

pub use matches::Matches;
#[cfg(feature = "counters")]
pub use meter::Counters;
pub use meter::{LockListener, LockWaits, on_lock_wait};

use crate::events::Adapter;
use crate::extra::ExtraKeys;
use crate::hash::{Keys, LocalHash, ScopeId};
use meter::locked;
use shared::Shared;
use source::{Lazy, Ready, Source};
use std::sync::{Mutex, MutexGuard, PoisonError};
use types::{IndexError, MediumId, Options, Query, Stats, WorkerId};
use writer::{Edit, Writer};

/// An index of KV-cache events. All methods take `&self`; share it by reference or `Arc`.
#[derive(Debug)]
pub struct Index {
    block_size: usize,
    shared: Shared,
    writer: Mutex<Writer>,
}

impl Default for Index {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Index {
    /// An empty index.
    pub fn new(options: Options) -> Self {
        let seed = options.seed.unwrap_or_else(|| {
            // Without the system's randomness the standard library's own keys stand in.
            getrandom::u64().unwrap_or_else(|_| {
                use std::hash::{BuildHasher, RandomState};
                RandomState::new().hash_one(0)
            })
        });
        let (shared, growths) = Shared::new(match options.portable {
            true => Keys::portable(seed),
            false => Keys::new(seed),
        });
        Self {
            block_size: options.block_size.max(1) as usize,
            shared,
            writer: Mutex::new(Writer::new(growths, &options)),
        }
    }

    /// An empty index with default options and fixed hash keys.
    pub fn with_seed(seed: u64) -> Self {
        Self::new(Options {
            seed: Some(seed),
            ..Options::default()
        })
    }

    /// Tokens in a block.
    pub fn block_size(&self) -> u32 {
        self.block_size as u32
    }

    /// Registers a worker, or finds it: one engine by name, one model it serves, one
    /// data-parallel rank.
    pub fn worker(&self, name: &str, model: &str, rank: u32) -> Result<WorkerId, IndexError> {
        self.write().register(name, model, rank)
    }

    /// The scope of a model and adapter, for queries.
    pub fn scope(&self, model: &str, adapter: Adapter<'_>) -> ScopeId {
        self.shared.keys.scope(model, adapter)
    }

    /// Registers a medium, or finds it; names are compared without case.
    pub fn medium(&self, name: &str) -> Result<MediumId, IndexError> {
        self.write().medium(name)
    }

    /// Finds each worker that holds at least the first block of the prompt, and how many leading
    /// blocks it holds.
    ///
    /// Takes no lock and writes nothing shared. What a worker is said to hold it held at the
    /// moment that part was read; writers at work at that time may already have gone on.
    pub fn lookup(&self, query: &Query<'_>, out: &mut Matches) {
        let Ok(extra) = query.extra.read() else {
            out.clear();
            return;
        };
        let mut hashes = std::mem::take(&mut out.scratch.hashes);
        let tools = (&self.shared.keys, &self.shared.meter);
        let mut source = Lazy::new(tools, query.tokens, self.block_size, extra, &mut hashes);
        self.look(query.scope, &mut source, query.medium, out);
        out.scratch.hashes = hashes;
    }

    /// The same lookup for block hashes from [`Index::local_hashes`].
    pub fn lookup_hashes(
        &self,
        scope: ScopeId,
        hashes: &[LocalHash],
        medium: Option<MediumId>,
        out: &mut Matches,
    ) {
        self.look(scope, &mut Ready(hashes), medium, out);
    }

    #[inline]
    fn look(
        &self,
        scope: ScopeId,
        source: &mut impl Source,
        medium: Option<MediumId>,
        out: &mut Matches,
    ) {
        let medium = medium.map(|medium| medium.0);
        if reader::lookup(&self.shared, scope, source, medium, out) {
            return;
        }
        // Writers that use memory again every few hundred nanoseconds wait for one walk.
        let writer = self.write();
        while !reader::attempt(&self.shared, scope, source, medium, out) {}
        drop(writer);
    }

    /// Says that a prompt's blocks are in use, for an index with bounds: those used longest ago are
    /// evicted first, and lookups, which write nothing, do not count. A router calls it for each
    /// prompt it has routed; `hashes` are those of [`Index::local_hashes`]. Gives how many of the
    /// blocks are known, by anyone.
    ///
    /// Takes the writers' lock, for about as long as storing the prompt again would.
    pub fn touch(&self, scope: ScopeId, hashes: &[LocalHash]) -> usize {
        let mut writer = self.write();
        Edit::new(&self.shared, &mut writer).touch(scope, hashes)
    }

    /// Appends the hash of each whole block of a prompt, for [`Index::lookup_hashes`]: a router
    /// that asks more than once about one prompt hashes it once.
    pub fn local_hashes(&self, tokens: &[u32], extra: ExtraKeys<'_>, out: &mut Vec<LocalHash>) {
        let Ok(mut extra) = extra.read() else {
            return;
        };
        let first = out.len();
        out.resize(first + tokens.len() / self.block_size, LocalHash(0));
        let keys = &self.shared.keys;
        let hashed = keys.blocks(tokens, self.block_size, &mut extra, &mut out[first..]);
        // Extra keys that cannot be read end the prompt.
        if let Err(before) = hashed {
            out.truncate(first + before);
        }
    }

    /// The index's counts at this moment.
    pub fn stats(&self) -> Stats {
        let writer = self.write();
        Stats {
            workers: writer.registry.len() as u64,
            memory_bytes: writer.bytes() as u64,
            ..writer.stats
        }
    }

    /// The work done so far. Only with the feature `counters`: counting costs time.
    #[cfg(feature = "counters")]
    pub fn counters(&self) -> Counters {
        self.shared.meter.read()
    }

    /// How often and how long writers waited for the index's lock so far.
    pub fn lock_waits(&self) -> LockWaits {
        self.shared.meter.lock_waits()
    }

    #[inline]
    #[track_caller]
    fn write(&self) -> MutexGuard<'_, Writer> {
        locked(
            &self.shared.meter,
            || self.writer.try_lock().ok(),
            || self.writer.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        let writer = self.writer.get_mut();
        let writer = writer.unwrap_or_else(PoisonError::into_inner);
        self.shared.drop_retired(&mut writer.growths);
    }
}
