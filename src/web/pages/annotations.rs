//! `/annotations`, `/annotations/{id}`: what people wrote at a point or a time of a series, or of all.
//!
//! A chart lists the annotations that it covers ([`NoteView`]), and leads here to write another one.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{Html, Redirect};
use serde::Deserialize;

use super::{Place, Reader, Shell, html, links};
use crate::domain::alert::Annotation;
use crate::domain::{AnnotationId, Millis, Run, RunId, Scope, SeriesId};
use crate::store::RunFilter;
use crate::text;
use crate::web::api::annotations::{Add, keep, remove, reword};
use crate::web::auth::Caller;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError};

/// So many nights of a series, or runs of all, can be chosen from; a day reaches any other.
const MOST_NIGHTS: usize = 120;
/// So many annotations are listed, the newest.
const MOST_LISTED: usize = 200;

/// An annotation as a chart lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteView {
    /// Its page, where it is corrected.
    pub url: String,
    /// The moment that it is about.
    pub when: String,
    /// The same for machines.
    pub iso: String,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub who: String,
}

impl NoteView {
    fn new(note: &Annotation, now: Millis) -> Self {
        Self {
            url: links::annotation(note.id),
            when: text::day_near(note.at, now),
            iso: text::iso(note.at),
            text: note.text.clone(),
            who: note.who.clone(),
        }
    }
}

/// Annotations for a list beneath a chart, each once, the newest first.
pub fn notes<'a>(of: impl IntoIterator<Item = &'a Annotation>, now: Millis) -> Vec<NoteView> {
    let mut all: Vec<&Annotation> = of.into_iter().collect();
    all.sort_by_key(|note| std::cmp::Reverse((note.at, note.id)));
    all.dedup_by_key(|note| note.id);
    all.into_iter()
        .map(|note| NoteView::new(note, now))
        .collect()
}

/// What is to be annotated.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// This series.
    series: Option<i64>,
    /// At this run.
    run: Option<i64>,
}

#[derive(Template)]
#[template(path = "annotations.html")]
struct ListPage {
    shell: Shell,
    form: FormView,
    rows: Vec<Row>,
    total: usize,
}

/// The form that writes one.
struct FormView {
    may_write: bool,
    login: String,
    /// The series that it is about, and its page.
    series: Option<(SeriesId, String, String)>,
    /// Number, what it is, and whether it is the chosen one.
    runs: Vec<(RunId, String, bool)>,
}

/// An annotation in the list of all.
struct Row {
    note: NoteView,
    /// Name and page of its series; none: every series.
    series: Option<(String, String)>,
    run: Option<(RunId, String)>,
}

/// `GET /annotations`
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
    caller: Caller,
) -> Result<Html<String>, WebError> {
    let now = state.now();
    let form = form(&state, &query, &caller).await?;
    let mut all = state
        .store
        .annotations(None, Millis(i64::MIN), Millis(i64::MAX))
        .await?;
    let total = all.len();
    all.reverse();
    all.truncate(MOST_LISTED);
    let mut rows = Vec::with_capacity(all.len());
    let mut names = HashMap::new();
    for note in &all {
        if let Some(id) = note.series
            && !names.contains_key(&id)
            && let Some(series) = state.store.series_by_id(id).await?
        {
            names.insert(id, (series.name(), links::series(&series)));
        }
        rows.push(Row {
            note: NoteView::new(note, now),
            series: note.series.and_then(|id| names.get(&id).cloned()),
            run: note.run.map(|run| (run, links::run(run))),
        });
    }
    html(&ListPage {
        shell: Shell::of(&state, reader, Place::Elsewhere).await?,
        form,
        rows,
        total,
    })
}

async fn form(state: &AppState, query: &ListQuery, caller: &Caller) -> Result<FormView, WebError> {
    let store = &state.store;
    let chosen = query.run.map(RunId);
    let mut runs: Vec<(RunId, String, bool)> = Vec::new();
    let mut push = |run: RunId, time: Millis, commit: &str| {
        if runs.iter().all(|(known, ..)| *known != run) {
            let short = commit.get(..7).unwrap_or(commit);
            let what = format!("{}, {short}, run {run}", text::day_year(time));
            runs.push((run, what, Some(run) == chosen));
        }
    };
    if let Some(id) = chosen {
        let run = store.run(id).await?;
        let run = run.ok_or_else(|| WebError::not_found("run", id))?;
        push(run.id, run.started_at, &run.revision.commit);
    }
    let series = match query.series.map(SeriesId) {
        Some(id) => {
            let series = store.series_by_id(id).await?;
            let series = series.ok_or_else(|| WebError::not_found("series", id))?;
            let main = Some(store.main_branch());
            let points = store
                .points(id, Millis(i64::MIN), Millis(i64::MAX), main)
                .await?;
            for point in points.iter().rev().take(MOST_NIGHTS) {
                push(point.run, point.time, &point.of.commit);
            }
            Some((id, series.name(), links::series(&series)))
        }
        None => {
            let newest = RunFilter {
                limit: u32::try_from(MOST_NIGHTS).ok(),
                ..RunFilter::default()
            };
            for run in store.runs(&newest).await? {
                push(run.id, run.started_at, &run.revision.commit);
            }
            None
        }
    };
    let pairs = [
        query.series.map(|id| format!("series={id}")),
        query.run.map(|id| format!("run={id}")),
    ];
    let pairs: Vec<String> = pairs.into_iter().flatten().collect();
    Ok(FormView {
        may_write: caller.require(Scope::Triage).is_ok(),
        login: links::login(&format!("/annotations?{}", pairs.join("&"))),
        series,
        runs,
    })
}

