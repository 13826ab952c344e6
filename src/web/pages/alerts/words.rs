//! What an alert says of itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use bench_report::metric::format_change;

use crate::domain::alert::{Alert, AlertState};
use crate::domain::{Millis, Series};
use crate::text;

/// What got worse, in a few words: its benchmark and what its series have in common.
pub(super) fn what(series: &[Arc<Series>]) -> String {
    let benchmarks: BTreeSet<&str> = series.iter().map(|s| s.key.benchmark.as_str()).collect();
    match (benchmarks.len(), series.first()) {
        (_, None) => "A series that is gone".to_owned(),
        (1, Some(first)) => {
            let common: Vec<String> = first
                .key
                .params
                .iter()
                .filter(|(name, value)| {
                    series
                        .iter()
                        .all(|s| s.key.params.get(*name) == Some(*value))
                })
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let metrics: BTreeSet<&str> = series.iter().map(|s| s.key.metric.as_str()).collect();
            let metric = if metrics.len() == 1 {
                format!(" {}", first.key.metric)
            } else {
                String::new()
            };
            let at = if common.is_empty() {
                String::new()
            } else {
                format!(" at {}", common.join(" "))
            };
            format!("{}{metric}{at}", first.key.benchmark)
        }
        (n, Some(_)) => format!("{n} benchmarks"),
    }
}

/// `KVEventConcurrency at cpu=8 is 28.6% worse since 23 Nov`.
pub(super) fn sentence(alert: &Alert, series: &[Arc<Series>], now: Millis) -> String {
    let what = what(series);
    let since = text::day_near(alert.first_bad.at, now);
    let size = alert
        .size()
        .map(|size| format_change(size).trim_start_matches('+').to_owned());
    let worse = match (&size, alert.series.len()) {
        (Some(size), 0 | 1) => format!("{size} worse"),
        (Some(size), _) => format!("up to {size} worse"),
        (None, _) => "worse than zero".to_owned(),
    };
    let last = || text::day_near(alert.changed_at, now);
    let benchmarks: BTreeSet<&str> = series.iter().map(|s| s.key.benchmark.as_str()).collect();
    let (is, was, does) = match benchmarks.len() {
        0 | 1 => ("is", "was", "does"),
        _ => ("are", "were", "do"),
    };
    match alert.state {
        AlertState::Open | AlertState::Acknowledged => {
            format!("{what} {is} {worse} since {since}")
        }
        AlertState::Resolved => {
            format!("{what} {was} {worse} from {since}, and back by {}", last())
        }
        AlertState::Accepted => format!("{what} {is} {worse} since {since}: accepted"),
        AlertState::Dismissed => format!("{what} looked {worse} since {since}: dismissed"),
        AlertState::Retracted => {
            format!("{what} looked {worse} since {since}, and no longer {does}")
        }
    }
}

/// `77ab0f4..c41d7e0`, or the first bad commit alone.
pub(super) fn suspects(alert: &Alert) -> String {
    let short = |commit: &str| commit.get(..7).unwrap_or(commit).to_owned();
    let bad = short(&alert.first_bad.commit);
    match &alert.last_good {
        Some(good) => format!("{}..{bad}", short(&good.commit)),
        None => bad,
    }
}

/// How long ago it opened, or how long it was open.
pub(super) fn age(alert: &Alert, now: Millis) -> String {
    const DAY: i64 = crate::domain::time::DAY_MS;
    let end = if alert.is_active() {
        now
    } else {
        alert.changed_at
    };
    let days = (end.0 - alert.opened_at.0).max(0) / DAY;
    match days {
        0 => "today".to_owned(),
        n => text::plural(u64::try_from(n).unwrap_or_default(), "day", "days"),
    }
}
