//! `/alerts/{id}`: one cause, its chart, its suspects, its life, and what can be done.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use bench_report::metric::{Direction, format_change};
use bench_verdict::verdict::Band;

use super::row::{is_sample, series_of, verdict};
use super::words;
use crate::analysis::alerts::act::allowed;
use crate::analysis::history::{HistoryInputs, build};
use crate::chart::plot::{XScale, YScale};
use crate::chart::spark::spark;
use crate::domain::alert::{Alert, AlertEvent, AlertSeries, AlertState, By, How, What};
use crate::domain::time::DAY_MS;
use crate::domain::{AlertId, Millis, Point, Scope, Series, SeriesId};
use crate::store::AlertFilter;
use crate::text;
use crate::web::auth::Caller;
use crate::web::extract::Path;
use crate::web::pages::annotations::{NoteView, notes};
use crate::web::pages::figure::TrendFigure;
use crate::web::pages::rows::SeriesView;
use crate::web::pages::verdict::{VerdictView, change_class};
use crate::web::pages::{Place, Shell, environment_or_unknown, html, links, value};
use crate::web::{AppState, WebError};

/// Days before the first bad night that the chart shows.
const DAYS_BEFORE: i64 = 35;
/// Days after the end of an alert that the chart shows.
const DAYS_AFTER: i64 = 14;
/// Days after the first bad night that the chart shows at most.
const MOST_DAYS: i64 = 90;
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
    suspects: Vec<Suspect>,
    suspects_note: String,
    compare: Option<String>,
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

struct Chart {
    metric: String,
    note: String,
    url: String,
    figure: TrendFigure,
    notes: Vec<NoteView>,
    annotate: String,
}

