//! Alerts, accepted levels, what pairs said, annotations.
//!
//! # Layout
//! - `read`: alerts as they are asked for. `write`: as they change.
//! - `level`: accepted levels, and what pairs said: what people and pairs add to the nights.
//! - `note`: annotations.
//! - `ended`: alerts of epochs that have ended.

mod ended;
mod level;
mod note;
mod read;
mod write;

use crate::domain::alert::{Alert, AlertInputs, SeriesNews};
use crate::domain::bridge::Bridges;

pub use level::{Accepting, ConfirmInputs};
pub use note::NewAnnotation;
pub use read::AlertFilter;

pub(super) use level::pairs_said;
pub(super) use write::settle;

/// What becomes of the alerts: news, and the function that makes alerts of them. It is called in the
/// transaction that writes the answer.
#[derive(Debug, Clone)]
pub struct AlertStep {
    /// What became of worsenings.
    pub news: Vec<SeriesNews>,
    /// Where the epoch has ended: what bridges it.
    pub bridges: Bridges,
    /// Gives the alerts that are otherwise than before.
    pub settle: fn(AlertInputs, &[SeriesNews]) -> Vec<Alert>,
}
