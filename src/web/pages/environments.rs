//! `/environments` and `/environments/{id}`: the machines, their epochs, and the noise they make.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use bench_report::metric::format_change;

use super::{Place, Reader, Shell, html, links, proof};
use crate::analysis::identical::{Identical, observe, of_rounds};
use crate::chart::canary::canary;
use crate::chart::control::control;
use crate::domain::{Environment, EnvironmentId, Millis, Run, RunId, Series};
use crate::store::{EpochSpan, RunFilter};
use crate::text;
use crate::web::api::confirmation::turns;
use crate::web::extract::Path;
use crate::web::{AppState, WebError};

/// So many pairs of identical programs are charted.
const PAIRS: u32 = 60;

/// So many runs are listed.
const RUNS: u32 = 20;

/// So many conditions are columns.
const CONDITIONS: usize = 4;

/// Letters of a condition that has room in a row.
const LONGEST_CONDITION: usize = 24;

#[derive(Template)]
#[template(path = "environments.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<MachineRow>,
}

struct MachineRow {
    url: String,
    name: String,
    is_sample: bool,
    /// The newest of its name.
    is_current: bool,
    what: String,
    fingerprint: String,
    runs: u64,
    series: u64,
    first: String,
    last: String,
}

#[derive(Template)]
#[template(path = "environment.html")]
struct MachinePage {
    shell: Shell,
    id: EnvironmentId,
    name: String,
    is_sample: bool,
    sentence: String,
    facts: Vec<(String, String)>,
    fingerprint: String,
    epochs: Vec<EpochRow>,
    /// The canaries, drawn wide and narrow.
    canary: Option<(String, String)>,
    /// Those of the newest night.
    canary_turns: Vec<(&'static str, String)>,
    pairs: Vec<PairRow>,
    chart: Option<(String, String)>,
    conditions: Vec<String>,
    runs: Vec<RunRow>,
    all_runs: String,
}

struct EpochRow {
    from: String,
    to: String,
    is_own: bool,
    url: String,
    suite: String,
    runs: u64,
    why: String,
}

struct PairRow {
    when: String,
    url: String,
    series: usize,
    middle: String,
    span: String,
    largest: String,
    largest_of: String,
}

struct RunRow {
    url: String,
    id: String,
    when: String,
    kind: String,
    commit: String,
    /// Label and value.
    conditions: Vec<(String, String)>,
}

/// `GET /environments`
pub async fn list(State(state): State<AppState>, reader: Reader) -> Result<Html<String>, WebError> {
    let machines = state.store.environments().await?;
    let counts = state.store.environment_counts().await?;
    let now = state.now();
    let shell = Shell::of(&state, reader, Place::Environments).await?;
    let mut names: Vec<&str> = Vec::new();
    let rows = machines
        .iter()
        .map(|machine| {
            let is_current = !names.contains(&machine.name.as_str());
            names.push(&machine.name);
            let of = counts.iter().find(|(id, _)| *id == machine.id);
            let of = of.map(|(_, counts)| *counts).unwrap_or_default();
            MachineRow {
                url: links::environment(machine.id),
                name: machine.name.clone(),
                is_sample: machine.is_sample,
                is_current,
                what: what(machine),
                fingerprint: short(&machine.fingerprint).to_owned(),
                runs: of.runs,
                series: of.series,
                first: text::day_year(machine.first_seen),
                last: text::age(machine.last_seen, now),
            }
        })
        .collect();
    html(&ListPage { shell, rows })
}

/// `GET /environments/{id}`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<EnvironmentId>,
) -> Result<Html<String>, WebError> {
    let machines = state.store.environments().await?;
    let machine = machines
        .iter()
        .find(|machine| machine.id == id)
        .ok_or_else(|| WebError::not_found("environment", id))?;
    let epochs = state.store.epochs_of_name(&machine.name).await?;
    let mut pairs = Vec::new();
    for (base, head) in state.store.identical_pairs(id, PAIRS).await? {
        let base = state.store.judged_run(base).await?;
        let head = state.store.judged_run(head).await?;
        pairs.extend(
            base.zip(head)
                .and_then(|(base, head)| observe(&base, &head)),
        );
    }
    pairs.extend(of_nights(&state, id).await?);
    pairs.sort_by_key(|pair| pair.time);
    let older = pairs.len().saturating_sub(PAIRS as usize);
    pairs.drain(..older);
    let turns = turns(&state, id, PAIRS).await?;
    let plantings = proof::plantings(&turns);
    let filter = RunFilter {
        environment: Some(id),
        limit: Some(RUNS),
        ..RunFilter::default()
    };
    let runs = state.store.runs(&filter).await?;
    let counts = state.store.environment_counts().await?;
    let run_count = counts
        .iter()
        .find(|(other, _)| *other == id)
        .map_or(0, |(_, counts)| counts.runs);
    let now = state.now();
    let shell = Shell::of(&state, reader, Place::Environments).await?;
    let conditions = labels(&runs);
    html(&MachinePage {
        shell,
        id,
        name: machine.name.clone(),
        is_sample: machine.is_sample,
        sentence: format!(
            "{}: {}, {} since {}",
            machine.name,
            what(machine),
            text::plural(run_count, "run", "runs"),
            text::day_year(machine.first_seen)
        ),
        facts: machine.facts.clone(),
        fingerprint: machine.fingerprint.clone(),
        epochs: epoch_rows(&epochs, &machines, id),
        chart: (!pairs.is_empty()).then(|| {
            (
                control(&pairs, 1200, "wide"),
                control(&pairs, 358, "narrow"),
            )
        }),
        canary: (!plantings.is_empty()).then(|| {
            (
                canary(&plantings, 1200, "wide"),
                canary(&plantings, 358, "narrow"),
            )
        }),
        canary_turns: turns
            .iter()
            .filter(|turn| Some(turn.run_id) == turns.last().map(|last| last.run_id))
            .map(|turn| {
                let view = proof::turn_view(turn);
                let class = if view.is_right { "" } else { "critical" };
                (class, view.text)
            })
            .collect(),
        pairs: pairs.iter().rev().take(10).map(pair_row).collect(),
        runs: runs
            .iter()
            .map(|run| run_row(run, &conditions, now))
            .collect(),
        conditions,
        all_runs: format!("/runs?environment={id}"),
    })
}

