//! `/metrics` for Prometheus: own health, and what every series of main stands at.
//!
//! Health is counted as it happens; the series are read when they are asked for. Generated data is
//! not there: nobody should be woken by it.

use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::{AppState, WebError};
use crate::analysis;
use crate::domain::alert::AlertState;
use crate::domain::{Judged, JudgedRun};
use crate::store::{AlertFilter, Outcome};

type Float = Gauge<f64, AtomicU64>;

/// Upper ends of the buckets of request durations, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 10.0];

/// What is counted while the server runs. Clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    uploads: Family<OutcomeLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            uploads: Family::default(),
        }
    }
}

impl Metrics {
    /// Counts an upload that was read and found valid.
    pub fn uploaded(&self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::New => "new",
            Outcome::Same => "same",
            Outcome::Conflict => "conflict",
        };
        self.uploads.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EnvironmentLabels {
    environment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeriesLabels {
    environment: String,
    benchmark: String,
    metric: String,
    unit: String,
    params: String,
    better: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BandLabels {
    environment: String,
    benchmark: String,
    metric: String,
    unit: String,
    params: String,
    better: &'static str,
    band: &'static str,
}

/// Counts a request by its route, never by its path: paths are without end.
pub(super) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let method = match *request.method() {
        // A method may be any word that a stranger makes up.
        ref m if m.is_safe() || ["POST", "PUT", "PATCH", "DELETE"].contains(&m.as_str()) => {
            m.to_string()
        }
        _ => "other".to_owned(),
    };
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let metrics = &state.metrics;
    let of_route = RouteLabels {
        route: route.clone(),
    };
    let seconds = start.elapsed().as_secs_f64();
    metrics.durations.get_or_create(&of_route).observe(seconds);
    let labels = RequestLabels {
        route,
        method,
        status,
    };
    metrics.requests.get_or_create(&labels).inc();
    response
}

/// `GET /metrics`.
pub async fn show(State(state): State<AppState>) -> Result<Response, WebError> {
    let mut registry = Registry::default();
    health(&state, &mut registry).await?;
    series(&state, &mut registry).await?;
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        WebError::Internal
    })?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn health(state: &AppState, registry: &mut Registry) -> Result<(), WebError> {
    let build = Info::new([
        ("version", env!("CARGO_PKG_VERSION")),
        ("rule", analysis::verdict::RULE),
    ]);
    registry.register("kvmark_build", "This program", build);
    let metrics = &state.metrics;
    let requests = metrics.requests.clone();
    registry.register("kvmark_http_requests", "Requests answered", requests);
    let durations = metrics.durations.clone();
    let help = "Time until an answer begins";
    registry.register("kvmark_http_request_duration_seconds", help, durations);
    let uploads = metrics.uploads.clone();
    registry.register(
        "kvmark_uploads",
        "Valid reports by what became of them",
        uploads,
    );
    let sizes = state.store.sizes().await?;
    let outbox = state.store.outbox_counts().await?;
    let live = state.live.all().len();
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let of_u64 = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    for (name, help, value) in [
        (
            "kvmark_upload_bodies_in_use",
            "Bodies being decoded and stored",
            whole(state.uploads.in_use()),
        ),
        (
            "kvmark_jobs_queued",
            "Runs waiting to be judged again",
            of_u64(state.store.rejudge_count().await?),
        ),
        (
            "kvmark_store_bytes",
            "Size of the database",
            of_u64(sizes.bytes),
        ),
        ("kvmark_store_runs", "Runs stored", of_u64(sizes.runs)),
        (
            "kvmark_github_queued",
            "What is still to be said on GitHub",
            of_u64(outbox.waiting),
        ),
        (
            "kvmark_github_failing",
            "Of these, what GitHub did not take yet",
            of_u64(outbox.failing),
        ),
        (
            "kvmark_github_refused",
            "What GitHub will not take",
            of_u64(outbox.refused),
        ),
        ("kvmark_live_runs", "Runs being executed", whole(live)),
    ] {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    }
    Ok(())
}

/// Gauges of the newest main-branch run of each real machine.
#[derive(Default)]
struct SeriesGauges {
    value: Family<SeriesLabels, Float>,
    baseline: Family<SeriesLabels, Float>,
    change: Family<SeriesLabels, Float>,
    target: Family<SeriesLabels, Float>,
    target_met: Family<SeriesLabels, Gauge>,
    band: Family<BandLabels, Gauge>,
    samples: Family<SeriesLabels, Gauge>,
    time: Family<EnvironmentLabels, Float>,
    expected: Family<EnvironmentLabels, Gauge>,
    measured: Family<EnvironmentLabels, Gauge>,
    exit_code: Family<EnvironmentLabels, Gauge>,
    alerts_open: Family<EnvironmentLabels, Gauge>,
}

async fn series(state: &AppState, registry: &mut Registry) -> Result<(), WebError> {
    let gauges = SeriesGauges::default();
    let machines = state.store.environments().await?;
    let active = AlertFilter {
        states: vec![AlertState::Open, AlertState::Acknowledged],
        ..AlertFilter::default()
    };
    let alerts = state.store.alerts(&active).await?;
    for machine in &machines {
        if machine.is_sample {
            continue;
        }
        let Some(run) = state.store.latest_main_run(machine.id).await? else {
            continue;
        };
        let Some(run) = state.store.judged_run(run.id).await? else {
            continue;
        };
        // A machine that was changed keeps its name and is another machine: labels must differ.
        let is_shared = machines
            .iter()
            .any(|m| m.name == machine.name && m.id != machine.id);
        let environment = if is_shared {
            format!("{} ({})", machine.name, machine.id)
        } else {
            machine.name.clone()
        };
        gauges.take_run(&environment, &run);
        let open = alerts
            .iter()
            .filter(|alert| alert.environment == machine.id);
        gauges.take_alerts(&environment, open.count());
        for row in &run.rows {
            gauges.take(&environment, row);
        }
    }
    gauges.register(registry);
    Ok(())
}

impl SeriesGauges {
    fn take_run(&self, environment: &str, run: &JudgedRun) {
        let labels = EnvironmentLabels {
            environment: environment.to_owned(),
        };
        let coverage = &run.run.coverage;
        self.time
            .get_or_create(&labels)
            .set(run.run.started_at.0 as f64 / 1e3);
        self.expected
            .get_or_create(&labels)
            .set(coverage.expected.into());
        self.measured
            .get_or_create(&labels)
            .set(coverage.measured.into());
        let gate = analysis::verdict::gate(run);
        self.exit_code
            .get_or_create(&labels)
            .set(gate.exit_code.into());
    }

