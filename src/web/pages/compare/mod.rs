//! `/compare/{base}...{head}` and `/pulls/{n}`: what a reviewer opens.
//!
//! # Layout
//! - here: the handlers, and what they load. `view`: what the template shows. `opened`: a row that
//!   is opened, with its charts. `table`, `facets`: its rows, and the choices of them. `query`: the
//!   state of the page. `pick`: choosing two sides.

mod facets;
mod opened;
mod pick;
mod query;
mod table;
mod view;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use bench_verdict::gate::GateOptions;

use self::query::{Open, View};
use self::view::{ComparePage, PullPart, Subject};
use super::{Place, Reader, Shell, html, links};
use crate::analysis::compare::sections::Section;
use crate::analysis::compare::{Row, RowSeries, markdown};
use crate::analysis::pull;
use crate::domain::{Run, SeriesId};
use crate::web::api::compare::page as page_of_pull;
use crate::web::extract::{Path, Query};
use crate::web::sides::{self, Compared};
use crate::web::{AppState, WebError};

pub use pick::pulls;

/// `GET /compare`: choosing two sides; with `base` and `head`, on to their page.
pub async fn choose(
    State(state): State<AppState>,
    reader: Reader,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let value = |key: &str| {
        let pair = pairs.iter().find(|(k, v)| k == key && !v.trim().is_empty());
        pair.map(|(_, value)| value.trim())
    };
    match (value("base"), value("head")) {
        (Some(base), Some(head)) => {
            // Said here, where the form is, and not on a page that cannot be drawn.
            sides::resolve(&state, base, head).await?;
            Ok(Redirect::to(&links::compare(base, head)).into_response())
        }
        _ => Ok(pick::page(&state, reader).await?.into_response()),
    }
}

/// `GET /compare/{base}...{head}`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Path(named): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, WebError> {
    let Some((base, head)) = named.split_once("...") else {
        return Err(WebError::not_found(
            "comparison",
            format_args!(
                "{named}: the address is /compare/BASE...HEAD, a run's number, a commit or a branch each"
            ),
        ));
    };
    let view = View::read(&pairs)?;
    let (base_run, head_run) = sides::resolve(&state, base, head).await?;
    let compared =
        sides::compare_runs(&state, base_run.id, head_run.id, &GateOptions::default()).await?;
    let opened = opened(&state, &view, &compared).await?;
    let subject = Subject {
        path: links::compare(base, head),
        json: format!(
            "/api/v1/compare?base={}&head={}",
            links::encode(base),
            links::encode(head)
        ),
        file: Some(links::file_of_comparison(base_run.id, head_run.id)),
        github: github(&state, (&base_run, &head_run)).await?,
        names: (base.to_owned(), head.to_owned()),
        markdown: markdown(&compared.result.comparison, &[]),
        pull: None,
    };
    let recent = pick::recent(&state).await?;
    let shell = Shell::of(&state, reader, Place::Compare).await?;
    html(&ComparePage::new(
        shell,
        &view,
        subject,
        Some(&*compared),
        (&compared.result, &head_run),
        opened,
        recent,
        state.now(),
    ))
}

