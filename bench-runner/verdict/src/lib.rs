//! How a benchmark result is judged, once, for server and runner alike.
//!
//! # Layout
//! - [`band`]: statement A, the exact rule: seven days, 5, 10 and 20%.
//! - [`evidence`]: statement B, whether the level has changed, seen night by night.
//! - [`segments`]: statement C, change points over the whole history.
//! - [`creep`]: statement D, slow change against the accepted level.
//! - [`history`]: a series' past, prepared for B, C and D.
//! - [`explain`]: every number behind the verdict on a night.
//! - [`inputs`]: what a night is judged from, as one number.
//! - [`tonight`]: one night judged by all of them, from half a year of nights and a small state.
//! - [`regression`]: a worsening from the night that confirmed it until it is over.
//! - [`analyze`]: a whole history judged, replayed night by night.
//! - [`compare`]: two sides of one series. [`confirmation`]: pairs measured on the same night.
//! - [`gate`]: what turns CI red. [`rules`]: the guide's absolute rules and red flags,
//!   [`suite_rules`]: which series they speak of.
//!   [`exit`]: exit codes, their order, and reasons.
//! - [`patterns`]: how strict the gate is with which series.
//! - [`verdict`], [`comparison`]: the answers as they travel. [`markdown`]: for a comment or an
//!   issue. [`words`]: how sentences write numbers.
//! - [`stats`]: one file per statistic, on plain numbers.
//!
//! # Invariants
//! 1. No clock, no files, no network, no database: the same inputs give the same answer for ever.
//! 2. [`stats`] knows numbers only: no name, no unit, no date, no direction.
//! 3. A change is a fraction and positive is worse, whichever direction is better.
//! 4. Input that is not finite is refused where it enters, so nothing below needs to fear it.

pub mod analyze;
pub mod band;
pub mod compare;
pub mod comparison;
pub mod confirmation;
pub mod creep;
pub mod evidence;
pub mod exit;
pub mod explain;
pub mod gate;
pub mod history;
pub mod inputs;
pub mod markdown;
pub mod patterns;
pub mod regression;
pub mod rules;
pub mod segments;
#[cfg(test)]
mod simulation;
pub mod stats;
pub mod suite_rules;
pub mod tonight;
pub mod verdict;
pub mod words;

/// The version of the rules: stored with each verdict, raised when a rule would answer differently.
pub const RULE: &str = "2";
