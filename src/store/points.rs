//! Trends.

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::{Millis, Point, RunId, RunKind, SeriesId};

use super::run::RunHead;
use super::{Store, StoreError, code, row};

type PointColumns = (i64, i64, f64, i64, Option<f64>, i64, Option<f64>, i64, i64);

const POINT_COLUMNS: &str = "select m.run_id, m.started_at, m.value, m.sample_count,
        v.baseline, v.baseline_runs, v.change, v.band, v.evidence
 from measurement m
 join verdict v on v.run_id = m.run_id and v.series_id = m.series_id";

impl Store {
    /// The points of a series with `from <= time <= to`, in the order of time; of all branches
    /// where `branch` is absent. Sides of pairs and canaries are no points: they measure on
    /// purpose what main is not.
    pub async fn points(
        &self,
        series: SeriesId,
        from: Millis,
        to: Millis,
        branch: Option<&str>,
    ) -> Result<Vec<Point>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(POINT_COLUMNS);
        query.push(" where m.series_id = ").push_bind(series.0);
        query.push(" and m.started_at >= ").push_bind(from.0);
        query.push(" and m.started_at <= ").push_bind(to.0);
        query.push(" order by m.started_at, m.run_id");
        let mut connection = self.readers().acquire().await?;
        let rows: Vec<PointColumns> = query.build_query_as().fetch_all(&mut *connection).await?;
        self.load_heads(&mut connection, &rows).await?;
        drop(connection);
        let shown = |head: &RunHead| {
            !matches!(head.kind, RunKind::Ab | RunKind::Aa | RunKind::Canary)
                && branch.is_none_or(|b| head.branch.as_deref() == Some(b))
        };
        let mut points = Vec::with_capacity(rows.len());
        for columns in rows {
            let head = self.head(RunId(columns.0))?;
            if shown(&head) {
                points.push(point(columns, &head)?);
            }
        }
        Ok(points)
    }

    /// For each series, its last `nights` points that may form a baseline, at `before_or_at` or
    /// earlier, oldest first.
    pub async fn recent_points(
        &self,
        series: &[SeriesId],
        before_or_at: Millis,
        nights: u32,
    ) -> Result<Vec<(SeriesId, Vec<Point>)>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let mut out = Vec::with_capacity(series.len());
        for &id in series {
            let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(POINT_COLUMNS);
            query
                .push(" join run r on r.run_id = m.run_id where m.series_id = ")
                .push_bind(id.0);
            query
                .push(" and m.started_at <= ")
                .push_bind(before_or_at.0);
            query.push(" and r.branch = ").push_bind(self.main_branch());
            query.push(
                " and r.kind in ('nightly', 'sample')
                  and r.is_dirty = 0
                  and r.excluded is null
                  order by m.started_at desc, m.run_id desc
                  limit ",
            );
            query.push_bind(i64::from(nights));
            let rows: Vec<PointColumns> =
                query.build_query_as().fetch_all(&mut *connection).await?;
            self.load_heads(&mut connection, &rows).await?;
            let mut points = Vec::with_capacity(rows.len());
            for columns in rows.into_iter().rev() {
                points.push(point(columns, &*self.head(RunId(columns.0))?)?);
            }
            out.push((id, points));
        }
        Ok(out)
    }

    /// Brings into memory what the runs of `rows` say at every point.
    async fn load_heads(
        &self,
        db: &mut SqliteConnection,
        rows: &[PointColumns],
    ) -> Result<(), StoreError> {
        /// Runs a statement.
        const RUNS: usize = 500;
        let heads = &self.shared.heads;
        let unknown: HashSet<i64> = rows
            .iter()
            .map(|r| r.0)
            .filter(|id| !heads.contains_key(&RunId(*id)))
            .collect();
        let unknown: Vec<i64> = unknown.into_iter().collect();
        for ids in unknown.chunks(RUNS) {
            let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
                "select run_id, commit_hash, subject, author, suite_version, branch, kind,
                        is_dirty = 0 and excluded is null
                 from run
                 where run_id in (",
            );
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(*id);
            }
            query.push(")");
            let rows: Vec<HeadColumns> = query.build_query_as().fetch_all(&mut *db).await?;
            for row in rows {
                let (id, commit, subject, author, suite_version, branch, kind, clean) = row;
                let kind: RunKind = code::from_word(&kind, "run", id)?;
                let head = RunHead {
                    forms_baseline: clean
                        && matches!(kind, RunKind::Nightly | RunKind::Sample)
                        && branch.as_deref() == Some(self.main_branch()),
                    commit,
                    subject,
                    author,
                    suite_version,
                    branch,
                    kind,
                };
                heads.insert(RunId(id), Arc::new(head));
            }
        }
        Ok(())
    }

    fn head(&self, id: RunId) -> Result<Arc<RunHead>, StoreError> {
        let head = self.shared.heads.get(&id).map(|h| h.clone());
        head.ok_or_else(|| StoreError::Damaged {
            what: "run",
            id: id.0,
            why: "it has measurements and is not there".to_owned(),
        })
    }
}

type HeadColumns = (
    i64,
    String,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    String,
    bool,
);

fn point(columns: PointColumns, head: &RunHead) -> Result<Point, StoreError> {
    let (run, time, value, sample_count, baseline, baseline_runs, change, band, evidence) = columns;
    Ok(Point {
        run: RunId(run),
        time: Millis(time),
        value,
        sample_count: u32::try_from(sample_count).unwrap_or(0),
        commit: head.commit.clone(),
        subject: head.subject.clone(),
        author: head.author.clone(),
        suite_version: head.suite_version.clone(),
        forms_baseline: head.forms_baseline,
        judgement: row::judgement((baseline, baseline_runs, change, band, evidence), run)?,
    })
}
