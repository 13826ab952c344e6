//! A validated run goes in, whole or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::SqliteConnection;

use crate::domain::confirmation::{NewAsk, Purpose};
use crate::domain::{
    Coverage, EnvironmentId, Judgement, Measurement, Millis, NewRun, Run, RunId, RunKind, Series,
    SeriesId, SeriesName,
};

use super::alert::{self, AlertStep};
use super::baseline::{BaselineOf, forms_baseline};
use super::carried::{self, Epoch};
use super::listed::Listed;
use super::memo::Touched;
use super::track::Entry;
use super::{Store, StoreError, beside, code, files, judgement, pair, rejudge, row, run, samples};

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// The run of that key.
    pub run_id: RunId,
    /// Whether this upload made it.
    pub outcome: Outcome,
}

/// Whether an upload changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored now.
    New,
    /// The same report was here already; nothing changed.
    Same,
    /// Another report with this run key is here; nothing changed.
    Conflict,
}

/// What a run is judged from, as the transaction that stores it sees it.
#[derive(Debug, Clone)]
pub struct RunInputs {
    /// The run.
    pub run: Run,
    /// Whether later nights are judged from it.
    pub forms_baseline: bool,
    /// What it measured.
    pub rows: Vec<(Arc<Series>, Measurement)>,
    /// For each series of `rows`, in that order, the values of the runs of the 7 days before the
    /// run that form baselines and have its suite version, oldest first.
    pub baseline: Vec<(SeriesId, Vec<(Millis, f64)>)>,
    /// What the judging of the night before left ([`Verdicts::carried`]): empty before the first
    /// night of a machine and suite version; none where it is missing or not up to date.
    pub carried: Option<Vec<u8>>,
}

/// What is said of a run, and what it leaves behind.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    /// By series; one that is left out reads "warming up".
    pub judged: Vec<(SeriesId, Judgement)>,
    /// What the next night is judged from; none where this run leaves nothing behind.
    pub carried: Option<Vec<u8>>,
    /// What becomes of the alerts.
    pub alerts: Option<AlertStep>,
    /// What the run's runner is asked to measure again: by series, the time of the run whose
    /// revision is the good side, and why.
    pub asks: Vec<NewAsk>,
    /// The run must be judged again from its whole history.
    pub again: bool,
}

impl Verdicts {
    /// Nothing is said yet: the run waits to be judged from its whole history, with all others that
    /// wait.
    pub fn later() -> Self {
        Self {
            again: true,
            ..Self::default()
        }
    }
}

impl From<Vec<(SeriesId, Judgement)>> for Verdicts {
    fn from(judged: Vec<(SeriesId, Judgement)>) -> Self {
        Self {
            judged,
            ..Self::default()
        }
    }
}

impl Store {
    /// Stores a run without judging it: all its series read "warming up" until
    /// [`Store::save_judgements`].
    pub async fn insert_run(&self, new: &NewRun, now: Millis) -> Result<Inserted, StoreError> {
        self.insert_judged(new, now, |_| Verdicts::default()).await
    }

