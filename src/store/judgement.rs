//! What is said of measurements, and what it is said from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bench_verdict::verdict::{Band, Evidence};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::{
    EnvironmentId, Judged, JudgedRun, Judgement, Measurement, Millis, Run, RunId, Series, SeriesId,
};

use super::row;
use super::{RunInputs, Store, StoreError, code};

/// How far back a baseline looks, in days.
pub(super) const BASELINE_DAYS: i64 = 7;

/// Fewer than three runs are known: what is said before anything can be said.
const WARMING: Judgement = Judgement {
    baseline: None,
    baseline_runs: 0,
    change: None,
    band: Band::Warming,
    evidence: Evidence::Inconclusive,
};

/// Of a measurement: series, value, number of samples, interval; then of its verdict, in the order of
/// [`row::VerdictColumns`].
type RowColumns = (
    i64,
    f64,
    i64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    i64,
    Option<f64>,
    i64,
    i64,
);

/// Whose baseline is asked for.
#[derive(Clone, Copy)]
pub(super) struct BaselineOf<'a> {
    pub(super) run: RunId,
    pub(super) environment: EnvironmentId,
    pub(super) started_at: Millis,
    /// Another suite version is another epoch: never compared.
    pub(super) suite_version: &'a str,
}

impl Store {
    /// A run with all its rows, in the order of benchmark, params, metric.
    pub async fn judged_run(&self, id: RunId) -> Result<Option<JudgedRun>, StoreError> {
        let Some(run) = self.run(id).await? else {
            return Ok(None);
        };
        let rows = self.rows_of(&run).await?;
        Ok(Some(JudgedRun { run, rows }))
    }

    /// How many series of a run have which band and evidence.
    pub async fn counts(&self, run: RunId) -> Result<Vec<(Band, Evidence, u32)>, StoreError> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "select band, evidence, count(*)
             from verdict
             where run_id = $1
             group by band, evidence
             order by band, evidence",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(band, evidence, count)| {
                let (band, evidence) = code::from_codes(band, evidence, run.0)?;
                Ok((band, evidence, u32::try_from(count).unwrap_or(u32::MAX)))
            })
            .collect()
    }

    /// The values of the runs of the 7 days before a run that form baselines and have its suite
    /// version, for each of its series, oldest first. Empty for a run that is not there.
    pub async fn baseline_inputs(
        &self,
        run: RunId,
    ) -> Result<Vec<(SeriesId, Vec<(Millis, f64)>)>, StoreError> {
        Ok(self
            .run_inputs(run)
            .await?
            .map_or_else(Vec::new, |i| i.baseline))
    }

    /// All that a stored run is judged from.
    pub async fn run_inputs(&self, id: RunId) -> Result<Option<RunInputs>, StoreError> {
        let Some(JudgedRun { run, rows }) = self.judged_run(id).await? else {
            return Ok(None);
        };
        let ids: Vec<SeriesId> = rows.iter().map(|r| r.series.id).collect();
        let of = BaselineOf {
            run: id,
            environment: run.environment,
            started_at: run.started_at,
            suite_version: &run.suite_version,
        };
        let mut connection = self.readers().acquire().await?;
        let baseline = baseline_inputs(&mut connection, &ids, of, self.main_branch()).await?;
        let rows = rows
            .into_iter()
            .map(|r| (r.series, r.measurement))
            .collect();
        Ok(Some(RunInputs {
            run,
            rows,
            baseline,
        }))
    }

    /// Replaces what is said of series of a run.
    pub async fn save_judgements(
        &self,
        run: RunId,
        judged: &[(SeriesId, Judgement)],
    ) -> Result<(), StoreError> {
        let mut tx = self.writer().begin_with("begin immediate").await?;
        write(&mut tx, run, judged).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn rows_of(&self, run: &Run) -> Result<Vec<Judged>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let found: Vec<RowColumns> = sqlx::query_as(
            "select v.series_id, m.value, m.sample_count, m.low, m.high,
                    v.baseline, v.baseline_runs, v.change, v.band, v.evidence
             from verdict v
             join measurement m
               on m.series_id = v.series_id and m.started_at = $2 and m.run_id = v.run_id
             where v.run_id = $1",
        )
        .bind(run.id.0)
        .bind(run.started_at.0)
        .fetch_all(&mut *connection)
        .await?;
        let ids: Vec<SeriesId> = found.iter().map(|r| SeriesId(r.0)).collect();
        let series = self.series_by_ids(&mut connection, &ids).await?;
        drop(connection);
        let mut rows = Vec::with_capacity(found.len());
        for (series, columns) in series.into_iter().zip(found) {
            let (_, value, sample_count, low, high, ..) = columns;
            let (.., baseline, baseline_runs, change, band, evidence) = columns;
            let verdict = (baseline, baseline_runs, change, band, evidence);
            rows.push(Judged {
                measurement: Measurement {
                    series: series.id,
                    run: run.id,
                    value,
                    sample_count: u32::try_from(sample_count).unwrap_or(0),
                    interval: low.zip(high),
                },
                series: Series::clone(&series),
                judgement: row::judgement(verdict, run.id.0)?,
            });
        }
        rows.sort_by(|a, b| {
            (
                &a.series.key.benchmark,
                &a.series.key.params,
                &a.series.key.metric,
            )
                .cmp(&(
                    &b.series.key.benchmark,
                    &b.series.key.params,
                    &b.series.key.metric,
                ))
        });
        Ok(rows)
    }
}

