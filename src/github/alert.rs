//! What an alert says as an issue: its body as it stands now, and its life as notes.

use std::collections::HashMap;

use bench_report::metric::{Direction, Unit, format_change, format_value};
use bench_verdict::band;
use bench_verdict::markdown::escaped;

use super::issue::{IssueWish, Note, Then};
use super::proof::{self, Proof};
use crate::analysis::alerts;
use crate::domain::alert::{Alert, AlertEvent, AlertSeries, AlertState, By, Night, What};
use crate::domain::{Millis, RunId, SeriesId};

/// Rows that are read; the rest is folded.
const ROWS: usize = 10;
/// Rows at all.
const MOST_ROWS: usize = 100;
/// Series that a sentence names.
const NAMED: usize = 3;

/// An alert with what its words need.
#[derive(Debug, Clone)]
pub struct AlertFacts {
    /// The alert.
    pub alert: Alert,
    /// The machine's name.
    pub environment: String,
    /// Of each of its series.
    pub series: HashMap<SeriesId, SeriesFacts>,
    /// The last night of its epoch, where that has ended and it is open.
    pub epoch_ended: Option<Millis>,
    /// The server's public address.
    pub public_url: Option<String>,
}

/// What is said of a series in an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesFacts {
    /// Such as `KVEventBurstLoad latency_p99 cpu=2`.
    pub name: String,
    /// Unit of its values.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// Its main nights since it got worse, oldest first: of the epoch that a bridge carries it on to,
    /// where one does.
    pub nights: Vec<NightValue>,
}

/// A main night of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NightValue {
    /// The run.
    pub run: RunId,
    /// Its time.
    pub at: Millis,
    /// What it published.
    pub value: f64,
}

/// What should stand at GitHub about an alert.
pub fn wish(facts: &AlertFacts) -> IssueWish {
    let alert = &facts.alert;
    let worst = worst(alert).map(|series| name(facts, series));
    IssueWish {
        fingerprint: alert.fingerprint.clone(),
        title: title(alert, &worst.unwrap_or_default(), &facts.environment),
        body: body(facts),
        is_open: alert.is_active(),
        since: alert.opened_at,
        notes: notes(facts),
    }
}

/// `KVEventBurstLoad latency_p99 cpu=2 and 3 more: +25.0% on ci-a since c0ffee1`. `worst` is the name
/// of the series of [`worst`].
pub fn title(alert: &Alert, worst: &str, environment: &str) -> String {
    let others = alert.series.len().saturating_sub(1);
    let more = match others {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let size = alert
        .size()
        .map_or_else(|| "worse than 0".to_owned(), format_change);
    format!(
        "{worst}{more}: {size} on {environment} since {}",
        short(&alert.first_bad.commit)
    )
}

/// The series that an alert is named after: of those that are worse, the one that is so most.
pub fn worst(alert: &Alert) -> Option<SeriesId> {
    worst_first(alert).first().map(|one| one.series)
}

fn body(facts: &AlertFacts) -> String {
    let alert = &facts.alert;
    let count = alert.series.len();
    let size = alert
        .size()
        .map_or_else(|| "from a level of zero".to_owned(), format_change);
    let mut out = format!(
        "**{} on {}, the worst {size}, since {}.**\n\n",
        escaped(&series_got_worse(count)),
        escaped(&facts.environment),
        night(facts, &alert.first_bad)
    );
    out.push_str(&format!("State: {}", alert.state));
    if let Some(owner) = &alert.owner {
        out.push_str(&format!(", taken care of by {}", escaped(owner)));
    }
    if let Some(reason) = alert.reason() {
        out.push_str(&format!(": {}", escaped(reason)));
    }
    let over = steps(&alert.events);
    let over = over.iter().rfind(|step| step.is_over());
    if let (AlertState::Resolved, Some(over)) = (alert.state, over) {
        let proof = Proof::new(facts, over.at(), None);
        if !proof.is_whole() {
            out.push_str(&format!(
                ", with {} of the {} good nights in a row that close this issue",
                proof.nights(),
                proof::NIGHTS
            ));
        }
    }
    out.push_str(".\n\n");
    if let Some(last) = facts.epoch_ended {
        let last = day(last);
        let carried_on = alert.open_series().all(|one| one.bridged.is_some());
        out.push_str(&match carried_on {
            true => {
                format!("Its epoch ended on {last}; a bridge carries it on to the next one.\n\n")
            }
            false => format!(
                "Its epoch ended on {last}: nothing measures its series any more, until \
                 `bench-runner bridge` carries them on.\n\n"
            ),
        });
    }
    out.push_str(&match &alert.last_good {
        Some(good) => format!(
            "Suspects: the commits after {} (night of {}) up to {}.\n\n",
            escaped(&good.commit),
            day(good.at),
            escaped(&alert.first_bad.commit)
        ),
        None => format!(
            "Suspect: {} or a commit before it; no night before it is known.\n\n",
            escaped(&alert.first_bad.commit)
        ),
    });
    table(&mut out, facts);
    if let Some(url) = &facts.public_url {
        out.push_str(&format!(
            "[The alert]({url}/alerts/{}): acknowledge, accept the new level or dismiss it there. ",
            alert.id
        ));
    }
    out.push_str(
        "This issue follows the alert: it is closed when the alert is over and each series that is back \
         had three good nights in a row, and opened again if one returns.\n",
    );
    out
}

fn table(out: &mut String, facts: &AlertFacts) {
    const HEAD: &str = "| series | level before | last night | change | confirmed | state |\n\
                        |---|--:|--:|--:|---|---|\n";
    let rows: Vec<String> = worst_first(&facts.alert)
        .into_iter()
        .map(|one| row(facts, one))
        .collect();
    out.push_str(HEAD);
    rows.iter().take(ROWS).for_each(|row| out.push_str(row));
    out.push('\n');
    if rows.len() > ROWS {
        let rest = rows.len() - ROWS;
        out.push_str(&format!(
            "<details><summary>{rest} more series</summary>\n\n{HEAD}"
        ));
        let some = rows.iter().skip(ROWS).take(MOST_ROWS - ROWS);
        some.for_each(|row| out.push_str(row));
        if rows.len() > MOST_ROWS {
            out.push_str(&format!("\n… and {} more.\n", rows.len() - MOST_ROWS));
        }
        out.push_str("\n</details>\n\n");
    }
}

fn row(facts: &AlertFacts, one: &AlertSeries) -> String {
    let known = facts.series.get(&one.series);
    let frozen = one.now().frozen_baseline;
    let newest = known.and_then(|known| known.nights.last().copied());
    let value_of = |value: f64| known.map_or_else(String::new, |k| value_text(value, &k.unit));
    let change = known.zip(newest).and_then(|(known, newest)| {
        band::change(newest.value, frozen, known.better).map(format_change)
    });
    let state = match one.ended {
        None => "worse".to_owned(),
        Some((at, how)) => format!("{} {}", how_word(how), day(at)),
    };
    format!(
        "| {} | {} | {} | {} | {} by {} | {state} |\n",
        escaped(&name(facts, one.series)),
        value_of(frozen),
        newest.map_or_else(|| "not available".to_owned(), |n| value_of(n.value)),
        change.unwrap_or_else(|| "not available".to_owned()),
        day(one.confirmed_at),
        by_word(one.by),
    )
}

/// What happened to an alert at once.
struct Step<'a> {
    group: &'a [AlertEvent],
    before: AlertState,
    after: AlertState,
}

