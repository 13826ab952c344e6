//! Keeping a store for years: backup, restore, verification, pruning, retirement.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sqlx::{Connection, SqliteConnection};

use crate::domain::{EnvironmentId, Millis, Published, Purpose, RunId, RunKind, SeriesId};

use super::listed::Listed;
use super::{Store, StoreError, access, code, measured, older, open, rejudge};

/// A run that pruning takes or would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prunable {
    /// The run.
    pub run: RunId,
    /// Its kind.
    pub kind: RunKind,
    /// Its time.
    pub started_at: Millis,
}

impl Store {
    /// Writes a whole, compact copy into `file`, which must not exist; readers and writers go on.
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        sqlx::query("vacuum into $1")
            .bind(file.to_string_lossy().into_owned())
            .execute(self.writer())
            .await?;
        Ok(())
    }

    /// Everything that is wrong with what is stored, in words; empty: nothing. Reads all of it.
    pub async fn verify(&self) -> Result<Vec<String>, StoreError> {
        let mut wrong = Vec::new();
        let mut db = self.readers().acquire().await?;
        let integrity: Vec<(String,)> = sqlx::query_as("pragma integrity_check")
            .fetch_all(&mut *db)
            .await?;
        wrong.extend(
            integrity
                .into_iter()
                .map(|(line,)| line)
                .filter(|line| line != "ok"),
        );
        let orphans: Vec<(String, Option<i64>, String, i64)> =
            sqlx::query_as("pragma foreign_key_check")
                .fetch_all(&mut *db)
                .await?;
        wrong.extend(orphans.into_iter().map(|(table, row, parent, _)| {
            format!("row {} of {table} has no {parent}", row.unwrap_or(0))
        }));
        drop(db);
        let is_old = older::is_older(self.readers()).await?;
        for run in self.run_ids().await? {
            let series = if is_old {
                let (verdicts, measured) = older::counts(self.readers(), run).await?;
                if verdicts != measured {
                    wrong.push(format!(
                        "run {run} has {verdicts} verdicts on {measured} measurements"
                    ));
                }
                usize::try_from(verdicts).ok()
            } else {
                self.verify_rows(run, &mut wrong).await?
            };
            wrong.extend(self.verify_run(run, series).await?);
        }
        Ok(wrong)
    }

    /// How many series a run lists; what is wrong with its rows is added.
    async fn verify_rows(
        &self,
        run: RunId,
        wrong: &mut Vec<String>,
    ) -> Result<Option<usize>, StoreError> {
        let mut db = self.readers().acquire().await?;
        let read = async {
            let listed = Listed::of(&mut *db, run).await?;
            let rows = measured::read(&mut db, run, &listed.ids()).await?;
            Ok((listed, rows))
        };
        let (listed, rows) = match read.await {
            Ok(read) => read,
            Err(StoreError::Damaged { what, id, why }) => {
                wrong.push(format!("{what} {id} is damaged: {why}"));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut said = Listed::default();
        for row in &rows {
            let judgement = row.beside.judgement;
            said.put(row.series, judgement.band, judgement.evidence);
        }
        if listed.len() != rows.len() {
            wrong.push(format!(
                "run {run} lists {} series and has {} measurements of them",
                listed.len(),
                rows.len()
            ));
        } else if said != listed {
            wrong.push(format!(
                "the list of run {run} says other verdicts than its measurements"
            ));
        }
        Ok(Some(listed.len()))
    }

    /// What is wrong with the blobs of a run that lists so many series, where that is known.
    async fn verify_run(
        &self,
        run: RunId,
        series: Option<usize>,
    ) -> Result<Vec<String>, StoreError> {
        let mut wrong = Vec::new();
        let sha256: (Vec<u8>,) = sqlx::query_as("select report_sha256 from run where run_id = $1")
            .bind(run.0)
            .fetch_one(self.readers())
            .await?;
        match self.report_bytes(run).await {
            Ok(Some(bytes)) if Sha256::digest(&bytes)[..] == sha256.0[..] => {}
            Ok(Some(_)) => wrong.push(format!("the report of run {run} is not what was uploaded")),
            Ok(None) => wrong.push(format!("the report of run {run} is missing")),
            Err(StoreError::Damaged { what, id, why }) => {
                wrong.push(format!("{what} {id} is damaged: {why}"));
            }
            Err(error) => return Err(error),
        }
        match self.all_samples(run).await {
            Ok(all) => {
                if let Some(series) = series.filter(|series| *series != all.len()) {
                    wrong.push(format!(
                        "run {run} has samples of {} series and verdicts on {series}",
                        all.len()
                    ));
                }
            }
            Err(StoreError::Damaged { what, id, why }) => {
                wrong.push(format!("{what} {id} is damaged: {why}"));
            }
            Err(error) => return Err(error),
        }
        Ok(wrong)
    }

    /// The runs of `kind` before `cutoff`, oldest first, but those that bridge epochs: without them
    /// what they carried on would be left open again.
    pub async fn prunable(
        &self,
        kind: RunKind,
        cutoff: Millis,
    ) -> Result<Vec<Prunable>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "select run_id, started_at
             from run
             where kind = $1
               and started_at < $2
               and run_id not in (select run_id from pair where purpose = $3)
             order by started_at, run_id",
        )
        .bind(code::word(&kind))
        .bind(cutoff.0)
        .bind(code::word(&Purpose::Bridge))
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(run, started_at)| Prunable {
                run: RunId(run),
                kind,
                started_at: Millis(started_at),
            })
            .collect())
    }

    /// Deletes runs with all that belongs to them; their numbers are never given again. The runs
    /// whose baselines reached back to them are asked to be judged again.
    pub async fn prune(&self, runs: &[Prunable], now: Millis) -> Result<(), StoreError> {
        let _writing = self.shared.writing.lock().await;
        for pruned in runs {
            let mut tx = self.begin().await?;
            let (environment,): (i64,) =
                sqlx::query_as("select environment_id from run where run_id = $1")
                    .bind(pruned.run.0)
                    .fetch_one(&mut *tx)
                    .await?;
            measured::delete(&mut tx, pruned.run).await?;
            for sql in [
                "delete from sample_blob where run_id = $1",
                "delete from report_blob where run_id = $1",
                "delete from curve where run_id = $1",
                "delete from histogram where run_id = $1",
                "delete from artifact where run_id = $1",
                "delete from pair where run_id = $1",
                "delete from run_commit where run_id = $1",
                "delete from ask where run_id = $1 or against_run = $1",
                "delete from confirmation_series
                 where confirmation_id in (
                     select confirmation_id from confirmation where run_id = $1
                 )",
                "delete from confirmation where run_id = $1",
                "delete from rejudge where run_id = $1",
                "delete from carried where run_id = $1",
                "delete from pair_verdict where run_id = $1",
                "update annotation set run_id = null where run_id = $1",
                "delete from run where run_id = $1",
            ] {
                sqlx::query(sql)
                    .bind(pruned.run.0)
                    .execute(&mut *tx)
                    .await?;
            }
            rejudge::ask(&mut tx, EnvironmentId(environment), pruned.started_at).await?;
            let subject = format!("run {}", pruned.run);
            access::audit(&mut tx, now, ("command line", "run.prune"), &subject, "").await?;
            self.commit(tx).await?;
            self.shared.tracks.clear();
            self.shared.heads.remove(pruned.run);
        }
        Ok(())
    }

    /// Says of series that they are expected no more. Those that are retired already keep their
    /// reason.
    pub async fn retire(
        &self,
        series: &[SeriesId],
        reason: &str,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut count = 0;
        for id in series {
            let done = sqlx::query(
                "update series
                 set retired_at = $2, retired_reason = $3
                 where series_id = $1 and retired_at is null",
            )
            .bind(id.0)
            .bind(now.0)
            .bind(reason)
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 1 {
                let subject = format!("series {id}");
                let what = ("command line", "series.retire");
                access::audit(&mut tx, now, what, &subject, reason).await?;
                count += 1;
            }
        }
        self.commit(tx).await?;
        Ok(count)
    }

    /// The numbers of all runs, in the order in which they were measured.
    pub async fn run_ids(&self) -> Result<Vec<RunId>, StoreError> {
        let ids: Vec<(i64,)> = sqlx::query_as("select run_id from run order by started_at, run_id")
            .fetch_all(self.readers())
            .await?;
        Ok(ids.into_iter().map(|(id,)| RunId(id)).collect())
    }

    /// Replaces the published values of a run.
    pub async fn save_published(
        &self,
        run: RunId,
        published: &[(SeriesId, Published)],
    ) -> Result<(), StoreError> {
        let (_writing, mut tx) = self.write().await?;
        measured::publish(&mut tx, run, published).await?;
        self.commit(tx).await?;
        self.shared.tracks.clear();
        Ok(())
    }
}

/// Puts a backup in the place of a store that nobody has open. The store that was there stays
/// beside it under the name that is returned.
pub async fn restore(
    backup: &Path,
    database: &Path,
    now: Millis,
) -> Result<Option<PathBuf>, StoreError> {
    let beside = |suffix: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let replaced = if database.exists() {
        // Leaving the write-ahead log works only for the one who has the file for himself, and
        // brings the log's content into the file.
        let mut alone = SqliteConnection::connect_with(&open::alone(database)).await?;
        sqlx::query("pragma journal_mode = delete")
            .execute(&mut alone)
            .await?;
        alone.close().await?;
        Some(beside(&format!(".replaced-{}", now.0)))
    } else {
        None
    };
    let coming = beside(".restoring");
    std::fs::copy(backup, &coming)?;
    std::fs::File::open(&coming)?.sync_all()?;
    if let Some(replaced) = &replaced {
        std::fs::rename(database, replaced)?;
    }
    std::fs::rename(&coming, database)?;
    Ok(replaced)
}
