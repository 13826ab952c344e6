//! What was worked out from the store, kept as long as nothing is written that it depends on.
//!
//! # Invariants
//! 1. A value is found under the stamp that it was kept with, and under no other.
//! 2. Who keeps a value took the stamp before he began to read. A write that may change what is
//!    said of a run changes that run's stamp after its commit, and before it is answered.
//!
//! Together these guarantee that what is found is never older than the last answered write of this
//! process that matters to it. Other processes' writes are noticed by
//! [`Store::notice_other_writers`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use dashmap::DashMap;
use sqlx::{Sqlite, Transaction};

use super::{Store, StoreError};
use crate::domain::RunId;

/// Values by what they were asked for with, each with the stamp of what it was made from.
#[derive(Debug)]
pub struct Memo<K, V, S = Stamp> {
    most: usize,
    kept: Mutex<Kept<K, V, S>>,
}

#[derive(Debug)]
struct Kept<K, V, S> {
    values: HashMap<K, One<V, S>, ahash::RandomState>,
    /// Raised with every use.
    uses: u64,
}

#[derive(Debug)]
struct One<V, S> {
    stamp: S,
    value: V,
    used: u64,
}

impl<K: Eq + Hash + Clone, V: Clone, S: PartialEq> Memo<K, V, S> {
    /// Keeps `most` values; one more takes the place of the one that was not used for longest.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::new(Kept {
                values: HashMap::default(),
                uses: 0,
            }),
        }
    }

    /// What is kept of that stamp.
    pub fn get(&self, stamp: &S, key: &K) -> Option<V> {
        // Whoever panicked with it in his hands had changed all or nothing.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        let one = kept.values.get_mut(key)?;
        if one.stamp != *stamp {
            return None;
        }
        one.used = now;
        Some(one.value.clone())
    }

    /// Keeps what was worked out from what was read since the stamp was taken.
    pub fn keep(&self, stamp: S, key: K, value: V) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let used = kept.uses;
        if kept.values.len() >= self.most && !kept.values.contains_key(&key) {
            let oldest = kept.values.iter().min_by_key(|(_, one)| one.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                kept.values.remove(&oldest);
            }
        }
        kept.values.insert(key, One { stamp, value, used });
    }
}

/// Changes with every write that may change what is said of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    all: u64,
    run: u64,
}

/// What a write may change of what was said of the runs that were there before it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Touched<'a> {
    /// Nothing.
    Nothing,
    /// What is said of these runs.
    Runs(&'a [RunId]),
    /// Anything: alerts and rules stand against runs that they do not name.
    All,
}

/// How often writes touched what.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    all: AtomicU64,
    /// Runs that were touched by themselves.
    runs: DashMap<RunId, u64, ahash::RandomState>,
}

impl Stamps {
    /// After a commit.
    pub(super) fn touch(&self, touched: Touched<'_>) {
        match touched {
            Touched::Nothing => {}
            Touched::Runs(runs) => {
                for run in runs {
                    *self.runs.entry(*run).or_default() += 1;
                }
            }
            Touched::All => {
                self.all.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

impl Store {
    /// What is read of a run now is so while its stamp stays. Taken before reading, it says whether
    /// what was read may be kept.
    pub fn stamp(&self, run: RunId) -> Stamp {
        let stamps = &self.shared.stamps;
        Stamp {
            all: stamps.all.load(Ordering::SeqCst),
            run: stamps.runs.get(&run).map_or(0, |count| *count),
        }
    }

    /// Raised with every commit: what was read while it stayed is all of one state.
    pub fn generation(&self) -> u64 {
        self.shared.tracks.generation()
    }

    /// Ends a transaction that may have changed anything.
    pub(super) async fn commit(&self, tx: Transaction<'_, Sqlite>) -> Result<(), StoreError> {
        self.commit_touching(tx, Touched::All).await
    }

    /// Ends a transaction that wrote.
    pub(super) async fn commit_touching(
        &self,
        tx: Transaction<'_, Sqlite>,
        touched: Touched<'_>,
    ) -> Result<(), StoreError> {
        tx.commit().await?;
        self.shared.tracks.committed();
        self.shared.stamps.touch(touched);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_write_is_not_found_after_it() {
        let memo: Memo<_, _, u64> = Memo::new(2);
        memo.keep(1, "a", 1);
        assert_eq!(memo.get(&1, &"a"), Some(1));
        assert_eq!(memo.get(&2, &"a"), None);
        memo.keep(2, "b", 2);
        // Read before the write, worked out after it.
        memo.keep(1, "c", 3);
        assert_eq!(memo.get(&2, &"c"), None);
        assert_eq!(memo.get(&2, &"b"), Some(2));
        memo.keep(2, "b", 4);
        assert_eq!(memo.get(&2, &"b"), Some(4));
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_makes_room() {
        let memo: Memo<_, _, u64> = Memo::new(2);
        memo.keep(1, "a", 1);
        memo.keep(1, "b", 2);
        assert_eq!(memo.get(&1, &"a"), Some(1));
        memo.keep(1, "c", 3);
        assert_eq!(memo.get(&1, &"b"), None);
        assert_eq!(memo.get(&1, &"a"), Some(1));
        assert_eq!(memo.get(&1, &"c"), Some(3));
    }

    #[test]
    fn a_run_that_is_touched_changes_its_own_stamp_and_all_changes_every_one() {
        let stamps = Stamps::default();
        let of = |run| {
            (
                stamps.all.load(Ordering::SeqCst),
                stamps.runs.get(&RunId(run)).map_or(0, |count| *count),
            )
        };
        let before = (of(1), of(2));
        stamps.touch(Touched::Nothing);
        assert_eq!((of(1), of(2)), before);
        stamps.touch(Touched::Runs(&[RunId(1)]));
        assert_ne!(of(1), before.0);
        assert_eq!(of(2), before.1);
        stamps.touch(Touched::All);
        assert_ne!(of(2), before.1);
    }
}
