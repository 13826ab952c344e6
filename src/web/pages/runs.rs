//! `/runs`: all runs, newest first, and what is running now.

use std::fmt::Write as _;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use bench_verdict::verdict::Band;

use super::rows::Cell;
use super::{Place, Reader, Shell, html, links, machine_names};
use crate::analysis::overview::Counts;
use crate::domain::{Environment, EnvironmentId, Millis, Run, RunId, RunKind};
use crate::store::RunFilter;
use crate::text;
use crate::web::extract::Query;
use crate::web::live::LiveState;
use crate::web::{AppState, WebError};

/// How many runs a page lists.
const PAGE: u32 = 50;

/// Which runs are listed; all of it is in the URL.
#[derive(Debug, Clone, Default, PartialEq)]
struct View {
    kind: Option<RunKind>,
    environment: Option<EnvironmentId>,
    branch: Option<String>,
    before: Option<(Millis, RunId)>,
}

/// `GET /runs`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, WebError> {
    let view = View::read(&pairs)?;
    let shell = Shell::of(&state, reader, Place::Runs).await?;
    let environments = state.store.environments().await?;
    let filter = RunFilter {
        kind: view.kind,
        environment: view.environment,
        branch: view.branch.clone(),
        before: view.before,
        limit: Some(PAGE + 1),
        ..RunFilter::default()
    };
    let mut runs = state.store.runs(&filter).await?;
    let has_older = runs.len() > PAGE as usize;
    runs.truncate(PAGE as usize);
    let older = runs.last().filter(|_| has_older).map(|last| {
        View {
            before: Some((last.started_at, last.id)),
            ..view.clone()
        }
        .url()
    });
    let now = state.now();
    let mut rows = Vec::with_capacity(runs.len());
    for run in &runs {
        let cells = state.store.counts(run.id).await?;
        let total = cells.iter().map(|c| c.2).sum();
        rows.push(row(run, &Counts { cells, total }, now));
    }
    html(&RunsPage {
        shell,
        live: live(&state),
        facets: facets(&view, &environments),
        is_first_page: view.before.is_none(),
        newest: View {
            before: None,
            ..view.clone()
        }
        .url(),
        rows,
        older,
    })
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    shell: Shell,
    live: Vec<LiveRow>,
    facets: Vec<(&'static str, Vec<FacetChoice>)>,
    is_first_page: bool,
    newest: String,
    rows: Vec<RunRow>,
    older: Option<String>,
}

/// A run that is being executed.
struct LiveRow {
    url: String,
    id: RunId,
    what: String,
    done: u32,
    total: u32,
    is_lost: bool,
}

struct FacetChoice {
    url: String,
    name: String,
    is_current: bool,
}

struct RunRow {
    url: String,
    id: RunId,
    when: String,
    iso: String,
    kind: RunKind,
    is_sample: bool,
    revision: String,
    commit: String,
    subject: String,
    environment: String,
    counts: [(Cell, &'static str); 4],
    measured: String,
    is_complete: bool,
    note: String,
}

impl View {
    fn read(pairs: &[(String, String)]) -> Result<Self, WebError> {
        let mut view = Self::default();
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "kind" => {
                    let kind = RunKind::parse(value).ok_or_else(|| {
                        let all: Vec<&str> = RunKind::ALL.iter().map(|k| k.as_str()).collect();
                        WebError::bad_request(format!(
                            "kind={value:?} is not known: give one of {}",
                            all.join(", ")
                        ))
                    })?;
                    view.kind = Some(kind);
                }
                "environment" => {
                    let id = value.parse().map_err(|_| {
                        WebError::bad_request(format!(
                            "environment={value:?} is no environment: give its number"
                        ))
                    })?;
                    view.environment = Some(EnvironmentId(id));
                }
                "branch" => view.branch = Some(value.clone()),
                "before" => {
                    let parts = value.split_once('.').and_then(|(time, id)| {
                        Some((Millis(time.parse().ok()?), RunId(id.parse().ok()?)))
                    });
                    let before = parts.ok_or_else(|| {
                        WebError::bad_request(format!(
                            "before={value:?} is no place in the list of runs"
                        ))
                    })?;
                    view.before = Some(before);
                }
                _ => {}
            }
        }
        Ok(view)
    }

