//! Measurements with what is said of them: the rows of a run, written and read.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::{Judgement, Published, RunId, SeriesId};

use super::StoreError;
use super::listed::Listed;
use super::packed::{self, Beside};

/// Rows a statement: one parse and one round trip for most suites, far below the limit of 32,766
/// bound values.
const ROWS: usize = 500;

/// A measurement of a run, and what is said of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) series: SeriesId,
    pub(super) value: f64,
    pub(super) beside: Beside,
}

/// Writes rows, over those that are there.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    rows: &[(RunId, Measured)],
) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("insert into measurement (series_id, run_id, value, data) ");
        query.push_values(rows, |mut row, (run, one)| {
            row.push_bind(one.series.0)
                .push_bind(run.0)
                .push_bind(one.value)
                .push_bind(packed::pack(one.value, &one.beside));
        });
        query.push(
            " on conflict (series_id, run_id) do update set
                 value = excluded.value,
                 data = excluded.data",
        );
        query.build().execute(&mut *tx).await?;
    }
    Ok(())
}

/// The rows of a run, of those of `series` that it measured, in the order of their numbers.
pub(super) async fn read(
    db: &mut SqliteConnection,
    run: RunId,
    series: &[SeriesId],
) -> Result<Vec<Measured>, StoreError> {
    let mut all = Vec::with_capacity(series.len());
    for series in series.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select series_id, value, data
             from measurement
             where run_id = ",
        );
        query.push_bind(run.0).push(" and series_id in (");
        let mut list = query.separated(", ");
        for id in series {
            list.push_bind(id.0);
        }
        query.push(") order by series_id");
        let rows: Vec<(i64, f64, Vec<u8>)> = query.build_query_as().fetch_all(&mut *db).await?;
        for (series, value, data) in rows {
            all.push(Measured {
                series: SeriesId(series),
                value,
                beside: packed::unpack(value, &data, run.0)?,
            });
        }
    }
    Ok(all)
}

/// Replaces what is said of series of a run; of one that it did not measure, nothing is said.
pub(super) async fn judge(
    tx: &mut SqliteConnection,
    run: RunId,
    judged: &[(SeriesId, Judgement)],
) -> Result<(), StoreError> {
    let new: HashMap<SeriesId, Judgement> = judged.iter().copied().collect();
    let ids: Vec<SeriesId> = judged.iter().map(|(id, _)| *id).collect();
    let mut rows = Vec::with_capacity(ids.len());
    let mut listed = Listed::of(&mut *tx, run).await?;
    for mut row in read(tx, run, &ids).await? {
        if let Some(judgement) = new.get(&row.series) {
            row.beside.judgement = *judgement;
            listed.put(row.series, judgement.band, judgement.evidence);
            rows.push((run, row));
        }
    }
    write(tx, &rows).await?;
    listed.save(tx, run).await
}

/// Replaces what is published of series of a run.
pub(super) async fn publish(
    tx: &mut SqliteConnection,
    run: RunId,
    published: &[(SeriesId, Published)],
) -> Result<(), StoreError> {
    let new: HashMap<SeriesId, Published> = published.iter().copied().collect();
    let ids: Vec<SeriesId> = published.iter().map(|(id, _)| *id).collect();
    let mut rows = Vec::with_capacity(ids.len());
    for mut row in read(tx, run, &ids).await? {
        if let Some(published) = new.get(&row.series) {
            row.value = published.value;
            row.beside.interval = published.interval;
            rows.push((run, row));
        }
    }
    write(tx, &rows).await
}

/// Deletes the rows of a run.
pub(super) async fn delete(tx: &mut SqliteConnection, run: RunId) -> Result<(), StoreError> {
    let ids = Listed::of(&mut *tx, run).await?.ids();
    for ids in ids.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("delete from measurement where run_id = ");
        query.push_bind(run.0).push(" and series_id in (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(")");
        query.build().execute(&mut *tx).await?;
    }
    sqlx::query("delete from run_series where run_id = $1")
        .bind(run.0)
        .execute(tx)
        .await?;
    Ok(())
}
