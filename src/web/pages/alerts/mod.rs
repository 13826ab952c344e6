//! `/alerts`: what somebody must look at, and what became of the rest.
//!
//! # Layout
//! - here: the list. `row`: an alert in a table, on `/`, too. `words`: its sentence.
//! - [`one`]: `/alerts/{id}`, with its `chart`, its `suspects`, its `timeline`, and how its epoch
//!   has `ended`. [`act`]: what its forms send.

pub mod act;
mod chart;
mod ended;
pub mod one;
pub mod row;
mod suspects;
mod timeline;
mod words;

use std::fmt::Write as _;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use serde::Deserialize;

use self::row::{AlertRow, rows};
use super::{Place, Reader, Shell, html, machine_names};
use crate::domain::alert::AlertState;
use crate::domain::{Environment, EnvironmentId};
use crate::store::AlertFilter;
use crate::text;
use crate::web::api::alerts::state_of;
use crate::web::extract::Query;
use crate::web::{AppState, WebError};

/// Which alerts are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// A state; absent: those that somebody has still to do something about; `all`: every one.
    pub state: Option<String>,
    /// Only this machine, by number.
    pub environment: Option<i64>,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    shell: Shell,
    sentence: String,
    states: Vec<Choice>,
    machines: Vec<Choice>,
    alerts: Vec<AlertRow>,
    nothing: &'static str,
}

/// A choice of a row of facets.
struct Choice {
    url: String,
    name: String,
    count: Option<u32>,
    is_current: bool,
}

/// `GET /alerts`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Query(view): Query<View>,
) -> Result<Html<String>, WebError> {
    let states = match view.state.as_deref() {
        None => vec![AlertState::Open, AlertState::Acknowledged],
        Some("all") => Vec::new(),
        Some(word) => vec![state_of(word)?],
    };
    let filter = AlertFilter {
        states,
        environment: view.environment.map(EnvironmentId),
        series: None,
    };
    let alerts = state.store.alerts(&filter).await?;
    let environments = state.store.environments().await?;
    let counts = state.store.alert_counts().await?;
    let count = |state: &AlertState| counts.get(state).copied().unwrap_or_default();
    let active: u32 = AlertState::ALL
        .iter()
        .filter(|state| state.is_active())
        .map(count)
        .sum();
    let all: u32 = AlertState::ALL.iter().map(count).sum();
    let mut states = vec![choice(&view, None, "to do", active)];
    states.extend(
        AlertState::ALL
            .iter()
            .map(|state| choice(&view, Some(state.name()), state.name(), count(state))),
    );
    states.push(choice(&view, Some("all"), "all", all));
    html(&AlertsPage {
        shell: Shell::of(&state, reader, Place::Alerts).await?,
        sentence: sentence(
            count(&AlertState::Open),
            count(&AlertState::Acknowledged),
            all,
        ),
        states,
        machines: machines(&view, &environments),
        nothing: nothing(&view, all),
        alerts: rows(&state, &alerts, &environments).await?,
    })
}

fn sentence(open: u32, acknowledged: u32, all: u32) -> String {
    match (open, acknowledged) {
        (0, 0) if all == 0 => "No alert yet".to_owned(),
        (0, 0) => "Nothing to do: every alert is closed".to_owned(),
        (0, n) => format!(
            "{} acknowledged, none is open",
            text::plural(n.into(), "alert is", "alerts are")
        ),
        (n, 0) => format!("{} open", text::plural(n.into(), "alert is", "alerts are")),
        (n, known) => format!(
            "{} open, {} acknowledged",
            text::plural(n.into(), "alert is", "alerts are"),
            known
        ),
    }
}

fn nothing(view: &View, all: u32) -> &'static str {
    match view.state.as_deref() {
        _ if all == 0 => {
            "An alert opens when the nights confirm that main got worse. It closes by itself when \
             it is fixed."
        }
        None => "Nothing is open.",
        Some(_) => "No alert is in this state.",
    }
}

fn choice(view: &View, state: Option<&str>, name: &str, count: u32) -> Choice {
    let wanted = View {
        state: state.map(str::to_owned),
        ..view.clone()
    };
    Choice {
        url: wanted.url(),
        name: name.to_owned(),
        count: Some(count),
        is_current: wanted == *view,
    }
}

fn machines(view: &View, environments: &[Environment]) -> Vec<Choice> {
    if environments.len() < 2 {
        return Vec::new();
    }
    let ids = environments.iter().map(|machine| Some(machine.id.0));
    let names = machine_names(environments).into_iter();
    std::iter::once((None, "all".to_owned()))
        .chain(ids.zip(names))
        .map(|(environment, name)| {
            let wanted = View {
                environment,
                ..view.clone()
            };
            Choice {
                url: wanted.url(),
                name,
                count: None,
                is_current: wanted == *view,
            }
        })
        .collect()
}

impl View {
    fn url(&self) -> String {
        let mut url = "/alerts".to_owned();
        let mut mark = '?';
        if let Some(state) = &self.state {
            let _ = write!(url, "{mark}state={state}");
            mark = '&';
        }
        if let Some(environment) = self.environment {
            let _ = write!(url, "{mark}environment={environment}");
        }
        url
    }
}
