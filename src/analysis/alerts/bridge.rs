//! Where an alert's epoch ends its series are measured no more, and what the next epoch measures is
//! not compared. A bridging run says how many times larger the same code reads there: by that factor
//! the frozen level and the limit are carried on, from epoch to epoch as far as bridges reach.
//!
//! # Invariants
//! 1. What a bridge does is made anew from stored values each time, so it does not matter when the
//!    bridging run came, and a further one corrects the factor.
//! 2. From the moment when a person accepts or dismisses an alert, no bridge changes it.

use bench_report::metric::Direction;
use bench_verdict::regression::{NIGHTS, is_beyond};
use bench_verdict::stats::order;

use super::{settle, state};
use crate::analysis::epochs::{Part, epochs};
use crate::domain::alert::{Alert, AlertEvent, AlertSeries, AlertState, How, What};
use crate::domain::bridge::{Bridged, Bridges, Leg};
use crate::domain::{Millis, SeriesId};

/// The epochs that bridges reach from a series' own one, in the order of time. None where no night
/// of its own epoch is left: then nothing is known.
pub fn legs(
    parts: &[Part],
    series: SeriesId,
    suite_version: &str,
    better: Direction,
) -> Option<Vec<Leg>> {
    let epochs = epochs(parts);
    let own = epochs
        .iter()
        .rposition(|epoch| epoch.series_id == series && *epoch.suite_version == *suite_version)?;
    let mut factor = 1.0;
    let mut legs = Vec::new();
    for epoch in &epochs[own + 1..] {
        let Some(bridge) = &epoch.bridge else { break };
        let part = parts.iter().find(|part| part.series == epoch.series_id)?;
        factor *= bridge.factor;
        let span = Millis::from(epoch.from)..=Millis::from(epoch.to);
        let nights = part.nights.iter().filter(|night| {
            span.contains(&night.time) && night.of.suite_version == epoch.suite_version
        });
        legs.push(Leg {
            series: epoch.series_id,
            environment: epoch.environment_id,
            suite_version: epoch.suite_version.to_string(),
            run: bridge.run_id,
            measured_at: bridge.measured_at.into(),
            commit: bridge.commit.to_string(),
            factor,
            nights: nights.map(|night| (night.time, night.value)).collect(),
            better,
        });
    }
    Some(legs)
}

/// Carries the series of an alert on that were not over when its epoch ended, and ends those that
/// are back. A series that `bridges` leaves out stays as it is.
pub fn carry_on(alert: &mut Alert, bridges: &Bridges) {
    for one in &mut alert.series {
        if bridges.contains_key(&one.series) {
            undo(one, &mut alert.events);
        }
    }
    let closed_at = closed_at(alert);
    for one in &mut alert.series {
        let Some(legs) = bridges.get(&one.series).filter(|_| one.ended.is_none()) else {
            continue;
        };
        // What came after it was closed is not known to it.
        let legs: Vec<&Leg> = legs
            .iter()
            .take_while(|leg| leg.measured_at <= closed_at)
            .collect();
        let Some(last) = legs.last() else { continue };
        let there = bridged(one, last);
        alert.events.push(AlertEvent {
            at: there.measured_at,
            who: None,
            what: What::Bridged,
            series: Some(one.series),
            text: Some(format!(
                "run {}: the same code reads {:.2}\u{d7} as much",
                there.run, there.factor
            )),
        });
        let back = legs.iter().find_map(|leg| back(one, leg));
        if let Some(at) = back.filter(|at| *at <= closed_at) {
            one.ended = Some((at, How::Recovered));
            alert.events.push(AlertEvent {
                at,
                who: None,
                what: What::Recovered,
                series: Some(one.series),
                text: Some(format!("over the bridge of run {}", there.run)),
            });
        }
        one.bridged = Some(there);
    }
    settle(alert);
}

/// Takes back what bridges have made of a series: of what the rules say only they give a text to
/// that it is back.
fn undo(one: &mut AlertSeries, events: &mut Vec<AlertEvent>) {
    let of_bridge = |event: &AlertEvent| {
        let what = match event.what {
            What::Bridged => true,
            What::Recovered => event.text.is_some(),
            _ => false,
        };
        what && event.who.is_none() && event.series == Some(one.series)
    };
    let was_back = |event: &AlertEvent| of_bridge(event) && event.what == What::Recovered;
    if events.iter().any(was_back) {
        one.ended = None;
    }
    events.retain(|event| !of_bridge(event));
    one.bridged = None;
}

/// When a person accepted or dismissed it, where nothing has opened it since; else the end of time.
fn closed_at(alert: &Alert) -> Millis {
    let is_closed = matches!(
        state(&alert.events),
        AlertState::Accepted | AlertState::Dismissed
    );
    let said = alert.events.iter().rfind(|event| {
        event.who.is_some() && matches!(event.what, What::Accepted | What::Dismissed)
    });
    match said.filter(|_| is_closed) {
        Some(event) => event.at,
        None => Millis(i64::MAX),
    }
}

fn bridged(one: &AlertSeries, leg: &Leg) -> Bridged {
    Bridged {
        series: leg.series,
        environment: leg.environment,
        suite_version: leg.suite_version.clone(),
        begun_at: leg.nights.first().map_or(leg.measured_at, |night| night.0),
        run: leg.run,
        measured_at: leg.measured_at,
        commit: leg.commit.clone(),
        factor: leg.factor,
        frozen_baseline: leg.factor * one.frozen_baseline,
        limit: leg.factor * one.limit,
    }
}

/// The first night on a leg by which the last nights' median is not worse than the limit, but not
/// before its bridge was measured.
fn back(one: &AlertSeries, leg: &Leg) -> Option<Millis> {
    let limit = leg.factor * one.limit;
    let at = leg.nights.windows(NIGHTS).find_map(|nights| {
        let values: Vec<f64> = nights.iter().map(|night| night.1).collect();
        let median = order::median(&values)?;
        let (at, _) = nights.last()?;
        (!is_beyond(leg.better, median, limit)).then_some(*at)
    })?;
    Some(at.max(leg.measured_at))
}
