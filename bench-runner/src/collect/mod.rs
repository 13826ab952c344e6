//! From a plan to a report.
//!
//! - [`plan`]: which benchmarks with which params are to be measured, and which cannot be here.
//! - [`session`]: rounds over all of them, interleaved.
//! - [`gather`]: samples become the report, at any moment.
//! - [`mod@file`]: the report on disk, whole or not at all.

pub mod file;
pub mod gather;
pub mod plan;
pub mod session;
