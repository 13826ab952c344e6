//! A trend as a figure: drawn wide and narrow, with what the script tells of each night.

use std::fmt::Write as _;

use bench_report::metric::{Direction, Scale, format_change};

use super::links;
use super::verdict::{VerdictView, change_class};
use crate::analysis::history::{EventKind, History};
use crate::chart::plot::XScale;
use crate::chart::role::deserves_mark;
use crate::chart::trend::{Size, trend};
use crate::chart::{TrendPlot, YScale};
use crate::domain::{Millis, Point, Text};
use crate::text;

/// Up to this many nights travel with the page; more are fetched when somebody points at one.
const EMBEDDED_NIGHTS: usize = 130;

/// A subject in a tooltip is cut to this many letters.
const SUBJECT_LETTERS: usize = 90;

/// Small multiples span this much around tonight's baseline, downwards where lower is better.
const MULTIPLES_SPAN: (f64, f64) = (-0.10, 0.34);

/// A trend in its figure.
#[derive(Debug, Clone)]
pub struct TrendFigure {
    /// 1200 wide.
    pub wide: String,
    /// 358 wide.
    pub narrow: String,
    /// The nights as JSON, if they travel with the page.
    pub points: Option<String>,
    /// Where the nights can be had, if they do not.
    pub points_url: Option<String>,
    /// The metric's name, for the tooltip.
    pub metric: String,
    /// The unit of the values in the nights.
    pub unit: &'static str,
    /// Whether x is a date: only then a part of it can be asked for.
    pub is_zoomable: bool,
    /// The page's URL without a range, to which the script adds one.
    pub zoom_url: String,
    /// Samples a night has, for the legend; 0 where they differ.
    pub samples: u32,
    /// Whether there is a baseline, a level, a gap to explain.
    pub has_zone: bool,
    /// A level line is drawn.
    pub has_level: bool,
    /// A gap is hatched.
    pub has_gap: bool,
    /// A night is marked.
    pub has_mark: bool,
}

impl TrendFigure {
    /// The figure of a history. `points_url` answers [`points_json`]; `zoom_url` takes `from`, `to`.
    pub fn new(
        history: &History,
        scale: Scale,
        (x, y): (XScale, YScale),
        (points_url, zoom_url): (String, String),
    ) -> Self {
        let mut plot = TrendPlot::new(history, scale, x, y);
        plot.label = label(history);
        plot.desc = describe(history, scale);
        let is_embedded = history.points.len() <= EMBEDDED_NIGHTS;
        let mut counts = history.points.iter().map(|p| p.sample_count);
        let first = counts.next().unwrap_or(0);
        Self {
            wide: trend(&plot, Size::Wide, None),
            narrow: trend(&plot, Size::Narrow, None),
            points: is_embedded.then(|| points_json(history, scale, (x, y))),
            points_url: (!is_embedded).then_some(points_url),
            metric: history.series.key.metric.clone(),
            unit: scale.label,
            is_zoomable: x == XScale::Date,
            zoom_url,
            samples: if counts.all(|c| c == first) { first } else { 0 },
            has_zone: plot.nights.iter().any(|n| n.baseline.is_some()),
            has_level: !plot.levels.is_empty(),
            has_gap: !plot.gaps.is_empty(),
            has_mark: plot.nights.iter().any(|n| n.mark.is_some()),
        }
    }
}

/// Such as `latency_p99, concurrency=100 cpu=8, 27 Aug to 24 Nov 2026`.
fn label(history: &History) -> String {
    let key = &history.series.key;
    let mut label = format!("{} {}", key.benchmark, key.metric);
    if !key.params.is_empty() {
        let _ = write!(label, ", {}", history.series.params_text());
    }
    if let (Some(first), Some(last)) = (history.points.first(), history.points.last()) {
        let _ = write!(
            label,
            ", {} to {}",
            text::day_year(first.time),
            text::day_year(last.time)
        );
    }
    label
}

