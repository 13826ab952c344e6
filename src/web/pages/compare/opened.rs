//! A row that is opened: history with both revisions, samples side by side, and the numbers.

use bench_report::metric::{format_change, format_change_interval};

use crate::analysis::compare::{Row, RowSeries, detail};
use crate::chart::revisions::{Revision, RevisionsPlot, revisions};
use crate::chart::strip::{StripPlot, strip};
use crate::domain::Run;
use crate::web::pages::{links, value};
use crate::web::sides::Compared;
use crate::web::{AppState, WebError};

/// Days of history before the older revision.
const DAYS: i64 = 60;

/// What an opened row shows.
pub(super) struct Opened {
    /// Wide and narrow.
    pub(super) history: (String, String),
    pub(super) samples: String,
    /// Label and value.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) trend: String,
    pub(super) base: (String, String),
    pub(super) head: (String, String),
}

/// Loads and draws it; none where one side has no such series any more.
pub(super) async fn open(
    state: &AppState,
    compared: &Compared,
    row: &Row,
    series: &RowSeries,
) -> Result<Option<Opened>, WebError> {
    let (base, head) = (&compared.base, &compared.head);
    let Some(detail) = detail(base, head, series) else {
        return Ok(None);
    };
    let (old, new) = (&base.run.run, &head.run.run);
    let from = old.started_at.min(new.started_at).minus_days(DAYS);
    let to = old.started_at.max(new.started_at);
    let main = state.store.main_branch();
    let points = state
        .store
        .points(series.head.id, from, to, Some(main))
        .await?;
    let scale = value::scale(&row.unit, [row.old.median, row.new.median]);
    let name = format!("{} {}", row.benchmark, row.metric);
    let change = row
        .change
        .map_or_else(|| "from 0".to_owned(), format_change);
    let plot = RevisionsPlot {
        label: format!(
            "{name}, main's nights and both revisions: {} before, {} after, {change}",
            scale.reading(row.old.median),
            scale.reading(row.new.median)
        ),
        scale,
        nights: points
            .iter()
            .filter(|p| p.forms_baseline)
            .map(|p| (p.time, p.value))
            .collect(),
        base: Revision {
            time: old.started_at,
            value: row.old.median,
            text: format!("base {}", scale.number(row.old.median)),
        },
        head: Revision {
            time: new.started_at,
            value: row.new.median,
            text: format!("head {}", scale.number(row.new.median)),
        },
        verdict: (row.band, row.evidence),
    };
    let samples = strip(&StripPlot {
        label: format!(
            "{name}: {} samples before around {}, {} after around {}",
            detail.before.len(),
            scale.reading(row.old.median),
            detail.after.len(),
            scale.reading(row.new.median)
        ),
        scale,
        before: &detail.before,
        after: &detail.after,
    });
    let side = |run: &Run| {
        (
            format!("run {} {}", run.id, run.revision.short()),
            links::run(run.id),
        )
    };
    Ok(Some(Opened {
        history: (
            revisions(&plot, 560, "wide"),
            revisions(&plot, 340, "narrow"),
        ),
        samples,
        facts: facts(row, detail.pairs_worse),
        trend: links::series(&series.head),
        base: side(old),
        head: side(new),
    }))
}

fn facts(row: &Row, pairs: Option<(usize, usize)>) -> Vec<(&'static str, String)> {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let absent = || "not available".to_owned();
    let effect = match (row.change, row.interval) {
        (Some(change), Some([low, high])) => format!(
            "{} {}",
            format_change(change),
            format_change_interval(low, high)
        ),
        (Some(change), None) => format_change(change),
        (None, _) => "from 0".to_owned(),
    };
    let mut facts = vec![("effect", effect)];
    if let Some((worse, of)) = pairs {
        facts.push(("pairs", format!("{worse} of {of} worse")));
    }
    if let Some(p) = row.p {
        let text = if p < 0.001 {
            "p < 0.001".to_owned()
        } else {
            format!("p = {p:.3}")
        };
        facts.push(("Mann–Whitney", text));
    }
    facts.push(("noise floor", row.noise_floor.map_or_else(absent, percent)));
    facts.push((
        "could see",
        row.detectable_change.map_or_else(absent, percent),
    ));
    if let Some(needed) = row.samples_needed {
        facts.push(("to decide", format!("{needed} samples a side")));
    }
    facts
}