    fn url(&self) -> String {
        let mut url = "/runs".to_owned();
        let mut mark = '?';
        let mut add = |name: &str, value: &str| {
            let _ = write!(url, "{mark}{name}={}", links::encode(value));
            mark = '&';
        };
        if let Some(kind) = self.kind {
            add("kind", kind.as_str());
        }
        if let Some(environment) = self.environment {
            add("environment", &environment.to_string());
        }
        if let Some(branch) = &self.branch {
            add("branch", branch);
        }
        if let Some((time, id)) = self.before {
            add("before", &format!("{}.{id}", time.0));
        }
        url
    }
}

fn live(state: &AppState) -> Vec<LiveRow> {
    state
        .live
        .all()
        .iter()
        .map(|run| {
            let progress = &run.progress;
            let mut what = progress.kind.to_string();
            if let Some(commit) = &progress.commit {
                let _ = write!(what, ", {}", commit.get(..7).unwrap_or(commit));
            }
            if let Some(environment) = &progress.environment_name {
                let _ = write!(what, ", {environment}");
            }
            LiveRow {
                url: links::run(run.id),
                id: run.id,
                what,
                done: progress.done,
                total: progress.total,
                is_lost: run.state == LiveState::Lost,
            }
        })
        .collect()
}

fn facets(view: &View, environments: &[Environment]) -> Vec<(&'static str, Vec<FacetChoice>)> {
    let base = View {
        before: None,
        ..view.clone()
    };
    let choice = |target: View, name: &str| FacetChoice {
        is_current: target == base,
        url: target.url(),
        name: name.to_owned(),
    };
    let mut kinds = vec![choice(
        View {
            kind: None,
            ..base.clone()
        },
        "all",
    )];
    kinds.extend(RunKind::ALL.iter().map(|kind| {
        choice(
            View {
                kind: Some(*kind),
                ..base.clone()
            },
            kind.as_str(),
        )
    }));
    let mut facets = vec![("kind", kinds)];
    if environments.len() > 1 {
        let mut machines = vec![choice(
            View {
                environment: None,
                ..base.clone()
            },
            "all",
        )];
        machines.extend(
            environments
                .iter()
                .zip(machine_names(environments))
                .map(|(e, name)| {
                    let target = View {
                        environment: Some(e.id),
                        ..base.clone()
                    };
                    choice(target, &name)
                }),
        );
        facets.push(("environment", machines));
    }
    facets
}

fn row(run: &Run, counts: &Counts, now: Millis) -> RunRow {
    let of = |band| Cell(counts.of_band(band));
    let revision = &run.revision;
    let mut notes = Vec::new();
    if let Some(reason) = &run.excluded {
        notes.push(format!("not in baselines: {reason}"));
    }
    if revision.dirty {
        notes.push("work tree differed from the commit".to_owned());
    }
    RunRow {
        url: links::run(run.id),
        id: run.id,
        when: format!(
            "{} {}",
            text::day_near(run.started_at, now),
            text::clock(run.started_at)
        ),
        iso: text::iso(run.started_at),
        kind: run.kind,
        is_sample: run.kind == RunKind::Sample,
        revision: match (revision.pull, &revision.tag, &revision.branch) {
            (Some(pull), ..) => format!("pull {pull}"),
            (_, Some(tag), _) => tag.clone(),
            (.., Some(branch)) => branch.clone(),
            _ => "–".to_owned(),
        },
        commit: revision.short().to_owned(),
        subject: revision.subject.clone().unwrap_or_default(),
        environment: run.environment_name.clone(),
        counts: [
            (of(Band::Critical), "critical"),
            (of(Band::Warning), "warning"),
            (of(Band::Info), "info"),
            (of(Band::Improved), "improved"),
        ],
        measured: format!("{} of {}", run.coverage.measured, run.coverage.expected),
        is_complete: run.coverage.is_complete(),
        note: notes.join("; "),
    }
}
