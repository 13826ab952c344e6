//! `/alerts/{id}`: one cause, its chart, its suspects, its life, and what can be done.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use bench_report::metric::{Direction, format_change};
use bench_verdict::verdict::Band;

use super::chart::{Chart, chart};
use super::ended::{Ended, ended};
use super::row::{is_sample, series_of, verdict};
use super::suspects::{Suspects, suspects};
use super::timeline::{EventRow, timeline};
use super::words;
use crate::analysis::alerts::act::allowed;
use crate::analysis::symptom::Symptom;
use crate::chart::spark::spark;
use crate::domain::alert::{Alert, AlertSeries, AlertState, By, How};
use crate::domain::github::GithubPages;
use crate::domain::{AlertId, Millis, Point, Scope, Series, SeriesId};
use crate::github::Intent;
use crate::store::AlertFilter;
use crate::text;
use crate::web::auth::Caller;
use crate::web::extract::Path;
use crate::web::pages::rows::SeriesView;
use crate::web::pages::verdict::{VerdictView, change_class};
use crate::web::pages::{Place, Reader, Shell, html, links, server_url, value};
use crate::web::{AppState, WebError};

/// Nights of a sparkline.
const SPARK_NIGHTS: u32 = 30;

#[derive(Template)]
#[template(path = "alert.html")]
struct AlertPage {
    shell: Shell,
    id: AlertId,
    version: u32,
    state: &'static str,
    is_active: bool,
    is_sample: bool,
    owner: Option<String>,
    reason: Option<String>,
    sentence: String,
    mark: VerdictView,
    facts: Vec<String>,
    previous: Option<String>,
    next: Option<String>,
    /// Whether the reader may handle it.
    may_act: bool,
    can: Can,
    chart: Option<Chart>,
    suspects: Suspects,
    compare: Option<String>,
    /// Its issue on GitHub: name and page.
    issue: Option<(String, String)>,
    /// Both nights' commits on GitHub.
    diff: Option<String>,
    /// The command that finds the commit.
    bisect: Option<String>,
    /// How its epoch has ended.
    ended: Option<Ended>,
    login: String,
    /// Where to look first: text and address.
    symptoms: Vec<(&'static str, String)>,
    series: Vec<SeriesRow>,
    why: Vec<(&'static str, String)>,
    explain: Option<String>,
    events: Vec<EventRow>,
}

/// What may be done in this state.
struct Can {
    acknowledge: bool,
    reopen: bool,
    accept: bool,
    dismiss: bool,
}

struct SeriesRow {
    verdict: VerdictView,
    series: SeriesView,
    spark: String,
    frozen: String,
    value: String,
    unit: &'static str,
    from_frozen: String,
    from_frozen_class: &'static str,
    from_baseline: String,
    since: String,
    state: String,
}

/// `GET /alerts/{id}`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<AlertId>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Html<String>, WebError> {
    let alert = state.store.alert(id).await?;
    let alert = alert.ok_or_else(|| WebError::not_found("alert", id))?;
    let now = state.now();
    let series = series_of(&state, &alert).await?;
    let ids: Vec<SeriesId> = alert.series.iter().map(|one| one.now().series).collect();
    let recent = state.store.recent_points(&ids, now, SPARK_NIGHTS).await?;
    let worst = worst(&alert, &series);
    let chart = match &worst {
        Some((one, series)) => Some(chart(&state, &alert, one, series, now).await?),
        None => None,
    };
    let (previous, next) = neighbours(&state, &alert).await?;
    let is_sample = is_sample(&alert, &state.store.environments().await?);
    // Generated commits are nowhere.
    let github = state.config.github_pages().filter(|_| !is_sample);
    let suspects = suspects(&state, &alert, github.as_ref()).await?;
    let issue = issue(&state, &alert, github.as_ref()).await?;
    let (band, evidence) = verdict(&alert);
    let allowed = allowed(&alert);
    let can = |wanted| allowed.contains(&wanted);
    let explain = worst.as_ref().and_then(|(one, _)| {
        let id = one.now().series;
        let last = points_of(&recent, id).last()?;
        Some(format!("/api/v1/runs/{}/series/{id}/explain", last.run))
    });
    let server = server_url(&state, &headers);
    let ended = ended(&state, &alert, &server, now).await?;
    let is_left = ended.as_ref().is_some_and(|ended| ended.is_left);
    html(&AlertPage {
        shell: Shell::of(&state, reader, Place::Alerts).await?,
        id,
        version: alert.version,
        state: alert.state.name(),
        is_active: alert.is_active(),
        is_sample,
        issue,
        diff: github
            .zip(alert.last_good.as_ref())
            .map(|(github, good)| github.compare(&good.commit, &alert.first_bad.commit)),
        bisect: bisect(&alert, &server).filter(|_| !is_sample),
        ended,
        owner: alert.owner.clone(),
        reason: alert.reason().map(str::to_owned),
        sentence: words::sentence(&alert, &series, now),
        mark: VerdictView::new(band, evidence),
        facts: facts(
            &alert,
            worst.as_ref().map(|(one, series)| {
                let newest = points_of(&recent, one.now().series).last();
                (one, series, newest.map(|point| point.value))
            }),
            is_left,
            now,
        ),
        previous,
        next,
        symptoms: symptoms(&series),
        login: links::login(&format!("/alerts/{id}")),
        may_act: caller.require(Scope::Triage).is_ok(),
        can: Can {
            acknowledge: can(AlertState::Acknowledged),
            reopen: can(AlertState::Open),
            accept: can(AlertState::Accepted),
            dismiss: can(AlertState::Dismissed),
        },
        chart,
        compare: alert
            .last_good
            .as_ref()
            .map(|good| links::compare(&good.run.to_string(), &alert.first_bad.run.to_string())),
        suspects,
        why: worst.as_ref().map(|(one, _)| why(one)).unwrap_or_default(),
        explain,
        events: timeline(&alert.events, &series, now),
        series: series_rows(&alert, &series, &recent, now),
    })
}

/// What its series point at, each once, as rows of the help's table.
fn symptoms(series: &[Arc<Series>]) -> Vec<(&'static str, String)> {
    let mut found: Vec<Symptom> = series
        .iter()
        .filter_map(|s| Symptom::of(&s.key.benchmark, &s.key.metric))
        .collect();
    found.sort_unstable();
    found.dedup();
    let link = |symptom: Symptom| (symptom.name(), format!("/help#{}", symptom.anchor()));
    found.into_iter().map(link).collect()
}

/// The issue that was opened for it, once GitHub has numbered it.
async fn issue(
    state: &AppState,
    alert: &Alert,
    github: Option<&GithubPages>,
) -> Result<Option<(String, String)>, WebError> {
    let Some(github) = github else {
        return Ok(None);
    };
    let key = Intent::issue_key(&alert.fingerprint);
    let found = state.store.outbox(&key).await?;
    let number = found
        .iter()
        .find(|entry| entry.key == key)
        .and_then(|entry| entry.number);
    Ok(number.map(|number| (format!("issue {number}"), github.issue(number))))
}

/// The command that finds the commit; none where only one commit can have done it.
fn bisect(alert: &Alert, server: &str) -> Option<String> {
    let good = alert.last_good.as_ref()?;
    (good.commit != alert.first_bad.commit)
        .then(|| format!("bench-runner bisect --alert {} --server {server}", alert.id))
}

/// The worst series that is not over, else the worst.
fn worst(alert: &Alert, series: &[Arc<Series>]) -> Option<(AlertSeries, Arc<Series>)> {
    let key = |one: &&AlertSeries| (one.ended.is_none(), one.change.map(order));
    let one = alert.series.iter().max_by_key(key)?;
    let series = series.iter().find(|s| s.id == one.series)?;
    Some((one.clone(), series.clone()))
}

/// A size as something that can be ordered: in millionths.
fn order(size: f64) -> i64 {
    (size * 1e6) as i64
}

/// `is_left`: its epoch has ended, and nothing measures what is open in it.
fn facts(
    alert: &Alert,
    worst: Option<(&AlertSeries, &Arc<Series>, Option<f64>)>,
    is_left: bool,
    now: Millis,
) -> Vec<String> {
    let mut facts = Vec::new();
    let age = words::age(alert, now);
    facts.push(match (alert.is_active(), age.as_str()) {
        (true, "today") => "opened today".to_owned(),
        (true, _) => format!("open for {age}"),
        (false, "today") => "was open for less than a day".to_owned(),
        (false, _) => format!("was open for {age}"),
    });
    let count = text::plural(alert.series.len() as u64, "series", "series");
    facts.push(format!("{count}, one cause"));
    if let Some((one, series, newest)) = worst {
        let levels = one.now();
        let scale = value::scale(&series.key.unit, [levels.frozen_baseline, levels.limit]);
        let day = one
            .last_good
            .as_ref()
            .map(|night| text::day_near(night.at, now));
        let on = day.map_or_else(String::new, |day| format!(", {day}"));
        facts.push(format!(
            "baseline frozen at {}{on}",
            scale.reading(levels.frozen_baseline)
        ));
        let now = newest.and_then(|value| {
            crate::analysis::alerts::change_from(series, levels.frozen_baseline, value)
        });
        if let Some(now) = now.filter(|_| alert.is_active()) {
            facts.push(format!("newest night {} from it", format_change(now)));
        }
        if is_left {
            facts.push("its epoch has ended: it does not close by itself".to_owned());
        } else if alert.is_active() {
            let side = match series.better {
                Direction::Lower => "at most",
                Direction::Higher => "at least",
            };
            facts.push(format!(
                "closes by itself when the median of 3 nights is {side} {}",
                scale.reading(levels.limit)
            ));
        }
    }
    facts
}

fn series_rows(
    alert: &Alert,
    series: &[Arc<Series>],
    recent: &[(SeriesId, Vec<Point>)],
    now: Millis,
) -> Vec<SeriesRow> {
    /// Whether it has ended, and how much worse it is.
    type Place = (bool, Reverse<Option<i64>>);
    let mut rows: Vec<(Place, SeriesRow)> = Vec::new();
    for one in &alert.series {
        let Some(series) = series.iter().find(|s| s.id == one.series) else {
            continue;
        };
        let levels = one.now();
        let points = points_of(recent, levels.series);
        let last = points.last();
        let scale = value::scale(
            &series.key.unit,
            last.map(|p| p.value)
                .into_iter()
                .chain([levels.frozen_baseline]),
        );
        let from_frozen = last.and_then(|last| {
            crate::analysis::alerts::change_from(series, levels.frozen_baseline, last.value)
        });
        let band = from_frozen.map_or(Band::None, Band::of);
        let dash = || "–".to_owned();
        let view = SeriesView::new(series);
        let label = format!(
            "{} {}: last {} nights",
            view.benchmark,
            view.metric,
            points.len()
        );
        let row = SeriesRow {
            verdict: VerdictView::new(
                one.change.map_or(Band::Critical, Band::of),
                crate::analysis::alerts::evidence(one.by),
            ),
            series: view,
            spark: spark(points, &label),
            frozen: scale.number(levels.frozen_baseline),
            value: last.map_or_else(dash, |last| scale.number(last.value)),
            unit: scale.label,
            from_frozen: from_frozen.map_or_else(dash, format_change),
            from_frozen_class: change_class(band),
            from_baseline: last
                .and_then(|last| last.judgement.change)
                .map_or_else(dash, format_change),
            since: text::day_near(one.since.at, now),
            state: match one.ended {
                None => "worse".to_owned(),
                Some((at, How::Recovered)) => format!("back {}", text::day_near(at, now)),
                Some((at, How::Retracted)) => format!("retracted {}", text::day_near(at, now)),
                Some((at, How::Accepted)) => format!("accepted {}", text::day_near(at, now)),
            },
        };
        rows.push(((one.ended.is_some(), Reverse(from_frozen.map(order))), row));
    }
    // What is still worse first, and of that what is worst now.
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn points_of(recent: &[(SeriesId, Vec<Point>)], series: SeriesId) -> &[Point] {
    let found = recent.iter().find(|(id, _)| *id == series);
    found.map_or(&[][..], |(_, points)| points.as_slice())
}

/// The numbers of the confirmation.
fn why(one: &AlertSeries) -> Vec<(&'static str, String)> {
    let by = match one.by {
        By::Nights => "the nights since then",
        By::Pairs => "pairs on the same night",
        By::Count => "a count: any change is real",
    };
    let mut rows = vec![
        ("confirmed by", by.to_owned()),
        ("on", text::day_clock(one.confirmed_at)),
    ];
    if let Some(change) = one.change {
        rows.push(("shift", format_change(change)));
    }
    if let Some(numbers) = one.numbers {
        let nights = text::plural(numbers.nights as u64, "night", "nights");
        rows.push(("judged over", nights));
        rows.push((
            "z",
            format!("{:.2}, needs {:.2}", numbers.z.abs(), numbers.threshold),
        ));
        rows.push((
            "noise u of a night",
            format!("{:.2}%", 100.0 * numbers.unit),
        ));
        rows.push(("memory ρ", format!("{:.2}", numbers.rho)));
        let level = text::plural(numbers.reference_nights as u64, "night", "nights");
        rows.push(("level known from", level));
    }
    rows
}

/// The alerts before and after it among those in the list that it is found in.
async fn neighbours(
    state: &AppState,
    alert: &Alert,
) -> Result<(Option<String>, Option<String>), WebError> {
    let states = AlertState::ALL
        .into_iter()
        .filter(|state| state.is_active() == alert.is_active());
    let filter = AlertFilter {
        states: states.collect(),
        ..AlertFilter::default()
    };
    let all = state.store.alerts(&filter).await?;
    let Some(at) = all.iter().position(|other| other.id == alert.id) else {
        return Ok((None, None));
    };
    let url = |at: usize| all.get(at).map(|other| format!("/alerts/{}", other.id));
    Ok((at.checked_sub(1).and_then(url), url(at + 1)))
}
