//! What is said of measurements, and what it is said from.

use std::collections::HashMap;
use std::sync::Arc;

use bench_verdict::verdict::{Band, Evidence};
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::{
    Judged, JudgedRun, Judgement, Measurement, Millis, Run, RunId, Series, SeriesId, standings,
};

use super::baseline::{BASELINE_DAYS, BaselineOf};
use super::memo::Touched;
use super::row::{self, VERDICT_COLUMNS, VerdictRow};
use super::{RunInputs, Store, StoreError, code};

/// Fewer than three runs are known: what is said before anything can be said.
const WARMING: Judgement = Judgement {
    baseline: None,
    baseline_runs: 0,
    change: None,
    band: Band::Warming,
    evidence: Evidence::Inconclusive,
    noise_floor: None,
    detectable_change: None,
    accepted_level: None,
    creep: None,
    inputs: None,
};

/// A measurement and its verdict.
#[derive(FromRow)]
struct JudgedRow {
    series_id: i64,
    value: f64,
    sample_count: i64,
    low: Option<f64>,
    high: Option<f64>,
    #[sqlx(flatten)]
    verdict: VerdictRow,
}

impl Store {
    /// A run with all its rows, in the order of benchmark, params, metric.
    pub async fn judged_run(&self, id: RunId) -> Result<Option<JudgedRun>, StoreError> {
        match self.run(id).await? {
            Some(run) => self.judged(run).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same of a run that was read already.
    pub async fn judged(&self, run: Run) -> Result<JudgedRun, StoreError> {
        Ok(JudgedRun {
            rows: self.rows_of(&run).await?,
            rules: self.rules().await?.rules,
            proofs: self.proofs(run.id).await?,
            left_open: match run.forms_baseline(self.main_branch()) {
                true => self.left_open(&run).await?,
                false => Vec::new(),
            },
            run,
        })
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
        let Some(JudgedRun { run, rows, .. }) = self.judged_run(id).await? else {
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
        let baseline = self.baseline_of(&mut connection, &ids, of).await?;
        let rows = rows
            .into_iter()
            .map(|r| (r.series, r.measurement))
            .collect();
        Ok(Some(RunInputs {
            forms_baseline: run.forms_baseline(self.main_branch()),
            run,
            rows,
            baseline,
            carried: None,
        }))
    }

    /// Replaces what is said of series of a run.
    pub async fn save_judgements(
        &self,
        run: RunId,
        judged: &[(SeriesId, Judgement)],
    ) -> Result<(), StoreError> {
        let (_writing, mut tx) = self.write().await?;
        let time = write(&mut tx, run, judged).await?;
        self.commit_touching(tx, Touched::Runs(&[run])).await?;
        self.remember_judgements(run, time, judged);
        Ok(())
    }

    /// After a commit: what is in memory says the same.
    pub(super) fn remember_judgements(
        &self,
        run: RunId,
        time: Millis,
        judged: &[(SeriesId, Judgement)],
    ) {
        self.shared.tracks.committed();
        for (series, judgement) in judged {
            self.shared.tracks.judge(*series, time, run, *judgement);
        }
    }

    /// The rows of a run, with the alerts that stand against them.
    async fn rows_of(&self, run: &Run) -> Result<Vec<Judged>, StoreError> {
        let (stamp, kept) = (self.stamp(run.id), &self.shared.rows);
        let mut rows = match kept.get(&stamp, &run.id) {
            Some(rows) => Vec::clone(&rows),
            None => {
                let rows = self.read_rows(run).await?;
                kept.keep(stamp, run.id, Arc::new(rows.clone()));
                rows
            }
        };
        if run.forms_baseline(self.main_branch()) {
            let alerts = self.alerts_at(run.environment, &run.suite, run.started_at);
            let (version, at) = (&run.suite_version, run.started_at);
            let found = standings(&alerts.await?, version, at, at.minus_days(BASELINE_DAYS));
            for row in &mut rows {
                row.standing = found.standing.get(&row.series.id).copied();
                row.decided = found.decided.get(&row.series.id).copied();
            }
        }
        Ok(rows)
    }

    async fn read_rows(&self, run: &Run) -> Result<Vec<Judged>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("select v.series_id, m.value, m.sample_count, m.low, m.high, ");
        query.push(VERDICT_COLUMNS);
        query.push(
            " from verdict v
              join measurement m
                on m.series_id = v.series_id and m.run_id = v.run_id and m.started_at = ",
        );
        query.push_bind(run.started_at.0);
        query.push(" where v.run_id = ").push_bind(run.id.0);
        let found: Vec<JudgedRow> = query.build_query_as().fetch_all(&mut *connection).await?;
        let ids: Vec<SeriesId> = found.iter().map(|r| SeriesId(r.series_id)).collect();
        let series = self.series_by_ids(&mut connection, &ids).await?;
        drop(connection);
        let mut rows = Vec::with_capacity(found.len());
        for (series, found) in series.into_iter().zip(found) {
            rows.push(Judged {
                measurement: Measurement {
                    series: series.id,
                    run: run.id,
                    value: found.value,
                    sample_count: u32::try_from(found.sample_count).unwrap_or(0),
                    interval: found.low.zip(found.high),
                },
                standing: None,
                decided: None,
                judgement: row::judgement(&found.verdict, run.id.0)?,
                series,
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

/// Writes the first verdict of every series of a run; returns them in the order of `series`.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    run: RunId,
    series: &[Arc<Series>],
    judged: &[(SeriesId, Judgement)],
) -> Result<Vec<(SeriesId, Judgement)>, StoreError> {
    let known: HashMap<SeriesId, Judgement> = judged.iter().copied().collect();
    let all: Vec<(SeriesId, Judgement)> = series
        .iter()
        .map(|s| (s.id, known.get(&s.id).copied().unwrap_or(WARMING)))
        .collect();
    write(tx, run, &all).await?;
    Ok(all)
}

pub(super) async fn write(
    tx: &mut SqliteConnection,
    run: RunId,
    judged: &[(SeriesId, Judgement)],
) -> Result<Millis, StoreError> {
    /// Rows a statement.
    const ROWS: usize = 500;
    for rows in judged.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "insert into verdict
                 (run_id, series_id, baseline, baseline_runs, change, band, evidence,
                  noise_floor, detectable_change, accepted_level, creep, inputs_hash) ",
        );
        query.push_values(rows, |mut row, (series, j)| {
            row.push_bind(run.0)
                .push_bind(series.0)
                .push_bind(j.baseline)
                .push_bind(i64::from(j.baseline_runs))
                .push_bind(j.change)
                .push_bind(code::band(j.band))
                .push_bind(code::evidence(j.evidence))
                .push_bind(j.noise_floor)
                .push_bind(j.detectable_change)
                .push_bind(j.accepted_level)
                .push_bind(j.creep)
                .push_bind(j.inputs.map(|hash| hash.0.cast_signed()));
        });
        query.push(
            " on conflict (run_id, series_id) do update set
                 baseline = excluded.baseline,
                 baseline_runs = excluded.baseline_runs,
                 change = excluded.change,
                 band = excluded.band,
                 evidence = excluded.evidence,
                 noise_floor = excluded.noise_floor,
                 detectable_change = excluded.detectable_change,
                 accepted_level = excluded.accepted_level,
                 creep = excluded.creep,
                 inputs_hash = excluded.inputs_hash",
        );
        query.build().execute(&mut *tx).await?;
    }
    let (time,): (i64,) = sqlx::query_as("select started_at from run where run_id = $1")
        .bind(run.0)
        .fetch_one(tx)
        .await?;
    Ok(Millis(time))
}
