//! A series, and a measurement with its verdict, as rows of tables write them.

use std::fmt;

use bench_report::metric::{format_change, format_change_interval, format_count};

use super::verdict::{VerdictView, change_class};
use super::{links, value};
use crate::analysis::verdict::change_interval;
use crate::domain::{Judged, Series};

/// A count in a table: zero is a grey dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell(pub u32);

impl Cell {
    /// Whether there is nothing to count.
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_count(u64::from(self.0)))
    }
}

/// A series in a table: `Benchmark metric params`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesView {
    /// Its trend.
    pub url: String,
    /// Benchmark name.
    pub benchmark: String,
    /// Metric name.
    pub metric: String,
    /// `concurrency=100 cpu=8`.
    pub params: String,
}

impl SeriesView {
    /// The view of a series.
    pub fn new(series: &Series) -> Self {
        Self {
            url: links::series(series),
            benchmark: series.key.benchmark.clone(),
            metric: series.key.metric.clone(),
            params: series.params_text(),
        }
    }
}

/// A measurement with its verdict.
#[derive(Debug, Clone)]
pub struct JudgedView {
    /// What is said of it.
    pub verdict: VerdictView,
    /// The series.
    pub series: SeriesView,
    /// The baseline's number; `–` without one.
    pub baseline: String,
    /// The value's number.
    pub value: String,
    /// The unit of both.
    pub unit: &'static str,
    /// Such as `+44.9%`; `–` without a baseline.
    pub change: String,
    /// The class that colours it.
    pub change_class: &'static str,
    /// How many samples.
    pub samples: u32,
    /// Half the width of the median's interval, in percent of the value; `–` below 6 samples.
    pub spread: String,
    /// How many runs the baseline has.
    pub baseline_runs: u32,
    /// The change as the samples leave it open, such as `+8.1% to +13.0%`; empty where not known.
    pub interval: String,
    /// What noise alone does to one night, such as `±2.1%`; `–` while too little is known.
    pub noise: String,
    /// The smallest step that a week of nights would confirm; `–` while too little is known.
    pub detectable: String,
}

impl JudgedView {
    /// The view of a row: value and baseline in one unit.
    pub fn new(row: &Judged) -> Self {
        let (measured, judged) = (&row.measurement, &row.judgement);
        let scale = value::scale(
            &row.series.key.unit,
            [measured.value].into_iter().chain(judged.baseline),
        );
        let dash = || "–".to_owned();
        let spread = measured
            .interval
            .filter(|_| measured.value > 0.0)
            .map(|(low, high)| (high - low) / 2.0 / measured.value * 100.0);
        Self {
            verdict: VerdictView::new(judged.band, judged.evidence),
            series: SeriesView::new(&row.series),
            baseline: judged.baseline.map_or_else(dash, |b| scale.number(b)),
            value: scale.number(measured.value),
            unit: scale.label,
            change: judged.change.map_or_else(dash, format_change),
            change_class: change_class(judged.band),
            samples: measured.sample_count,
            spread: spread.map_or_else(dash, |s| format!("±{s:.1}%")),
            baseline_runs: judged.baseline_runs,
            interval: change_interval(row)
                .map_or_else(String::new, |[low, high]| format_change_interval(low, high)),
            noise: judged
                .noise_floor
                .map_or_else(dash, |floor| format!("±{:.1}%", 100.0 * floor)),
            detectable: judged
                .detectable_change
                .map_or_else(dash, |least| format!("{:.1}%", 100.0 * least)),
        }
    }
}
