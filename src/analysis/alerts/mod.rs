//! The life of an alert: what the nights make of it, and what people make of it.
//!
//! # Layout
//! - [`mod@derive`]: from what became of each series to alerts, one a cause; night by night, and a whole
//!   history at once.
//! - [`bridge`]: what becomes of them where their epoch ends.
//! - [`act`]: what a person may do, and what it does.
//!
//! # Invariants
//! 1. An alert's state is a function of its events in the order of time, so it does not matter in
//!    which order they became known.
//! 2. What the rules said is made again from stored values to the same answer; what people said is
//!    never dropped.

pub mod act;
pub mod bridge;
pub mod derive;

use std::collections::BTreeMap;

use bench_verdict::band;
use bench_verdict::verdict::{Band, Evidence};

use crate::domain::alert::{Alert, AlertEvent, AlertState, By, What};
use crate::domain::{Series, SeriesId};

pub use derive::{after_night, after_pairs, again, over_bridges};

/// The state that events lead to; they are in the order of time.
///
/// The first series that is confirmed opens it. When the last one is over it is resolved, or
/// accepted or retracted where none recovered. A series that joins, or one that returns, opens it
/// again. A person acknowledges what is open, accepts or dismisses what is not over, and takes
/// either back; what comes at another time is written down and changes nothing.
pub fn state(events: &[AlertEvent]) -> AlertState {
    let mut state = AlertState::Retracted;
    // How many worsenings of each series are there.
    let mut bad: BTreeMap<Option<SeriesId>, u32> = BTreeMap::new();
    // What the series that are over came to, since the alert was opened last.
    let (mut recovered, mut accepted) = (false, false);
    for event in events {
        let by_person = event.who.is_some();
        match event.what {
            What::Confirmed => {
                *bad.entry(event.series).or_default() += 1;
                if !state.is_active() {
                    (recovered, accepted) = (false, false);
                    state = AlertState::Open;
                }
            }
            What::Returned => {
                *bad.entry(event.series).or_default() += 1;
                // Who accepted it or dismissed it has seen it bad.
                if matches!(state, AlertState::Resolved | AlertState::Retracted) {
                    (recovered, accepted) = (false, false);
                    state = AlertState::Open;
                }
            }
            What::Recovered | What::Retracted => {
                leave(&mut bad, event);
                recovered |= event.what == What::Recovered;
            }
            What::Accepted if !by_person => {
                leave(&mut bad, event);
                accepted = true;
            }
            What::Accepted if state.is_active() => state = AlertState::Accepted,
            What::Dismissed if state.is_active() => state = AlertState::Dismissed,
            What::Acknowledged if state == AlertState::Open => state = AlertState::Acknowledged,
            What::Reopened if !bad.is_empty() => state = AlertState::Open,
            What::Accepted
            | What::Dismissed
            | What::Acknowledged
            | What::Reopened
            | What::Assigned
            | What::Bridged
            | What::Noted
            | What::Bisected => {}
        }
        if bad.is_empty() && state.is_active() {
            state = match (recovered, accepted) {
                (true, _) => AlertState::Resolved,
                (false, true) => AlertState::Accepted,
                (false, false) => AlertState::Retracted,
            };
        }
    }
    state
}

fn leave(bad: &mut BTreeMap<Option<SeriesId>, u32>, event: &AlertEvent) {
    if let Some(count) = bad.get_mut(&event.series) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            bad.remove(&event.series);
        }
    }
}

/// Whether a series' name matches a glob.
pub fn is_named(series: &Series, pattern: &str) -> bool {
    bench_verdict::patterns::matches(pattern, &series.name())
}

/// How bad it is: the band of its largest worsening. What is worse than zero is critical.
pub fn band_of(alert: &Alert) -> Band {
    alert.size().map_or(Band::Critical, Band::of)
}

/// How sure it is.
pub fn evidence(by: By) -> Evidence {
    match by {
        By::Nights | By::Pairs => Evidence::Confirmed,
        By::Count => Evidence::Exact,
    }
}

/// How far a value lies from a level, positive being worse; none where the level is zero.
pub fn change_from(series: &Series, level: f64, value: f64) -> Option<f64> {
    band::judge(value, Some(level), series.better, series.floor).change
}

/// Whether a series of it is still worse, whatever people said.
pub fn is_bad(alert: &Alert) -> bool {
    alert.open_series().next().is_some()
}

/// Puts the events in order, and derives from them what is derived: the state, the owner, and when
/// something happened last.
fn settle(alert: &mut Alert) {
    // What the rules say of a night comes before what a person says at the same moment.
    alert
        .events
        .sort_by_key(|event| (event.at, event.who.is_some(), event.series));
    alert
        .series
        .sort_by_key(|series| (series.confirmed_at, series.series));
    alert.state = state(&alert.events);
    alert.owner = alert
        .events
        .iter()
        .rev()
        .find(|event| event.what == What::Assigned)
        .and_then(|event| event.text.clone());
    let confirmed = |event: &&AlertEvent| event.what == What::Confirmed;
    if let Some(first) = alert.events.iter().find(confirmed) {
        alert.opened_at = first.at;
    }
    if let Some(last) = alert.events.last() {
        alert.changed_at = last.at;
    }
}
