//! `/trends`: the trends of all series that the reader's choices leave, side by side or in one chart.
//!
//! # Layout
//! - here: the handler, and what it loads. `state`: what the reader chose. `facets`: the rows of
//!   choices. `charts`: the drawings. `points`: the nights as the script reads them.

mod charts;
mod facets;
mod points;
mod state;

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::future::try_join_all;

use self::charts::{ChartView, OverlayView};
use self::facets::{FacetRow, Inputs, facets};
use self::state::{Branch, Machine, View};
use super::annotations::{NoteView, notes};
use super::benchmark::query::Range;
use super::{Place, Reader, Shell, html};
use crate::analysis::history::{History, HistoryInputs, build};
use crate::analysis::order;
use crate::chart::along::Along;
use crate::chart::overlay::MOST_LINES;
use crate::domain::time::DAY_MS;
use crate::domain::{Environment, EnvironmentId, Millis, Series, SeriesId};
use crate::store::SeriesFilter;
use crate::text;
use crate::web::extract::Query;
use crate::web::{AppState, WebError};

/// So many charts a page; the choices narrow what is shown.
const MOST_CHARTS: usize = 50;

/// `GET /trends`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let mut view = View::read(&pairs)?;
    let environments = state.store.environments().await?;
    let all = state.store.series_of(&SeriesFilter::default()).await?;
    if view.machine == Machine::Newest
        && let Some(id) = newest_machine(&environments)
    {
        view.machine = Machine::One(id);
    }
    let main = state.store.main_branch().to_owned();
    if view.branch == Branch::One(main.clone()) {
        view.branch = Branch::Main;
    }
    let loaded = load(&state, &view, &all, &environments).await?;
    if view.wants_points {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        let body = points::points_json(&loaded, &view).map_err(|error| {
            tracing::error!(%error, "points cannot be written");
            WebError::Internal
        })?;
        return Ok((headers, body).into_response());
    }
    let (from, to) = view.range.span(state.now());
    let machine = match view.machine {
        Machine::One(id) => Some(id),
        Machine::Newest | Machine::All => None,
    };
    let branches = state.store.branches(machine, from, to).await?;
    let facets = facets(&Inputs {
        view: &view,
        all: &all,
        environments: &environments,
        branches: &branches,
        main_branch: &main,
    });
    let shell = Shell::of(&state, reader, Place::Trends).await?;
    let page = TrendsPage {
        is_unmeasured: environments.is_empty(),
        ..TrendsPage::new(shell, &view, &loaded, facets, state.now())
    };
    Ok(html(&page)?.into_response())
}

/// All that the page draws.
struct Loaded {
    lines: Vec<Line>,
    /// The x axis of all of them.
    along: Along,
    /// How many series the choices leave, shown or not.
    total: usize,
    /// How many of this page's have no run in this range, and are not drawn.
    silent: usize,
    /// Runs of which branch are shown; none: of all.
    branch: Option<String>,
    /// What is shown instead of nothing; empty if it is what was asked for.
    widened: &'static str,
}

/// One series.
struct Line {
    history: History,
    /// What its machine is called.
    machine: String,
    is_sample: bool,
}

