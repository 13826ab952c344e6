//! The plain types that every layer speaks: no SQL, no HTTP, no clock.
//!
//! # Layout
//! - [`id`]: the numbers that name stored things.
//! - [`time`]: milliseconds since 1970, UTC.
//! - [`series`]: what a line on a chart is.
//! - [`run`]: one report, as stored.
//! - [`judged`]: a measurement with what is said of it.
//! - [`environment`]: a machine's fingerprint.
//! - [`mod@file`]: curves, histograms and files of a run.
//! - [`new_run`]: a valid report, before it is stored; its coverage.
//! - [`pair`]: sides of pairs, and the commits that a run covers.
//! - [`rule`]: rules per pattern, as they were saved.
//! - [`text`]: texts that many points share.
//! - [`access`]: tokens and scopes. [`github`]: where on GitHub things are said.
//! - [`alert`]: one cause of worsenings, and its life. [`mod@standing`]: those that a run is
//!   measured against.
//! - [`bridge`]: what becomes of alerts where their epoch ends.
//! - [`confirmation`]: pairs measured on the night of a run.

pub mod access;
pub mod alert;
pub mod bridge;
pub mod confirmation;
pub mod environment;
pub mod file;
pub mod github;
pub mod id;
pub mod judged;
pub mod new_run;
pub mod pair;
pub mod rule;
pub mod run;
pub mod series;
pub mod standing;
pub mod text;
pub mod time;

pub use access::{Scope, Token};
pub use alert::{Alert, AlertEvent, AlertSeries, AlertState};
pub use environment::Environment;
pub use file::{Artifact, Curve, Histogram};
pub use id::{AlertId, AnnotationId, ArtifactId, EnvironmentId, RunId, SeriesId, TokenId};
pub use judged::{InputsHash, Judged, JudgedRun, Judgement, Measurement, OfRun, Point};
pub use new_run::{
    Expectation, NewArtifact, NewEnvironment, NewMeasurement, NewRun, Published, SeriesName,
};
pub use pair::{Commit, Purpose, RunPair, Side};
pub use rule::{Patterns, RuleVersion};
pub use run::{Coverage, Revision, Run, RunKind};
pub use series::{Series, SeriesKey};
pub use standing::{Decided, Standing, Standings, standing, standings};
pub use text::Text;
pub use time::Millis;
