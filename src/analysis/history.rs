//! One series over time, ready for a chart.

use bench_report::metric::format_change;
use bench_verdict::stats::order;
use serde::Serialize;

use super::steps::steps;
use crate::domain::alert::Annotation;
use crate::domain::time::DAY_MS;
use crate::domain::{Environment, Millis, Point, Series};

/// What a trend chart draws. All times within `from..=to`.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// The series.
    pub series: Series,
    /// First instant shown.
    pub from: Millis,
    /// Last instant shown.
    pub to: Millis,
    /// One point a run, in the order of time.
    pub points: Vec<Point>,
    /// Spans in which nights are missing, as the times of the runs around them.
    pub gaps: Vec<(Millis, Millis)>,
    /// Vertical marks, in the order of time.
    pub events: Vec<Event>,
    /// The level (median) between two boundaries: from, to, value.
    pub levels: Vec<(Millis, Millis, f64)>,
    /// What people noted, as the events tell it in short.
    pub notes: Vec<Annotation>,
    /// The level before an alert's change from the first bad night on, and as each epoch after that
    /// one reads it from its first night on: each holds until the next.
    pub frozen: Vec<(Millis, f64)>,
}

/// Something that happened to a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When.
    pub time: Millis,
    /// What.
    pub kind: EventKind,
    /// Such as `step +28.6%`, `suite 4 to 5`, or a person's note.
    pub label: String,
}

/// What sort of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The level changed and stayed.
    ChangePoint,
    /// Another machine or suite version.
    Epoch,
    /// A person's note.
    Annotation,
}

/// What a history is made from.
#[derive(Debug, Clone)]
pub struct HistoryInputs {
    /// The series.
    pub series: Series,
    /// Its machine.
    pub environment: Environment,
    /// Its runs within `from..=to`.
    pub points: Vec<Point>,
    /// The same series on machines of the same name before: the history of a machine that was
    /// replaced or set up anew, drawn as earlier epochs. Often empty.
    pub earlier: Vec<(Environment, Vec<Point>)>,
    /// First instant shown.
    pub from: Millis,
    /// Last instant shown.
    pub to: Millis,
}

impl History {
    /// Takes in what people noted: on this series, or on all.
    pub fn annotate(&mut self, notes: &[Annotation]) {
        let of_this = |note: &&Annotation| {
            let is_here = self.from <= note.at && note.at <= self.to;
            is_here && note.series.is_none_or(|series| series == self.series.id)
        };
        let notes: Vec<Annotation> = notes.iter().filter(of_this).cloned().collect();
        self.events.extend(notes.iter().map(|note| Event {
            time: note.at,
            kind: EventKind::Annotation,
            label: format!("note: {} ({})", note.text, note.who),
        }));
        self.notes.extend(notes);
        self.events.sort_by_key(|event| event.time);
    }
}

/// Makes what a trend chart draws: gaps, epochs, and the level of each stretch between them.
pub fn build(inputs: HistoryInputs) -> History {
    let HistoryInputs {
        series,
        environment,
        points,
        earlier,
        from,
        to,
    } = inputs;
    let (machines, of, points) = in_order(earlier, (environment, points), (from, to));
    let mut events = epochs(&machines, &of, &points);
    events.extend(change_points(&series, &points, &events));
    events.sort_by_key(|event| event.time);
    History {
        series,
        from,
        to,
        gaps: gaps(&points),
        levels: levels(&points, &events),
        notes: Vec::new(),
        frozen: Vec::new(),
        points,
        events,
    }
}

/// All machines, and the points within a span in the order of time, with the place of the machine of
/// each. Points of one machine are in that order already, and stay where they are: a page may draw
/// a hundred thousand.
fn in_order(
    earlier: Vec<(Environment, Vec<Point>)>,
    (own, mut points): (Environment, Vec<Point>),
    (from, to): (Millis, Millis),
) -> (Vec<Environment>, Vec<usize>, Vec<Point>) {
    let is_within = |point: &Point| from <= point.time && point.time <= to;
    if earlier.is_empty() && points.is_sorted_by_key(|point| point.time) {
        points.retain(is_within);
        return (vec![own], vec![0; points.len()], points);
    }
    let mut machines: Vec<Environment> = Vec::with_capacity(earlier.len() + 1);
    let mut all: Vec<(usize, Point)> = Vec::with_capacity(points.len());
    for (machine, points) in earlier.into_iter().chain([(own, points)]) {
        let within = points.into_iter().filter(is_within);
        all.extend(within.map(|point| (machines.len(), point)));
        machines.push(machine);
    }
    all.sort_by_key(|(_, point)| point.time);
    let (of, points) = all.into_iter().unzip();
    (machines, of, points)
}

