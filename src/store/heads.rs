//! What runs say at every point of a trend, in memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sqlx::{QueryBuilder, Sqlite};

use crate::domain::{Millis, OfRun, RunId, RunKind};

use super::baseline::forms_baseline;
use super::{Store, StoreError, code};

/// What a run says at every point of a trend.
#[derive(Debug, Clone)]
pub(super) struct RunHead {
    pub(super) time: Millis,
    pub(super) branch: Option<String>,
    pub(super) kind: RunKind,
    pub(super) of: Arc<OfRun>,
}

/// The runs that were looked at, each at the place of its number: numbers are given one after the
/// other, and a page asks for ninety thousand points.
#[derive(Debug, Default)]
pub(super) struct Heads(RwLock<Vec<Option<Arc<RunHead>>>>);

impl Heads {
    /// Forgets what a run says.
    pub(super) fn remove(&self, run: RunId) {
        if let Some(place) = self.write().get_mut(at(run)) {
            *place = None;
        }
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        self.write().clear();
    }

    // Whoever panicked with it in his hands had changed one place or none.
    fn read(&self) -> RwLockReadGuard<'_, Vec<Option<Arc<RunHead>>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Option<Arc<RunHead>>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(run: RunId) -> usize {
    usize::try_from(run.0).unwrap_or(0)
}

impl Store {
    /// What a run says.
    pub(super) async fn head(&self, id: RunId) -> Result<Arc<RunHead>, StoreError> {
        let mut heads = self.heads(&[id]).await?;
        Ok(heads.remove(0))
    }

    /// What each of `runs` says, in that order.
    pub(super) async fn heads(&self, runs: &[RunId]) -> Result<Vec<Arc<RunHead>>, StoreError> {
        /// Runs a statement.
        const RUNS: usize = 500;
        let mut heads = Vec::with_capacity(runs.len());
        let mut unknown: HashMap<RunId, Option<Arc<RunHead>>> = HashMap::new();
        {
            let known = self.shared.heads.read();
            for run in runs {
                let head = known.get(at(*run)).cloned().flatten();
                if head.is_none() {
                    unknown.insert(*run, None);
                }
                heads.push(head);
            }
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
                of: Arc::new(OfRun {
                    forms_baseline: may_form && branch.as_deref() == Some(self.main_branch()),
                    commit: commit.into(),
                    subject: subject.map(Into::into),
                    author: author.map(Into::into),
                    suite_version: suite_version.into(),
                }),
                branch,
                kind,
            });
            out.push((RunId(id), head));
        }
        // An exclusion that came meanwhile removes a head; one that was read before must not come
        // back after it.
        let mut known = self.shared.heads.write();
        if self.shared.tracks.generation() == generation {
            for (id, head) in &out {
                let place = at(*id);
                if known.len() <= place {
                    known.resize(place + 1, None);
                }
                known[place] = Some(head.clone());
            }
        }
        drop(known);
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