/// What the form sends; what was left open is empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    #[serde(default)]
    series: String,
    /// `all`: every series, though one is named.
    #[serde(default)]
    about: String,
    #[serde(default)]
    run: String,
    /// Instead of the run's time.
    #[serde(default)]
    day: String,
    text: String,
}

/// `POST /annotations`: a browser sends its cookie from our own pages only, which [`Caller`] checks.
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Form(written): Form<Written>,
) -> Result<Redirect, WebError> {
    caller.require(Scope::Triage)?;
    let series = number("series", &written.series)?.map(SeriesId);
    let at = match written.day.as_str() {
        "" => None,
        day => Some(text::parse_iso_day(day).ok_or_else(|| {
            WebError::bad_request(format!("{day:?} is no day: give one such as 2026-01-31"))
        })?),
    };
    let run = number("run", &written.run)?.map(RunId);
    let add = Add {
        at: at.map(Millis::timestamp),
        series_id: series.filter(|_| written.about != "all"),
        run_id: run.filter(|_| at.is_none()),
        text: written.text,
    };
    let kept = keep(&state, &caller, add).await?;
    // Back to where it shows.
    let there = match (series, kept.run) {
        (Some(id), _) => state.store.series_by_id(id).await?,
        (None, Some(run)) => return Ok(Redirect::to(&format!("{}#notes", links::run(run)))),
        (None, None) => None,
    };
    Ok(match there {
        Some(series) => Redirect::to(&format!("{}#notes", links::series(&series))),
        None => Redirect::to("/annotations"),
    })
}

fn number(name: &str, text: &str) -> Result<Option<i64>, WebError> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse();
    number
        .map(Some)
        .map_err(|_| WebError::bad_request(format!("{name} {text:?} is no number")))
}

#[derive(Template)]
#[template(path = "annotation.html")]
struct OnePage {
    shell: Shell,
    id: AnnotationId,
    note: NoteView,
    series: Option<(String, String)>,
    run: Option<(RunId, String)>,
    may_write: bool,
    login: String,
    /// Everything that was done to it: when, who, what, text.
    life: Vec<(String, String, &'static str, String)>,
}

/// `GET /annotations/{id}`
pub async fn one(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<AnnotationId>,
    caller: Caller,
) -> Result<Html<String>, WebError> {
    let note = state.store.annotation(id).await?;
    let note = note.ok_or_else(|| WebError::not_found("annotation", id))?;
    let series = match note.series {
        Some(series) => state.store.series_by_id(series).await?,
        None => None,
    };
    let life = state.store.audit_of(&format!("annotation {id}")).await?;
    let life = life.into_iter().map(|entry| {
        let what = match entry.action.as_str() {
            "annotation.correct" => "corrected it",
            _ => "wrote",
        };
        let when = text::day_clock(Millis(entry.at));
        (when, entry.who, what, entry.detail)
    });
    html(&OnePage {
        shell: Shell::of(&state, reader, Place::Elsewhere).await?,
        id,
        note: NoteView::new(&note, state.now()),
        series: series.map(|series| (series.name(), links::series(&series))),
        run: note.run.map(|run| (run, links::run(run))),
        may_write: caller.require(Scope::Triage).is_ok(),
        login: links::login(&links::annotation(id)),
        life: life.collect(),
    })
}

/// What the forms of an annotation's page send.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    action: Action,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Correct,
    Delete,
}

/// `POST /annotations/{id}`
pub async fn change(
    State(state): State<AppState>,
    Path(id): Path<AnnotationId>,
    caller: Caller,
    Form(changed): Form<Changed>,
) -> Result<Redirect, WebError> {
    caller.require(Scope::Triage)?;
    match changed.action {
        Action::Correct => {
            reword(&state, &caller, id, &changed.text).await?;
            Ok(Redirect::to(&links::annotation(id)))
        }
        Action::Delete => {
            remove(&state, &caller, id).await?;
            Ok(Redirect::to("/annotations"))
        }
    }
}

/// What was written of a run, or of all series while it was made.
pub(super) async fn of_run(state: &AppState, run: &Run) -> Result<Vec<NoteView>, WebError> {
    let found = state
        .store
        .annotations(None, run.started_at, run.finished_at)
        .await?;
    let of_it = |note: &&Annotation| note.run.is_none_or(|of| of == run.id);
    Ok(notes(found.iter().filter(of_it), state.now()))
}
