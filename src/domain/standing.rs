//! The alerts that a run is measured against.

use std::collections::HashMap;

use serde::Serialize;

use super::alert::{Alert, AlertState, How};
use super::{AlertId, Millis, SeriesId};

/// An alert that stands against a series of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Standing {
    /// The alert.
    pub alert: AlertId,
    /// The level before the change.
    pub frozen_baseline: f64,
}

/// By series, the alert that stood at `at` and that nobody has accepted or dismissed since; of
/// several the oldest, whose frozen level is the one before all changes. `suite_version`: what
/// another version measured is not compared.
pub fn standing(alerts: &[Alert], suite_version: &str, at: Millis) -> HashMap<SeriesId, Standing> {
    let closed = |state| matches!(state, AlertState::Accepted | AlertState::Dismissed);
    let mut found: Vec<(Millis, SeriesId, Standing)> = alerts
        .iter()
        .filter(|alert| alert.suite_version == suite_version && !closed(alert.state))
        .flat_map(|alert| alert.series.iter().map(move |series| (alert, series)))
        .filter(|(_, series)| {
            let over = match series.ended {
                None => false,
                Some((_, How::Accepted | How::Retracted)) => true,
                Some((ended, How::Recovered)) => ended <= at,
            };
            series.confirmed_at <= at && !over
        })
        .map(|(alert, series)| {
            let standing = Standing {
                alert: alert.id,
                frozen_baseline: series.frozen_baseline,
            };
            (series.since.at, series.series, standing)
        })
        .collect();
    // The oldest last, for the last one stays in the map.
    found.sort_by_key(|(since, ..)| std::cmp::Reverse(*since));
    found
        .into_iter()
        .map(|(_, series, standing)| (series, standing))
        .collect()
}