impl Step<'_> {
    fn at(&self) -> Millis {
        self.group[0].at
    }

    fn is_over(&self) -> bool {
        self.before.is_active() && !self.after.is_active()
    }
}

fn steps(events: &[AlertEvent]) -> Vec<Step<'_>> {
    let mut end = 0;
    let groups = events.chunk_by(|a, b| a.at == b.at && a.who == b.who);
    groups
        .map(|group| {
            let before = alerts::state(&events[..end]);
            end += group.len();
            let after = alerts::state(&events[..end]);
            Step {
                group,
                before,
                after,
            }
        })
        .collect()
}

/// The life of the alert after its opening, one note for what happened at once. That it is over is
/// told with its proof.
fn notes(facts: &AlertFacts) -> Vec<Note> {
    let steps = steps(&facts.alert.events);
    let mut notes = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        if place == 0 && step.after.is_active() {
            // The body opens the issue.
            continue;
        }
        let by_person = step.group.iter().any(|event| event.who.is_some());
        if !step.before.is_active() && !step.after.is_active() && !by_person {
            // What came and went on one night wakes nobody.
            continue;
        }
        let mut proof = None;
        let then = match (step.before.is_active(), step.after.is_active()) {
            (true, false) if step.after == AlertState::Resolved => {
                let later = steps[place + 1..]
                    .iter()
                    .find(|later| later.after.is_active());
                let again = later.map(Step::at);
                let found = Proof::new(facts, step.at(), again);
                match (found.is_whole(), again) {
                    (true, _) => {
                        proof = Some(found);
                        Then::Close
                    }
                    (false, Some(_)) => Then::Nothing,
                    (false, None) => continue,
                }
            }
            (true, false) if step.after == AlertState::Accepted => Then::Close,
            (true, false) => Then::Dismiss,
            (false, true) => Then::Reopen,
            _ => Then::Nothing,
        };
        let Some(text) = note_text(facts, step, then, proof.as_ref()) else {
            continue;
        };
        notes.push(Note {
            id: note_id(step.group),
            at: step.at(),
            text,
            then,
        });
    }
    notes
}

/// What makes a note itself: what happened, to what, when, by whom.
fn note_id(group: &[AlertEvent]) -> String {
    let mut id = format!(
        "{} {}",
        group[0].at.0,
        group[0].who.as_deref().unwrap_or_default()
    );
    for event in group {
        let series = event.series.map_or(0, |series| series.0);
        id.push_str(&format!(" {:?} {series}", event.what));
    }
    id
}

