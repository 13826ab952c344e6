//! The drawings of the trends: a chart a series, or several series a chart.

use bench_report::metric::{Scale, format_change};

use super::state::View;
use super::{Line, Loaded};
use crate::analysis::judge::in_parallel;
use crate::chart::overlay::{MOST_LINES, OverlayPlot, overlay};
use crate::chart::role::{Role, deserves_mark};
use crate::chart::trend::{Size, trend};
use crate::chart::{TrendPlot, YScale};
use crate::domain::{Point, Series};
use crate::web::pages::figure::relative_span;
use crate::web::pages::verdict::{VerdictView, change_class};
use crate::web::pages::{links, value};

/// Up to so many charts are drawn large.
const MOST_LARGE: usize = 6;

/// Fewer lines than this are drawn before a thread has begun.
const LEAST_LINES: usize = 8;

/// A series in a chart of its own.
pub(super) struct ChartView {
    pub(super) url: String,
    pub(super) title: String,
    pub(super) what: String,
    pub(super) now: Now,
    /// One drawing, or a large one and one for narrow screens.
    pub(super) drawings: Vec<String>,
}

/// The newest night of a series.
pub(super) struct Now {
    pub(super) mark: Option<VerdictView>,
    pub(super) value: String,
    pub(super) change: String,
    pub(super) change_class: &'static str,
}

/// Several series in one chart.
pub(super) struct OverlayView {
    /// What is measured, such as `latency_p99, µs`.
    pub(super) title: String,
    pub(super) wide: String,
    pub(super) narrow: String,
    /// Places of its lines among all, for the script.
    pub(super) places: String,
    pub(super) rows: Vec<LegendRow>,
}

/// A line's row beneath its chart.
pub(super) struct LegendRow {
    /// Its place among all lines.
    pub(super) place: usize,
    /// Its number in the chart, from 1.
    pub(super) number: usize,
    /// How its line is drawn.
    pub(super) class: &'static str,
    pub(super) url: String,
    pub(super) name: String,
    pub(super) now: Now,
}

/// Whether charts of different units can share a y axis.
pub(super) fn is_relative(view: &View) -> bool {
    matches!(view.y, YScale::OfFirst | YScale::OfBaseline)
}

pub(super) fn are_large(loaded: &Loaded) -> bool {
    loaded.lines.len() <= MOST_LARGE
}

/// A chart a series.
pub(super) fn charts(loaded: &Loaded, view: &View) -> Vec<ChartView> {
    let large = are_large(loaded);
    let plots = in_parallel(&loaded.lines, LEAST_LINES, |line| {
        let mut plot = plot(line, scale_of(&[line]), loaded, view);
        plot.label = label(line);
        (line, plot)
    });
    // Percents compare only on one scale.
    let shared = is_relative(view)
        .then(|| {
            let extents = plots.iter().filter_map(|(_, p)| p.y_extent(large));
            extents.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        })
        .flatten()
        .map(|(low, high)| (low - (high - low) * 0.03, high + (high - low) * 0.03));
    in_parallel(&plots, LEAST_LINES, |(line, plot)| {
        let range = match shared {
            None if view.y == YScale::Linear && !large => relative(plot),
            shared => shared,
        };
        let drawings = match large {
            true => vec![
                trend(plot, Size::Half, range),
                trend(plot, Size::Narrow, range),
            ],
            false => vec![trend(plot, Size::Small, range)],
        };
        let (title, what) = titles(line, loaded, view);
        ChartView {
            url: links::series(&line.history.series),
            title,
            what,
            now: now(line),
            drawings,
        }
    })
}

/// A range of the same relative span as the neighbours', around a plot's newest baseline.
fn relative(plot: &TrendPlot) -> Option<(f64, f64)> {
    let newest = plot.nights.last();
    let centre = newest.and_then(|n| n.baseline.or(n.value));
    let centre = centre.filter(|c| *c > 0.0);
    let span = relative_span([(plot, centre)]);
    centre.map(|c| (c * (1.0 + span.0), c * (1.0 + span.1)))
}

/// Several series a chart: those of one unit, or all where percents are drawn.
pub(super) fn overlays(loaded: &Loaded, view: &View) -> Vec<OverlayView> {
    let mut groups: Vec<Vec<(usize, &Line)>> = Vec::new();
    for (place, line) in loaded.lines.iter().enumerate() {
        let unit = &line.history.series.key.unit;
        let fits = |group: &&mut Vec<(usize, &Line)>| {
            group.len() < MOST_LINES
                && (is_relative(view)
                    || group
                        .iter()
                        .all(|(_, l)| l.history.series.key.unit == *unit))
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push((place, line)),
            None => groups.push(vec![(place, line)]),
        }
    }
    groups
        .iter()
        .map(|group| overlay_of(group, loaded, view))
        .collect()
}

