//! What happened to an alert, in sentences.

use std::sync::Arc;

use crate::domain::alert::{AlertEvent, What};
use crate::domain::{Millis, Series};
use crate::text;

/// Something that happened.
pub(super) struct EventRow {
    pub(super) when: String,
    pub(super) iso: String,
    pub(super) who: String,
    pub(super) what: String,
    pub(super) text: String,
}

/// The events, newest first; what happened to several series at once is said once.
pub(super) fn timeline(
    events: &[AlertEvent],
    series: &[Arc<Series>],
    now: Millis,
) -> Vec<EventRow> {
    let is_one = |a: &AlertEvent, b: &AlertEvent| {
        let by_rules = a.who.is_none() && b.who.is_none();
        by_rules && (a.at, a.what) == (b.at, b.what)
    };
    let groups = events.chunk_by(is_one);
    groups
        .rev()
        .map(|group| event_row(group, series, now))
        .collect()
}

fn event_row(group: &[AlertEvent], series: &[Arc<Series>], now: Millis) -> EventRow {
    let event = &group[0];
    let name = event.series.and_then(|id| {
        let series = series.iter().find(|s| s.id == id)?;
        Some(series.name())
    });
    let of = match group.len() {
        // An alert of one series has named it above.
        1 if series.len() < 2 => String::new(),
        1 => name.map_or_else(String::new, |name| format!("{name}: ")),
        n => format!("{n} series: "),
    };
    let by_rules = event.who.is_none();
    let what = match event.what {
        What::Confirmed => format!("{of}confirmed, baseline frozen"),
        What::Recovered => format!("{of}back at the level before"),
        What::Retracted => format!("{of}the change was taken back"),
        What::Returned => format!("{of}bad again"),
        What::Accepted if by_rules => format!("{of}the new level is the accepted one"),
        What::Accepted => "accepted the new level".to_owned(),
        What::Bridged => format!("{of}the epoch has ended, and a bridge carries it on"),
        What::Acknowledged => "acknowledged".to_owned(),
        What::Dismissed => "dismissed it".to_owned(),
        What::Reopened => "opened it again".to_owned(),
        What::Assigned => match &event.text {
            Some(owner) => format!("gave it to {owner}"),
            None => "took it from its owner".to_owned(),
        },
        What::Noted => "noted".to_owned(),
        What::Bisected => left(&event.bisected()),
    };
    EventRow {
        when: format!(
            "{} {}",
            text::day_near(event.at, now),
            text::clock(event.at)
        ),
        iso: text::iso(event.at),
        who: event.who.clone().unwrap_or_default(),
        what,
        text: event
            .text
            .clone()
            .filter(|_| !matches!(event.what, What::Assigned | What::Bisected))
            .unwrap_or_default(),
    }
}

/// What a bisect found, in words.
fn left(commits: &[&str]) -> String {
    let short: Vec<&str> = commits.iter().map(|c| c.get(..7).unwrap_or(c)).collect();
    match short.as_slice() {
        [one] => format!("bisected it to {one}"),
        several => format!("bisected it to one of {}", several.join(", ")),
    }
}
