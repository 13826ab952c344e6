//! `/trends`: the trends of all series that the reader's choices leave, side by side.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use bench_report::metric::format_change;
use futures::future::try_join_all;

use super::benchmark::by_nature;
use super::benchmark::query::{RANGES, Range};
use super::figure::relative_span;
use super::verdict::{VerdictView, change_class};
use super::{Place, Shell, html, links, machine_names, value};
use crate::analysis::history::{HistoryInputs, build};
use crate::analysis::order;
use crate::chart::role::deserves_mark;
use crate::chart::trend::{Size, trend};
use crate::chart::{TrendPlot, XScale, YScale};
use crate::domain::time::DAY_MS;
use crate::domain::{Environment, EnvironmentId, Judged, Millis, Point, Series, SeriesId};
use crate::store::SeriesFilter;
use crate::web::extract::Query;
use crate::web::{AppState, WebError};

/// So many charts a page; the choices narrow what is shown.
const MOST_CHARTS: usize = 30;

/// What the reader chose; all of it is in the URL.
#[derive(Debug, Clone, Default, PartialEq)]
struct View {
    benchmark: Option<String>,
    metric: Option<String>,
    params: BTreeMap<String, String>,
    environment: Option<EnvironmentId>,
    range: Range,
}

/// `GET /trends`
pub async fn show(
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, WebError> {
    let mut view = View::read(&pairs)?;
    let shell = Shell::of(&state, Place::Trends).await?;
    let environments = state.store.environments().await?;
    let all = state.store.series_of(&SeriesFilter::default()).await?;
    if view.environment.is_none() {
        view.environment = environments
            .iter()
            .max_by_key(|e| {
                let day = e.last_seen.0 / DAY_MS;
                (!e.is_sample, day, std::cmp::Reverse(e.first_seen))
            })
            .map(|e| e.id);
    }
    let mut chosen: Vec<&Arc<Series>> = all.iter().filter(|s| view.holds(s, None)).collect();
    let total = chosen.len();
    let tonight = tonight(&state, view.environment).await?;
    chosen.sort_by_cached_key(|s| {
        let place = tonight.get(&s.id).map_or(usize::MAX, |(place, _)| *place);
        (place, s.key.clone())
    });
    chosen.truncate(MOST_CHARTS);
    let (from, to) = match view.range {
        Range::Days(days) => (state.now().minus_days(days), state.now()),
        Range::All | Range::Between(..) => (Millis(0), state.now()),
    };
    let points_of = async |branch: Option<&str>| {
        let points = chosen
            .iter()
            .map(|s| state.store.points(s.id, from, to, branch));
        try_join_all(points).await
    };
    let mut points = points_of(Some(state.store.main_branch())).await?;
    let mut branches = "";
    // A machine that never measured main: its other runs, rather than empty charts.
    if points.iter().all(Vec::is_empty) {
        points = points_of(None).await?;
        if points.iter().any(|points| !points.is_empty()) {
            branches = ", there is no run of main here: the runs of all branches";
        }
    }
    let machine = environments.iter().find(|e| Some(e.id) == view.environment);
    let charts = chosen
        .iter()
        .zip(points)
        .filter_map(|(series, points)| Some(chart(series, machine?, points, (from, to), &view)))
        .collect();
    html(&TrendsPage {
        shell,
        is_sample: machine.is_some_and(|m| m.is_sample),
        note: if total > MOST_CHARTS {
            format!(
                "{MOST_CHARTS} of {total}, the worst of the newest night first: choose above to see others{branches}"
            )
        } else {
            format!("{total}, the worst of the newest night first{branches}")
        },
        facets: facets(&view, &all, &environments),
        charts,
    })
}

#[derive(Template)]
#[template(path = "trends.html")]
struct TrendsPage {
    shell: Shell,
    is_sample: bool,
    note: String,
    facets: Vec<Facet>,
    charts: Vec<Chart>,
}

struct Facet {
    name: String,
    choices: Vec<Choice>,
}

struct Choice {
    url: String,
    name: String,
    count: Option<usize>,
    is_current: bool,
}

struct Chart {
    url: String,
    title: String,
    what: String,
    mark: Option<VerdictView>,
    value: String,
    change: String,
    change_class: &'static str,
    svg: String,
}

impl View {
    fn read(pairs: &[(String, String)]) -> Result<Self, WebError> {
        // The names and their refusals are those of a benchmark's page.
        let read = super::benchmark::query::View::read(pairs)?;
        let benchmark = pairs.iter().find(|(name, _)| name == "benchmark");
        Ok(Self {
            benchmark: benchmark
                .map(|(_, value)| value.clone())
                .filter(|v| !v.is_empty()),
            metric: read.metric,
            params: read.params,
            environment: read.environment,
            range: match read.range {
                Range::Between(..) => Range::default(),
                range => range,
            },
        })
    }

    fn url(&self) -> String {
        let mut url = "/trends".to_owned();
        let mut mark = '?';
        let mut add = |name: &str, value: &str| {
            let _ = write!(url, "{mark}{name}={}", links::encode(value));
            mark = '&';
        };
        if let Some(benchmark) = &self.benchmark {
            add("benchmark", benchmark);
        }
        if let Some(metric) = &self.metric {
            add("metric", metric);
        }
        for (name, value) in &self.params {
            add(&format!("param.{}", links::encode(name)), value);
        }
        if let Some(environment) = self.environment {
            add("environment", &environment.to_string());
        }
        if self.range != Range::default()
            && let Some((name, _)) = RANGES.iter().find(|(_, r)| *r == self.range)
        {
            add("range", name);
        }
        url
    }

    /// Whether a series is among what was chosen, leaving one choice out of the question.
    fn holds(&self, series: &Series, but: Option<&str>) -> bool {
        let key = &series.key;
        let asks = |name: &str| but != Some(name);
        (!asks("environment") || self.environment.is_none_or(|e| key.environment == e))
            && (!asks("benchmark") || self.benchmark.as_ref().is_none_or(|b| key.benchmark == *b))
            && (!asks("metric") || self.metric.as_ref().is_none_or(|m| key.metric == *m))
            && self
                .params
                .iter()
                .all(|(name, value)| !asks(name) || key.params.get(name) == Some(value))
    }
}

/// Of the newest night of a machine: each series' place, the worst first, and its row.
async fn tonight(
    state: &AppState,
    environment: Option<EnvironmentId>,
) -> Result<HashMap<SeriesId, (usize, Judged)>, WebError> {
    let Some(environment) = environment else {
        return Ok(HashMap::new());
    };
    let Some(run) = state.store.latest_main_run(environment).await? else {
        return Ok(HashMap::new());
    };
    let Some(mut judged) = state.store.judged_run(run.id).await? else {
        return Ok(HashMap::new());
    };
    judged.rows.retain(|row| order::left_band(&row.judgement));
    judged.rows.sort_by(order::worst_first);
    let rows = judged.rows.into_iter().enumerate();
    Ok(rows
        .map(|(place, row)| (row.series.id, (place, row)))
        .collect())
}

fn facets(view: &View, all: &[Arc<Series>], environments: &[Environment]) -> Vec<Facet> {
    let mut facets = Vec::new();
    let mut add = |name: &str, any: Option<View>, values: Vec<(String, usize, View, bool)>| {
        if values.len() < 2 && any.is_some() {
            return;
        }
        let mut choices = Vec::new();
        if let Some(any) = any {
            choices.push(Choice {
                url: any.url(),
                name: "all".to_owned(),
                count: None,
                is_current: values.iter().all(|v| !v.3),
            });
        }
        choices.extend(
            values
                .into_iter()
                .map(|(name, count, target, is_current)| Choice {
                    url: target.url(),
                    name,
                    count: Some(count),
                    is_current,
                }),
        );
        facets.push(Facet {
            name: name.to_owned(),
            choices,
        });
    };
    let counted = |but: &str, value: &dyn Fn(&Series) -> Option<String>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for series in all.iter().filter(|s| view.holds(s, Some(but))) {
            if let Some(value) = value(series) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by(|a, b| by_nature(&a.0, &b.0));
        counts
    };
    let values = counted("benchmark", &|s| Some(s.key.benchmark.clone()));
    // Another benchmark has other params and metrics: these choices end with it.
    let base = View {
        metric: None,
        params: BTreeMap::new(),
        ..view.clone()
    };
    add(
        "benchmark",
        Some(View {
            benchmark: None,
            ..base.clone()
        }),
        values
            .into_iter()
            .map(|(name, count)| {
                let target = View {
                    benchmark: Some(name.clone()),
                    ..base.clone()
                };
                let is_current = view.benchmark.as_ref() == Some(&name);
                (name, count, target, is_current)
            })
            .collect(),
    );
    let values = counted("metric", &|s| Some(s.key.metric.clone()));
    add(
        "metric",
        Some(View {
            metric: None,
            ..view.clone()
        }),
        values
            .into_iter()
            .map(|(name, count)| {
                let target = View {
                    metric: Some(name.clone()),
                    ..view.clone()
                };
                let is_current = view.metric.as_ref() == Some(&name);
                (name, count, target, is_current)
            })
            .collect(),
    );
    let mut params: Vec<String> = all
        .iter()
        .filter(|s| view.holds(s, None))
        .flat_map(|s| s.key.params.keys().cloned())
        .chain(view.params.keys().cloned())
        .collect();
    params.sort();
    params.dedup();
    for param in params {
        let values = counted(&param, &|s| s.key.params.get(&param).cloned());
        let without = {
            let mut params = view.params.clone();
            params.remove(&param);
            View {
                params,
                ..view.clone()
            }
        };
        let values = values
            .into_iter()
            .map(|(value, count)| {
                let mut target = view.clone();
                target.params.insert(param.clone(), value.clone());
                let is_current = view.params.get(&param) == Some(&value);
                (value, count, target, is_current)
            })
            .collect();
        add(&param, Some(without), values);
    }
    add(
        "environment",
        None,
        environments
            .iter()
            .zip(machine_names(environments))
            .map(|(e, name)| {
                let target = View {
                    environment: Some(e.id),
                    ..view.clone()
                };
                let elsewhere = View {
                    environment: Some(e.id),
                    ..view.clone()
                };
                let count = all.iter().filter(|s| elsewhere.holds(s, None)).count();
                (name, count, target, view.environment == Some(e.id))
            })
            .collect(),
    );
    facets.push(Facet {
        name: "range".to_owned(),
        choices: RANGES
            .iter()
            .map(|(name, range)| Choice {
                url: View {
                    range: *range,
                    ..view.clone()
                }
                .url(),
                name: (*name).to_owned(),
                count: None,
                is_current: view.range == *range,
            })
            .collect(),
    });
    facets
}

fn chart(
    series: &Series,
    machine: &Environment,
    points: Vec<Point>,
    (from, to): (Millis, Millis),
    view: &View,
) -> Chart {
    let first = points.first().map_or(from, |p| p.time);
    let last = points.last().cloned();
    let history = build(HistoryInputs {
        series: series.clone(),
        environment: machine.clone(),
        earlier: Vec::new(),
        points,
        from: from.max(first),
        to: last.as_ref().map_or(to, |p| p.time),
    });
    let scale = value::scale(&series.key.unit, history.points.iter().map(|p| p.value));
    let mut plot = TrendPlot::new(&history, scale, XScale::Date, YScale::Linear);
    let judged = last.as_ref().map(|p| p.judgement);
    let value = last.as_ref().map_or_else(
        || "no run in this range".to_owned(),
        |p| value::reading(&series.key.unit, p.value),
    );
    let change = judged
        .and_then(|j| j.change)
        .map_or_else(String::new, format_change);
    plot.label = format!(
        "{} {} {}: {value} {change}",
        series.key.benchmark,
        series.key.metric,
        series.params_text()
    );
    let centre = plot
        .nights
        .last()
        .and_then(|n| n.baseline.or(n.value))
        .filter(|c| *c > 0.0);
    let plots = [(plot, centre)];
    let span = relative_span(&plots);
    let [(plot, _)] = &plots;
    let range = centre.map(|c| (c * (1.0 + span.0), c * (1.0 + span.1)));
    let is_of_one = view.benchmark.is_some();
    let mut what = if is_of_one {
        String::new()
    } else {
        series.key.metric.clone()
    };
    let params = series.params_text();
    if !params.is_empty() {
        if !what.is_empty() {
            what.push(' ');
        }
        what += &params;
    }
    Chart {
        url: links::series(series),
        title: if is_of_one {
            series.key.metric.clone()
        } else {
            series.key.benchmark.clone()
        },
        what,
        mark: judged
            .filter(|j| deserves_mark(j.band, j.evidence))
            .map(|j| VerdictView::new(j.band, j.evidence)),
        value,
        change,
        change_class: judged.map_or("", |j| change_class(j.band)),
        svg: trend(plot, Size::Small, range),
    }
}
