//! The rows of a comparison, as the table shows them.

use bench_report::metric::format_change;
use bench_verdict::verdict::Evidence;

use super::opened::Opened;
use super::query::{Open, View};
use crate::analysis::compare::sections::Section;
use crate::analysis::compare::{Row, RowSeries};
use crate::chart::interval::{IntervalBar, bar};
use crate::domain::SeriesId;
use crate::web::pages::value;
use crate::web::pages::verdict::{VerdictView, change_class};

/// So many rows a page: with their bars they stay far below 300 kB.
const ROWS: usize = 150;

/// Rows under one heading.
pub(super) struct Group {
    pub(super) heading: &'static str,
    pub(super) note: String,
    pub(super) rows: Vec<RowView>,
}

pub(super) struct RowView {
    pub(super) id: SeriesId,
    pub(super) verdict: VerdictView,
    pub(super) benchmark: String,
    pub(super) metric: String,
    pub(super) params: String,
    pub(super) url: String,
    pub(super) change: String,
    pub(super) change_class: &'static str,
    pub(super) bar: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) unit: &'static str,
    pub(super) n: String,
    pub(super) noise: String,
    pub(super) could_see: String,
    pub(super) opened: Option<Opened>,
}

pub(super) struct Shown {
    pub(super) groups: Vec<Group>,
    pub(super) note: String,
    pub(super) older: Option<String>,
    pub(super) newer: Option<String>,
}

/// The rows that the view takes, a page of them, grouped.
pub(super) fn shown(
    view: &View,
    path: &str,
    rows: &[(&Row, &RowSeries)],
    threshold: f64,
    mut opened: Vec<(SeriesId, Opened)>,
) -> Shown {
    let mut taken: Vec<(Section, &Row, &RowSeries)> = rows
        .iter()
        .filter(|(row, series)| view.is_of(row, series) && view.show.takes(row))
        .map(|(row, series)| (Section::of(row), *row, *series))
        .collect();
    // Stable: within a group the rows stay by evidence, then size.
    taken.sort_by_key(|(section, _, _)| *section);
    let count = taken.len();
    let (skip, most) = match view.page {
        0 => (0, count),
        page => ((page - 1) * ROWS, ROWS),
    };
    let mut groups: Vec<Group> = Vec::new();
    for section in Section::ALL {
        let of_section = || taken.iter().filter(|(s, _, _)| *s == section).count();
        let page = taken.iter().skip(skip).take(most);
        let views: Vec<RowView> = page
            .filter(|(s, _, _)| *s == section)
            .map(|(_, row, series)| {
                let at = opened.iter().position(|(id, _)| *id == series.head.id);
                let content = at.map(|at| opened.swap_remove(at).1);
                row_view(view, path, (row, series), threshold, content)
            })
            .collect();
        if !views.is_empty() {
            let (heading, note) = heading(section);
            groups.push(Group {
                heading,
                note: format!("{}{note}", of_section()),
                rows: views,
            });
        }
    }
    let page_url = |page| {
        View {
            page,
            open: Open::Worst,
            ..view.clone()
        }
        .url(path)
    };
    let note = if count > most {
        let last = count.min(skip + most);
        format!("{} to {last} of {count}", (skip + 1).min(last))
    } else {
        String::new()
    };
    Shown {
        groups,
        note,
        older: (skip + most < count).then(|| page_url(view.page + 1)),
        newer: (view.page > 1).then(|| page_url(view.page - 1)),
    }
}

/// What a group is called, and what stands after its count.
fn heading(section: Section) -> (&'static str, &'static str) {
    match section {
        Section::Counts => ("Counts", ": deterministic, so any change is real"),
        Section::Slower => ("Slower, confirmed", ""),
        Section::SlowerLikely => ("Slower, likely", ": beyond the noise, and not confirmed"),
        Section::Faster => ("Faster, confirmed or likely", ""),
        Section::Incomparable => (
            "Incomparable",
            ": measured in another environment, which alone may explain them",
        ),
        Section::Inconclusive => (
            "Inconclusive",
            ": the smallest change that could be seen is above the gate, so this is not \u{201c}no change\u{201d}",
        ),
        Section::Noise => ("Noise", ": inside what this series does by itself"),
        Section::Unchanged => ("No change", ""),
    }
}

fn row_view(
    view: &View,
    path: &str,
    (row, series): (&Row, &RowSeries),
    threshold: f64,
    opened: Option<Opened>,
) -> RowView {
    let id = series.head.id;
    let scale = value::scale(&row.unit, [row.old.median, row.new.median]);
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let is_exact = row.evidence == Evidence::Exact;
    let open = if opened.is_some() {
        Open::None
    } else {
        Open::Series(id)
    };
    let target = View {
        open,
        ..view.clone()
    };
    RowView {
        id,
        verdict: verdict(row),
        benchmark: row.benchmark.clone(),
        metric: row.metric.clone(),
        params: series.head.params_text(),
        url: format!("{}#r{id}", target.url(path)),
        change: row
            .change
            .map_or_else(|| "from 0".to_owned(), format_change),
        change_class: change_class(row.band),
        bar: bar(&IntervalBar {
            change: row.change,
            interval: row.interval,
            noise_floor: row.noise_floor,
            threshold,
            band: row.band,
            evidence: row.evidence,
        }),
        before: scale.number(row.old.median),
        after: scale.number(row.new.median),
        unit: scale.label,
        n: if row.old.n == row.new.n {
            row.new.n.to_string()
        } else {
            format!("{}, {}", row.old.n, row.new.n)
        },
        noise: match row.noise_floor {
            _ if is_exact => "0".to_owned(),
            Some(floor) => percent(floor),
            None => "–".to_owned(),
        },
        could_see: match (row.detectable_change, row.samples_needed) {
            _ if is_exact => "exact".to_owned(),
            (Some(change), _) => percent(change),
            (None, Some(needed)) => format!("n < {needed}"),
            (None, None) => "–".to_owned(),
        },
        opened,
    }
}

/// A comparison is always so or so sure: its evidence stands beside every band.
fn verdict(row: &Row) -> VerdictView {
    let plain = VerdictView::new(row.band, row.evidence);
    VerdictView {
        evidence: crate::web::pages::verdict::evidence_word(row.evidence),
        ..plain
    }
}
