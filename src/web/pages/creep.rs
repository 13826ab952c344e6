//! Slow change against the accepted level, in a table: each night alone looks fine.

use bench_report::metric::format_change;
use bench_verdict::verdict::{Band, Evidence};

use super::rows::SeriesView;
use super::value;
use super::verdict::{VerdictView, change_class};
use crate::analysis::alerts::change_from;
use crate::chart::spark::spark_against;
use crate::domain::{Judged, Millis, Point, SeriesId};
use crate::store::Store;
use crate::text;
use crate::web::WebError;

/// So many series are shown.
const MOST: usize = 5;
/// Nights of a sparkline: a season, for what is slow.
const NIGHTS: u32 = 84;

/// A series that moved away from its accepted level.
pub struct CreepRow {
    /// Its band, where it is more than noise.
    pub verdict: VerdictView,
    /// Whether it is more than noise.
    pub is_flagged: bool,
    /// The series.
    pub series: SeriesView,
    /// Its nights, with the accepted level dotted.
    pub spark: String,
    /// The accepted level.
    pub accepted: String,
    /// Tonight.
    pub value: String,
    /// The unit of both.
    pub unit: &'static str,
    /// Tonight against the accepted level.
    pub total: String,
    /// The last two weeks against its first two; `not yet` where noise could do it.
    pub creep: String,
    /// The class that colours it.
    pub class: &'static str,
}

/// The series that crept, the worst first; then, up to [`MOST`] in all, those that are farthest from
/// their accepted levels.
/// `at` is the night that `rows` are of.
pub async fn creep_rows(
    store: &Store,
    rows: &[Judged],
    at: Millis,
) -> Result<Vec<CreepRow>, WebError> {
    let total = |row: &Judged| {
        change_from(
            &row.series,
            row.judgement.accepted_level?,
            row.measurement.value,
        )
    };
    let mut found: Vec<(&Judged, f64)> = rows
        .iter()
        .filter_map(|row| Some((row, total(row)?)))
        .filter(|(row, total)| {
            // What an alert says of a step is not slow.
            let may_creep = *total > 0.0 && row.standing.is_none();
            row.judgement.creep.map_or(may_creep, |creep| creep > 0.0)
        })
        .collect();
    found.sort_by(|(a, total_a), (b, total_b)| {
        let key = |row: &Judged| row.judgement.creep.unwrap_or(f64::NEG_INFINITY);
        let by_creep = key(b).total_cmp(&key(a));
        by_creep.then(total_b.total_cmp(total_a))
    });
    let flagged = found
        .iter()
        .filter(|(row, _)| row.judgement.creep.is_some())
        .count();
    found.truncate(MOST.max(flagged));
    let ids: Vec<SeriesId> = found.iter().map(|(row, _)| row.series.id).collect();
    let nights = store.recent_points(&ids, at, NIGHTS).await?;
    let nights_of = |id: SeriesId| {
        let own = nights.iter().find(|(of, _)| *of == id);
        own.map_or(&[][..], |(_, points)| points.as_slice())
    };
    Ok(found
        .into_iter()
        .map(|(row, total)| view(row, total, nights_of(row.series.id)))
        .collect())
}

fn view(row: &Judged, total: f64, nights: &[Point]) -> CreepRow {
    let (measured, judged) = (&row.measurement, &row.judgement);
    let level = judged.accepted_level.unwrap_or(measured.value);
    let scale = value::scale(&row.series.key.unit, [measured.value, level]);
    let band = judged.creep.map_or(Band::None, Band::of);
    let series = SeriesView::new(&row.series);
    let label = format!(
        "{} {} {}: last {} against its accepted level",
        series.benchmark,
        series.metric,
        series.params,
        text::plural(nights.len() as u64, "night", "nights")
    );
    CreepRow {
        spark: spark_against(nights, level, &label),
        verdict: VerdictView::new(band, Evidence::Confirmed),
        is_flagged: judged.creep.is_some(),
        series,
        accepted: scale.number(level),
        value: scale.number(measured.value),
        unit: scale.label,
        total: format_change(total),
        creep: judged
            .creep
            .map_or_else(|| "not yet".to_owned(), format_change),
        class: change_class(band),
    }
}