struct Suspect {
    commit: String,
    subject: String,
    author: String,
    note: &'static str,
    url: Option<String>,
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

struct EventRow {
    when: String,
    iso: String,
    who: String,
    what: String,
    text: String,
}

/// `GET /alerts/{id}`
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<AlertId>,
    caller: Caller,
) -> Result<Html<String>, WebError> {
    let alert = state.store.alert(id).await?;
    let alert = alert.ok_or_else(|| WebError::not_found("alert", id))?;
    let now = state.now();
    let series = series_of(&state, &alert).await?;
    let ids: Vec<SeriesId> = series.iter().map(|s| s.id).collect();
    let recent = state.store.recent_points(&ids, now, SPARK_NIGHTS).await?;
    let worst = worst(&alert, &series);
    let chart = match &worst {
        Some((one, series)) => Some(chart(&state, &alert, one, series, now).await?),
        None => None,
    };
    let (previous, next) = neighbours(&state, &alert).await?;
    let (suspects, suspects_note) = suspects(&state, &alert).await?;
    let (band, evidence) = verdict(&alert);
    let allowed = allowed(&alert);
    let can = |wanted| allowed.contains(&wanted);
    let last_run = recent
        .iter()
        .flat_map(|(_, points)| points.last())
        .max_by_key(|p| p.time);
    let explain = worst
        .as_ref()
        .zip(last_run)
        .map(|((one, _), last)| format!("/api/v1/runs/{}/series/{}/explain", last.run, one.series));
    html(&AlertPage {
        shell: Shell::of(&state, Place::Alerts).await?,
        id,
        version: alert.version,
        state: alert.state.name(),
        is_active: alert.is_active(),
        is_sample: is_sample(&alert, &state.store.environments().await?),
        owner: alert.owner.clone(),
        reason: alert.reason().map(str::to_owned),
        sentence: words::sentence(&alert, &series, now),
        mark: VerdictView::new(band, evidence),
        facts: facts(&alert, worst.as_ref(), now),
        previous,
        next,
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
        suspects_note,
        why: worst.as_ref().map(|(one, _)| why(one)).unwrap_or_default(),
        explain,
        events: timeline(&alert.events, &series),
        series: series_rows(&alert, &series, &recent, now),
    })
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

fn facts(alert: &Alert, worst: Option<&(AlertSeries, Arc<Series>)>, now: Millis) -> Vec<String> {
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
    if let Some((one, series)) = worst {
        let scale = value::scale(&series.key.unit, [one.frozen_baseline, one.limit]);
        let day = one
            .last_good
            .as_ref()
            .map(|night| text::day_near(night.at, now));
        let on = day.map_or_else(String::new, |day| format!(", {day}"));
        facts.push(format!(
            "baseline frozen at {}{on}",
            scale.reading(one.frozen_baseline)
        ));
        if alert.is_active() {
            let side = match series.better {
                Direction::Lower => "at most",
                Direction::Higher => "at least",
            };
            facts.push(format!(
                "closes by itself when the median of 3 nights is {side} {}",
                scale.reading(one.limit)
            ));
        }
    }
    facts
}

async fn chart(
    state: &AppState,
    alert: &Alert,
    one: &AlertSeries,
    series: &Arc<Series>,
    now: Millis,
) -> Result<Chart, WebError> {
    let store = &state.store;
    let from = one.since.at.minus_days(DAYS_BEFORE);
    let end = if alert.is_active() {
        now
    } else {
        now.min(Millis(alert.changed_at.0 + DAYS_AFTER * DAY_MS))
    };
    // No more nights than travel with the page.
    let end = end.min(Millis(one.since.at.0 + MOST_DAYS * DAY_MS));
    let mut points = store
        .points(series.id, from, end, Some(store.main_branch()))
        .await?;
    points.retain(|point| point.value.is_finite());
    let ends = points
        .first()
        .map(|p| p.time)
        .zip(points.last().map(|p| p.time));
    let (first, last) = ends.unwrap_or((from, end));
    let environments = store.environments().await?;
    let mut history = build(HistoryInputs {
        series: Series::clone(series),
        environment: environment_or_unknown(&environments, series.key.environment),
        points,
        earlier: Vec::new(),
        from: first,
        to: last,
    });
    history.annotate(&store.annotations(Some(series.id), first, last).await?);
    history.frozen = Some((one.since.at, one.frozen_baseline));
    let values = history.points.iter().map(|p| p.value);
    let scale = value::scale(&series.key.unit, values.chain([one.frozen_baseline]));
    let better = match series.better {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
    };
    let params = series.params_text();
    let points_url = format!(
        "/api/v1/series/{}/points?from={}&to={}",
        series.id, first.0, last.0
    );
    Ok(Chart {
        metric: series.key.metric.clone(),
        note: [scale.label, better, &params]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · "),
        figure: TrendFigure::new(
            &history,
            scale,
            (XScale::Date, YScale::Linear),
            (points_url, links::series(series)),
        ),
        notes: notes(&history.notes, now),
        annotate: format!("/annotations?series={}&run={}", series.id, one.since.run),
        url: links::series(series),
    })
}

/// The commits that came with the first bad night, where its report lists them; else what is known
/// of the two nights.
async fn suspects(state: &AppState, alert: &Alert) -> Result<(Vec<Suspect>, String), WebError> {
    let store = &state.store;
    let short = |commit: &str| commit.get(..7).unwrap_or(commit).to_owned();
    let listed = store.commits(alert.first_bad.run).await?;
    let mut rows: Vec<Suspect> = listed
        .iter()
        .map(|commit| Suspect {
            commit: short(&commit.commit),
            subject: commit.subject.clone(),
            author: commit.author.clone(),
            note: if commit.commit == alert.first_bad.commit {
                "first bad night"
            } else {
                ""
            },
            url: (commit.commit == alert.first_bad.commit).then(|| links::run(alert.first_bad.run)),
        })
        .collect();
    let nights = [
        (Some(&alert.first_bad), "first bad night"),
        (alert.last_good.as_ref(), "last good night"),
    ];
    for (night, note) in nights {
        let Some(night) = night else { continue };
        if listed.iter().any(|known| known.commit == night.commit) {
            continue;
        }
        let run = store.run(night.run).await?;
        let revision = run.as_ref().map(|run| &run.revision);
        rows.push(Suspect {
            commit: short(&night.commit),
            subject: revision.and_then(|r| r.subject.clone()).unwrap_or_default(),
            author: revision.and_then(|r| r.author.clone()).unwrap_or_default(),
            note,
            url: run.as_ref().map(|run| links::run(run.id)),
        });
    }
    let note = match (listed.len(), &alert.last_good) {
        (0, Some(good)) if good.commit == alert.first_bad.commit => {
            "the same commit was good the night before: look at the machine".to_owned()
        }
        (0, Some(_)) => "somewhere after the last good night, up to the first bad one".to_owned(),
        (0, None) => "no good night is known before it".to_owned(),
        (n, _) => format!(
            "{} since the night before",
            text::plural(n as u64, "commit", "commits")
        ),
    };
    Ok((rows, note))
}

fn series_rows(
    alert: &Alert,
    series: &[Arc<Series>],
    recent: &[(SeriesId, Vec<Point>)],
    now: Millis,
) -> Vec<SeriesRow> {
    let mut rows: Vec<(Option<i64>, SeriesRow)> = Vec::new();
    for one in &alert.series {
        let Some(series) = series.iter().find(|s| s.id == one.series) else {
            continue;
        };
        let found = recent.iter().find(|(id, _)| *id == one.series);
        let points = found.map_or(&[][..], |(_, points)| points.as_slice());
        let last = points.last();
        let scale = value::scale(
            &series.key.unit,
            last.map(|p| p.value)
                .into_iter()
                .chain([one.frozen_baseline]),
        );
        let from_frozen = last.and_then(|last| {
            crate::analysis::alerts::change_from(series, one.frozen_baseline, last.value)
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
            frozen: scale.number(one.frozen_baseline),
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
        rows.push((one.change.map(order), row));
    }
    rows.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    rows.into_iter().map(|(_, row)| row).collect()
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

/// The events, newest first; what happened to several series at once is said once.
fn timeline(events: &[AlertEvent], series: &[Arc<Series>]) -> Vec<EventRow> {
    let is_one = |a: &AlertEvent, b: &AlertEvent| {
        let by_rules = a.who.is_none() && b.who.is_none();
        by_rules && (a.at, a.what) == (b.at, b.what)
    };
    let groups = events.chunk_by(is_one);
    groups.rev().map(|group| event_row(group, series)).collect()
}

fn event_row(group: &[AlertEvent], series: &[Arc<Series>]) -> EventRow {
    let event = &group[0];
    let name = event.series.and_then(|id| {
        let series = series.iter().find(|s| s.id == id)?;
        Some(series.name())
    });
    let of = match group.len() {
        1 => name.unwrap_or_else(|| "it".to_owned()),
        n => format!("{n} series"),
    };
    let by_rules = event.who.is_none();
    let what = match event.what {
        What::Confirmed => format!("{of}: confirmed, baseline frozen"),
        What::Recovered => format!("{of}: back at the level before"),
        What::Retracted => format!("{of}: the change was taken back"),
        What::Returned => format!("{of}: bad again"),
        What::Accepted if by_rules => format!("{of}: the new level is the accepted one"),
        What::Accepted => "accepted the new level".to_owned(),
        What::Acknowledged => "acknowledged".to_owned(),
        What::Dismissed => "dismissed it".to_owned(),
        What::Reopened => "opened it again".to_owned(),
        What::Assigned => match &event.text {
            Some(owner) => format!("gave it to {owner}"),
            None => "took it from its owner".to_owned(),
        },
        What::Noted => "noted".to_owned(),
    };
    EventRow {
        when: text::day_clock(event.at),
        iso: text::iso(event.at),
        who: event.who.clone().unwrap_or_default(),
        what,
        text: event
            .text
            .clone()
            .filter(|_| event.what != What::Assigned)
            .unwrap_or_default(),
    }
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