    /// Stores a run with what `judge` says of it, in one transaction. `judge` is not called when
    /// the run is here already; a series that it leaves out reads "warming up".
    pub async fn insert_judged<V: Into<Verdicts>>(
        &self,
        new: &NewRun,
        now: Millis,
        judge: impl FnOnce(RunInputs) -> V + Send,
    ) -> Result<Inserted, StoreError> {
        // Packing needs no lock.
        let report = code::pack(&new.report)?;
        let packed = files::PackedFiles::new(new)?;

        let (_writing, mut tx) = self.write().await?;
        self.notice(&mut tx).await?;
        let run_id = run::key_to_id(&mut tx, &new.run_key).await?;
        if let Some(sha256) = run::report_sha256(&mut tx, run_id).await? {
            let outcome = if sha256 == new.report_sha256 {
                Outcome::Same
            } else {
                Outcome::Conflict
            };
            return Ok(Inserted { run_id, outcome });
        }
        let (environment, mut is_redescribed) = environment_id(&mut tx, new).await?;
        // Before the series, so that no row of this transaction gets into the cache.
        let coverage = self.coverage(&mut tx, new, environment).await?;
        let series = self.series_of_run(&mut tx, new, environment).await?;
        insert_run_row(&mut tx, new, run_id, environment, &coverage, now).await?;
        pair::insert(&mut tx, run_id, new).await?;
        let is_bridge = (new.pair.as_ref()).is_some_and(|pair| pair.purpose == Purpose::Bridge);
        if is_bridge {
            is_redescribed |= take_over(&mut tx, new, environment).await?;
        }

        let epoch = Epoch {
            environment,
            suite: new.suite.clone(),
            suite_version: new.suite_version.clone(),
        };
        let before = (run_id, new.started_at);
        let run = run::by_id(&mut *tx, run_id)
            .await?
            .ok_or(sqlx::Error::RowNotFound)?;
        let forms_baseline = run.forms_baseline(self.main_branch());
        let measured: Vec<Measurement> = series
            .iter()
            .zip(&new.measurements)
            .map(|(series, m)| measurement(m, series.id, run_id))
            .collect();
        let inputs = RunInputs {
            carried: self.carried(&mut tx, &epoch, before).await?,
            run,
            forms_baseline,
            rows: series.iter().cloned().zip(measured.clone()).collect(),
            baseline: {
                let ids: Vec<SeriesId> = series.iter().map(|s| s.id).collect();
                let of = BaselineOf {
                    run: run_id,
                    environment,
                    started_at: new.started_at,
                    suite_version: &new.suite_version,
                };
                self.baseline_of(&mut tx, &ids, of).await?
            },
        };
        let verdicts: Verdicts = judge(inputs).into();
        let judged = judgement::insert(&mut tx, run_id, &measured, &verdicts.judged).await?;
        if !verdicts.judged.is_empty() {
            rejudge::judged(&mut tx, run_id).await?;
        }

        let columns: Vec<(SeriesId, &[f64])> = series
            .iter()
            .zip(&new.measurements)
            .map(|(s, m)| (s.id, m.samples.as_slice()))
            .collect();
        let blob = samples::pack(&columns)?;
        files::insert(&mut tx, run_id, &blob, (&report, new.report.len()), &packed).await?;
        if forms_baseline {
            rejudge::ask(&mut tx, environment, new.started_at).await?;
        }
        if let Some(carried) = &verdicts.carried {
            carried::save(&mut tx, &epoch, run_id, &code::pack(carried)?).await?;
        }
        let mut is_settled = false;
        if let Some(step) = verdicts.alerts.filter(|step| !step.news.is_empty()) {
            is_settled = alert::settle(self, &mut tx, &epoch, &step).await?;
        }
        super::confirmation::ask(&mut tx, run_id, &verdicts.asks).await?;
        if forms_baseline || is_bridge {
            let night = (!is_bridge).then_some(new.started_at);
            beside::ask(&mut tx, &epoch, night).await?;
        }
        if verdicts.again {
            rejudge::ask_for(&mut tx, run_id).await?;
        }
        // A run that comes says something of others only by the alerts that it opens or closes, and
        // by what it newly says of its machine and its series.
        let touched = if is_settled || is_redescribed || self.differ(&series) {
            Touched::All
        } else {
            Touched::Nothing
        };
        // The series come first: who reads after the stamps have changed finds them as they are now.
        tx.commit().await?;
        self.remember(&series);
        self.shared.tracks.committed();
        self.shared.stamps.touch(touched);
        for ((id, judgement), measurement) in judged.into_iter().zip(measured) {
            let entry = Entry {
                time: new.started_at,
                run: run_id,
                value: measurement.value,
                sample_count: measurement.sample_count,
                judgement,
            };
            self.shared.tracks.put(id, entry);
        }
        Ok(Inserted {
            run_id,
            outcome: Outcome::New,
        })
    }

