//! What one side has and the other has not. Expected is what the base measured and what the head's
//! own report expects.

use std::collections::HashSet;

use bench_report::metric::{params_text, series_text};
use bench_verdict::verdict::Coverage;

use crate::domain::{Judged, JudgedRun};

pub(super) fn coverage(base: &JudgedRun, head: &JudgedRun) -> Coverage {
    let of = &head.run.coverage;
    let on_base: HashSet<_> = base.rows.iter().map(super::name).collect();
    let on_head: HashSet<_> = head.rows.iter().map(super::name).collect();
    let mut coverage = Coverage {
        not_available: of.not_available.clone(),
        failed: of.failed.clone(),
        ..Coverage::default()
    };
    let mut told: HashSet<String> = HashSet::new();
    for row in &base.rows {
        if on_head.contains(&super::name(row)) {
            coverage.measured += 1;
        } else if !is_told(&of.not_available, row) {
            let name = series_name(row);
            if !is_told(&of.failed, row) {
                coverage.missing.push(name.clone());
            } else if !of.failed.iter().any(|text| starts(text, &name)) {
                // Its benchmark failed as a whole, and is named without its metrics.
                coverage.failed.push(format!("{name}: {}", why(of, row)));
            }
            told.insert(name);
        }
    }
    let also = of.missing.iter().filter(|name| !told.contains(*name));
    coverage.missing.extend(also.cloned());
    let metrics_named: Vec<String> = coverage.failed.clone();
    coverage
        .failed
        .retain(|text| !is_whole_of(text, &metrics_named));
    coverage.new = head
        .rows
        .iter()
        .filter(|row| !on_base.contains(&super::name(row)))
        .map(series_name)
        .collect();
    coverage.expected = coverage.measured + coverage.missing.len() + coverage.failed.len();
    coverage
}

fn series_name(row: &Judged) -> String {
    let key = &row.series.key;
    series_text(&key.benchmark, &key.metric, &key.params)
}

fn benchmark_name(row: &Judged) -> String {
    let key = &row.series.key;
    let name = format!("{} {}", key.benchmark, params_text(&key.params));
    name.trim_end().to_owned()
}

/// Whether `text` is `name` or `name: why`.
fn starts(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
}

fn is_told(texts: &[String], row: &Judged) -> bool {
    if texts.is_empty() {
        return false;
    }
    let (series, benchmark) = (series_name(row), benchmark_name(row));
    texts
        .iter()
        .any(|text| starts(text, &series) || starts(text, &benchmark))
}

fn why(of: &crate::domain::Coverage, row: &Judged) -> String {
    let name = benchmark_name(row);
    let text = of.failed.iter().find(|text| starts(text, &name));
    text.and_then(|text| text.strip_prefix(&name))
        .map_or_else(String::new, |rest| rest.trim_start_matches(": ").to_owned())
}

/// Whether a benchmark that failed as a whole is told by its metrics already.
fn is_whole_of(text: &str, all: &[String]) -> bool {
    let Some((benchmark, params)) = whole(text) else {
        return false;
    };
    all.iter().any(|other| {
        other != text
            && other
                .strip_prefix(benchmark)
                .and_then(|rest| rest.strip_prefix(' '))
                .is_some_and(|rest| {
                    let name = rest.split(": ").next().unwrap_or_default();
                    !params.is_empty() && name.ends_with(&format!(" {params}"))
                        || params.is_empty() && !name.contains(['=', ' '])
                })
    })
}

/// Benchmark and params of `Benchmark a=1 b=2: why`; none where a metric is named.
fn whole(text: &str) -> Option<(&str, &str)> {
    let name = text.split(": ").next()?;
    let (benchmark, rest) = name.split_once(' ').unwrap_or((name, ""));
    let is_params = rest
        .split(' ')
        .all(|word| word.is_empty() || word.contains('='));
    is_params.then_some((benchmark, rest))
}