    fn take_alerts(&self, environment: &str, open: usize) {
        let labels = EnvironmentLabels {
            environment: environment.to_owned(),
        };
        let open = i64::try_from(open).unwrap_or(i64::MAX);
        self.alerts_open.get_or_create(&labels).set(open);
    }

    fn take(&self, environment: &str, row: &Judged) {
        let key = &row.series.key;
        let mut params = String::new();
        for (name, value) in &key.params {
            let comma = if params.is_empty() { "" } else { "," };
            // Writing into a string does not fail.
            let _ = write!(params, "{comma}{name}={value}");
        }
        let labels = SeriesLabels {
            environment: environment.to_owned(),
            benchmark: key.benchmark.clone(),
            metric: key.metric.clone(),
            unit: key.unit.clone(),
            params,
            better: match row.series.better {
                bench_report::metric::Direction::Lower => "lower",
                bench_report::metric::Direction::Higher => "higher",
            },
        };
        let value = row.measurement.value;
        self.value.get_or_create(&labels).set(value);
        self.samples
            .get_or_create(&labels)
            .set(row.measurement.sample_count.into());
        if let Some(baseline) = row.judgement.baseline {
            self.baseline.get_or_create(&labels).set(baseline);
        }
        if let Some(change) = row.judgement.change {
            self.change.get_or_create(&labels).set(change);
        }
        if let Some(target) = row.series.target {
            self.target.get_or_create(&labels).set(target.value);
            self.target_met
                .get_or_create(&labels)
                .set(target.is_met_by(value).into());
        }
        let band = BandLabels {
            band: row.judgement.band.word(),
            environment: labels.environment,
            benchmark: labels.benchmark,
            metric: labels.metric,
            unit: labels.unit,
            params: labels.params,
            better: labels.better,
        };
        self.band.get_or_create(&band).set(1);
    }

    fn register(self, registry: &mut Registry) {
        let mut floats = |name: &str, help: &str, family| registry.register(name, help, family);
        floats(
            "kvmark_series_value",
            "Value of the newest main-branch run",
            self.value,
        );
        floats(
            "kvmark_series_baseline",
            "Mean of the baseline runs",
            self.baseline,
        );
        floats(
            "kvmark_series_change_ratio",
            "Change, positive is worse",
            self.change,
        );
        floats("kvmark_series_target", "Absolute goal", self.target);
        let mut whole = |name: &str, help: &str, family| registry.register(name, help, family);
        whole(
            "kvmark_series_target_met",
            "1 where the goal is met",
            self.target_met,
        );
        whole(
            "kvmark_series_samples",
            "Samples of the value",
            self.samples,
        );
        registry.register("kvmark_series_band", "1 for the present band", self.band);
        let time = "Start of the newest main-branch run";
        registry.register("kvmark_run_timestamp_seconds", time, self.time);
        let mut of_run = |name: &str, help: &str, family| registry.register(name, help, family);
        of_run(
            "kvmark_run_series_expected",
            "Series expected of that run",
            self.expected,
        );
        of_run(
            "kvmark_run_series_measured",
            "Expected series measured",
            self.measured,
        );
        of_run(
            "kvmark_gate_exit_code",
            "What CI was told of that run",
            self.exit_code,
        );
        of_run(
            "kvmark_alerts_open",
            "Alerts that are open or acknowledged",
            self.alerts_open,
        );
    }
}
