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

/// A change that a person has accepted or dismissed, while a run's baseline still shows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Decided {
    /// Its alert.
    pub alert: AlertId,
    /// The level before it.
    pub frozen_baseline: f64,
    /// Its size, positive being worse; absent where the level before is zero.
    pub change: Option<f64>,
}

/// The alerts that a run is measured against, or no more, by series.
#[derive(Debug, Clone, Default)]
pub struct Standings {
    /// Those that stand.
    pub standing: HashMap<SeriesId, Standing>,
    /// Those that a person has decided of: the newest of each series.
    pub decided: HashMap<SeriesId, Decided>,
}

/// What alerts mean to a run at `at`, whose baseline reaches back to `from`.
pub fn standings(alerts: &[Alert], suite_version: &str, at: Millis, from: Millis) -> Standings {
    let mut decided: Vec<(Millis, SeriesId, Decided)> = Vec::new();
    for alert in alerts.iter().filter(|a| a.suite_version == suite_version) {
        for one in &alert.series {
            let shows = one.since.at <= at && one.since.at > from;
            let accepted = matches!(one.ended, Some((_, How::Accepted)));
            if shows && (accepted || is_closed(alert.state)) {
                let found = Decided {
                    alert: alert.id,
                    frozen_baseline: one.frozen_baseline,
                    change: one.change,
                };
                decided.push((one.since.at, one.series, found));
            }
        }
    }
    decided.sort_by_key(|(since, ..)| *since);
    Standings {
        standing: standing(alerts, suite_version, at),
        decided: decided.into_iter().map(|(_, id, one)| (id, one)).collect(),
    }
}

fn is_closed(state: AlertState) -> bool {
    matches!(state, AlertState::Accepted | AlertState::Dismissed)
}

/// By series, the alert that stood at `at` and that nobody has accepted or dismissed since; of
/// several the oldest, whose frozen level is the one before all changes. `suite_version`: what
/// another version measured is not compared, unless a bridge carries the alert on to this one.
pub fn standing(alerts: &[Alert], suite_version: &str, at: Millis) -> HashMap<SeriesId, Standing> {
    let mut found: Vec<(Millis, SeriesId, Standing)> = alerts
        .iter()
        .filter(|alert| !is_closed(alert.state))
        .flat_map(|alert| alert.series.iter().map(move |series| (alert, series)))
        .filter(|(_, series)| {
            let over = match series.ended {
                None => false,
                Some((_, How::Accepted | How::Retracted)) => true,
                Some((ended, How::Recovered)) => ended <= at,
            };
            series.confirmed_at <= at && !over
        })
        .filter_map(|(alert, series)| {
            let carried_on = series.bridged.as_ref();
            let carried_on = carried_on
                .filter(|there| there.suite_version == suite_version && there.begun_at <= at);
            // Of one machine both may hold only where suite versions take turns.
            let (id, frozen_baseline) = match carried_on {
                Some(there) => (there.series, there.frozen_baseline),
                None if alert.suite_version == suite_version => {
                    (series.series, series.frozen_baseline)
                }
                None => return None,
            };
            let standing = Standing {
                alert: alert.id,
                frozen_baseline,
            };
            Some((series.since.at, id, standing))
        })
        .collect();
    // The oldest last, for the last one stays in the map.
    found.sort_by_key(|(since, ..)| std::cmp::Reverse(*since));
    found
        .into_iter()
        .map(|(_, series, standing)| (series, standing))
        .collect()
}
