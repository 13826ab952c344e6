//! Choosing two sides, and the list of pull requests.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use crate::domain::{RunId, RunKind};
use crate::store::RunFilter;
use crate::text;
use crate::web::pages::{Place, Reader, Shell, html, links};
use crate::web::{AppState, WebError};

/// So many runs are offered.
const RECENT: u32 = 30;

/// So many pull requests are listed.
const PULLS: u32 = 200;

/// A run that may be a side.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: RunId,
    pub(super) what: String,
    /// Its comparison with the run before it of the same machine, branch and kind.
    pub(super) with_before: Option<String>,
}

#[derive(Template)]
#[template(path = "compare_pick.html")]
struct PickPage {
    shell: Shell,
    recent: Vec<Candidate>,
    pulls: Vec<PullRow>,
}

#[derive(Template)]
#[template(path = "pulls.html")]
struct PullsPage {
    shell: Shell,
    pulls: Vec<PullRow>,
}

/// A pull request in a list.
struct PullRow {
    url: String,
    number: u64,
    commit: String,
    subject: String,
    pushes: u32,
    environment: String,
    is_sample: bool,
    when: String,
    iso: String,
}

/// The newest runs.
pub(super) async fn recent(state: &AppState) -> Result<Vec<Candidate>, WebError> {
    let filter = RunFilter {
        limit: Some(RECENT),
        ..RunFilter::default()
    };
    let now = state.now();
    let runs = state.store.runs(&filter).await?;
    let candidates = runs.iter().enumerate().map(|(at, run)| {
        let before = runs[at + 1..].iter().find(|other| {
            other.environment == run.environment
                && other.kind == run.kind
                && other.revision.branch == run.revision.branch
        });
        Candidate {
            id: run.id,
            what: format!(
                "{} {}, {} {}, {}",
                run.kind,
                crate::analysis::compare::side_name(run),
                text::day_near(run.started_at, now),
                text::clock(run.started_at),
                run.environment_name
            ),
            with_before: before
                .map(|before| links::compare(&before.id.to_string(), &run.id.to_string())),
        }
    });
    Ok(candidates.collect())
}

pub(super) async fn page(state: &AppState, reader: Reader) -> Result<Html<String>, WebError> {
    let shell = Shell::of(state, reader, Place::Compare).await?;
    let mut pulls = pull_rows(state).await?;
    pulls.truncate(10);
    html(&PickPage {
        shell,
        recent: recent(state).await?,
        pulls,
    })
}

/// `GET /pulls`
pub async fn pulls(
    State(state): State<AppState>,
    reader: Reader,
) -> Result<Html<String>, WebError> {
    let shell = Shell::of(&state, reader, Place::Compare).await?;
    let pulls = pull_rows(&state).await?;
    html(&PullsPage { shell, pulls })
}

async fn pull_rows(state: &AppState) -> Result<Vec<PullRow>, WebError> {
    let now = state.now();
    let mut rows = Vec::new();
    for head in state.store.pulls(PULLS).await? {
        let Some(run) = state.store.run(head.newest).await? else {
            continue;
        };
        rows.push(PullRow {
            url: links::pull(head.pull),
            number: head.pull,
            commit: run.revision.short().to_owned(),
            subject: run.revision.subject.clone().unwrap_or_default(),
            pushes: head.commits,
            environment: run.environment_name.clone(),
            is_sample: run.kind == RunKind::Sample,
            when: format!(
                "{} {}",
                text::day_near(run.started_at, now),
                text::clock(run.started_at)
            ),
            iso: text::iso(run.started_at),
        });
    }
    Ok(rows)
}
