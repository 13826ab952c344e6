//! Readers and the writer, model-checked: the index's own source over loom's atomics, through
//! interleavings (up to a number of preemptions) and the values that the memory model lets a load
//! see.
//!
//! Each test is a story: what a lookup may answer while a writer does one thing. Each protecting
//! check is also taken out, and the story must then fail: else it would prove nothing about it.
//!
//! Every story bounds the preemptions. Those of appending and of the child table are told to their
//! end within that bound; those of memory used again, of a holder going back and forth and of a block
//! between media have more interleavings than there is time for, and are told depth first until it is
//! up. `KV_INDEXER_PREEMPTIONS` raises the bound for long runs, and takes away the limit of time.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    missing_docs,
    reason = "the crate's files are compiled a second time, and only the index is used"
)]
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

#[path = "../../src/events.rs"]
mod events;
#[path = "../../src/extra.rs"]
mod extra;
#[path = "../../src/hash/mod.rs"]
mod hash;
#[path = "../../src/hashes.rs"]
mod hashes;
#[path = "../../src/index/mod.rs"]
mod index;
mod stories;
mod sync;
#[path = "../../src/wire/mod.rs"]
mod wire;

use index::types::DEFAULT_BLOCK_SIZE;