async fn load(
    state: &AppState,
    view: &View,
    all: &[Arc<Series>],
    environments: &[Environment],
) -> Result<Loaded, WebError> {
    let mut chosen: Vec<&Arc<Series>> = all.iter().filter(|s| view.holds(s, None)).collect();
    let total = chosen.len();
    let places = places(state, view, environments).await?;
    chosen.sort_by_cached_key(|s| {
        let place = places.get(&s.id).copied().unwrap_or(usize::MAX);
        (place, s.key.clone())
    });
    let most = view.most_lines();
    let chosen: Vec<&Arc<Series>> = chosen
        .into_iter()
        .skip(view.page.saturating_mul(most))
        .take(most)
        .collect();
    let (mut from, mut to) = view.range.span(state.now());
    let points_of = async |branch: Option<&str>, (from, to): (Millis, Millis)| {
        let points = chosen
            .iter()
            .map(|s| state.store.points(s.id, from, to, branch));
        try_join_all(points).await
    };
    let mut branch = match &view.branch {
        Branch::Main => Some(state.store.main_branch().to_owned()),
        Branch::One(name) => Some(name.clone()),
        Branch::All => None,
    };
    let mut points = points_of(branch.as_deref(), (from, to)).await?;
    let mut widened = "";
    // A machine that never measured main, or was silent lately: what else there is, rather than
    // empty charts.
    let all_time = (Millis(0), state.now());
    let wider = [
        (
            view.branch == Branch::Main,
            None,
            (from, to),
            ", there is no run of main here: the runs of all branches",
        ),
        (
            matches!(view.range, Range::Days(_)),
            branch.clone(),
            all_time,
            ", there is no run in this range: all runs there are",
        ),
        (
            matches!(view.range, Range::Days(_)) && view.branch == Branch::Main,
            None,
            all_time,
            ", there is no run of main and none in this range: all runs there are",
        ),
    ];
    for (may, branch_there, span, says) in wider {
        if may && points.iter().all(Vec::is_empty) {
            points = points_of(branch_there.as_deref(), span).await?;
            if points.iter().any(|points| !points.is_empty()) {
                (branch, (from, to), widened) = (branch_there, span, says);
            }
        }
    }
    for points in &mut points {
        points.retain(|p| p.value.is_finite());
    }
    // All charts share their axis: it does not begin before the first night nor end after the last.
    let times = || points.iter().flatten().map(|p| p.time);
    let span = (times().min().unwrap_or(from), times().max().unwrap_or(to));
    let along = Along::of(points.iter().flatten(), span, view.x);
    // What has no run here is counted rather than drawn, unless nothing has.
    let shown = points.iter().filter(|points| !points.is_empty()).count();
    let silent = if shown > 0 { points.len() - shown } else { 0 };
    let notes = state.store.annotations(None, span.0, span.1).await?;
    let lines = chosen
        .iter()
        .zip(points)
        .filter(|(_, points)| shown == 0 || !points.is_empty())
        .map(|(series, points)| {
            let machine = super::environment_or_unknown(environments, series.key.environment);
            let (name, is_sample) = (machine.name.clone(), machine.is_sample);
            let mut history = build(HistoryInputs {
                series: (***series).clone(),
                environment: machine,
                earlier: Vec::new(),
                points,
                from: span.0,
                to: span.1,
            });
            history.annotate(&notes);
            Line {
                history,
                machine: name,
                is_sample,
            }
        })
        .collect();
    Ok(Loaded {
        lines,
        along,
        total,
        silent,
        branch,
        widened,
    })
}

impl View {
    /// How many series a page shows.
    fn most_lines(&self) -> usize {
        if self.overlay {
            MOST_LINES
        } else {
            MOST_CHARTS
        }
    }
}

/// The machine heard on the last day, real before sample, with the longest history; one that was
/// measured once has no trend yet, and comes last.
fn newest_machine(environments: &[Environment]) -> Option<EnvironmentId> {
    environments
        .iter()
        .max_by_key(|e| {
            let day = e.last_seen.0 / DAY_MS;
            let has_trend = e.first_seen < e.last_seen;
            (
                has_trend,
                !e.is_sample,
                day,
                std::cmp::Reverse(e.first_seen),
            )
        })
        .map(|e| e.id)
}

/// Of the newest nights of the chosen machines: the place of each series that left its band, the
/// worst first.
async fn places(
    state: &AppState,
    view: &View,
    environments: &[Environment],
) -> Result<HashMap<SeriesId, usize>, WebError> {
    let machines: Vec<EnvironmentId> = match view.machine {
        Machine::One(id) => vec![id],
        Machine::Newest | Machine::All => environments.iter().map(|e| e.id).collect(),
    };
    let mut rows = Vec::new();
    for machine in machines {
        let Some(run) = state.store.latest_main_run(machine).await? else {
            continue;
        };
        if let Some(judged) = state.store.judged_run(run.id).await? {
            rows.extend(judged.rows);
        }
    }
    rows.retain(|row| order::left_band(&row.judgement));
    rows.sort_by(order::worst_first);
    let places = rows.into_iter().enumerate();
    Ok(places.map(|(place, row)| (row.series.id, place)).collect())
}

