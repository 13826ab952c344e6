//! Which alerts a run is measured against.

use std::collections::HashMap;

use crate::domain::alert::{Alert, AlertState, How};
use crate::domain::{AlertId, Millis, SeriesId};

/// An alert that stands against a series of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Against {
    /// The alert.
    pub alert: AlertId,
    /// The level before the change.
    pub frozen_baseline: f64,
}

/// By series, the alert that stood at `at` and that nobody has accepted or dismissed since; of
/// several the oldest, whose frozen level is the one before all changes. `suite_version`: what
/// another version measured is not compared.
pub fn against(alerts: &[Alert], suite_version: &str, at: Millis) -> HashMap<SeriesId, Against> {
    let closed = |state| matches!(state, AlertState::Accepted | AlertState::Dismissed);
    let mut standing: Vec<(Millis, SeriesId, Against)> = alerts
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
            let against = Against {
                alert: alert.id,
                frozen_baseline: series.frozen_baseline,
            };
            (series.since.at, series.series, against)
        })
        .collect();
    // The oldest last, for the last one stays in the map.
    standing.sort_by_key(|(since, ..)| std::cmp::Reverse(*since));
    standing
        .into_iter()
        .map(|(_, id, against)| (id, against))
        .collect()
}