/// The times around each stretch in which a run should have been, by the pace at which this series
/// is usually measured: nightly, or slower. More often than nightly is no promise.
fn gaps(points: &[Point]) -> Vec<(Millis, Millis)> {
    let step = |pair: &[Point]| pair[1].time.0 - pair[0].time.0;
    let mut steps: Vec<i64> = points.windows(2).map(step).collect();
    steps.sort_unstable();
    let Some(usual) = steps.get(steps.len() / 2) else {
        return Vec::new();
    };
    // Three quarters of a step late is a step missed: nights wander by some hours.
    let longest = (*usual).max(DAY_MS) * 7 / 4;
    points
        .windows(2)
        .filter(|pair| step(pair) > longest)
        .map(|pair| (pair[0].time, pair[1].time))
        .collect()
}

/// Where the machine or the suite version changes: what is measured is another thing from there on.
fn epochs(machines: &[Environment], of: &[usize], points: &[Point]) -> Vec<Event> {
    points
        .windows(2)
        .zip(of.windows(2))
        .filter_map(|(pair, machines_of)| {
            let ([before, point], [machine_before, machine]) = (pair, machines_of) else {
                return None;
            };
            let label = if machine_before != machine {
                machine_label(machines.get(*machine_before)?, machines.get(*machine)?)
            } else if before.of.suite_version != point.of.suite_version {
                format!(
                    "suite {} to {}",
                    before.of.suite_version, point.of.suite_version
                )
            } else {
                return None;
            };
            Some(Event {
                time: point.time,
                kind: EventKind::Epoch,
                label,
            })
        })
        .collect()
}

/// `kernel 6.1 to 6.8` where one fact differs, else which ones do.
fn machine_label(before: &Environment, after: &Environment) -> String {
    let value = |machine: &Environment, label: &str| -> Option<String> {
        let fact = machine.facts.iter().find(|fact| fact.0 == label);
        fact.map(|fact| fact.1.clone())
    };
    let labels = after
        .facts
        .iter()
        .chain(&before.facts)
        .map(|fact| fact.0.as_str());
    let mut differing: Vec<&str> = Vec::new();
    for label in labels {
        if value(before, label) != value(after, label) && !differing.contains(&label) {
            differing.push(label);
        }
    }
    match differing.as_slice() {
        [] => "another machine".to_owned(),
        [label] => {
            let text = |machine| value(machine, label).unwrap_or_else(|| "not known".to_owned());
            format!("{} {} to {}", word(label), text(before), text(after))
        }
        labels => {
            let labels: Vec<String> = labels.iter().map(|label| word(label)).collect();
            format!("another machine: {}", labels.join(", "))
        }
    }
}

/// A label inside a sentence: in lower case, unless it is an abbreviation.
fn word(label: &str) -> String {
    let is_abbreviation = label.chars().all(|letter| !letter.is_lowercase());
    if is_abbreviation {
        label.to_owned()
    } else {
        label.to_lowercase()
    }
}

/// Where the level changed and stayed, seen from the newest night shown: inside each epoch, over the
/// nights that form baselines.
fn change_points(series: &Series, points: &[Point], epochs: &[Event]) -> Vec<Event> {
    let mut found = Vec::new();
    let mut rest = points;
    let ends = epochs.iter().map(|event| event.time);
    for end in ends.chain([Millis(i64::MAX)]) {
        let (stretch, after) = rest.split_at(rest.partition_point(|p| p.time < end));
        rest = after;
        found.extend(steps(series, stretch).iter().map(|(time, change)| Event {
            time: *time,
            kind: EventKind::ChangePoint,
            label: format!("step {}", format_change(*change)),
        }));
    }
    found
}

/// The median of the points between two boundaries, from the first point to the last.
fn levels(points: &[Point], events: &[Event]) -> Vec<(Millis, Millis, f64)> {
    let mut levels = Vec::new();
    let mut rest = points;
    let boundaries = events
        .iter()
        .filter(|e| e.kind != EventKind::Annotation)
        .map(|e| e.time);
    for boundary in boundaries.chain([Millis(i64::MAX)]) {
        let (stretch, after) = rest.split_at(rest.partition_point(|p| p.time < boundary));
        rest = after;
        let values: Vec<f64> = stretch.iter().map(|point| point.value).collect();
        if let (Some(first), Some(last), Some(level)) =
            (stretch.first(), stretch.last(), order::median(&values))
        {
            levels.push((first.time, last.time, level));
        }
    }
    levels
}