fn overlay_of(group: &[(usize, &Line)], loaded: &Loaded, view: &View) -> OverlayView {
    let lines: Vec<&Line> = group.iter().map(|(_, line)| *line).collect();
    let scale = scale_of(&lines);
    let names = distinct_names(&lines);
    let plots: Vec<(String, TrendPlot)> = lines
        .iter()
        .zip(&names)
        .map(|(line, name)| (name.clone(), plot(line, scale, loaded, view)))
        .collect();
    let unit = plots.first().map_or(String::new(), |(_, p)| p.unit.clone());
    let mut metrics: Vec<&str> = lines
        .iter()
        .map(|l| l.history.series.key.metric.as_str())
        .collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut title = match metrics.as_slice() {
        [one] => (*one).to_owned(),
        many => format!("{} metrics", many.len()),
    };
    if !unit.is_empty() {
        title += &format!(", {unit}");
    }
    let says: Vec<String> = lines
        .iter()
        .zip(&names)
        .map(|(line, name)| {
            let now = now(line);
            format!("{name}: {} {}", now.value, now.change)
        })
        .collect();
    let plot = OverlayPlot {
        label: format!("{title}: {} series over time", lines.len()),
        desc: says.join("; "),
        unit,
        y: view.y,
        along: loaded.along.clone(),
        lines: plots,
    };
    let places: Vec<String> = group.iter().map(|(place, _)| place.to_string()).collect();
    OverlayView {
        title,
        wide: overlay(&plot, Size::Wide),
        narrow: overlay(&plot, Size::Narrow),
        places: places.join(" "),
        rows: group
            .iter()
            .zip(names)
            .enumerate()
            .map(|(i, ((place, line), name))| LegendRow {
                place: *place,
                number: i + 1,
                class: Role::Series(u8::try_from(i + 1).unwrap_or(1)).classes(),
                url: links::series(&line.history.series),
                name,
                now: now(line),
            })
            .collect(),
    }
}

fn plot(line: &Line, scale: Scale, loaded: &Loaded, view: &View) -> TrendPlot {
    TrendPlot::new(&line.history, scale, view.x, view.y).on(loaded.along.clone())
}

/// The unit in which these lines are read.
pub(super) fn scale_of(lines: &[&Line]) -> Scale {
    let unit = lines.first().map_or("", |l| &l.history.series.key.unit);
    let points = lines.iter().flat_map(|l| &l.history.points);
    value::scale(unit, points.map(|p| p.value))
}

/// What tells these series apart, and no more: benchmark, metric, params, machine.
pub(super) fn distinct_names(lines: &[&Line]) -> Vec<String> {
    let differs = |part: &dyn Fn(&Series) -> String| {
        let mut parts = lines.iter().map(|l| part(&l.history.series));
        parts
            .next()
            .is_some_and(|first| parts.any(|other| other != first))
    };
    let (benchmarks, metrics, machines) = (
        differs(&|s| s.key.benchmark.clone()),
        differs(&|s| s.key.metric.clone()),
        differs(&|s| s.key.environment.to_string()),
    );
    lines
        .iter()
        .map(|line| {
            let key = &line.history.series.key;
            let mut parts = Vec::new();
            if benchmarks {
                parts.push(key.benchmark.clone());
            }
            if metrics {
                parts.push(key.metric.clone());
            }
            for (name, value) in &key.params {
                if differs(&|s| s.key.params.get(name).cloned().unwrap_or_default()) {
                    parts.push(format!("{name}={value}"));
                }
            }
            if machines {
                parts.push(line.machine.clone());
            }
            if parts.is_empty() {
                parts.push(key.metric.clone());
            }
            parts.join(" ")
        })
        .collect()
}

fn titles(line: &Line, loaded: &Loaded, view: &View) -> (String, String) {
    let series = &line.history.series;
    let is_of_one = view.benchmark.is_some();
    let mut what = Vec::new();
    if !is_of_one {
        what.push(series.key.metric.clone());
    }
    what.push(series.params_text());
    let machines = loaded.lines.iter().map(|l| &l.machine);
    if machines.clone().any(|m| *m != line.machine) {
        what.push(line.machine.clone());
    }
    what.retain(|part| !part.is_empty());
    let title = match is_of_one {
        true => series.key.metric.clone(),
        false => series.key.benchmark.clone(),
    };
    (title, what.join(" "))
}

fn label(line: &Line) -> String {
    let series = &line.history.series;
    let now = now(line);
    format!(
        "{} {} {}: {} {}",
        series.key.benchmark,
        series.key.metric,
        series.params_text(),
        now.value,
        now.change
    )
}

fn now(line: &Line) -> Now {
    let last: Option<&Point> = line.history.points.last();
    let judged = last.map(|p| p.judgement);
    Now {
        mark: judged
            .filter(|j| deserves_mark(j.band, j.evidence))
            .map(|j| VerdictView::new(j.band, j.evidence)),
        value: last.map_or_else(
            || "no run in this range".to_owned(),
            |p| value::reading(&line.history.series.key.unit, p.value),
        ),
        change: judged
            .and_then(|j| j.change)
            .map_or_else(String::new, format_change),
        change_class: judged.map_or("", |j| change_class(j.band)),
    }
}
