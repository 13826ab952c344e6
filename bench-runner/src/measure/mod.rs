//! How time, memory and processor use are measured. Nothing here prints, and nothing here knows
//! what is being measured.
//!
//! - [`clock`]: the monotonic clock, what reading it costs, and a clock for tests.
//! - [`histogram`]: latencies as HDR histograms.
//! - [`looping`]: closed loops: batched (no clock inside) and timed one by one.
//! - [`open_loop`]: events that arrive when the schedule says, whether or not we are ready.
//! - [`steady`]: warming up until it is steady.
//! - [`parallel`]: pinned threads that start together.
//! - [`alloc`]: the counting allocator, for passes of their own.
//! - [`instructions`]: the processor's own counter.
//! - [`memory`]: memory of the process.
//! - [`cpu`]: processor time, processor lists, pinning.
//! - [`sampler`]: what disturbed the machine meanwhile.
//! - [`ticks`]: where processor time goes. [`sites`]: where memory is allocated, where threads wait.
//!   [`spans`]: what each thread does when. [`symbols`]: the names of what they found.

pub mod alloc;
pub mod clock;
pub mod cpu;
pub mod histogram;
pub mod instructions;
pub mod looping;
pub mod memory;
pub mod open_loop;
pub mod parallel;
pub mod sampler;
pub mod sites;
pub mod spans;
pub mod steady;
pub mod symbols;
pub mod ticks;
