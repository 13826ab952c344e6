//! Writes reports for other tools and for people.
//!
//! # Layout
//! - [`go`]: Go benchmark text, which benchstat reads.
//! - [`flame`]: folded stacks as a flame graph.
//! - [`baseline`]: the file that `check --baseline` reads. [`aibrix`]: the original suite's form of it.

pub mod aibrix;
pub mod baseline;
pub mod flame;
pub mod go;
