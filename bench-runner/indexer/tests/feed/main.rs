//! The feed: a stream's sequence under simulated faults, and the feed over real sockets.
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod chaos;
mod chaos_sequence;
mod engine;
mod hostile;
mod interop;
mod loopback;
mod proxy;
