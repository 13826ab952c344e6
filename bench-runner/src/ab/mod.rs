//! Two sides measured in turn, round by round: what drifts hits both alike.
//!
//! - [`side`]: what a side runs, and how its figures are read.
//! - [`build`]: a revision, built in a work tree of its own, and kept.
//! - [`rounds`]: pairs in ABBA order, until they decide.
//! - [`answer`]: what the pairs say, as JSON.
//! - [`report`]: what was measured as the two reports of a pair.

pub mod answer;
pub mod build;
pub mod report;
pub mod rounds;
pub mod side;
