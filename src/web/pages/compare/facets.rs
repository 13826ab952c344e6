//! The choices of rows, each a link.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bench_report::metric::Kind;

use super::query::{Open, Show, View, kind_word};
use crate::analysis::compare::{Comparison, Row, RowSeries};

/// So many choices of one facet.
const MOST_CHOICES: usize = 24;

pub(super) struct Choice {
    pub(super) url: String,
    pub(super) name: String,
    pub(super) count: Option<usize>,
    pub(super) is_current: bool,
}

/// All choices, with how many rows each would show.
pub(super) fn facets(
    view: &View,
    path: &str,
    rows: &[(&Row, &RowSeries)],
    comparison: &Comparison,
) -> Vec<(&'static str, Vec<Choice>)> {
    let first = View {
        page: 1,
        open: Open::Worst,
        ..view.clone()
    };
    let of = |view: &View| {
        rows.iter()
            .filter(|(row, series)| view.is_of(row, series))
            .count()
    };
    let lost = comparison.coverage.missing.len() + comparison.coverage.failed.len();
    let mut facets = vec![(
        "show",
        Show::ALL
            .iter()
            .map(|(show, _, name)| {
                let count = rows
                    .iter()
                    .filter(|(row, series)| view.is_of(row, series) && show.takes(row))
                    .count();
                Choice {
                    url: View {
                        show: *show,
                        ..first.clone()
                    }
                    .url(path),
                    name: (*name).to_owned(),
                    count: Some(if *show == Show::Missing { lost } else { count }),
                    is_current: *show == view.show,
                }
            })
            .collect(),
    )];
    let mut add = |title, choices: Vec<(String, View)>, is_current: &dyn Fn(&View) -> bool| {
        // The kind stands beside what is shown, whether there is a choice or not.
        if choices.len() > 2 || title == "kind" {
            let choices = choices.into_iter().map(|(name, view)| Choice {
                url: view.url(path),
                count: Some(of(&view)),
                is_current: is_current(&view),
                name,
            });
            facets.push((title, choices.collect()));
        }
    };
    let kinds = [
        Kind::Time,
        Kind::Rate,
        Kind::Bytes,
        Kind::Count,
        Kind::Ratio,
    ]
    .into_iter()
    .filter(|kind| rows.iter().any(|(_, series)| series.head.kind == *kind));
    let all = |view: View| ("all".to_owned(), view);
    let mut choices = vec![all(View {
        kind: None,
        ..first.clone()
    })];
    choices.extend(kinds.map(|kind| {
        let view = View {
            kind: Some(kind),
            ..first.clone()
        };
        (kind_word(kind).to_owned(), view)
    }));
    add("kind", choices, &|of| of.kind == view.kind);
    let mut choices = vec![all(View {
        benchmark: None,
        ..first.clone()
    })];
    choices.extend(names(rows, |row| &row.benchmark).into_iter().map(|name| {
        let view = View {
            benchmark: Some(name.clone()),
            ..first.clone()
        };
        (name, view)
    }));
    add("benchmark", choices, &|of| of.benchmark == view.benchmark);
    let mut choices = vec![all(View {
        metric: None,
        ..first.clone()
    })];
    choices.extend(names(rows, |row| &row.metric).into_iter().map(|name| {
        let view = View {
            metric: Some(name.clone()),
            ..first.clone()
        };
        (name, view)
    }));
    add("metric", choices, &|of| of.metric == view.metric);
    let mut bands: Vec<_> = rows.iter().map(|(row, _)| row.band).collect();
    bands.sort_by_key(|band| Reverse(band.severity()));
    bands.dedup();
    let mut choices = vec![all(View {
        band: None,
        ..first.clone()
    })];
    choices.extend(bands.into_iter().map(|band| {
        let view = View {
            band: Some(band),
            ..first.clone()
        };
        (band.word().to_owned(), view)
    }));
    add("band", choices, &|of| of.band == view.band);
    facets
}

/// The names that rows have most, in their order.
fn names(rows: &[(&Row, &RowSeries)], of: impl Fn(&Row) -> &String) -> Vec<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for (row, _) in rows {
        *counts.entry(of(row)).or_default() += 1;
    }
    let mut most: Vec<(&String, usize)> = counts.into_iter().collect();
    most.sort_by_key(|(_, count)| Reverse(*count));
    most.truncate(MOST_CHOICES);
    most.sort();
    most.into_iter().map(|(name, _)| name.clone()).collect()
}