#[derive(Template)]
#[template(path = "trends.html")]
struct TrendsPage {
    shell: Shell,
    is_sample: bool,
    /// The store has no run at all.
    is_unmeasured: bool,
    note: String,
    facets: Vec<FacetRow>,
    /// Charts for each series…
    charts: Vec<ChartView>,
    /// … or several series a chart.
    overlays: Vec<OverlayView>,
    /// Few charts are drawn larger.
    are_large: bool,
    /// The other way to draw them.
    other: (String, String),
    /// Name and URL of the same as a file.
    files: Vec<(&'static str, String)>,
    points_url: String,
    zoom_url: String,
    kept: Vec<(String, String)>,
    from: String,
    to: String,
    earlier: Option<String>,
    later: Option<String>,
    pages: Vec<(String, String)>,
    notes: Vec<NoteView>,
}

impl TrendsPage {
    fn new(shell: Shell, view: &View, loaded: &Loaded, facets: Vec<FacetRow>, now: Millis) -> Self {
        let most = view.most_lines();
        let (charts, overlays) = match view.overlay {
            true => (Vec::new(), charts::overlays(loaded, view)),
            false => (charts::charts(loaded, view), Vec::new()),
        };
        let page = |page: usize, name: &str| {
            let target = View {
                page,
                ..view.clone()
            };
            (target.url(), name.to_owned())
        };
        let mut pages = Vec::new();
        if view.page > 0 {
            pages.push(page(view.page - 1, "Series before"));
        }
        if loaded.total > (view.page + 1).saturating_mul(most) {
            pages.push(page(view.page + 1, "More series"));
        }
        let asked = view.range.span(now);
        let (from, to) = match view.range {
            Range::All => loaded.along.span(),
            _ => asked,
        };
        let (earlier, later) = beside(view, asked, now);
        let other = View {
            overlay: !view.overlay,
            page: 0,
            ..view.clone()
        };
        let count = loaded.total.min(MOST_LINES);
        let noted = loaded.lines.iter().flat_map(|line| &line.history.notes);
        Self {
            shell,
            notes: notes(noted, now),
            is_unmeasured: false,
            is_sample: !loaded.lines.is_empty() && loaded.lines.iter().all(|l| l.is_sample),
            note: note(view, loaded),
            facets,
            are_large: charts::are_large(loaded),
            charts,
            overlays,
            other: match view.overlay {
                true => (other.url(), "Side by side".to_owned()),
                false if loaded.total <= MOST_LINES => {
                    (other.url(), format!("Overlay all {count}"))
                }
                false => (other.url(), format!("Overlay the first {count}")),
            },
            files: files(view, loaded),
            points_url: View {
                wants_points: true,
                ..view.clone()
            }
            .url(),
            zoom_url: View {
                range: Range::default(),
                ..view.clone()
            }
            .url(),
            kept: view.kept_by_a_form(),
            from: text::iso_day(from),
            to: text::iso_day(to),
            earlier,
            later,
            pages,
        }
    }
}

/// The same length of time before, and after where there can be a run.
fn beside(
    view: &View,
    (from, to): (Millis, Millis),
    now: Millis,
) -> (Option<String>, Option<String>) {
    if view.range == Range::All || from.0 <= 0 {
        return (None, None);
    }
    let length = (to.0 - from.0).max(DAY_MS);
    let at = |from: i64, to: i64| {
        let target = View {
            range: Range::Between(Millis(from), Millis(to)),
            ..view.clone()
        };
        target.url()
    };
    let later = (to.0 < now.0).then(|| at(to.0, (to.0 + length).min(now.0)));
    (Some(at((from.0 - length).max(0), from.0)), later)
}

/// Exactly what is shown, as files.
fn files(view: &View, loaded: &Loaded) -> Vec<(&'static str, String)> {
    if loaded.lines.is_empty() {
        return Vec::new();
    }
    let ids: Vec<String> = loaded
        .lines
        .iter()
        .map(|line| line.history.series.id.to_string())
        .collect();
    let ids = ids.join(",");
    let (from, to) = match loaded.lines.first() {
        Some(line) => (line.history.from, line.history.to),
        None => loaded.along.span(),
    };
    let mut which = format!("from={}&to={}", from.0, to.0);
    if let Some(branch) = &loaded.branch {
        which += &format!("&branch={}", super::links::encode(branch));
    }
    let mut drawn = which.clone();
    for (name, value) in super::benchmark::query::scales(view.x, view.y) {
        drawn += &format!("&{name}={value}");
    }
    if view.overlay {
        drawn += "&show=overlay";
    }
    vec![
        ("CSV", format!("/export.csv?series={ids}&{which}")),
        ("JSON", format!("/export.json?series={ids}&{which}")),
        ("SVG", format!("/chart/{ids}.svg?{drawn}")),
        ("PNG", format!("/chart/{ids}.png?{drawn}")),
    ]
}

/// Such as `6, the worst of the newest night first`.
fn note(view: &View, loaded: &Loaded) -> String {
    let most = view.most_lines();
    let shown = loaded.lines.len();
    let mut note = if loaded.total > most {
        let first = view.page * most + 1;
        let last = view.page * most + shown + loaded.silent;
        format!("{first} to {last} of {}", loaded.total)
    } else {
        loaded.total.to_string()
    };
    note += ", the worst of the newest night first";
    if loaded.silent > 0 {
        note += &format!(", {} without a run here left out", loaded.silent);
    }
    note += loaded.widened;
    note += match (view.overlay, charts::is_relative(view)) {
        (true, true) => " · one scale for all",
        (true, false) => " · one chart a unit",
        (false, true) => " · the same scale in each",
        (false, false) => " · each on its own scale, the same relative span where it fits",
    };
    note
}