fn note_text(
    facts: &AlertFacts,
    step: &Step<'_>,
    then: Then,
    proof: Option<&Proof<'_>>,
) -> Option<String> {
    let mut lines = Vec::new();
    for what in [
        What::Bridged,
        What::Confirmed,
        What::Returned,
        What::Recovered,
        What::Retracted,
        What::Accepted,
        What::Acknowledged,
        What::Dismissed,
        What::Reopened,
        What::Assigned,
        What::Noted,
        What::Bisected,
    ] {
        let of: Vec<&AlertEvent> = step
            .group
            .iter()
            .filter(|event| event.what == what)
            .collect();
        if !of.is_empty() {
            lines.push(sentence(facts, what, &of, then));
        }
    }
    if lines.is_empty() {
        return None;
    }
    let at = day(step.at());
    let mut text = format!("{at}: {}\n", lines.join(" "));
    match then {
        Then::Close | Then::Dismiss => {
            text.push_str(&format!("\nThe alert is {}.\n", step.after));
            if let Some(proof) = proof {
                text.push('\n');
                proof.write(&mut text, facts);
            }
        }
        Then::Reopen => text.push_str("\nThe alert is open again.\n"),
        Then::Nothing => {}
    }
    Some(text)
}

fn sentence(facts: &AlertFacts, what: What, of: &[&AlertEvent], then: Then) -> String {
    let who = of.iter().find_map(|event| event.who.as_deref());
    let who = who.map_or("the rules".to_owned(), escaped);
    let text = of.iter().find_map(|event| event.text.as_deref());
    let said = text.map_or_else(String::new, |text| format!(": {}", escaped(text)));
    let series: Vec<String> = of
        .iter()
        .filter_map(|event| event.series)
        .map(|series| escaped(&name(facts, series)))
        .collect();
    let named = list(&series);
    let are = |one: &str, many: &str| if series.len() == 1 { one } else { many }.to_owned();
    match what {
        What::Confirmed if then == Then::Reopen => {
            format!("{named} {} worse again.", are("is", "are"))
        }
        What::Confirmed => format!("worse at the same revision, too: {named}."),
        What::Returned => format!("{named} {} worse again.", are("is", "are")),
        What::Bridged => {
            format!("the epoch has ended, and a bridge carries {named} on to the next one{said}.")
        }
        What::Recovered => format!("{named} {} back at the level before.", are("is", "are")),
        What::Retracted => format!("later nights no longer show it for {named}."),
        What::Accepted if series.is_empty() => {
            format!("{who} accepted the new levels{said}.")
        }
        What::Accepted => format!("the new level of {named} is accepted{said}."),
        What::Acknowledged => format!("{who} knows of it{said}."),
        What::Dismissed => format!("{who} dismissed it{said}."),
        What::Reopened => format!("{who} took that back{said}."),
        What::Assigned => match text {
            Some(name) => format!("{} takes care of it.", escaped(name)),
            None => "nobody takes care of it any more.".to_owned(),
        },
        What::Noted => format!("{who} notes{said}."),
        What::Bisected => format!("a bisect by {who} leaves{said}."),
    }
}

/// Those that are not over first, then the largest.
fn worst_first(alert: &Alert) -> Vec<&AlertSeries> {
    let mut series: Vec<&AlertSeries> = alert.series.iter().collect();
    let size = |one: &AlertSeries| one.change.unwrap_or(f64::INFINITY);
    series.sort_by(|a, b| {
        let over = a.ended.is_some().cmp(&b.ended.is_some());
        over.then(size(b).total_cmp(&size(a)))
            .then(a.series.cmp(&b.series))
    });
    series
}

fn name(facts: &AlertFacts, series: SeriesId) -> String {
    let known = facts.series.get(&series);
    known.map_or_else(|| format!("series {series}"), |known| known.name.clone())
}

fn series_got_worse(count: usize) -> String {
    match count {
        1 => "One series got worse".to_owned(),
        n => format!("{n} series got worse at the same revision"),
    }
}

/// `the night of 2026-03-01 (run 12) at c0ffee…`.
fn night(facts: &AlertFacts, night: &Night) -> String {
    format!(
        "the night of {} ({}) at {}",
        day(night.at),
        run_link(facts, night.run),
        escaped(&night.commit)
    )
}

pub(super) fn run_link(facts: &AlertFacts, run: RunId) -> String {
    match &facts.public_url {
        Some(url) => format!("[run {run}]({url}/runs/{run})"),
        None => format!("run {run}"),
    }
}

fn list(names: &[String]) -> String {
    let named = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    match names.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

pub(super) fn value_text(value: f64, unit: &str) -> String {
    match Unit::parse(unit) {
        Ok(unit) => escaped(&format_value(value, unit).to_string()),
        Err(_) => escaped(&format!("{value} {unit}")),
    }
}

fn day(at: Millis) -> String {
    at.timestamp().strftime("%Y-%m-%d").to_string()
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

fn by_word(by: By) -> &'static str {
    match by {
        By::Nights => "nights",
        By::Pairs => "pairs",
        By::Count => "counting",
    }
}

fn how_word(how: crate::domain::alert::How) -> &'static str {
    use crate::domain::alert::How;
    match how {
        How::Recovered => "back since",
        How::Retracted => "taken back",
        How::Accepted => "accepted",
    }
}