/// A run's identical pairs: by series, the rounds.
type Night = (RunId, Millis, Vec<(Arc<Series>, Vec<f64>)>);

/// The identical pairs that nights measured beside their runs, one entry a night.
async fn of_nights(state: &AppState, id: EnvironmentId) -> Result<Vec<Identical>, WebError> {
    let rounds = state.store.identical_rounds(id, PAIRS).await?;
    let mut nights: Vec<Night> = Vec::new();
    for (run, time, series, ratios) in rounds {
        let Some(series) = state.store.series_by_id(series).await? else {
            continue;
        };
        match nights.last_mut() {
            Some((same, _, of)) if *same == run => of.push((series, ratios)),
            _ => nights.push((run, time, vec![(series, ratios)])),
        }
    }
    let night = |(run, time, of): &Night| {
        let of = of
            .iter()
            .map(|(series, ratios)| (&**series, ratios.as_slice()));
        of_rounds(*run, *time, of)
    };
    Ok(nights.iter().filter_map(night).collect())
}

/// `EPYC 7B13, 8 CPUs, 6.8.0`: what is known of the first facts.
fn what(machine: &Environment) -> String {
    let fact = |label: &str| {
        let fact = machine.facts.iter().find(|(l, _)| l == label);
        fact.map(|(_, value)| value.as_str())
    };
    let mut parts: Vec<String> = Vec::new();
    parts.extend(fact("CPU").map(str::to_owned));
    parts.extend(fact("Logical CPUs").map(|n| format!("{n} CPUs")));
    parts.extend(fact("Kernel").map(|kernel| format!("kernel {kernel}")));
    if parts.is_empty() {
        "nothing is known of it".to_owned()
    } else {
        parts.join(", ")
    }
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..15).unwrap_or(fingerprint)
}

