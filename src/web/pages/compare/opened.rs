//! A row that is opened: history with both revisions, samples side by side, and the numbers.

use bench_report::metric::{format_change, format_change_interval};

use crate::analysis::compare::{Row, RowSeries, detail};
use crate::analysis::distribution::Distribution;
use crate::chart::revisions::{Revision, RevisionsPlot, revisions};
use crate::chart::strip::{StripPlot, strip};
use crate::domain::{Artifact, Run, RunId, SeriesKey};
use crate::web::pages::percentiles::{Recorded, both, named};
use crate::web::pages::profile::is_stacks;
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
    /// The percentiles of both sides and what they are of, where both recorded them.
    pub(super) percentiles: Option<(String, String)>,
    pub(super) profiles: Vec<Profiles>,
    /// Label and value.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) trend: String,
    pub(super) base: (String, String),
    pub(super) head: (String, String),
}

/// A profile of the head's run, and of the base's where it has the same sort.
pub(super) struct Profiles {
    pub(super) name: String,
    pub(super) head: String,
    pub(super) base: Option<String>,
    /// The head's against the base's.
    pub(super) difference: Option<String>,
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
            .filter(|p| p.of.forms_baseline)
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
        percentiles: percentiles(state, (old, new), &series.head.key).await?,
        profiles: profiles(state, (old, new), &row.benchmark).await?,
        facts: facts(row, detail.pairs_worse),
        trend: links::series(&series.head),
        base: side(old),
        head: side(new),
    }))
}

/// What both runs recorded of a series' benchmark at its params, as percentiles; none where the metric
/// is made of nothing that was recorded.
async fn percentiles(
    state: &AppState,
    (old, new): (&Run, &Run),
    key: &SeriesKey,
) -> Result<Option<(String, String)>, WebError> {
    let before = recorded(state, old.id, key).await?;
    let after = recorded(state, new.id, key).await?;
    let sides = named(&before, &key.metric).zip(named(&after, &key.metric));
    let Some(((of, unit_before, before), (name, unit, after))) = sides else {
        return Ok(None);
    };
    if (of, unit_before) != (name, unit) {
        return Ok(None);
    }
    let scale = value::scale(unit, [before.quantile(0.999), after.quantile(0.999)]);
    let label = format!(
        "{} {name}, percentiles of both sides: the middle {} before, {} after",
        key.benchmark,
        scale.reading(before.quantile(0.5)),
        scale.reading(after.quantile(0.5))
    );
    Ok(Some((both(&label, scale, before, after), name.clone())))
}

async fn recorded(
    state: &AppState,
    run: RunId,
    key: &SeriesKey,
) -> Result<Vec<Recorded>, WebError> {
    let found = state
        .store
        .histograms_of(run, &key.benchmark, &key.params)
        .await?;
    let read = found
        .into_iter()
        .filter_map(|h| Some((h.name, h.unit, Distribution::read(&h.data)?)));
    Ok(read.collect())
}

/// The flame graphs of the head's run that show a row's benchmark.
async fn profiles(
    state: &AppState,
    (old, new): (&Run, &Run),
    benchmark: &str,
) -> Result<Vec<Profiles>, WebError> {
    let of_base = state.store.artifacts(old.id).await?;
    let of_head = state.store.artifacts(new.id).await?;
    let shows = |file: &&Artifact| {
        is_stacks(file) && file.benchmark.as_deref().is_none_or(|of| of == benchmark)
    };
    Ok(of_head
        .iter()
        .filter(shows)
        .map(|file| {
            let head = links::profile(new.id, file.ordinal);
            let same = of_base
                .iter()
                .filter(shows)
                .find(|base| base.kind == file.kind && base.name == file.name);
            Profiles {
                name: file.name.clone(),
                base: same.map(|base| links::profile(old.id, base.ordinal)),
                difference: same.map(|_| format!("{head}?against={}", old.id)),
                head,
            }
        })
        .collect())
}

fn facts(row: &Row, pairs: Option<(usize, usize)>) -> Vec<(&'static str, String)> {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let absent = || "not available".to_owned();
    let effect = match (row.effect.or(row.change), row.interval) {
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