/// `GET /pulls/{n}`: the last push against its base, and the pushes before it.
pub async fn pull(
    State(state): State<AppState>,
    reader: Reader,
    Path(number): Path<u64>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, WebError> {
    let view = View::read(&pairs)?;
    let shell = Shell::of(&state, reader, Place::Compare).await?;
    let options = GateOptions::default();
    let mut pushes = sides::pushes(&state, number, &options).await?;
    if let Some(push) = view.push {
        let at = push
            .checked_sub(pushes.earlier + 1)
            .filter(|at| *at < pushes.pushes.len())
            .ok_or_else(|| {
                WebError::not_found("push", format_args!("{push} of pull request {number}"))
            })?;
        let all = pull::report(number, &pushes.pushes, pushes.earlier);
        pushes.pushes.truncate(at + 1);
        return draw_pull(&state, shell, number, &view, pushes, all).await;
    }
    let all = pull::report(number, &pushes.pushes, pushes.earlier);
    draw_pull(&state, shell, number, &view, pushes, all).await
}

/// Draws the page of the last of `pushes`, with the list of `all`.
async fn draw_pull(
    state: &AppState,
    shell: Shell,
    number: u64,
    view: &View,
    pushes: sides::Pushes,
    all: Option<pull::PullReport>,
) -> Result<Html<String>, WebError> {
    let report = pull::report(number, &pushes.pushes, pushes.earlier);
    let (Some(last), Some(report), Some(all)) = (pushes.pushes.last(), report, all) else {
        return Err(WebError::not_found("measured run of pull request", number));
    };
    let compared = match &last.base {
        Some(choice) => Some(
            sides::compare_runs(state, choice.run_id, last.run.id, &GateOptions::default()).await?,
        ),
        None => None,
    };
    let opened = match &compared {
        Some(compared) => opened(state, view, compared).await?,
        None => Vec::new(),
    };
    let link = page_of_pull(state, number);
    let base_name = match &last.base {
        Some(choice) => choice.run_id.to_string(),
        None => state.store.main_branch().to_owned(),
    };
    let subject = Subject {
        path: links::pull(number),
        json: format!("/api/v1/pulls/{number}/report"),
        file: last
            .base
            .as_ref()
            .map(|base| links::file_of_comparison(base.run_id, last.run.id)),
        github: (!is_sample(state, &last.run).await?)
            .then(|| state.config.github_pages())
            .flatten()
            .map(|github| github.pull(number)),
        names: (base_name, last.run.id.to_string()),
        markdown: report.markdown(link.as_deref()),
        pull: Some(PullPart {
            number,
            base: last.base.clone(),
            since: all.since.clone(),
            current: report.pushes.len() + pushes.earlier,
            earlier: pushes.earlier,
            pushes: all.pushes,
        }),
    };
    let recent = pick::recent(state).await?;
    html(&ComparePage::new(
        shell,
        view,
        subject,
        compared.as_deref(),
        (&last.compared, &last.run),
        opened,
        recent,
        state.now(),
    ))
}

/// What lies between both commits on GitHub; nothing where they are one, or generated.
async fn github(state: &AppState, (base, head): (&Run, &Run)) -> Result<Option<String>, WebError> {
    let (old, new) = (&base.revision.commit, &head.revision.commit);
    if old == new || is_sample(state, head).await? {
        return Ok(None);
    }
    let pages = state.config.github_pages();
    Ok(pages.map(|github| github.compare(old, new)))
}

/// Whether a run's machine is a made-up one.
async fn is_sample(state: &AppState, run: &Run) -> Result<bool, WebError> {
    let environments = state.store.environments().await?;
    let mut own = environments.iter().filter(|e| e.id == run.environment);
    Ok(own.any(|machine| machine.is_sample))
}

/// So many rows are opened where all of them stand on one page.
const MOST_OPENED: usize = 16;

/// The rows that are opened: the one that is asked for, else the first that is surely slower; where
/// all rows stand on one page, the first that changed.
async fn opened(
    state: &AppState,
    view: &View,
    compared: &Compared,
) -> Result<Vec<(SeriesId, opened::Opened)>, WebError> {
    let result = &compared.result;
    let rows = || result.comparison.rows.iter().zip(&result.series);
    let is_first_slower = |(row, series): &(&Row, &RowSeries)| {
        Section::of(row) == Section::Slower && view.is_of(row, series) && view.show.takes(row)
    };
    let found: Vec<(&Row, &RowSeries)> = match view.open {
        Open::None => Vec::new(),
        Open::Series(id) => rows().filter(|(_, series)| series.head.id == id).collect(),
        Open::Worst if view.page == 0 => rows()
            .filter(|(row, _)| Section::of(row).is_news())
            .take(MOST_OPENED)
            .collect(),
        Open::Worst if view.page > 1 => Vec::new(),
        Open::Worst => rows().find(is_first_slower).into_iter().collect(),
    };
    let mut all = Vec::with_capacity(found.len());
    for (row, series) in found {
        let opened = opened::open(state, compared, row, series).await?;
        all.extend(opened.map(|opened| (series.head.id, opened)));
    }
    Ok(all)
}