/// What the chart shows, in sentences: the level, the last step, the last night, what is marked.
fn describe(history: &History, scale: Scale) -> String {
    let Some(last) = history.points.last() else {
        return "No run in this range.".to_owned();
    };
    let mut out = String::new();
    if let Some((_, _, level)) = history.levels.last() {
        let _ = write!(out, "Its level is {}. ", scale.reading(*level));
    }
    let mut steps = history
        .events
        .iter()
        .filter(|e| e.kind == EventKind::ChangePoint);
    if let Some(step) = steps.next_back() {
        let _ = write!(
            out,
            "Last change: {} on {}. ",
            step.label,
            text::day_year(step.time)
        );
    }
    let _ = write!(
        out,
        "Last night, {}: {}",
        text::day_year(last.time),
        scale.reading(last.value)
    );
    if let Some(change) = last.judgement.change {
        let view = VerdictView::new(last.judgement.band, last.judgement.evidence);
        let _ = write!(
            out,
            ", {} against its baseline, {} {}",
            format_change(change),
            view.word,
            view.evidence
        );
    }
    let marked = history
        .points
        .iter()
        .filter(|p| deserves_mark(p.judgement.band, p.judgement.evidence))
        .count();
    let _ = write!(
        out,
        ". {} of {} marked.",
        marked,
        text::plural(history.points.len() as u64, "night", "nights")
    );
    out
}

/// The nights of a chart as the script reads them: an array a night of time, height (for the
/// cursor), value, baseline, runs in the baseline, change, class of the change, band, evidence,
/// commit, subject, author, URL of the run, place on the x axis where that is not the time. Subject
/// and author are empty where the commit is that of the night before.
pub fn points_json(history: &History, scale: Scale, (x, y): (XScale, YScale)) -> String {
    let plot = TrendPlot::new(history, scale, x, y);
    let mut before = "";
    let nights: Vec<serde_json::Value> = history
        .points
        .iter()
        .zip(&plot.nights)
        .map(|(point, night)| {
            let is_same = point.of.commit == before;
            before = &point.of.commit;
            let place = (x != XScale::Date).then(|| plot.x_of(point.time));
            point_json(point, (place, night.value), scale, is_same)
        })
        .collect();
    // `<` could end the script element that holds it.
    serde_json::Value::from(nights)
        .to_string()
        .replace('<', "\\u003c")
}

fn point_json(
    point: &Point,
    (place, height): (Option<f64>, Option<f64>),
    scale: Scale,
    is_same: bool,
) -> serde_json::Value {
    let judged = &point.judgement;
    let verdict = VerdictView::new(judged.band, judged.evidence);
    let text_of = |text: &Option<Text>| -> String {
        match text {
            Some(text) if !is_same => text.chars().take(SUBJECT_LETTERS).collect(),
            _ => String::new(),
        }
    };
    serde_json::json!([
        point.time.0,
        height.and_then(rounded),
        scale.number(point.value),
        judged
            .baseline
            .map_or_else(String::new, |b| scale.number(b)),
        judged.baseline_runs,
        judged.change.map_or_else(String::new, format_change),
        change_class(judged.band),
        verdict.word,
        verdict.evidence,
        point.of.commit.get(..7).unwrap_or(&point.of.commit),
        text_of(&point.of.subject),
        text::initials(&text_of(&point.of.author)),
        links::run(point.run),
        place,
    ])
}

/// A height on a chart to a hundredth of a pixel, in as few digits.
pub(in crate::web) fn rounded(height: f64) -> Option<f64> {
    format!("{height:.5e}").parse().ok()
}

/// How many nights had no run, by the pace of one a day.
pub fn nights_without_a_run(gaps: &[(Millis, Millis)]) -> i64 {
    gaps.iter()
        .map(|(a, b)| {
            let days = (b.0 - a.0) as f64 / crate::domain::time::DAY_MS as f64;
            (days.round() as i64 - 1).max(0)
        })
        .sum()
}

/// The span around the centre that all plots share: the usual one, wider where a night needs it.
pub fn relative_span<'p>(
    plots: impl IntoIterator<Item = (&'p TrendPlot, Option<f64>)>,
) -> (f64, f64) {
    let mut plots = plots.into_iter().peekable();
    let first = plots.peek();
    let (mut low, mut high) = if first.is_some_and(|(p, _)| p.better == Direction::Higher) {
        (-MULTIPLES_SPAN.1, -MULTIPLES_SPAN.0)
    } else {
        MULTIPLES_SPAN
    };
    for (plot, centre) in plots {
        let Some(centre) = centre else { continue };
        let Some((least, most)) = plot.y_extent(false) else {
            continue;
        };
        low = low.min(least / centre - 1.0 - 0.02);
        high = high.max(most / centre - 1.0 + 0.02);
    }
    (low, high)
}
