//! What a run recorded over time, such as the queue of a burst.

use std::ops::Range;

use bench_report::metric::{Scale, format_count};

use super::super::value;
use crate::chart::curve::{CurvePlot, CurveSize, Line, curve};
use crate::domain::Curve;
use crate::text;

/// So many curves over time are drawn large; a run with more is searched by its report.
const MOST: usize = 4;

/// Below this part of its highest point a curve is over it.
const OVER: f64 = 0.02;

/// A peak narrower than this part of the whole is a line there: it is drawn by itself, too.
const NARROW: f64 = 1.0 / 12.0;

/// Something over time.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    /// Benchmark name.
    pub(super) benchmark: String,
    /// Such as `queue_depth over time, events=10000 · 5 spikes`.
    pub(super) what: String,
    /// 1200 wide.
    pub(super) wide: String,
    /// 358 wide.
    pub(super) narrow: String,
    /// Its highest peak alone, and what that says; none where it is seen on the whole.
    pub(super) peak: Option<(String, String)>,
}

/// What was recorded over time, with its highest point named.
pub(super) fn timelines(curves: &[Curve]) -> Vec<Timeline> {
    curves
        .iter()
        .filter(|c| !c.points.is_empty())
        .take(MOST)
        .map(timeline)
        .collect()
}

fn timeline(recorded: &Curve) -> Timeline {
    // Five seconds read as seconds along an axis, though as 5,000 ms by themselves.
    let x = value::scale(&recorded.x, recorded.points.iter().map(|p| p.0 * 4.0));
    let y = value::scale(&recorded.y, recorded.points.iter().map(|p| p.1));
    let is_depth = recorded.name.contains("depth");
    let word = if is_depth { "deepest" } else { "highest" };
    let params: Vec<String> = recorded
        .params
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let mut what = format!("{} over time", recorded.name);
    if !params.is_empty() {
        what += &format!(", {}", params.join(" "));
    }
    let top = highest(&recorded.points);
    let number = y.number(top.1);
    let peak = peak(&recorded.points);
    let is_narrow = peak
        .as_ref()
        .is_some_and(|within| is_narrow(&recorded.points, within));
    let y_unit = if is_depth && y.label == "events" {
        "events waiting".to_owned()
    } else {
        y.label.to_owned()
    };
    let plot = CurvePlot {
        label: format!("{} {what}: {word} {number} {}", recorded.benchmark, y.label),
        desc: format!("{} points.", format_count(recorded.points.len() as u64)),
        y_unit: y_unit.clone(),
        x_title: match x.label {
            "" => String::new(),
            "s" => "seconds since start".to_owned(),
            unit => format!("{unit} since start"),
        },
        bracket: peak
            .as_ref()
            .filter(|_| !is_narrow)
            .map(|within| bracket(&recorded.points[within.clone()], top.0, (&recorded.x, x))),
        note: Some((
            (x.scaled(top.0), y.scaled(top.1)),
            format!("{number}, {word}"),
        )),
        ..plain(line_of(&recorded.points, x, y))
    };
    let peaks = count_peaks(&recorded.points, top.1);
    if peaks > 1 {
        what += &format!(" · {}", text::plural(peaks, "spike", "spikes"));
    }
    Timeline {
        benchmark: recorded.benchmark.clone(),
        what,
        wide: curve(&plot, CurveSize::Wide),
        narrow: curve(&plot, CurveSize::Narrow),
        peak: peak.filter(|_| is_narrow).map(|within| {
            let alone = &recorded.points[within];
            let start = alone[0].0;
            let since: Vec<(f64, f64)> = alone.iter().map(|(x, y)| (x - start, *y)).collect();
            let width = since.last().map_or(0.0, |end| end.0);
            let x = value::scale(&recorded.x, [width]);
            let says = format!(
                "The {word} spike by itself: {number} {}, and below {:.0}% of that again within {}.",
                y.label,
                100.0 * OVER,
                x.reading(width)
            );
            let plot = CurvePlot {
                label: says.clone(),
                y_unit,
                x_title: format!("{} since the spike began", x.label),
                bracket: Some(bracket(&since, top.0 - start, (&recorded.x, x))),
                ..plain(line_of(&since, x, y))
            };
            (curve(&plot, CurveSize::Third), says)
        }),
    }
}

