//! An alert in a table.

use std::collections::HashMap;
use std::sync::Arc;

use bench_report::metric::format_change;
use bench_verdict::verdict::{Band, Evidence};

use super::words;
use crate::analysis;
use crate::domain::alert::{Alert, By};
use crate::domain::{AlertId, Environment, Series};
use crate::store::Epoch;
use crate::web::pages::verdict::{VerdictView, change_class};
use crate::web::{AppState, WebError};

/// An alert in a table.
pub struct AlertRow {
    /// Its number.
    pub id: AlertId,
    /// Its page.
    pub url: String,
    /// Its band and evidence.
    pub verdict: VerdictView,
    /// Its largest worsening; `–` where the level before was zero.
    pub change: String,
    /// The class that colours it.
    pub change_class: &'static str,
    /// What got worse.
    pub what: String,
    /// How many series.
    pub series: usize,
    /// The commits that may have done it.
    pub suspects: String,
    /// How old it is.
    pub age: String,
    /// What it has come to.
    pub state: &'static str,
    /// Who takes care of it.
    pub owner: Option<String>,
    /// Whether somebody has still to do something about it.
    pub is_active: bool,
    /// Whether its values were generated.
    pub is_sample: bool,
    /// Whether it is open and nothing measures its series any more.
    pub is_left_open: bool,
}

/// Alerts of these machines as rows.
pub async fn rows(
    state: &AppState,
    alerts: &[Alert],
    machines: &[Environment],
) -> Result<Vec<AlertRow>, WebError> {
    let now = state.now();
    let mut rows = Vec::with_capacity(alerts.len());
    let mut ended: HashMap<Epoch, bool> = HashMap::new();
    for alert in alerts {
        let epoch = Epoch::from(alert);
        let has_ended = match ended.get(&epoch) {
            _ if !is_on_its_own(alert) => false,
            Some(known) => *known,
            None => {
                let end = state.store.epoch_end(&epoch).await?;
                *ended.entry(epoch).or_insert(end.is_some())
            }
        };
        let series = series_of(state, alert).await?;
        let (band, evidence) = verdict(alert);
        rows.push(AlertRow {
            id: alert.id,
            url: format!("/alerts/{}", alert.id),
            verdict: VerdictView::new(band, evidence),
            change: alert.size().map_or_else(|| "–".to_owned(), format_change),
            change_class: change_class(band),
            what: words::what(&series),
            series: series.len(),
            suspects: words::suspects(alert),
            age: words::age(alert, now),
            state: alert.state.name(),
            owner: alert.owner.clone(),
            is_active: alert.is_active(),
            is_sample: is_sample(alert, machines),
            is_left_open: has_ended,
        });
    }
    Ok(rows)
}

/// Whether it is open with a series that no bridge carries on.
fn is_on_its_own(alert: &Alert) -> bool {
    alert.is_active() && alert.open_series().any(|one| one.bridged.is_none())
}

/// The series of an alert, in its order.
pub async fn series_of(state: &AppState, alert: &Alert) -> Result<Vec<Arc<Series>>, WebError> {
    let mut all = Vec::with_capacity(alert.series.len());
    for one in &alert.series {
        all.extend(state.store.series_by_id(one.series).await?);
    }
    Ok(all)
}

/// Whether an alert's machine is a made-up one, whose values were generated.
pub fn is_sample(alert: &Alert, machines: &[Environment]) -> bool {
    let mut own = machines.iter().filter(|e| e.id == alert.environment);
    own.any(|machine| machine.is_sample)
}

/// How bad an alert is, and how sure.
pub fn verdict(alert: &Alert) -> (Band, Evidence) {
    let counted = alert.series.iter().all(|one| one.by == By::Count);
    let evidence = if counted {
        Evidence::Exact
    } else {
        Evidence::Confirmed
    };
    (analysis::alerts::band_of(alert), evidence)
}
