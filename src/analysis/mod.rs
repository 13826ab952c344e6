//! What the pages and the gate say, made from stored history and from bench-verdict's answers.
//! Pure: no store, no HTTP, no clock; `now` is a parameter.
//!
//! # Layout
//! - [`judge`]: every series of a run against the history before it. [`carried`]: what that leaves
//!   for the next night. [`follow`]: a whole history of a series, judged night by night.
//! - [`alerts`]: one cause each: what the nights do to it, and what people do.
//! - [`backtest`]: what rules per pattern would have done.
//! - [`baseline`]: what a series would be compared with at an instant.
//! - [`published`]: what is published of raw samples.
//! - [`compare`]: two runs, row by row. [`pull`]: a pull request's pushes, each against its right base.
//! - [`verdict`]: what CI is told of a run. [`explain`]: every number behind one series of it.
//! - [`confirmation`]: what the pairs of a night come to. [`twice`]: what they change of it.
//! - [`overview`]: is main healthy tonight, one block an environment.
//! - [`run_report`]: what the page of one run says.
//! - [`identical`]: identical programs against each other, a machine's noise.
//! - [`epochs`]: spans of one machine and suite version, and what bridges them.
//! - [`history`]: one series over time, ready for a chart. `steps`: where its level changed.
//! - [`noise`]: how much a series moves although nothing changed. [`distribution`]: values as they
//!   were recorded.
//! - [`targets`]: the absolute goals and the red flags.
//! - [`terms`]: the numbers that explanations name.
//! - [`order`]: worst first. [`symptom`]: where to look first. `words`: small words for sentences.

pub mod alerts;
pub mod backtest;
pub mod baseline;
pub mod carried;
pub mod compare;
pub mod confirmation;
pub mod distribution;
pub mod epochs;
pub mod explain;
pub mod follow;
pub mod history;
pub mod identical;
pub mod judge;
pub mod noise;
pub mod order;
pub mod overview;
pub mod published;
pub mod pull;
pub mod run_report;
mod steps;
pub mod symptom;
pub mod targets;
pub mod terms;
pub mod twice;
pub mod verdict;
mod words;
