//! Trends.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{QueryBuilder, Sqlite};

use crate::domain::{Millis, Point, RunId, RunKind, SeriesId};

use super::baseline::forms_baseline;
use super::run::RunHead;
use super::track::{Entry, Packed};
use super::{Store, StoreError, code};

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
        let track = self.track(series).await?;
        let start = track.partition_point(|e| e.time < from);
        let end = track.partition_point(|e| e.time <= to);
        let entries = track.get(start..end).unwrap_or_default();
        let runs: Vec<RunId> = entries.iter().map(|entry| entry.run).collect();
        let heads = self.heads(&runs).await?;
        let shown = |head: &RunHead| {
            !matches!(head.kind, RunKind::Ab | RunKind::Aa | RunKind::Canary)
                && branch.is_none_or(|b| head.branch.as_deref() == Some(b))
        };
        let mut points = Vec::with_capacity(entries.len());
        for (entry, head) in entries.iter().zip(heads) {
            if shown(&head) {
                points.push(point(entry, &head));
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
        let nights = usize::try_from(nights).unwrap_or(usize::MAX);
        let mut out = Vec::with_capacity(series.len());
        for &id in series {
            let track = self.track(id).await?;
            let end = track.partition_point(|e| e.time <= before_or_at);
            let mut points = Vec::with_capacity(nights);
            for entry in track.get(..end).unwrap_or_default().iter().rev() {
                if points.len() == nights {
                    break;
                }
                let head = self.head(entry.run).await?;
                if head.forms_baseline {
                    points.push(point(entry, &head));
                }
            }
            points.reverse();
            out.push((id, points));
        }
        Ok(out)
    }

    /// What a run says at every point.
    pub(super) async fn head(&self, id: RunId) -> Result<Arc<RunHead>, StoreError> {
        if let Some(head) = self.shared.heads.get(&id) {
            return Ok(head.clone());
        }
        let mut heads = self.heads(&[id]).await?;
        Ok(heads.remove(0))
    }

    /// What each of `runs` says, in that order.
    pub(super) async fn heads(&self, runs: &[RunId]) -> Result<Vec<Arc<RunHead>>, StoreError> {
        /// Runs a statement.
        const RUNS: usize = 500;
        let known = &self.shared.heads;
        let mut heads = Vec::with_capacity(runs.len());
        let mut unknown: HashMap<RunId, Option<Arc<RunHead>>> = HashMap::new();
        for run in runs {
            let head = known.get(run).map(|head| head.clone());
            if head.is_none() {
                unknown.insert(*run, None);
            }
            heads.push(head);
        }
        let ids: Vec<RunId> = unknown.keys().copied().collect();
        for ids in ids.chunks(RUNS) {
            for (run, head) in self.read_heads(ids).await? {
                unknown.insert(run, Some(head));
            }
        }
        let found = runs.iter().zip(heads).map(|(run, head)| {
            let read = || unknown.get(run)?.clone();
            head.or_else(read).ok_or_else(|| StoreError::Damaged {
                what: "run",
                id: run.0,
                why: "it has measurements and is not there".to_owned(),
            })
        });
        found.collect()
    }

    async fn read_heads(&self, ids: &[RunId]) -> Result<Vec<(RunId, Arc<RunHead>)>, StoreError> {
        let generation = self.shared.tracks.generation();
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(concat!(
            "select run_id, started_at, commit_hash, subject, author, suite_version, branch, kind, ",
            forms_baseline!("run"),
            " from run
              where run_id in (",
        ));
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(")");
        let rows: Vec<HeadColumns> = query.build_query_as().fetch_all(self.readers()).await?;
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, time, commit, subject, author, suite_version, branch, kind, may_form) = row;
            let kind: RunKind = code::from_word(&kind, "run", id)?;
            let head = Arc::new(RunHead {
                time: Millis(time),
                forms_baseline: may_form && branch.as_deref() == Some(self.main_branch()),
                commit: commit.into(),
                subject: subject.map(Into::into),
                author: author.map(Into::into),
                suite_version: suite_version.into(),
                branch,
                kind,
            });
            out.push((RunId(id), head));
        }
        // An exclusion that came meanwhile removes a head; one that was read before must not come
        // back after it.
        for (id, head) in &out {
            let place = self.shared.heads.entry(*id);
            if self.shared.tracks.generation() == generation {
                place.or_insert_with(|| head.clone());
            }
        }
        Ok(out)
    }
}

type HeadColumns = (
    i64,
    i64,
    String,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    String,
    bool,
);

pub(super) fn point(packed: &Packed, head: &RunHead) -> Point {
    let entry = Entry::from(*packed);
    Point {
        run: entry.run,
        time: entry.time,
        value: entry.value,
        sample_count: entry.sample_count,
        commit: head.commit.clone(),
        subject: head.subject.clone(),
        author: head.author.clone(),
        suite_version: head.suite_version.clone(),
        forms_baseline: head.forms_baseline,
        judgement: entry.judgement,
    }
}
