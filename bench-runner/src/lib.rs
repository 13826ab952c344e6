//! bench-runner: runs the benchmark suite against the indexer and reports what it measured.
//!
//! # Layout
//! - [`measure`]: clock, histograms, loops, allocations, processor time, disturbances.
//! - [`workload`]: seeded event streams and prompts, with an oracle.
//! - [`suite`]: the eight benchmarks.
//! - [`soak`]: a long load, and whether memory grows under it.
//! - [`analyze`]: what the rules say about a history from any source.
//! - [`ab`]: two sides in turn, round by round.
//! - [`backfill`]: old results of any tool, as the reports they would have been.
//! - [`baseline`]: reports into a baseline file.
//! - [`mod@bisect`]: which commit made it slower.
//! - [`night`]: pairs for what a nightly run flagged, and the canary.
//! - [`check`]: one file against a baseline, offline.
//! - `cli`: the commands, one file each; [`main_with`] runs them.
//! - [`collect`]: the plan, the rounds, the report.
//! - [`compare`]: two files side by side.
//! - [`doctor`]: whether a machine is fit to measure.
//! - [`environment`]: machine, program and revision.
//! - [`instructions`]: instructions of an operation, where they can be counted.
//! - [`mod@interrupt`]: what Ctrl-C does.
//! - [`output`]: progress and the table.
//! - [`profile`]: flame graphs and traces, in passes of their own.
//! - [`upload`]: the server, the spool, live messages.
//!
//! # Invariants
//! 1. Measuring code never prints.
//! 2. Every figure comes from a measurement; what cannot be had is absent, never zero.

// Whoever closes a pipe has read enough: no command may panic under `head`.
#[macro_use(print, println, eprintln)]
extern crate bench_report;

pub mod ab;
pub mod analyze;
pub mod backfill;
pub mod baseline;
pub mod bisect;
pub mod check;
mod cli;
pub mod collect;
pub mod compare;
pub mod doctor;
pub mod environment;
pub mod instructions;
pub mod interrupt;
pub mod measure;
pub mod night;
pub mod output;
pub mod profile;
pub mod soak;
pub mod suite;
pub mod upload;
pub mod workload;

pub use cli::main_with;

#[cfg(test)]
#[global_allocator]
static GLOBAL: measure::alloc::CountingAllocator = measure::alloc::CountingAllocator;
