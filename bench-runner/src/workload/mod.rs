//! What is done to the index: seeded, realistic, and the same however long it is measured.
//!
//! - [`random`]: the generator behind all of it.
//! - [`block`]: blocks of tokens and how they chain.
//! - [`wire`]: events as an engine publishes them (msgpack, one event a batch).
//! - [`lane`]: one engine cache under a cyclic stream of requests: what it stores and removes.
//! - [`fleet`]: many lanes on several engines, with prefixes shared between engines.
//! - [`catalogue`]: an exact number of distinct blocks, for memory.
//! - [`prompts`]: prompts to route, each with the right answer.
//! - [`arrivals`]: when events arrive: steadily, or in bursts.
//!
//! # Invariants
//! 1. The same seed gives the same bytes, on every machine.
//! 2. A cycle of events leaves the index as it found it: what an operation costs does not depend on
//!    how many were done before.

pub mod arrivals;
pub mod block;
pub mod catalogue;
pub mod fleet;
pub mod lane;
pub mod prompts;
pub mod random;
pub mod wire;