    /// What should have been measured: what the report lists, and, for a run that should be
    /// complete (nightly, pull, sample), what the last complete nightly of that environment and
    /// suite had; less what was retired.
    async fn coverage(
        &self,
        tx: &mut SqliteConnection,
        new: &NewRun,
        environment: EnvironmentId,
    ) -> Result<Coverage, StoreError> {
        let complete = matches!(new.kind, RunKind::Nightly | RunKind::Pull | RunKind::Sample);
        let earlier = if complete {
            self.last_complete(tx, new, environment).await?
        } else {
            BTreeSet::new()
        };
        let retired: Vec<(i64,)> = sqlx::query_as(
            "select series_id
             from series
             where environment_id = $1 and suite = $2 and retired_at is not null",
        )
        .bind(environment.0)
        .bind(&new.suite)
        .fetch_all(&mut *tx)
        .await?;
        let retired: Vec<SeriesId> = retired.into_iter().map(|(id,)| SeriesId(id)).collect();
        let retired = self.names(tx, &retired).await?;
        let measured = new.measurements.iter().map(|m| m.name.clone()).collect();
        Ok(new.expectation.coverage(&measured, &earlier, &retired))
    }

    async fn last_complete(
        &self,
        tx: &mut SqliteConnection,
        new: &NewRun,
        environment: EnvironmentId,
    ) -> Result<BTreeSet<SeriesName>, StoreError> {
        let run: Option<(i64,)> = sqlx::query_as(concat!(
            "select run_id
                 from run
                 where environment_id = $1
                   and branch = $2
                   and started_at < $3
                   and suite = $4
                   and is_complete = 1
                   and ",
            forms_baseline!("run"),
            " order by started_at desc, run_id desc
                  limit 1",
        ))
        .bind(environment.0)
        .bind(self.main_branch())
        .bind(new.started_at.0)
        .bind(&new.suite)
        .fetch_optional(&mut *tx)
        .await?;
        match run {
            Some((run,)) => {
                let listed = Listed::of(&mut *tx, RunId(run)).await?;
                self.names(tx, &listed.ids()).await
            }
            None => Ok(BTreeSet::new()),
        }
    }

    async fn names(
        &self,
        tx: &mut SqliteConnection,
        ids: &[SeriesId],
    ) -> Result<BTreeSet<SeriesName>, StoreError> {
        let series = self.series_by_ids(tx, ids).await?;
        Ok(series
            .into_iter()
            .map(|s| SeriesName {
                benchmark: s.key.benchmark.clone(),
                metric: s.key.metric.clone(),
                params: s.key.params.clone(),
            })
            .collect())
    }
}

fn measurement(new: &crate::domain::NewMeasurement, series: SeriesId, run: RunId) -> Measurement {
    Measurement {
        series,
        run,
        value: new.published.value,
        sample_count: u32::try_from(new.samples.len()).unwrap_or(u32::MAX),
        interval: new.published.interval,
    }
}

/// How the name begins of a machine that no report named; the start of its fingerprint follows.
const NAMELESS: &str = "env-";

