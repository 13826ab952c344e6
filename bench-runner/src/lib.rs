//! bench-runner: runs the benchmark suite against the indexer and reports what it measured.
//!
//! # Layout
//! - [`measure`]: clock, histograms, loops, allocations, processor time, disturbances.
//! - [`workload`]: seeded event streams and prompts, with an oracle.
//! - [`suite`]: the seven benchmarks.
//!
//! # Invariants
//! 1. Measuring code never prints.
//! 2. Every figure comes from a measurement; what cannot be had is absent, never zero.

pub mod measure;
pub mod suite;
pub mod workload;

#[cfg(test)]
#[global_allocator]
static GLOBAL: measure::alloc::CountingAllocator = measure::alloc::CountingAllocator;
