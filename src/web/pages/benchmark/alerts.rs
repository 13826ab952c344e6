//! The alerts of a benchmark, the newest first.

use bench_report::metric::format_change;

use super::Loaded;
use crate::domain::Millis;
use crate::domain::alert::Alert;
use crate::text;

/// So many alerts are listed.
const MOST: usize = 8;

/// The section.
pub(super) struct AlertsView {
    /// Such as `3 so far, 1 open`.
    pub(super) note: String,
    pub(super) rows: Vec<AlertRow>,
}

/// An alert.
pub(super) struct AlertRow {
    pub(super) opened: String,
    pub(super) id: i64,
    /// The series with the largest change, and how many more.
    pub(super) what: String,
    pub(super) change: String,
    pub(super) change_class: &'static str,
    /// Such as `resolved, 6 nights`.
    pub(super) ended: String,
}

pub(super) fn alerts(loaded: &Loaded, now: Millis) -> AlertsView {
    let mut all: Vec<&Alert> = loaded.alerts.iter().collect();
    all.sort_by_key(|alert| std::cmp::Reverse((alert.opened_at, alert.id)));
    let open = all.iter().filter(|alert| alert.is_active()).count();
    AlertsView {
        note: match all.len() {
            0 => "none so far".to_owned(),
            total => format!("{total} so far, {open} open"),
        },
        rows: all
            .into_iter()
            .take(MOST)
            .map(|alert| row(alert, loaded, now))
            .collect(),
    }
}

fn row(alert: &Alert, loaded: &Loaded, now: Millis) -> AlertRow {
    let own: Vec<_> = alert
        .series
        .iter()
        .filter_map(|one| {
            let series = loaded.choice.all.iter().find(|s| s.id == one.series)?;
            Some((one.change, series))
        })
        .collect();
    // A change from zero has no size, and is larger than any other.
    let largest = own.iter().max_by(|a, b| {
        a.0.unwrap_or(f64::INFINITY)
            .total_cmp(&b.0.unwrap_or(f64::INFINITY))
    });
    let change = largest.and_then(|(change, _)| *change);
    let mut what = largest.map_or_else(String::new, |(_, series)| {
        format!("{} {}", series.key.metric, series.params_text())
    });
    if own.len() > 1 {
        what += &format!(" and {} more", own.len() - 1);
    }
    let nights = (alert.changed_at.0 - alert.opened_at.0) / crate::domain::time::DAY_MS;
    let nights = u64::try_from(nights).unwrap_or(0);
    AlertRow {
        opened: text::day_near(alert.opened_at, now),
        id: alert.id.0,
        what,
        change: change.map_or_else(|| "–".to_owned(), format_change),
        change_class: match change {
            Some(change) if change <= 0.1 => "info",
            Some(change) if change <= 0.2 => "warning",
            _ => "critical",
        },
        ended: match alert.is_active() {
            true => alert.state.name().to_owned(),
            false => format!(
                "{}, {}",
                alert.state,
                text::plural(nights, "night", "nights")
            ),
        },
    }
}
