//! Stores from before schema 20, which kept a measurement and its verdict in a row each: read, and
//! brought over.

use std::collections::BTreeMap;
use std::time::Instant;

use sqlx::{FromRow, SqliteConnection, SqliteExecutor, SqlitePool};

use bench_verdict::verdict::{Band, Evidence};

use crate::domain::{InputsHash, Judgement, RunId, SeriesId};

use super::judgement::WARMING;
use super::listed::Listed;
use super::measured::{self, Measured};
use super::packed::Beside;
use super::{StoreError, code};

/// Whether a store that is only read has the tables of before.
pub(super) async fn is_older(db: impl SqliteExecutor<'_>) -> Result<bool, StoreError> {
    has_table(db, "verdict").await
}

/// How many verdicts a run of such a store has, and how many of them are on a measurement.
pub(super) async fn counts(
    db: impl SqliteExecutor<'_>,
    run: RunId,
) -> Result<(i64, i64), StoreError> {
    let counts = sqlx::query_as(
        "select count(*), count(m.run_id)
         from verdict v
         join run using (run_id)
         left join measurement m
           on m.series_id = v.series_id
          and m.started_at = run.started_at
          and m.run_id = run.run_id
         where v.run_id = $1",
    )
    .bind(run.0)
    .fetch_one(db)
    .await?;
    Ok(counts)
}

/// Brings over what the tables of before hold, once, in one transaction.
pub(super) async fn bring_over(writer: &SqlitePool) -> Result<(), StoreError> {
    if !has_table(writer, OLD).await? {
        return Ok(());
    }
    let mut tx = writer.begin_with("begin immediate").await?;
    // Another process may have been faster.
    if !has_table(&mut *tx, OLD).await? {
        return Ok(());
    }
    let (start, mut count) = (Instant::now(), 0);
    let mut lists: BTreeMap<RunId, Listed> = BTreeMap::new();
    for series in series(&mut tx).await? {
        let rows: Vec<OldRow> = sqlx::query_as(
            "select m.run_id, m.value, m.sample_count, m.low, m.high,
                    v.baseline, v.baseline_runs, v.change, v.band, v.evidence,
                    v.noise_floor, v.detectable_change, v.accepted_level, v.creep, v.inputs_hash
             from old_measurement m
             left join old_verdict v on v.run_id = m.run_id and v.series_id = m.series_id
             where m.series_id = $1
             order by m.run_id",
        )
        .bind(series.0)
        .fetch_all(&mut *tx)
        .await?;
        count += rows.len();
        if count > 0 && count == rows.len() {
            tracing::info!("measurements are brought into the rows of schema 20, once");
        }
        let mut of_run = Vec::with_capacity(rows.len());
        for row in rows {
            let run = RunId(row.run_id);
            let row = measured(series, &row)?;
            let judgement = &row.beside.judgement;
            let list = lists.entry(run).or_default();
            list.put(series, judgement.band, judgement.evidence);
            of_run.push((run, row));
        }
        measured::write(&mut tx, &of_run).await?;
    }
    for (run, list) in lists {
        list.save(&mut tx, run).await?;
    }
    for sql in ["drop table old_verdict", "drop table old_measurement"] {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    if count > 0 {
        let duration_ms = start.elapsed().as_millis();
        tracing::info!(
            count,
            duration_ms,
            "{count} measurements brought over in {duration_ms} ms"
        );
    }
    Ok(())
}

/// What migration 20 renames.
const OLD: &str = "old_measurement";

async fn has_table(db: impl SqliteExecutor<'_>, name: &str) -> Result<bool, StoreError> {
    let row: Option<(String,)> =
        sqlx::query_as("select name from sqlite_schema where type = 'table' and name = $1")
            .bind(name)
            .fetch_optional(db)
            .await?;
    Ok(row.is_some())
}

async fn series(db: &mut SqliteConnection) -> Result<Vec<SeriesId>, StoreError> {
    let rows: Vec<(i64,)> = sqlx::query_as("select series_id from series order by series_id")
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|(id,)| SeriesId(id)).collect())
}

#[derive(FromRow)]
struct OldRow {
    run_id: i64,
    value: f64,
    sample_count: i64,
    low: Option<f64>,
    high: Option<f64>,
    baseline: Option<f64>,
    // Null, like all that follow, where there is no verdict.
    baseline_runs: Option<i64>,
    change: Option<f64>,
    band: Option<i64>,
    evidence: Option<i64>,
    noise_floor: Option<f64>,
    detectable_change: Option<f64>,
    accepted_level: Option<f64>,
    creep: Option<f64>,
    inputs_hash: Option<i64>,
}

fn measured(series: SeriesId, row: &OldRow) -> Result<Measured, StoreError> {
    Ok(Measured {
        series,
        value: row.value,
        beside: Beside {
            sample_count: u32::try_from(row.sample_count).unwrap_or(0),
            interval: row.low.zip(row.high),
            judgement: judgement(row)?,
        },
    })
}

/// What a row says; of a measurement that nothing is said of, what is said before anything can be.
fn judgement(row: &OldRow) -> Result<Judgement, StoreError> {
    let (Some(band), Some(evidence)) = (row.band, row.evidence) else {
        return Ok(WARMING);
    };
    let (band, evidence) = said(band, evidence).ok_or_else(|| StoreError::Damaged {
        what: "verdict of run",
        id: row.run_id,
        why: format!("unknown band {band} or evidence {evidence}"),
    })?;
    let runs = row.baseline_runs.and_then(|runs| u32::try_from(runs).ok());
    Ok(Judgement {
        baseline: row.baseline,
        baseline_runs: runs.unwrap_or(0),
        change: row.change,
        band,
        evidence,
        noise_floor: row.noise_floor,
        detectable_change: row.detectable_change,
        accepted_level: row.accepted_level,
        creep: row.creep,
        inputs: row.inputs_hash.map(|hash| InputsHash(hash.cast_unsigned())),
    })
}

/// What two columns of before say: the places in today's lists, which are only ever added to.
fn said(band: i64, evidence: i64) -> Option<(Band, Evidence)> {
    let small = |place: i64| u8::try_from(place).ok().filter(|place| *place < 8);
    code::from_verdict(small(band)? << 3 | small(evidence)?)
}
