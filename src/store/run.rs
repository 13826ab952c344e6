//! Runs, as pages and the API ask for them.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqliteExecutor};

use crate::domain::{EnvironmentId, Millis, Run, RunId, RunKind};

use super::baseline::forms_baseline;
use super::memo::Touched;
use super::row::{RUN_COLUMNS, RunRow};
use super::{Store, StoreError, code};

/// Which runs to list. The default lists the newest of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only this kind.
    pub kind: Option<RunKind>,
    /// Only this branch.
    pub branch: Option<String>,
    /// Only this machine.
    pub environment: Option<EnvironmentId>,
    /// Only commits that begin with this.
    pub commit: Option<String>,
    /// Only this release.
    pub tag: Option<String>,
    /// Only runs before this time and number: the last of the page before.
    pub before: Option<(Millis, RunId)>,
    /// Only runs of this time or later.
    pub since: Option<Millis>,
    /// At most so many; absent: 100.
    pub limit: Option<u32>,
}

impl Store {
    /// The run of that number.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        by_id(self.readers(), id).await
    }

    /// The run of that run key.
    pub async fn run_by_key(&self, run_key: &str) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = select_runs()
            .push(" where run_key.run_key = ")
            .push_bind(run_key)
            .build_query_as()
            .fetch_optional(self.readers())
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Runs other than `but` that have a file of this name and kind, newest first.
    pub async fn runs_with_file(
        &self,
        name: &str,
        kind: &str,
        but: RunId,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        let mut query = select_runs();
        query
            .push(
                " where run.run_id in (
                      select artifact.run_id
                      from artifact
                      where artifact.kind = ",
            )
            .push_bind(kind)
            .push(" and artifact.name = ")
            .push_bind(name)
            .push(") and run.run_id <> ")
            .push_bind(but.0)
            .push(" order by run.started_at desc, run.run_id desc limit ")
            .push_bind(i64::from(limit));
        let rows: Vec<RunRow> = query.build_query_as().fetch_all(self.readers()).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Runs, newest first.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
        let mut query = select_runs();
        query.push(" where true");
        if let Some(kind) = &filter.kind {
            query.push(" and run.kind = ").push_bind(code::word(kind));
        }
        if let Some(branch) = &filter.branch {
            query.push(" and run.branch = ").push_bind(branch);
        }
        if let Some(environment) = filter.environment {
            query
                .push(" and run.environment_id = ")
                .push_bind(environment.0);
        }
        if let Some(commit) = &filter.commit {
            // A range and not `like`: it uses the index, and nothing in it is special.
            query.push(" and run.commit_hash >= ").push_bind(commit);
            query
                .push(" and run.commit_hash < ")
                .push_bind(format!("{commit}g"));
        }
        if let Some(tag) = &filter.tag {
            query.push(" and run.tag = ").push_bind(tag);
        }
        if let Some((time, id)) = filter.before {
            query
                .push(" and (run.started_at, run.run_id) < (")
                .push_bind(time.0);
            query.push(", ").push_bind(id.0).push(")");
        }
        if let Some(since) = filter.since {
            query.push(" and run.started_at >= ").push_bind(since.0);
        }
        query
            .push(" order by run.started_at desc, run.run_id desc limit ")
            .push_bind(i64::from(filter.limit.unwrap_or(100)));
        let rows: Vec<RunRow> = query.build_query_as().fetch_all(self.readers()).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The newest run of the main branch of that machine that may form a baseline.
    pub async fn latest_main_run(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<Run>, StoreError> {
        Ok(self.latest_main_runs(environment, 1).await?.pop())
    }

    /// The newest runs of the main branch of that machine that may form a baseline, newest first.
    pub async fn latest_main_runs(
        &self,
        environment: EnvironmentId,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        let mut query = select_runs();
        query
            .push(" where run.environment_id = ")
            .push_bind(environment.0);
        query
            .push(" and run.branch = ")
            .push_bind(self.main_branch());
        query.push(concat!(
            " and ",
            forms_baseline!("run"),
            " order by run.started_at desc, run.run_id desc
              limit ",
        ));
        query.push_bind(i64::from(limit));
        let rows: Vec<RunRow> = query.build_query_as().fetch_all(self.readers()).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The branches that were measured in that time, of one machine or of all: the one measured last
    /// first, each with its number of runs. Runs without a branch are not among them.
    pub async fn branches(
        &self,
        environment: Option<EnvironmentId>,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<(String, usize)>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select branch, count(*)
             from run
             where branch is not null and started_at >= ",
        );
        query.push_bind(from.0);
        query.push(" and started_at <= ").push_bind(to.0);
        if let Some(environment) = environment {
            query
                .push(" and environment_id = ")
                .push_bind(environment.0);
        }
        query.push(" group by branch order by max(started_at) desc, branch");
        let rows: Vec<(String, i64)> = query.build_query_as().fetch_all(self.readers()).await?;
        let count = |n: i64| usize::try_from(n).unwrap_or(0);
        Ok(rows.into_iter().map(|(b, n)| (b, count(n))).collect())
    }

    /// The number that the run of that key has or will have.
    pub async fn reserve_run(&self, run_key: &str) -> Result<RunId, StoreError> {
        let mut tx = self.begin().await?;
        let id = key_to_id(&mut tx, run_key).await?;
        self.commit_touching(tx, Touched::Nothing).await?;
        Ok(id)
    }
}

fn select_runs() -> QueryBuilder<Sqlite> {
    QueryBuilder::new(RUN_COLUMNS)
}

pub(super) async fn by_id(
    db: impl SqliteExecutor<'_>,
    id: RunId,
) -> Result<Option<Run>, StoreError> {
    let row: Option<RunRow> = select_runs()
        .push(" where run.run_id = ")
        .push_bind(id.0)
        .build_query_as()
        .fetch_optional(db)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// The number of a run key, given now if it has none.
pub(super) async fn key_to_id(
    tx: &mut SqliteConnection,
    run_key: &str,
) -> Result<RunId, StoreError> {
    let (id,): (i64,) = sqlx::query_as(
        "insert into run_key (run_key)
         values ($1)
         on conflict (run_key) do update set run_key = excluded.run_key
         returning run_id",
    )
    .bind(run_key)
    .fetch_one(tx)
    .await?;
    Ok(RunId(id))
}

pub(super) async fn report_sha256(
    tx: &mut SqliteConnection,
    id: RunId,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as("select report_sha256 from run where run_id = $1")
        .bind(id.0)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(sha256,)| sha256))
}
