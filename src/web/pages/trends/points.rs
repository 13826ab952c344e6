//! The nights of all charts of the page, as the script reads them: it asks when somebody points at
//! one, so that the page itself stays small. They are written as they are worked out, and never all
//! held: fifty series of five years are ninety thousand nights.

use std::collections::BTreeMap;

use bench_report::metric::format_change;
use serde::{Serialize, Serializer};

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
pub(super) fn points_json(loaded: &Loaded, view: &View) -> serde_json::Result<String> {
    let mut runs: BTreeMap<(i64, RunId), &Point> = BTreeMap::new();
    for point in loaded.lines.iter().flat_map(|l| &l.history.points) {
        runs.entry((point.time.0, point.run)).or_insert(point);
    }
    let places = runs.values().enumerate();
    let places: BTreeMap<RunId, usize> = places.map(|(place, point)| (point.run, place)).collect();
    let chart = |line| Chart {
        line,
        loaded,
        view,
        places: &places,
    };
    serde_json::to_string(&Points {
        runs: Each(|| runs.values().map(|point| run(point, loaded))),
        charts: Each(|| loaded.lines.iter().map(chart)),
    })
}

#[derive(Serialize)]
struct Points<R: Serialize, C: Serialize> {
    runs: R,
    charts: C,
}

/// A list that is written item by item.
struct Each<F>(F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq((self.0)())
    }
}

fn run<'p>(point: &'p Point, loaded: &Loaded) -> (i64, f64, &'p str, String, String, String) {
    let subject = point.of.subject.as_deref().unwrap_or_default();
    (
        point.time.0,
        loaded.along.at(point.time),
        point.of.commit.get(..7).unwrap_or(&point.of.commit),
        subject.chars().take(SUBJECT_LETTERS).collect(),
        text::initials(point.of.author.as_deref().unwrap_or_default()),
        links::run(point.run),
    )
}

/// The nights of one series.
struct Chart<'a> {
    line: &'a Line,
    loaded: &'a Loaded,
    view: &'a View,
    places: &'a BTreeMap<RunId, usize>,
}

impl Serialize for Chart<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'u, N: Serialize> {
            unit: &'u str,
            nights: N,
        }
        let Self {
            line,
            loaded,
            view,
            places,
        } = self;
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
        let night = |(point, night): (&Point, &crate::chart::plot::Night)| {
            let judged = &point.judgement;
            let verdict = VerdictView::new(judged.band, judged.evidence);
            (
                places.get(&point.run),
                night.value.and_then(rounded),
                read.number(point.value),
                judged.baseline.map_or_else(String::new, |b| read.number(b)),
                judged.baseline_runs,
                judged.change.map_or_else(String::new, format_change),
                change_class(judged.band),
                verdict.word,
                verdict.evidence,
            )
        };
        Written {
            unit: read.label,
            nights: Each(|| line.history.points.iter().zip(&plot.nights).map(night)),
        }
        .serialize(to)
    }
}
