//! What the pages and the gate say, made from stored history and from bench-verdict's answers.
//! Pure: no store, no HTTP, no clock; `now` is a parameter.
//!
//! # Layout
//! - [`overview`]: is main healthy tonight, one block an environment.
//! - [`history`]: one series over time, ready for a chart.

pub mod history;
pub mod overview;