/// The machine's number; a machine seen again keeps its name unless the report gives another. And
/// whether a machine that was known has another name or other facts now.
async fn environment_id(
    tx: &mut SqliteConnection,
    new: &NewRun,
) -> Result<(EnvironmentId, bool), StoreError> {
    let env = &new.environment;
    let known: Option<(String, String)> =
        sqlx::query_as("select name, facts_json from environment where fingerprint = $1")
            .bind(&env.fingerprint)
            .fetch_optional(&mut *tx)
            .await?;
    let fallback = || {
        let start = env.fingerprint.get(..8).unwrap_or(&env.fingerprint);
        format!("{NAMELESS}{start}")
    };
    let (id, name, facts): (i64, String, String) = sqlx::query_as(
        "insert into environment
             (fingerprint, name, facts_json, is_sample, first_seen, last_seen)
         values ($1, $2, $3, $4, $5, $5)
         on conflict (fingerprint) do update set
             name = case when $6 then excluded.name else environment.name end,
             facts_json = case when excluded.last_seen >= environment.last_seen
                 then excluded.facts_json
                 else environment.facts_json
             end,
             first_seen = min(environment.first_seen, excluded.first_seen),
             last_seen = max(environment.last_seen, excluded.last_seen)
         returning environment_id, name, facts_json",
    )
    .bind(&env.fingerprint)
    .bind(env.name.clone().unwrap_or_else(fallback))
    .bind(code::json(&env.facts))
    .bind(env.is_sample)
    .bind(new.started_at.0)
    .bind(env.name.is_some())
    .fetch_one(tx)
    .await?;
    let is_redescribed = known.is_some_and(|known| known != (name, facts));
    Ok((EnvironmentId(id), is_redescribed))
}

/// A machine that no report ever named, and that is another one since: a bridging run that names a
/// run of it says so, and it takes the name of the one that it became, with those that it was before.
/// Whether it did.
async fn take_over(
    tx: &mut SqliteConnection,
    new: &NewRun,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let Some(before) = new.pair.as_ref().and_then(|pair| pair.against_run) else {
        return Ok(false);
    };
    let (name,): (String,) =
        sqlx::query_as("select name from environment where environment_id = $1")
            .bind(environment.0)
            .fetch_one(&mut *tx)
            .await?;
    let taken = sqlx::query(
        "update environment
         set name = $2
         where environment_id <> $1
           and is_sample = $4
           and name = (
               select before.name
               from run
               join environment before using (environment_id)
               where run.run_id = $3
                 and before.name = $5 || substr(before.fingerprint, 1, 8)
           )",
    )
    .bind(environment.0)
    .bind(name)
    .bind(before.0)
    .bind(new.environment.is_sample)
    .bind(NAMELESS)
    .execute(tx)
    .await?;
    Ok(taken.rows_affected() > 0)
}

async fn insert_run_row(
    tx: &mut SqliteConnection,
    new: &NewRun,
    run_id: RunId,
    environment: EnvironmentId,
    coverage: &Coverage,
    now: Millis,
) -> Result<(), StoreError> {
    let revision = &new.revision;
    sqlx::query(
        "insert into run
             (run_id, report_sha256, kind, suite, suite_version, environment_id,
              repository, commit_hash, branch, tag, parent, base_commit, pull,
              committed_at, subject, author, is_dirty,
              started_at, finished_at, received_at,
              options_json, conditions_json, binary_sha256, memory_limit_bytes,
              coverage_json, is_complete, rule, judged)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
                 $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)",
    )
    .bind(run_id.0)
    .bind(new.report_sha256.as_slice())
    .bind(code::word(&new.kind))
    .bind(&new.suite)
    .bind(&new.suite_version)
    .bind(environment.0)
    .bind(&revision.repository)
    .bind(&revision.commit)
    .bind(&revision.branch)
    .bind(&revision.tag)
    .bind(&revision.parent)
    .bind(&revision.base_commit)
    .bind(revision.pull.and_then(|p| i64::try_from(p).ok()))
    .bind(revision.committed_at.map(|t| t.0))
    .bind(&revision.subject)
    .bind(&revision.author)
    .bind(revision.dirty)
    .bind(new.started_at.0)
    .bind(new.finished_at.0)
    .bind(now.0)
    .bind(code::json(&new.options))
    .bind(code::json(&new.conditions))
    .bind(&new.binary_sha256)
    .bind(new.memory_limit_bytes.and_then(|b| i64::try_from(b).ok()))
    .bind(code::json(coverage))
    .bind(coverage.is_complete())
    .bind(bench_verdict::verdict::RULE)
    .bind(row::judged::NOT_YET)
    .execute(tx)
    .await?;
    Ok(())
}
