//! The pages: each file holds what a page asks for, what its template shows, and its handler.
//!
//! # Layout
//! - here: what surrounds every page. `verdict`, `value`, `links`, `rows`, `creep`, `figure`: how
//!   verdicts, values, URLs, series and trends are written into HTML.
//! - [`overview`]: `/`. [`benchmark`]: `/benchmarks/{name}`. [`runs`]: `/runs`.
//!   [`run`]: `/runs/{id}`. [`alerts`]: `/alerts`, `/alerts/{id}`.
//!   [`compare`]: `/compare/{base}...{head}`, `/pulls/{n}`. [`environments`]: `/environments/{id}`.
//!   [`status`]: `/status`. [`trends`]: `/trends`. [`help`]: `/help`.
//!   [`rules`]: `/rules`. [`mod@file`]: a run or a comparison as one file. [`annotations`]: `/annotations`.

pub mod alerts;
pub mod annotations;
pub mod benchmark;
pub mod compare;
pub mod environments;
pub mod file;
pub mod help;
pub mod overview;
mod percentiles;
pub mod profile;
mod proof;
pub mod rules;
pub mod run;
pub mod runs;
pub mod status;
pub mod trends;

pub mod creep;
pub mod figure;
pub mod links;
pub mod rows;
pub mod value;
pub mod verdict;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Html;

use super::assets::AssetUrls;
use super::auth::Caller;
use super::live::LiveState;
use super::{AppState, WebError, auth};
use crate::domain::{Environment, EnvironmentId, Millis};
use crate::text;

/// What surrounds a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Static files.
    pub assets: &'static AssetUrls,
    /// Which link of the header is current.
    pub current: Place,
    /// Alerts that somebody has still to do something about.
    pub active_alerts: u32,
    /// Lines beneath the header.
    pub notices: Vec<Notice>,
    /// This program's version.
    pub version: &'static str,
    /// Who reads, if that is known.
    pub reader: Option<Reader>,
}

/// Who reads a page, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Whose token it is; none for somebody who is not logged in.
    pub name: Option<String>,
    /// Where one logs in and out, and comes back from.
    pub login: String,
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, WebError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
        Ok(Self {
            name: caller.token.map(|token| token.name()),
            login: match here {
                "/" => "/login".to_owned(),
                here if here.starts_with("/login") => here.to_owned(),
                here => links::login(here),
            },
        })
    }
}

/// A line beneath the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// Where to read on, if anywhere.
    pub url: Option<String>,
}

/// Where in the house a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Is main healthy tonight?
    Tonight,
    /// Trends, and those of a benchmark.
    Trends,
    /// Runs, and one of them.
    Runs,
    /// Two sides, and pull requests.
    Compare,
    /// How strict the gate is with which series.
    Rules,
    /// Alerts, and one of them.
    Alerts,
    /// Machines.
    Environments,
    /// How the server is.
    Status,
    /// What the words mean.
    Help,
    /// Nowhere that the header names.
    Elsewhere,
}

/// A link of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NavLink {
    /// Where it leads.
    pub url: &'static str,
    /// What it says.
    pub name: &'static str,
    /// How many things there wait for somebody.
    pub waiting: u32,
    /// The page lies there.
    pub is_current: bool,
}

impl Shell {
    /// What surrounds a page at `current` for its reader.
    pub async fn of(state: &AppState, reader: Reader, current: Place) -> Result<Self, WebError> {
        let mut notices = Vec::new();
        if auth::uploads_are_open(state).await? {
            notices.push(Notice {
                text: "Uploads are open: no token exists and the server listens on this machine \
                       only. The first token closes them: kvmark token create --scope upload"
                    .to_owned(),
                url: None,
            });
        }
        let live = state.live.all();
        for run in live.iter().filter(|run| run.state == LiveState::Running) {
            let progress = &run.progress;
            notices.push(Notice {
                text: format!(
                    "Run {} is running: {} of {} series",
                    run.id, progress.done, progress.total
                ),
                url: Some(links::run(run.id)),
            });
        }
        let alerts = state.store.alert_counts().await?;
        let active = alerts.iter().filter(|(state, _)| state.is_active());
        Ok(Self {
            active_alerts: active.map(|(_, count)| count).sum(),
            notices,
            reader: Some(reader),
            ..Self::bare(current)
        })
    }

    /// What surrounds a page that cannot ask the store: one that says what went wrong.
    pub fn bare(current: Place) -> Self {
        Self {
            assets: AssetUrls::get(),
            current,
            active_alerts: 0,
            notices: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
            reader: None,
        }
    }

    /// The header's links: only what exists.
    pub fn links(&self) -> Vec<NavLink> {
        [
            ("/", "Tonight", Place::Tonight),
            ("/trends", "Trends", Place::Trends),
            ("/runs", "Runs", Place::Runs),
            ("/compare", "Compare", Place::Compare),
            ("/alerts", "Alerts", Place::Alerts),
            ("/rules", "Rules", Place::Rules),
            ("/environments", "Environments", Place::Environments),
            ("/status", "Status", Place::Status),
            ("/help", "Help", Place::Help),
        ]
        .into_iter()
        .map(|(url, name, place)| NavLink {
            url,
            name,
            waiting: if place == Place::Alerts {
                self.active_alerts
            } else {
                0
            },
            is_current: place == self.current,
        })
        .collect()
    }
}

/// A rendered page. A template that cannot be rendered is our fault, and logged.
pub(crate) fn html(template: &impl Template) -> Result<Html<String>, WebError> {
    template.render().map(Html).map_err(|error| {
        tracing::error!(%error, "a template could not be rendered");
        WebError::Internal
    })
}

/// Where this server is reached: what the reader can paste into a shell.
pub(crate) fn server_url(state: &AppState, headers: &HeaderMap) -> String {
    if let Some(url) = &state.config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    format!("http://{}", host.unwrap_or("127.0.0.1:8080"))
}

/// The environment of that number, or what little is known of one that is gone.
pub(crate) fn environment_or_unknown(
    environments: &[Environment],
    id: EnvironmentId,
) -> Environment {
    environments
        .iter()
        .find(|e| e.id == id)
        .cloned()
        .unwrap_or_else(|| Environment {
            id,
            fingerprint: String::new(),
            name: format!("environment {id}"),
            facts: Vec::new(),
            first_seen: Millis(0),
            last_seen: Millis(0),
            is_sample: false,
        })
}

/// What machines are called in a row of choices: those of one name, such as a machine that was set
/// up anew, are told apart by when they were heard last.
pub(crate) fn machine_names(machines: &[Environment]) -> Vec<String> {
    machines
        .iter()
        .map(|machine| {
            let is_newest = machines
                .iter()
                .all(|m| m.name != machine.name || m.last_seen <= machine.last_seen);
            if is_newest {
                machine.name.clone()
            } else {
                format!(
                    "{}, until {}",
                    machine.name,
                    text::day_year(machine.last_seen)
                )
            }
        })
        .collect()
}
