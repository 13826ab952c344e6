//! `/help`: every term and formula, how to read a page, and what to do about what it shows.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use bench_report::metric::format_count;

use super::{Place, Reader, Shell, html};
use crate::analysis::terms;
use crate::domain::time::DAY_MS;
use crate::web::{AppState, WebError};

/// `GET /help`
pub async fn show(State(state): State<AppState>, reader: Reader) -> Result<Html<String>, WebError> {
    let percent = |share: f64| {
        let text = format!("{:.1}", share * 100.0);
        format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
    };
    html(&HelpPage {
        shell: Shell::of(&state, reader, Place::Help).await?,
        main_branch: state.store.main_branch().to_owned(),
        rule: terms::RULE,
        days: terms::WINDOW_MS / DAY_MS,
        runs: terms::MIN_RUNS,
        samples: terms::MIN_SAMPLES,
        critical: percent(terms::CRITICAL_ABOVE),
        warning: percent(terms::WARNING_FROM),
        info: percent(terms::INFO_FROM),
        threshold: percent(terms::DEFAULT_THRESHOLD),
        p99: format!("{} ms", terms::P99_LATENCY_MAX_NS / 1e6),
        throughput: format_count(terms::THROUGHPUT_MIN_PER_SECOND as u64),
        errors: percent(terms::ERROR_RATE_MAX),
        memory: percent(terms::MEMORY_SHARE_MAX),
        red_ratio: format_count(terms::RED_P99_OVER_P50 as u64),
        red_growth: percent(terms::RED_MEMORY_GROWTH),
        red_cpu: percent(terms::RED_CPU_SHARE),
        red_errors: percent(terms::RED_ERROR_RATE),
    })
}

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    shell: Shell,
    main_branch: String,
    rule: &'static str,
    days: i64,
    runs: usize,
    samples: usize,
    critical: String,
    warning: String,
    info: String,
    threshold: String,
    p99: String,
    throughput: String,
    errors: String,
    memory: String,
    red_ratio: String,
    red_growth: String,
    red_cpu: String,
    red_errors: String,
}
