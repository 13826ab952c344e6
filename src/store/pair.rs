//! Sides of pairs, the commits that runs cover, and the runs of pull requests.

use std::collections::HashSet;

use bench_report::report::Purpose;
use sqlx::{Row, SqliteConnection};

use crate::domain::{Commit, EnvironmentId, Millis, NewRun, Point, Run, RunId, RunPair, SeriesId};

use super::baseline::{forms_baseline, is_night};
use super::points::point;
use super::row::{RUN_COLUMNS, RunRow};
use super::{Store, StoreError, code};

/// A pull request that was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullHead {
    /// Its number.
    pub pull: u64,
    /// Its newest run.
    pub newest: RunId,
    /// How many of its commits were measured.
    pub commits: u32,
}

/// Which main-branch runs may stand for the base of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct MainRuns<'a> {
    /// The machine.
    pub environment: EnvironmentId,
    /// The suite.
    pub suite: &'a str,
    /// Its version.
    pub suite_version: &'a str,
    /// Only runs before this time.
    pub before: Millis,
}

impl Store {
    /// Which side of which pair a run is.
    pub async fn pair(&self, run: RunId) -> Result<Option<RunPair>, StoreError> {
        let row = sqlx::query(
            "select pair_key, side, purpose, against_run, rounds_json
             from pair
             where run_id = $1",
        )
        .bind(run.0)
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        const WHAT: &str = "the pair of run";
        let against: Option<i64> = row.try_get("against_run")?;
        Ok(Some(RunPair {
            key: row.try_get("pair_key")?,
            side: code::from_word(row.try_get("side")?, WHAT, run.0)?,
            purpose: code::from_word(row.try_get("purpose")?, WHAT, run.0)?,
            against_run: against.map(RunId),
            rounds: code::from_json(row.try_get("rounds_json")?, WHAT, run.0)?,
        }))
    }

    /// The other side of the pair of a run: the newest run of its pair key on the other side.
    pub async fn other_side(&self, run: RunId) -> Result<Option<RunId>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "select other.run_id
             from pair own
             join pair other on other.pair_key = own.pair_key and other.side <> own.side
             where own.run_id = $1
             order by other.run_id desc
             limit 1",
        )
        .bind(run.0)
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(|(id,)| RunId(id)))
    }

    /// What bridging runs measured of a series, in the order of time, but those that a person took
    /// out. They are of kind `ab`, so that they are no nights themselves.
    pub async fn bridges(&self, series: SeriesId) -> Result<Vec<Point>, StoreError> {
        let runs: Vec<(i64,)> = sqlx::query_as(
            "select run_id
             from pair
             join run using (run_id)
             where purpose = $1 and excluded is null",
        )
        .bind(code::word(&Purpose::Bridge))
        .fetch_all(self.readers())
        .await?;
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let runs: HashSet<i64> = runs.into_iter().map(|(run,)| run).collect();
        let track = self.track(series).await?;
        let mut points = Vec::new();
        for entry in track.iter().filter(|entry| runs.contains(&entry.run.0)) {
            points.push(point(entry, &*self.head(entry.run).await?));
        }
        Ok(points)
    }

    /// The commits that a run covers, newest first, as its report lists them.
    pub async fn commits(&self, run: RunId) -> Result<Vec<Commit>, StoreError> {
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "select commit_hash, subject, author, touches_json
             from run_commit
             where run_id = $1
             order by ordinal",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(commit, subject, author, touches)| {
                Ok(Commit {
                    commit,
                    subject,
                    author,
                    touches: code::from_json(&touches, "commit", run.0)?,
                })
            })
            .collect()
    }

    /// The oldest run of the main branch that is at a commit or lists it among those since the run
    /// before: whatever main measured before it is an ancestor of the commit.
    pub async fn first_main_run_with(&self, commit: &str) -> Result<Option<Run>, StoreError> {
        let sql = format!(
            "{RUN_COLUMNS}
             where run.branch = $1
               and {}
               and (run.commit_hash = $2
                    or run.run_id in (select run_id from run_commit where commit_hash = $2))
             order by run.started_at, run.run_id
             limit 1",
            is_night!("run"),
        );
        let row: Option<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(self.main_branch())
            .bind(commit)
            .fetch_optional(self.readers())
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The newest main-branch run that may form a baseline, on a machine and of a suite version,
    /// before a time.
    pub async fn main_run_before(&self, of: MainRuns<'_>) -> Result<Option<Run>, StoreError> {
        let sql = format!(
            "{RUN_COLUMNS}
             where run.environment_id = $1
               and run.branch = $2
               and run.started_at < $3
               and run.suite = $4
               and run.suite_version = $5
               and {}
             order by run.started_at desc, run.run_id desc
             limit 1",
            forms_baseline!("run"),
        );
        let row: Option<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(of.environment.0)
            .bind(self.main_branch())
            .bind(of.before.0)
            .bind(of.suite)
            .bind(of.suite_version)
            .fetch_optional(self.readers())
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The runs of a pull request that measure its own commits, oldest first: not the base sides of
    /// its pairs.
    pub async fn pull_runs(&self, pull: u64) -> Result<Vec<Run>, StoreError> {
        let Ok(pull) = i64::try_from(pull) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "{RUN_COLUMNS}
             left join pair on pair.run_id = run.run_id
             where run.pull = $1
               and run.kind in ('pull', 'ab', 'manual', 'sample')
               and coalesce(pair.side, 'head') = 'head'
             order by run.started_at, run.run_id"
        );
        let rows: Vec<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(pull)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The pull requests that were measured, the one measured last first.
    pub async fn pulls(&self, limit: u32) -> Result<Vec<PullHead>, StoreError> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "select run.pull,
                    count(distinct run.commit_hash),
                    (select newest.run_id
                     from run newest
                     left join pair p on p.run_id = newest.run_id
                     where newest.pull = run.pull and coalesce(p.side, 'head') = 'head'
                     order by newest.started_at desc, newest.run_id desc
                     limit 1)
             from run
             left join pair on pair.run_id = run.run_id
             where run.pull is not null
               and coalesce(pair.side, 'head') = 'head'
             group by run.pull
             order by max(run.started_at) desc
             limit $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(pull, commits, newest)| PullHead {
                pull: u64::try_from(pull).unwrap_or(0),
                newest: RunId(newest),
                commits: u32::try_from(commits).unwrap_or(u32::MAX),
            })
            .collect())
    }
}

/// Writes the pair and the commits of a new run.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    run: RunId,
    new: &NewRun,
) -> Result<(), StoreError> {
    if let Some(pair) = &new.pair {
        sqlx::query(
            "insert into pair (run_id, pair_key, side, purpose, against_run, rounds_json)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(run.0)
        .bind(&pair.key)
        .bind(code::word(&pair.side))
        .bind(code::word(&pair.purpose))
        .bind(pair.against_run.map(|against| against.0))
        .bind(code::json(&pair.rounds))
        .execute(&mut *tx)
        .await?;
    }
    for (ordinal, commit) in (0_i64..).zip(&new.commits) {
        sqlx::query(
            "insert into run_commit (run_id, ordinal, commit_hash, subject, author, touches_json)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(run.0)
        .bind(ordinal)
        .bind(&commit.commit)
        .bind(&commit.subject)
        .bind(&commit.author)
        .bind(code::json(&commit.touches))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
