//! kvmark keeps the performance history of a KV-cache event indexer, and says honestly whether it
//! got slower.
//!
//! # Layout
//! - [`domain`]: the plain types.
//! - [`store`]: the only SQL.
//! - [`analysis`]: what the pages and the gate say.
//! - [`chart`]: the same as SVG.
//! - [`text`]: dates, percent and words for people.
//!
//! # Invariants
//! 1. `store` decides nothing, `analysis` reads nothing, templates compute nothing.
//! 2. Everything derived can be dropped and rebuilt from the raw samples, to the same answer.

pub mod analysis;
pub mod chart;
pub mod domain;
pub mod store;
pub mod text;