/// The epochs, newest first, each with what made it another one.
fn epoch_rows(epochs: &[EpochSpan], machines: &[Environment], own: EnvironmentId) -> Vec<EpochRow> {
    let machine = |id: EnvironmentId| machines.iter().find(|machine| machine.id == id);
    let mut rows: Vec<EpochRow> = epochs
        .iter()
        .enumerate()
        .map(|(at, epoch)| {
            let before = at.checked_sub(1).and_then(|before| epochs.get(before));
            let why = before.map_or_else(
                || "the first".to_owned(),
                |before| {
                    changed(
                        (before, machine(before.environment)),
                        (epoch, machine(epoch.environment)),
                    )
                },
            );
            EpochRow {
                from: text::day_year(epoch.first),
                to: text::day_year(epoch.last),
                is_own: epoch.environment == own,
                url: links::environment(epoch.environment),
                suite: format!("{} {}", epoch.suite, epoch.suite_version),
                runs: epoch.runs,
                why,
            }
        })
        .collect();
    rows.reverse();
    rows
}

/// What differs from the epoch before.
fn changed(
    (before, old): (&EpochSpan, Option<&Environment>),
    (epoch, new): (&EpochSpan, Option<&Environment>),
) -> String {
    let mut changes = Vec::new();
    if before.suite != epoch.suite {
        changes.push(format!("suite {} → {}", before.suite, epoch.suite));
    } else if before.suite_version != epoch.suite_version {
        let (from, to) = (&before.suite_version, &epoch.suite_version);
        changes.push(format!("suite {from} → {to}"));
    }
    if let (Some(old), Some(new)) = (old, new)
        && old.id != new.id
    {
        let value = |machine: &Environment, label: &str| -> Option<String> {
            let fact = machine.facts.iter().find(|(l, _)| l == label);
            fact.map(|(_, value)| value.clone())
        };
        let known = changes.len();
        for (label, now) in &new.facts {
            if let Some(was) = value(old, label).filter(|was| was != now) {
                changes.push(format!("{label} {was} → {now}"));
            }
        }
        if changes.len() == known {
            changes.push("another machine of the same name".to_owned());
        }
    }
    if changes.is_empty() {
        changes.push("nothing that is known".to_owned());
    }
    changes.join("; ")
}

fn pair_row(pair: &Identical) -> PairRow {
    PairRow {
        when: format!("{} {}", text::day_year(pair.time), text::clock(pair.time)),
        url: links::run(pair.run),
        series: pair.series,
        middle: format_change(pair.middle),
        span: format!(
            "{} to {}",
            format_change(pair.low),
            format_change(pair.high)
        ),
        largest: format_change(pair.largest.1),
        largest_of: pair.largest.0.clone(),
    }
}

/// The conditions that most runs know.
fn labels(runs: &[Run]) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for run in runs {
        for (at, (label, _)) in run.conditions.iter().enumerate() {
            if run.conditions[..at].iter().any(|(known, _)| known == label) {
                continue;
            }
            match counts.iter_mut().find(|(known, _)| known == label) {
                Some((_, count)) => *count += 1,
                None => counts.push((label.clone(), 1)),
            }
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let labels = counts.into_iter().take(CONDITIONS);
    labels.map(|(label, _)| label).collect()
}

fn run_row(run: &Run, labels: &[String], now: Millis) -> RunRow {
    let value = |label: &String| {
        let own = run.conditions.iter().filter(|(known, _)| known == label);
        let own: Vec<&str> = own.map(|(_, value)| value.as_str()).collect();
        let value = match own.as_slice() {
            [] => "–".to_owned(),
            [one] if one.chars().count() <= LONGEST_CONDITION => (*one).to_owned(),
            // What disturbed which benchmark is told on the run's page.
            several => text::plural(several.len() as u64, "time", "times"),
        };
        (label.clone(), value)
    };
    RunRow {
        url: links::run(run.id),
        id: run.id.to_string(),
        when: format!(
            "{} {}",
            text::day_near(run.started_at, now),
            text::clock(run.started_at)
        ),
        kind: run.kind.to_string(),
        commit: run.revision.short().to_owned(),
        conditions: labels.iter().map(value).collect(),
    }
}
