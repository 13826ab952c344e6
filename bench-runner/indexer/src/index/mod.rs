//! The index: which worker holds which prompt prefix.

mod matches;
mod meter;
mod plain;
mod registry;
pub(crate) mod types;

pub use matches::Matches;
#[cfg(feature = "counters")]
pub use meter::Counters;
pub use meter::LockWaits;

use crate::events::{Adapter, Event};
use crate::extra::ExtraKeys;
use crate::hash::{Keys, LocalHash, ScopeId};
use crate::wire::decode::Decoder;
use crate::wire::error::DecodeError;
use meter::{Meter, Work, locked};
use registry::Registry;
use std::sync::{PoisonError, RwLock};
use types::{
    Applied, BatchApplied, IndexError, MediumId, Options, Query, Removed, Stats, WorkerId,
};

/// An index of KV-cache events. All methods take `&self`; share it by reference or `Arc`.
#[derive(Debug)]
pub struct Index {
    keys: Keys,
    block_size: usize,
    meter: Meter,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    registry: Registry,
    plain: plain::Plain,
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
        let block_size = options.block_size.max(1);
        Self {
            keys: Keys::new(seed),
            block_size: block_size as usize,
            meter: Meter::default(),
            state: RwLock::new(State {
                registry: Registry::default(),
                plain: plain::Plain::new(block_size),
            }),
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
        let mut state = self.write();
        let (id, new) = state.registry.register(name, model, rank)?;
        if new {
            state.plain.add_worker(id, model);
        }
        Ok(id)
    }

    /// Drops a worker and all it holds. Its id is invalid from then on.
    ///
    /// The cost follows what it held.
    pub fn remove_worker(&self, worker: WorkerId) -> Removed {
        let mut state = self.write();
        match state.registry.forget(worker) {
            None => Removed::default(),
            Some(_) => Removed {
                known: true,
                held_blocks: state.plain.remove_worker(worker),
            },
        }
    }

    /// Applies one event of a worker. Events of one worker must come in its order.
    pub fn apply(&self, worker: WorkerId, event: &Event<'_>) -> Applied {
        if let Event::Stored(stored) = event {
            self.meter
                .add(Work::Hashes, stored.block_hashes.len() as u64);
        }
        self.write().plain.apply(&self.keys, worker, event)
    }

    /// Decodes and applies one msgpack `KVEventBatch`, of either generation.
    ///
    /// A batch that names a data-parallel rank goes to that rank of the worker's engine, which is
    /// registered if it is new. On an error nothing was applied.
    pub fn apply_payload(
        &self,
        worker: WorkerId,
        payload: &[u8],
    ) -> Result<BatchApplied, DecodeError> {
        thread_local! {
            static DECODER: std::cell::RefCell<Decoder> = std::cell::RefCell::default();
        }
        DECODER.with_borrow_mut(|decoder| {
            let batch = decoder.decode(payload)?;
            self.meter.add(Work::BytesDecoded, payload.len() as u64);
            let worker = self.rank_of(worker, batch.data_parallel_rank());
            let mut state = self.write();
            let mut done = BatchApplied {
                worker,
                events: 0,
                unknown_events: batch.unknown_events(),
                timestamp: batch.timestamp(),
                applied: Applied::default(),
            };
            for event in batch.events() {
                done.events += 1;
                done.applied
                    .add(&state.plain.apply(&self.keys, worker, &event));
            }
            Ok(done)
        })
    }

    /// The worker of that rank beside the given one; the given one where no other can be had.
    fn rank_of(&self, worker: WorkerId, rank: Option<u32>) -> WorkerId {
        let Some(rank) = rank else {
            return worker;
        };
        let known = self.read().registry.get(worker).cloned();
        match known {
            Some(known) if known.rank != rank => self
                .worker(&known.name, &known.model, rank)
                .unwrap_or(worker),
            _ => worker,
        }
    }

    /// The scope of a model and adapter, for queries.
    pub fn scope(&self, model: &str, adapter: Adapter<'_>) -> ScopeId {
        self.keys.scope(model, adapter)
    }

    /// Registers a medium, or finds it; names are compared without case.
    pub fn medium(&self, name: &str) -> Result<MediumId, IndexError> {
        self.write().plain.medium(name)
    }

    /// Finds each worker that holds at least the first block of the prompt, and how many leading
    /// blocks it holds.
    pub fn lookup(&self, query: &Query<'_>, out: &mut Matches) {
        let mut extra = query.extra.read().ok();
        let blocks = query.tokens.chunks_exact(self.block_size);
        let hashes = blocks.map_while(|tokens| {
            let extra = extra.as_mut()?;
            self.meter.add(Work::Hashes, 1);
            self.keys.block(tokens, extra).ok()
        });
        let hashes = hashes.inspect(|_| self.meter.add(Work::Probes, 1));
        self.read()
            .plain
            .lookup(query.scope, hashes, query.medium, out);
    }

    /// The same lookup for block hashes from [`Index::local_hashes`].
    pub fn lookup_hashes(
        &self,
        scope: ScopeId,
        hashes: &[LocalHash],
        medium: Option<MediumId>,
        out: &mut Matches,
    ) {
        self.read()
            .plain
            .lookup(scope, hashes.iter().copied(), medium, out);
    }

    /// Appends the hash of each whole block of a prompt, for [`Index::lookup_hashes`]: a router
    /// that asks more than once about one prompt hashes it once.
    pub fn local_hashes(&self, tokens: &[u32], extra: ExtraKeys<'_>, out: &mut Vec<LocalHash>) {
        let Ok(mut extra) = extra.read() else {
            return;
        };
        for tokens in tokens.chunks_exact(self.block_size) {
            match self.keys.block(tokens, &mut extra) {
                Ok(hash) => out.push(hash),
                Err(_) => return,
            }
        }
    }

    /// The index's counts at this moment.
    pub fn stats(&self) -> Stats {
        let state = self.read();
        Stats {
            workers: state.registry.len() as u64,
            ..state.plain.stats()
        }
    }

    /// The work done so far. Only with the feature `counters`: counting costs time.
    #[cfg(feature = "counters")]
    pub fn counters(&self) -> Counters {
        self.meter.read()
    }

    /// How often and how long writers waited for the index's lock so far.
    pub fn lock_waits(&self) -> LockWaits {
        self.meter.lock_waits()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        locked(
            &self.meter,
            || self.state.try_write().ok(),
            || self.state.write().unwrap_or_else(PoisonError::into_inner),
        )
    }
}
