//! The feed: KV-cache events from running engines into an index, over ZeroMQ.
//!
//! # Layout
//! - [`tracker`]: the sequence of one stream as a state machine. It has no socket, no clock and
//!   no index: what arrived goes in, what to do comes out. All judgement lives here.
//! - [`wire`]: the frames of a message, of a replay request and of its end; endpoints of ranks.
//!
//! # Invariants
//! 1. Batches of one stream reach the index in order, each exactly once an incarnation of the
//!    engine.
//! 2. A stream is called exact only while every batch that is known to exist has been applied;
//!    otherwise [`tracker::Tracker::reasons`] says why it is not.
//! 3. Nothing the feed keeps grows without bound; what a bound drops is counted, and asked for
//!    again.

pub mod tracker;
pub mod wire;
