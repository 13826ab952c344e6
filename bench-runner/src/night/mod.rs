//! What a nightly run does after its report is judged: pairs for what was flagged, and the canary.
//!
//! - [`flagged`]: which series are asked for, by the revision that they are compared with.
//! - [`canary`]: which series prove tonight that the gate can fail.
//! - [`prove`]: pairs, sent until the server has heard enough.

pub mod canary;
pub mod flagged;
pub mod prove;