/// The values of the baseline runs before a run, for each of `series`, in that order.
pub(super) async fn baseline_inputs(
    db: &mut SqliteConnection,
    series: &[SeriesId],
    of: BaselineOf<'_>,
    main_branch: &str,
) -> Result<Vec<(SeriesId, Vec<(Millis, f64)>)>, StoreError> {
    /// Series a statement.
    const SERIES: usize = 500;
    let from = of.started_at.minus_days(BASELINE_DAYS);
    let runs: Vec<(i64,)> = sqlx::query_as(
        "select run_id
         from run
         where environment_id = $1
           and branch = $2
           and started_at >= $3
           and started_at < $4
           and kind in ('nightly', 'sample')
           and is_dirty = 0
           and excluded is null
           and run_id <> $5
           and suite_version = $6",
    )
    .bind(of.environment.0)
    .bind(main_branch)
    .bind(from.0)
    .bind(of.started_at.0)
    .bind(of.run.0)
    .bind(of.suite_version)
    .fetch_all(&mut *db)
    .await?;
    let runs: HashSet<i64> = runs.into_iter().map(|(id,)| id).collect();
    let mut out: Vec<(SeriesId, Vec<(Millis, f64)>)> =
        series.iter().map(|id| (*id, Vec::new())).collect();
    if runs.is_empty() {
        return Ok(out);
    }
    let place: HashMap<i64, usize> = series.iter().map(|s| s.0).zip(0..).collect();
    for ids in series.chunks(SERIES) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select series_id, started_at, run_id, value
             from measurement
             where started_at >= ",
        );
        query
            .push_bind(from.0)
            .push(" and started_at < ")
            .push_bind(of.started_at.0);
        query.push(" and series_id in (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(") order by series_id, started_at, run_id");
        let rows: Vec<(i64, i64, i64, f64)> = query.build_query_as().fetch_all(&mut *db).await?;
        for (id, time, run, value) in rows {
            if let (true, Some(&at)) = (runs.contains(&run), place.get(&id)) {
                out[at].1.push((Millis(time), value));
            }
        }
    }
    Ok(out)
}

/// Writes the first verdict of every series of a run.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    run: RunId,
    series: &[Arc<Series>],
    judged: &[(SeriesId, Judgement)],
) -> Result<(), StoreError> {
    let known: HashMap<SeriesId, Judgement> = judged.iter().copied().collect();
    let all: Vec<(SeriesId, Judgement)> = series
        .iter()
        .map(|s| (s.id, known.get(&s.id).copied().unwrap_or(WARMING)))
        .collect();
    write(tx, run, &all).await
}

pub(super) async fn write(
    tx: &mut SqliteConnection,
    run: RunId,
    judged: &[(SeriesId, Judgement)],
) -> Result<(), StoreError> {
    /// Rows a statement.
    const ROWS: usize = 500;
    for rows in judged.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "insert into verdict
                 (run_id, series_id, baseline, baseline_runs, change, band, evidence) ",
        );
        query.push_values(rows, |mut row, (series, j)| {
            row.push_bind(run.0)
                .push_bind(series.0)
                .push_bind(j.baseline)
                .push_bind(i64::from(j.baseline_runs))
                .push_bind(j.change)
                .push_bind(code::band(j.band))
                .push_bind(code::evidence(j.evidence));
        });
        query.push(
            " on conflict (run_id, series_id) do update set
                 baseline = excluded.baseline,
                 baseline_runs = excluded.baseline_runs,
                 change = excluded.change,
                 band = excluded.band,
                 evidence = excluded.evidence",
        );
        query.build().execute(&mut *tx).await?;
    }
    Ok(())
}
