//! The nights of all charts of the page, as the script reads them: it asks when somebody points at
//! one, so that the page itself stays small.

use std::collections::BTreeMap;

use bench_report::metric::format_change;
use serde_json::{Value, json};

use super::charts::{is_relative, scale_of};
use super::state::View;
use super::{Line, Loaded};
use crate::chart::TrendPlot;
use crate::domain::{Point, RunId};
use crate::text;
use crate::web::pages::figure::rounded;
use crate::web::pages::links;
use crate::web::pages::verdict::{VerdictView, change_class};

/// A subject is cut to this many letters.
const SUBJECT_LETTERS: usize = 90;

/// `runs`: time, place on the x axis, commit, subject, author, URL, in the order of time. `charts`:
/// of each series its unit and its nights: place among the runs, height, value, baseline, runs in
/// the baseline, change, class of the change, band, evidence.
pub(super) fn points_json(loaded: &Loaded, view: &View) -> String {
    let mut runs: BTreeMap<(i64, RunId), &Point> = BTreeMap::new();
    for point in loaded.lines.iter().flat_map(|l| &l.history.points) {
        runs.entry((point.time.0, point.run)).or_insert(point);
    }
    let places: BTreeMap<RunId, usize> = runs
        .values()
        .enumerate()
        .map(|(place, point)| (point.run, place))
        .collect();
    let charts: Vec<Value> = loaded
        .lines
        .iter()
        .map(|line| chart(line, loaded, view, &places))
        .collect();
    let runs: Vec<Value> = runs.values().map(|point| run(point, loaded)).collect();
    json!({ "runs": runs, "charts": charts }).to_string()
}

fn run(point: &Point, loaded: &Loaded) -> Value {
    let subject = point.subject.as_deref().unwrap_or_default();
    json!([
        point.time.0,
        loaded.along.at(point.time),
        point.commit.get(..7).unwrap_or(&point.commit),
        subject.chars().take(SUBJECT_LETTERS).collect::<String>(),
        text::initials(point.author.as_deref().unwrap_or_default()),
        links::run(point.run),
    ])
}

fn chart(line: &Line, loaded: &Loaded, view: &View, places: &BTreeMap<RunId, usize>) -> Value {
    // In one chart, lines of a unit are drawn on one scale.
    let peers: Vec<&Line> = match view.overlay && !is_relative(view) {
        true => loaded
            .lines
            .iter()
            .filter(|l| l.history.series.key.unit == line.history.series.key.unit)
            .collect(),
        false => vec![line],
    };
    let drawn = scale_of(&peers);
    let read = scale_of(&[line]);
    let plot = TrendPlot::new(&line.history, drawn, view.x, view.y);
    let nights: Vec<Value> = line
        .history
        .points
        .iter()
        .zip(&plot.nights)
        .map(|(point, night)| {
            let judged = &point.judgement;
            let verdict = VerdictView::new(judged.band, judged.evidence);
            json!([
                places.get(&point.run),
                night.value.and_then(rounded),
                read.number(point.value),
                judged.baseline.map_or_else(String::new, |b| read.number(b)),
                judged.baseline_runs,
                judged.change.map_or_else(String::new, format_change),
                change_class(judged.band),
                verdict.word,
                verdict.evidence,
            ])
        })
        .collect();
    json!({ "unit": read.label, "nights": nights })
}
