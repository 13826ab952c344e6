//! What a run is compared with: the values of the baseline runs of the days before it.
//!
//! What may form a baseline is said in three words to the database ([`forms_baseline`]) and in
//! three to a run that was read ([`crate::domain::Run::forms_baseline`]); the branch, which is the
//! store's, is bound beside them.

use std::collections::{BTreeMap, HashMap};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::{EnvironmentId, Millis, RunId, SeriesId};

use super::{Store, StoreError};

/// The SQL of a night: a run of the kinds that are measured every night. `$run` names the table.
macro_rules! is_night {
    ($run:literal) => {
        concat!($run, ".kind in ('nightly', 'sample')")
    };
}

/// The SQL of what may form baselines, where it is of the main branch: a night of clean code that
/// nobody took out.
macro_rules! forms_baseline {
    ($run:literal) => {
        concat!(
            $crate::store::baseline::is_night!($run),
            " and ",
            $run,
            ".is_dirty = 0 and ",
            $run,
            ".excluded is null"
        )
    };
}

pub(in crate::store) use {forms_baseline, is_night};

/// How far back a baseline looks, in days.
pub(in crate::store) const BASELINE_DAYS: i64 = 7;

/// Whose baseline is asked for.
#[derive(Clone, Copy)]
pub(super) struct BaselineOf<'a> {
    pub(super) run: RunId,
    pub(super) environment: EnvironmentId,
    pub(super) started_at: Millis,
    /// Another suite version is another epoch: never compared.
    pub(super) suite_version: &'a str,
}

type Values = Vec<(Millis, f64)>;

impl Store {
    /// The values of the baseline runs before a run, for each of `series`, in that order, oldest
    /// first.
    pub(super) async fn baseline_of(
        &self,
        db: &mut SqliteConnection,
        series: &[SeriesId],
        of: BaselineOf<'_>,
    ) -> Result<Vec<(SeriesId, Values)>, StoreError> {
        let from = of.started_at.minus_days(BASELINE_DAYS);
        let runs = self.baseline_runs(db, of, from).await?;
        if runs.is_empty() {
            return Ok(series.iter().map(|id| (*id, Vec::new())).collect());
        }
        let mut out: Vec<(SeriesId, Values)> = Vec::with_capacity(series.len());
        let mut unknown: Vec<(usize, SeriesId)> = Vec::new();
        for (at, &id) in series.iter().enumerate() {
            let mut values = Vec::new();
            match self.shared.tracks.get(id) {
                Some(track) => {
                    let start = track.partition_point(|e| e.time < from);
                    let end = track.partition_point(|e| e.time < of.started_at);
                    let window = track.get(start..end).unwrap_or_default();
                    let in_runs = window.iter().filter(|e| runs.contains_key(&e.run.0));
                    values.extend(in_runs.map(|e| (e.time, e.value)));
                }
                None => unknown.push((at, id)),
            }
            out.push((id, values));
        }
        read_values(db, &unknown, &runs, &mut out).await?;
        Ok(out)
    }

    /// The runs that form the baseline, each with its time.
    async fn baseline_runs(
        &self,
        db: &mut SqliteConnection,
        of: BaselineOf<'_>,
        from: Millis,
    ) -> Result<BTreeMap<i64, Millis>, StoreError> {
        let runs: Vec<(i64, i64)> = sqlx::query_as(concat!(
            "select run_id, started_at
                 from run
                 where environment_id = $1
                   and branch = $2
                   and started_at >= $3
                   and started_at < $4
                   and run_id <> $5
                   and suite_version = $6
                   and ",
            forms_baseline!("run"),
        ))
        .bind(of.environment.0)
        .bind(self.main_branch())
        .bind(from.0)
        .bind(of.started_at.0)
        .bind(of.run.0)
        .bind(of.suite_version)
        .fetch_all(db)
        .await?;
        Ok(runs.into_iter().map(|(id, at)| (id, Millis(at))).collect())
    }
}

/// Reads the values of series that are not in memory into their places.
async fn read_values(
    db: &mut SqliteConnection,
    unknown: &[(usize, SeriesId)],
    runs: &BTreeMap<i64, Millis>,
    out: &mut [(SeriesId, Values)],
) -> Result<(), StoreError> {
    /// Series a statement.
    const SERIES: usize = 500;
    let (Some((first, _)), Some((last, _))) = (runs.first_key_value(), runs.last_key_value())
    else {
        return Ok(());
    };
    let places: HashMap<i64, usize> = unknown.iter().map(|(at, id)| (id.0, *at)).collect();
    for ids in unknown.chunks(SERIES) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select series_id, run_id, value
             from measurement
             where run_id between ",
        );
        query.push_bind(*first).push(" and ").push_bind(*last);
        query.push(" and series_id in (");
        let mut list = query.separated(", ");
        for (_, id) in ids {
            list.push_bind(id.0);
        }
        query.push(")");
        let rows: Vec<(i64, i64, f64)> = query.build_query_as().fetch_all(&mut *db).await?;
        for (id, run, value) in rows {
            if let (Some(&time), Some(&at)) = (runs.get(&run), places.get(&id)) {
                out[at].1.push((time, value));
            }
        }
    }
    // Stable, and rows of one series come by run: those of one time stay in that order.
    for (at, _) in unknown {
        out[*at].1.sort_by_key(|(time, _)| *time);
    }
    Ok(())
}
