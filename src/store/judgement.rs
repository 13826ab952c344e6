//! What is said of measurements, and what it is said from.

use std::collections::HashMap;
use std::sync::Arc;

use bench_verdict::verdict::{Band, Evidence};
use sqlx::SqliteConnection;

use crate::domain::{
    Judged, JudgedRun, Judgement, Measurement, Millis, Run, RunId, SeriesId, standings,
};

use super::baseline::{BASELINE_DAYS, BaselineOf};
use super::listed::Listed;
use super::measured::{self, Measured};
use super::memo::Touched;
use super::packed::Beside;
use super::{RunInputs, Store, StoreError};

/// Fewer than three runs are known: what is said before anything can be said.
pub(super) const WARMING: Judgement = Judgement {
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
        let listed = Listed::of(self.readers(), run).await?;
        Ok(listed.counts())
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
        let ids = Listed::of(&mut *connection, run.id).await?.ids();
        let found = measured::read(&mut connection, run.id, &ids).await?;
        let ids: Vec<SeriesId> = found.iter().map(|row| row.series).collect();
        let series = self.series_by_ids(&mut connection, &ids).await?;
        drop(connection);
        let mut rows = Vec::with_capacity(found.len());
        for (series, found) in series.into_iter().zip(found) {
            rows.push(Judged {
                measurement: Measurement {
                    series: series.id,
                    run: run.id,
                    value: found.value,
                    sample_count: found.beside.sample_count,
                    interval: found.beside.interval,
                },
                standing: None,
                decided: None,
                judgement: found.beside.judgement,
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

/// Writes what a run measured, with the first verdict of every series; returns those in the order of
/// `rows`.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    run: RunId,
    rows: &[Measurement],
    judged: &[(SeriesId, Judgement)],
) -> Result<Vec<(SeriesId, Judgement)>, StoreError> {
    let known: HashMap<SeriesId, Judgement> = judged.iter().copied().collect();
    let mut listed = Listed::default();
    let mut all = Vec::with_capacity(rows.len());
    let mut written = Vec::with_capacity(rows.len());
    for row in rows {
        let judgement = known.get(&row.series).copied().unwrap_or(WARMING);
        listed.put(row.series, judgement.band, judgement.evidence);
        all.push((row.series, judgement));
        let beside = Beside {
            sample_count: row.sample_count,
            interval: row.interval,
            judgement,
        };
        let measured = Measured {
            series: row.series,
            value: row.value,
            beside,
        };
        written.push((run, measured));
    }
    measured::write(tx, &written).await?;
    listed.save(tx, run).await?;
    Ok(all)
}

/// Replaces what is said of series of a run, and returns its time.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    run: RunId,
    judged: &[(SeriesId, Judgement)],
) -> Result<Millis, StoreError> {
    measured::judge(tx, run, judged).await?;
    let (time,): (i64,) = sqlx::query_as("select started_at from run where run_id = $1")
        .bind(run.0)
        .fetch_one(tx)
        .await?;
    Ok(Millis(time))
}
