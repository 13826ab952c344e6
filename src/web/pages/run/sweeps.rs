//! The curves of a run: metrics over a param.

use std::collections::BTreeMap;

use bench_report::metric::Kind;

use super::super::value;
use crate::chart::curve::{CurvePlot, CurveSize, LEAST_PLACES, Line, curve, wants_log};
use crate::chart::role::{Role, deserves_mark};
use crate::domain::Judged;

/// A chart tells at most so many lines apart.
const MOST_LINES: usize = 6;

/// So many charts a benchmark: one for each sort of quantity.
const MOST_CHARTS: usize = 3;

/// A metric over a param.
#[derive(Debug, Clone)]
pub(super) struct Sweep {
    /// Benchmark name.
    pub(super) benchmark: String,
    /// Such as `latency_p99 by concurrency`.
    pub(super) what: String,
    /// The chart.
    pub(super) svg: String,
}

/// The sweeps of a run, benchmark by benchmark: for each sort of quantity the metric that moved
/// most, or the first; over the param with the most numeric values; a line for each value of the
/// next param.
pub(super) fn sweeps(rows: &[Judged]) -> Vec<Sweep> {
    let mut benchmarks: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for row in rows {
        benchmarks
            .entry(&row.series.key.benchmark)
            .or_default()
            .push(row);
    }
    benchmarks
        .into_iter()
        .flat_map(|(benchmark, rows)| sweeps_of(benchmark, &rows))
        .collect()
}

fn sweeps_of(benchmark: &str, rows: &[&Judged]) -> Vec<Sweep> {
    let mut metrics: Vec<(&str, Vec<&Judged>)> = Vec::new();
    for row in rows {
        match metrics
            .iter_mut()
            .find(|(name, _)| *name == row.series.key.metric)
        {
            Some((_, rows)) => rows.push(row),
            None => metrics.push((&row.series.key.metric, vec![row])),
        }
    }
    // What moved first; of the rest, the order of the store. The tail of a latency says more than
    // its middle.
    let moved = |rows: &[&Judged]| rows.iter().any(|r| mark_of(r).is_some());
    metrics.sort_by_key(|(name, rows)| (!moved(rows), !name.ends_with("p99")));
    let mut kinds: Vec<Kind> = Vec::new();
    let mut out = Vec::new();
    for (metric, rows) in metrics {
        let Some(kind) = rows.first().map(|r| r.series.kind) else {
            continue;
        };
        if kinds.contains(&kind) || out.len() == MOST_CHARTS {
            continue;
        }
        if let Some((param, svg)) = sweep(metric, &rows) {
            kinds.push(kind);
            out.push(Sweep {
                benchmark: benchmark.to_owned(),
                what: format!("{metric} by {param}"),
                svg,
            });
        }
    }
    out
}

fn sweep(metric: &str, rows: &[&Judged]) -> Option<(String, String)> {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in rows {
        for (name, value) in &row.series.key.params {
            let Some(number) = value.parse().ok().filter(|n: &f64| n.is_finite()) else {
                continue;
            };
            let known = values.entry(name).or_default();
            if !known.contains(&number) {
                known.push(number);
            }
        }
    }
    let (param, places) = values
        .into_iter()
        .rev()
        .max_by_key(|(_, places)| places.len())?;
    if places.len() < LEAST_PLACES {
        return None;
    }
    let mut lines: Vec<(String, Vec<(f64, &Judged)>)> = Vec::new();
    for row in rows {
        let Some(at) = row
            .series
            .key
            .params
            .get(param)
            .and_then(|v| v.parse().ok())
        else {
            continue;
        };
        let others: Vec<String> = row
            .series
            .key
            .params
            .iter()
            .filter(|(name, _)| *name != param)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let name = others.join(" ");
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push((at, row)),
            None => lines.push((name, vec![(at, row)])),
        }
    }
    lines.retain(|(_, points)| points.len() >= LEAST_PLACES);
    for (_, points) in &mut lines {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    // A legend of dozens of lines is no legend: the last ones have the highest params.
    let first = lines.len().saturating_sub(MOST_LINES);
    let lines = &lines[first..];
    let key = &rows.first()?.series.key;
    let all: Vec<f64> = lines
        .iter()
        .flat_map(|l| &l.1)
        .map(|(_, r)| r.measurement.value)
        .collect();
    if all.is_empty() {
        return None;
    }
    let scale = value::scale(&key.unit, all.iter().copied());
    let x_log = wants_log(places.iter().copied());
    let y_log = wants_log(all.iter().copied());
    let plot = CurvePlot {
        label: format!("{} {metric} by {param}, {}", key.benchmark, scale.label),
        desc: String::new(),
        y_unit: if y_log {
            format!("{} (log)", scale.label)
        } else {
            scale.label.to_owned()
        },
        x_title: if x_log {
            format!("{param} (log)")
        } else {
            param.to_owned()
        },
        x_log,
        y_log,
        lines: lines
            .iter()
            .map(|(name, points)| Line {
                name: name.clone(),
                is_old: false,
                points: points
                    .iter()
                    .map(|(x, row)| (*x, scale.scaled(row.measurement.value)))
                    .collect(),
                marks: points
                    .iter()
                    .enumerate()
                    .filter_map(|(i, (_, row))| Some((i, mark_of(row)?)))
                    .collect(),
            })
            .collect(),
        note: None,
        bracket: None,
    };
    Some((param.to_owned(), curve(&plot, CurveSize::Third)))
}

fn mark_of(row: &Judged) -> Option<Role> {
    let judged = &row.judgement;
    deserves_mark(judged.band, judged.evidence).then_some(Role::Mark(
        judged.band,
        judged.evidence,
        100,
    ))
}
