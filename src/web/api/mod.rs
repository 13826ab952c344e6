//! The JSON API: what CI, scripts and the runner hold on to.
//!
//! # Layout
//! - [`health`]: whether the server lives and can answer.

pub mod health;