/// A plot of one line, to be named.
fn plain(line: Line) -> CurvePlot {
    CurvePlot {
        label: String::new(),
        desc: String::new(),
        y_unit: String::new(),
        x_title: String::new(),
        x_log: false,
        y_log: false,
        lines: vec![line],
        note: None,
        bracket: None,
    }
}

fn line_of(points: &[(f64, f64)], x: Scale, y: Scale) -> Line {
    Line {
        name: String::new(),
        is_old: false,
        points: points
            .iter()
            .map(|(px, py)| (x.scaled(*px), y.scaled(*py)))
            .collect(),
        marks: Vec::new(),
    }
}

fn highest(points: &[(f64, f64)]) -> (f64, f64) {
    let highest = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    highest.unwrap_or((0.0, 0.0))
}

/// How often the curve rises above half of its highest point.
fn count_peaks(points: &[(f64, f64)], top: f64) -> u64 {
    let is_high = |point: &(f64, f64)| point.1 > top / 2.0;
    let rises = points
        .windows(2)
        .filter(|pair| !is_high(&pair[0]) && is_high(&pair[1]))
        .count();
    let at_start = points.first().is_some_and(is_high);
    rises as u64 + u64::from(at_start)
}

/// How long a peak takes from its highest point to its end. `x`: the unit of its points, and the
/// scale of the drawing.
fn bracket(peak: &[(f64, f64)], top: f64, (unit, x): (&str, Scale)) -> ((f64, f64), String) {
    let end = peak.last().map_or(top, |end| end.0);
    let took = end - top;
    let drained = format!("drained in {}", value::scale(unit, [took]).reading(took));
    ((x.scaled(top), x.scaled(end)), drained)
}

/// The points of the highest peak, from the last low one before it to the first after it; none where
/// it does not end.
fn peak(points: &[(f64, f64)]) -> Option<Range<usize>> {
    let top = highest(points);
    let at = points.iter().position(|point| *point == top)?;
    let is_low = |point: &(f64, f64)| point.1 <= top.1 * OVER;
    let start = points[..at].iter().rposition(is_low)?;
    let end = at + points[at..].iter().position(is_low)?;
    (end - start >= 3).then_some(start..end + 1)
}

/// Whether a peak is no more than a line where the whole is drawn.
fn is_narrow(points: &[(f64, f64)], peak: &Range<usize>) -> bool {
    let width = |points: &[(f64, f64)]| match points {
        [first, .., last] => last.0 - first.0,
        _ => 0.0,
    };
    width(&points[peak.clone()]) < width(points) * NARROW
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(width: f64) -> Curve {
        let mut points = vec![(0.0, 0.0), (900.0, 0.0)];
        for (spike, top) in [(1_000.0, 2_500.0), (3_000.0, 3_000.0)] {
            points.push((spike, 1.0));
            points.push((spike + width * 0.1, top));
            points.push((spike + width * 0.6, top * 0.4));
            points.push((spike + width, 2.0));
        }
        points.push((5_000.0, 0.0));
        Curve {
            benchmark: "Burst".to_owned(),
            params: [("events".to_owned(), "10000".to_owned())].into(),
            name: "queue_depth".to_owned(),
            x: "ms".to_owned(),
            y: "events".to_owned(),
            points,
        }
    }

    #[test]
    fn a_spike_that_is_a_line_on_the_whole_is_drawn_by_itself() {
        let drawn = timeline(&burst(8.0));
        assert_eq!(drawn.what, "queue_depth over time, events=10000 · 2 spikes");
        let (svg, says) = drawn.peak.unwrap_or_default();
        assert!(says.contains("3,000 events"), "{says}");
        assert!(says.ends_with("within 8,000 µs."), "{says}");
        assert!(svg.contains("µs since the spike began"), "{svg}");
        assert!(svg.contains("drained in 7,200 µs"), "{svg}");
        assert!(drawn.wide.contains("3,000, deepest"));
    }

    #[test]
    fn a_wide_spike_and_one_that_does_not_end_are_seen_on_the_whole() {
        let wide = timeline(&burst(900.0));
        assert_eq!(wide.peak, None);
        assert!(wide.wide.contains("drained in 810"), "{}", wide.wide);
        let mut endless = burst(8.0);
        endless.points.truncate(8);
        let endless = timeline(&endless);
        assert_eq!(endless.peak, None);
        assert!(!endless.wide.contains("drained"), "{}", endless.wide);
    }
}
