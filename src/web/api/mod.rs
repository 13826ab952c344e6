//! The JSON API: what CI, scripts and the runner hold on to.
//!
//! # Layout
//! - [`upload`]: a report becomes a run; [`body`]: its limits. [`confirmation`]: pairs of its night.
//! - [`runs`]: what is stored of runs. [`series`]: lines and their points. [`view`]: how both are shown.
//! - [`baselines`]: the file that `check --baseline` reads.
//! - [`compare`]: two runs, and a pull request against its base.
//! - [`export`]: all of it as CSV.
//! - [`epochs`]: the machines and suite versions of a series.
//! - [`explain`]: every number behind a verdict.
//! - [`alerts`]: what somebody must look at; [`levels`], [`annotations`]: what people add.
//! - [`live`]: a runner says how far it is.
//! - [`rules`]: how strict the gate is with which series.
//! - [`health`]: whether the server lives and can answer.

pub mod alerts;
pub mod annotations;
pub mod artifacts;
pub mod baselines;
pub mod body;
pub mod compare;
pub mod confirmation;
pub mod epochs;
pub mod explain;
pub mod export;
pub mod health;
pub mod levels;
pub mod live;
pub mod rules;
pub mod runs;
pub mod series;
pub mod upload;
pub mod view;
