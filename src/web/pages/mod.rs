//! The pages: each file holds what a page asks for, what its template shows, and its handler.
//!
//! # Layout
//! - here: what surrounds every page. `verdict`, `value`, `links`, `rows`, `figure`: how verdicts,
//!   values, URLs, series and trends are written into HTML.
//! - [`overview`]: `/`. [`benchmark`]: `/benchmarks/{name}`. [`runs`]: `/runs`.
//!   [`run`]: `/runs/{id}`.

pub mod benchmark;
pub mod overview;

pub mod figure;
pub mod links;
pub mod rows;
pub mod value;
pub mod verdict;

use askama::Template;
use axum::response::Html;

use super::assets::AssetUrls;
use super::{AppState, WebError};

/// What surrounds a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Static files.
    pub assets: &'static AssetUrls,
    /// Which link of the header is current.
    pub current: Place,
    /// Lines beneath the header.
    pub notices: Vec<String>,
    /// This program's version.
    pub version: &'static str,
}

/// Where in the house a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Is main healthy tonight?
    Tonight,
    /// Runs, and one of them.
    Runs,
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
    /// The page lies there.
    pub is_current: bool,
}

impl Shell {
    /// What surrounds a page at `current`.
    pub async fn of(state: &AppState, current: Place) -> Result<Self, WebError> {
        let mut notices = Vec::new();
        if state.config.open_uploads && !state.store.any_token().await? {
            notices.push(
                "Uploads are open: no token exists and the server listens on this machine only. \
                 The first token closes them: kvmark token create --scope upload"
                    .to_owned(),
            );
        }
        Ok(Self {
            assets: AssetUrls::get(),
            current,
            notices,
            version: env!("CARGO_PKG_VERSION"),
        })
    }

    /// The header's links: only what exists.
    pub fn links(&self) -> Vec<NavLink> {
        [
            ("/", "Tonight", Place::Tonight),
            ("/runs", "Runs", Place::Runs),
        ]
        .into_iter()
        .map(|(url, name, place)| NavLink {
            url,
            name,
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
