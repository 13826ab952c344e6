//! kvmark keeps the performance history of a KV-cache event indexer, and says honestly whether it
//! got slower.
//!
//! # Layout
//! - [`config`]: command line and environment. [`command`]: what is done when asked.
//! - [`web`]: the only HTTP and HTML.
//! - [`site`]: the same pages as a folder of files.
//! - [`jobs`]: what runs beside requests.
//! - [`github`]: what is said on GitHub.
//! - [`ingest`]: from an upload to a validated run.
//! - [`store`]: the only SQL.
//! - [`analysis`]: what the pages and the gate say.
//! - [`chart`]: the same as SVG.
//! - [`text`]: dates, percent and words for people.
//! - [`demo`]: the dashboard with sample data, and this machine measured for real.
//! - [`domain`]: the plain types.
//!
//! # Invariants
//! 1. `store` decides nothing, `analysis` reads nothing, templates compute nothing.
//! 2. Everything derived can be dropped and rebuilt from the raw samples, to the same answer.

// Whoever closes a pipe has read enough: no command may panic under `head`.
#[macro_use(print, println, eprintln)]
extern crate bench_report;

pub mod analysis;
pub mod chart;
pub mod command;
pub mod config;
pub mod demo;
pub mod domain;
pub mod github;
pub mod ingest;
pub mod jobs;
pub mod site;
pub mod store;
pub mod text;
pub mod web;
