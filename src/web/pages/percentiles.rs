//! Percentiles of what runs recorded: their axis, and both sides of a comparison on it.

use bench_report::metric::Scale;

use crate::analysis::distribution::Distribution;
use crate::chart::curve::{CurvePlot, CurveSize, Line, curve_at, wants_log};
use crate::chart::scale::Tick;

/// The percentiles of tables and of the axis.
pub(super) const PERCENTILES: [(&str, f64); 5] = [
    ("50", 0.5),
    ("90", 0.9),
    ("99", 0.99),
    ("99.9", 0.999),
    ("99.99", 0.9999),
];

/// Where they stand on an axis of nines.
pub(super) fn ticks() -> Vec<Tick> {
    let tick = |(name, part): &(&str, f64)| Tick {
        at: -(1.0 - part).log10(),
        text: (*name).to_owned(),
    };
    PERCENTILES.iter().map(tick).collect()
}

/// Name, unit and values of something that a run recorded.
pub(super) type Recorded = (String, String, Distribution);

/// What of a run's records a metric is made of: `latency` of `latency_p99`.
pub(super) fn named<'s>(recorded: &'s [Recorded], metric: &str) -> Option<&'s Recorded> {
    recorded
        .iter()
        .filter(|(name, ..)| metric.starts_with(name.as_str()))
        .max_by_key(|(name, ..)| name.len())
}

/// The same, or the first where nothing has its name.
pub(super) fn of_metric<'s>(recorded: &'s [Recorded], metric: &str) -> Option<&'s Recorded> {
    named(recorded, metric).or(recorded.first())
}

/// Two sides on one axis, `before` as another revision is drawn.
pub(super) fn both(
    label: &str,
    scale: Scale,
    before: &Distribution,
    after: &Distribution,
) -> String {
    let line = |name: &str, is_old: bool, of: &Distribution| Line {
        name: name.to_owned(),
        is_old,
        points: of
            .nines()
            .into_iter()
            .map(|(nines, value)| (nines, scale.scaled(value)))
            .collect(),
        marks: Vec::new(),
    };
    let lines = vec![line("before", true, before), line("after", false, after)];
    let values = lines.iter().flat_map(|l| l.points.iter().map(|p| p.1));
    let plot = CurvePlot {
        label: label.to_owned(),
        desc: String::new(),
        y_unit: scale.label.to_owned(),
        x_title: "percentile".to_owned(),
        x_log: false,
        y_log: wants_log(values),
        lines,
        note: None,
        bracket: None,
    };
    curve_at(&plot, CurveSize::Third, &ticks())
}
