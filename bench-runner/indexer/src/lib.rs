//! An exact index of KV-cache events: which inference worker holds which prompt prefix.
//!
//! # Layout
//! - `events`, `hashes`, `extra`: what an engine says, as borrowed types.
//! - `wire`: the msgpack form of it: a decoder, a readable reference decoder, an encoder.
//! - `hash`: keyed hashing of tokens, extra keys and engine hashes.
//! - `index`: the index itself, and what goes in and comes out.
//! - [`feed`]: events of running engines over ZeroMQ, with gaps healed and restarts seen.
//! - [`model`]: the same meaning in plain maps of sets, for tests.
//!
//! # Example
//! ```
//! use kv_indexer::{Adapter, Index, Matches, Query, Stored};
//!
//! let index = Index::new(Default::default());
//! let worker = index.worker("10.0.0.7:8000", "llama-3", 0)?;
//! let tokens: Vec<u32> = (0..32).collect();
//! index.apply(worker, &Stored::new(&[101, 102], None, &tokens).into());
//!
//! let scope = index.scope("llama-3", Adapter::None);
//! let mut matches = Matches::new();
//! index.lookup(&Query::new(scope, &tokens), &mut matches);
//! assert_eq!(matches.best(), Some((worker, 2)));
//! # Ok::<(), kv_indexer::IndexError>(())
//! ```

mod events;
mod extra;
#[cfg(feature = "feed")]
pub mod feed;
mod hash;
mod hashes;
mod index;
#[cfg(test)]
mod layout;
pub mod model;
mod sync;
mod wire;

pub use events::{Adapter, DEFAULT_MEDIUM, Event, Group, Removal, Stored};
pub use extra::{ExtraKey, ExtraKeys};
pub use hash::{LocalHash, ScopeId};
pub use hashes::{EngineHash, Hashes};
#[cfg(feature = "counters")]
pub use index::Counters;
pub use index::types::{
    Applied, BatchApplied, DEFAULT_BLOCK_SIZE, IndexError, MAX_MEDIA, MAX_WORKERS, MediumId,
    Options, Query, Removed, Stats, WorkerId,
};
pub use index::{Index, Matches};
pub use index::{LockListener, LockWaits, on_lock_wait};
pub use wire::decode::{Batch, Decoder, MAX_PAYLOAD};
pub use wire::encode::{WireForm, encode_batch};
pub use wire::error::DecodeError;
pub use wire::reference;

/// Whether this build counts its work, which costs time. A program that measures can refuse it.
pub const COUNTS_WORK: bool = cfg!(feature = "counters");
