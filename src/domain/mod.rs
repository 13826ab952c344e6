//! The plain types that every layer speaks: no SQL, no HTTP, no clock.
//!
//! # Layout
//! - [`id`]: the numbers that name stored things.
//! - [`time`]: milliseconds since 1970, UTC.
//! - [`series`]: what a line on a chart is.
//! - [`run`]: one report, as stored.
//! - [`judged`]: a measurement with what is said of it.
//! - [`environment`]: a machine's fingerprint.

pub mod environment;
pub mod id;
pub mod judged;
pub mod run;
pub mod series;
pub mod time;

pub use environment::Environment;
pub use id::{ArtifactId, EnvironmentId, RunId, SeriesId, TokenId};
pub use judged::{Judged, JudgedRun, Judgement, Measurement, Point};
pub use run::{Coverage, Revision, Run, RunKind};
pub use series::{Series, SeriesKey};
pub use time::Millis;
