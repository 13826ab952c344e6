//! What pairs of two sides say, as tables: two programs compared, or one with itself.

use std::collections::BTreeMap;

use bench_report::metric::{
    Params, Reading, Scale, Unit, format_change, format_change_interval, params_text,
};

use super::grouped::{Line, grouped};
use super::judged::judged;
use super::style::{Meaning, Style};
use crate::ab::rounds::Row;

/// Base and head of every series, by how much they differ, and what that comes to.
pub fn compared(rows: &[Row], style: Style) -> String {
    let heads = [
        "",
        "base",
        "head",
        "change",
        "95% interval",
        "sees",
        "verdict",
    ];
    let line = |row: &Row| {
        let compared = &row.compared;
        let (verdict, meaning) = match is_equal(row) {
            true => ("equal", Some(Meaning::Dim)),
            false => judged(compared.evidence, compared.band),
        };
        Line {
            cells: [
                row.name.metric.clone(),
                number(row, compared.old.median),
                value(row, compared.new.median),
                compared.change.map(format_change).unwrap_or_default(),
                interval(row),
                seen(row),
                verdict.to_owned(),
            ],
            meaning,
        }
    };
    grouped(heads, &by_benchmark(rows, line), style)
}

/// One side's value of every series, how far single pairs differ, how far their mean does, and the
/// smallest change that such pairs could see.
pub fn with_itself(rows: &[Row], style: Style) -> String {
    let heads = ["", "value", "a pair", "all", "95% interval", "sees", ""];
    let line = |row: &Row| {
        let is_beyond = row.is_beyond_its_interval() == Some(true);
        let (word, meaning) = match (is_beyond, is_equal(row)) {
            (true, _) => ("beyond", Some(Meaning::Bad)),
            (_, true) => ("equal", Some(Meaning::Dim)),
            _ => ("", None),
        };
        Line {
            cells: [
                row.name.metric.clone(),
                value(row, row.compared.old.median),
                row.noise.map_or_else(String::new, spread),
                row.compared.change.map(format_change).unwrap_or_default(),
                interval(row),
                seen(row),
                word.to_owned(),
            ],
            meaning,
        }
    };
    grouped(heads, &by_benchmark(rows, line), style)
}

fn by_benchmark<const N: usize>(
    rows: &[Row],
    line: impl Fn(&Row) -> Line<N>,
) -> Vec<(String, Vec<Line<N>>)> {
    let mut groups: BTreeMap<(&str, &Params), Vec<Line<N>>> = BTreeMap::new();
    for row in rows {
        let name = (row.name.benchmark.as_str(), &row.name.params);
        groups.entry(name).or_default().push(line(row));
    }
    let named = groups.into_iter().map(|((benchmark, params), lines)| {
        let name = format!("{benchmark} {}", params_text(params));
        (name.trim_end().to_owned(), lines)
    });
    named.collect()
}

fn value(row: &Row, value: f64) -> String {
    match reading(row, value) {
        Some(reading) => reading.to_string(),
        None => format!("{value} {}", row.unit),
    }
}

/// A value whose unit stands beside it, behind another of the same row.
fn number(row: &Row, value: f64) -> String {
    reading(row, value).map_or_else(|| value.to_string(), |reading| reading.number)
}

/// Both values of a row are read in one unit.
fn reading(row: &Row, value: f64) -> Option<Reading> {
    let unit = Unit::parse(&row.unit).ok()?;
    Some(Scale::of(unit, row.compared.old.median).reading(value))
}

fn interval(row: &Row) -> String {
    let ends = row.compared.interval;
    ends.map(|[low, high]| format_change_interval(low, high))
        .unwrap_or_default()
}

/// The same in every pair.
fn is_equal(row: &Row) -> bool {
    let is_certain = row.compared.interval.is_none_or(|ends| ends == [0.0, 0.0]);
    row.compared.change == Some(0.0) && is_certain
}

/// The smallest change that could have been seen.
fn seen(row: &Row) -> String {
    let seen = row.compared.detectable_change;
    // What needs no statistics sees every change.
    seen.filter(|_| row.noise.is_some() && !is_equal(row))
        .map_or_else(String::new, spread)
}

fn spread(change: f64) -> String {
    format_change(change).trim_start_matches('+').to_owned()
}

#[cfg(test)]
mod tests {
    use bench_verdict::verdict::Evidence;

    use super::*;
    use crate::ab::rounds::tests::noise;

    #[test]
    fn pairs_stand_under_their_benchmark_with_what_they_could_see() {
        let mut slower = noise(3, 1.25);
        slower.compared.evidence = Evidence::Confirmed;
        let rows = [noise(1, 1.0), slower];
        insta::assert_snapshot!(compared(&rows, Style::Plain), @"
                    base      head  change    95% interval  sees  verdict
        A
          latency  100.2  100.1 ns    0.0%    [−0.5, +0.5]  0.7%  noise
          latency  99.83  125.4 ns  +25.4%  [+24.6, +26.2]  0.9%  critical
        ");
        insta::assert_snapshot!(with_itself(&rows, Style::Plain), @"
                      value  a pair     all    95% interval  sees
        A
          latency  100.2 ns    0.7%    0.0%    [−0.5, +0.5]  0.7%
          latency  99.83 ns    1.1%  +25.4%  [+24.6, +26.2]  0.9%  beyond
        ");
        let coloured = compared(&rows, Style::Colour);
        assert!(
            coloured.contains("\u{1b}[31mcritical\u{1b}[0m"),
            "{coloured}"
        );
    }
}
