//! `GET /feed.atom`: alerts as an Atom feed (RFC 4287), the last change first.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bench_report::metric::format_change;

use super::api::upload::base_url;
use super::{AppState, WebError};
use crate::domain::alert::Alert;
use crate::github::alert;
use crate::store::AlertFilter;

/// Entries: what a feed reader has not seen in months it will not miss.
const MOST: usize = 50;

#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed {
    base: String,
    id: String,
    updated: String,
    entries: Vec<Entry>,
}

struct Entry {
    id: String,
    title: String,
    url: String,
    published: String,
    updated: String,
    state: String,
    text: String,
}

/// The handler.
pub async fn show(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, WebError> {
    let mut alerts = state.store.alerts(&AlertFilter::default()).await?;
    alerts.sort_by_key(|alert| std::cmp::Reverse((alert.changed_at, alert.id)));
    alerts.truncate(MOST);
    let base = base_url(&state, &headers);
    let authority = state.config.public_host().unwrap_or("localhost");
    // Ids stay what they are for ever (RFC 4151): host and port of the address, and the cause.
    let host = authority.split(':').next().unwrap_or(authority).to_owned();
    let machines = state.store.environments().await?;
    let mut entries = Vec::new();
    for one in alerts {
        // Generated data is nobody's news.
        let machine = machines.iter().find(|m| m.id == one.environment);
        let Some(machine) = machine.filter(|machine| !machine.is_sample) else {
            continue;
        };
        let worst = match alert::worst(&one) {
            Some(id) => state.store.series_by_id(id).await?,
            None => None,
        };
        let worst = worst.map_or_else(String::new, |series| series.name());
        entries.push(Entry {
            id: format!("tag:{host},2026:kvmark/alert/{}", one.fingerprint),
            title: alert::title(&one, &worst, &machine.name),
            url: format!("{base}/alerts/{}", one.id),
            published: one.opened_at.timestamp().to_string(),
            updated: one.changed_at.timestamp().to_string(),
            state: one.state.to_string(),
            text: text(&one),
        });
    }
    let newest = entries.first().map(|entry| entry.updated.clone());
    let feed = Feed {
        id: format!("tag:{host},2026:kvmark/alerts"),
        updated: newest.unwrap_or_else(|| state.now().timestamp().to_string()),
        base,
        entries,
    };
    let xml = feed.render().map_err(|error| {
        tracing::error!(%error, "the feed could not be rendered");
        WebError::Internal
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/atom+xml; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    Ok((headers, xml).into_response())
}

/// `open: 2 of 3 series are worse, +25.0%`.
fn text(alert: &Alert) -> String {
    let (open, all) = (alert.open_series().count(), alert.series.len());
    let size = alert
        .size()
        .map_or_else(|| "from a level of zero".to_owned(), format_change);
    let mut text = format!(
        "{}: {open} of {all} series are worse, the worst was {size}.",
        alert.state
    );
    if let Some(reason) = alert.reason() {
        text.push_str(&format!(" Reason: {reason}"));
    }
    text
}
