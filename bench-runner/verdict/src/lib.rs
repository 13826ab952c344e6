//! How a benchmark result is judged, once, for server and runner alike.
//!
//! # Layout
//! - [`verdict`]: the words.

pub mod verdict;
