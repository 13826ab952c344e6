//! The API and the store behind it.

mod access;
pub(crate) mod alerts;
mod artifacts;
mod bridge;
mod compare;
pub(crate) mod confirmation;
mod crash;
mod ended;
mod epochs;
mod evidence;
mod exits;
mod explain;
mod fail_closed;
mod guard;
mod keep;
mod metrics;
mod nightly;
mod parallel;
mod place;
mod rules;
mod runs;
mod series;
mod socket;
mod store;
mod track;
mod triage;
mod upload;
