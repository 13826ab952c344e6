//! What was worked out from the store, kept as long as nothing is written.
//!
//! # Invariants
//! 1. All values are of one [`Store::version`]; those of an older one go with the first of a newer.
//! 2. Who keeps a value took the version before he began to read, and the version is raised after
//!    each commit.
//!
//! Together these guarantee that what is kept is never older than the last answered write of this
//! process. Other processes' writes are noticed by [`Store::notice_other_writers`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use sqlx::{Sqlite, Transaction};

use super::{Store, StoreError};

/// Values by what they were asked for with.
#[derive(Debug)]
pub struct Memo<K, V> {
    most: usize,
    kept: Mutex<Kept<K, V>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    version: u64,
    values: HashMap<K, V, ahash::RandomState>,
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// Keeps `most` values; the one that is too many takes the place of all.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::new(Kept {
                version: 0,
                values: HashMap::default(),
            }),
        }
    }

    /// What is kept of that version.
    pub fn get(&self, version: u64, key: &K) -> Option<V> {
        // Whoever panicked with it in his hands had changed all or nothing.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.version != version {
            return None;
        }
        kept.values.get(key).cloned()
    }

    /// Keeps what was worked out from what was read since the store had that version.
    pub fn keep(&self, version: u64, key: K, value: V) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if version < kept.version {
            return;
        }
        if version > kept.version || kept.values.len() >= self.most {
            kept.values.clear();
            kept.version = version;
        }
        kept.values.insert(key, value);
    }
}

impl Store {
    /// Raised with every write: what was read at this version is still so while it stays. Taken
    /// before reading, it says whether what was read may be kept.
    pub fn version(&self) -> u64 {
        self.shared.tracks.generation()
    }

    /// Ends a transaction that wrote, and raises the version.
    pub(super) async fn commit(&self, tx: Transaction<'_, Sqlite>) -> Result<(), StoreError> {
        tx.commit().await?;
        self.shared.tracks.committed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_write_is_not_found_after_it() {
        let memo = Memo::new(2);
        memo.keep(1, "a", 1);
        assert_eq!(memo.get(1, &"a"), Some(1));
        assert_eq!(memo.get(2, &"a"), None);
        memo.keep(2, "b", 2);
        // Read before the write, worked out after it.
        memo.keep(1, "c", 3);
        assert_eq!(memo.get(2, &"c"), None);
        assert_eq!(memo.get(1, &"a"), None);
        assert_eq!(memo.get(2, &"b"), Some(2));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let memo = Memo::new(2);
        for key in 0..3 {
            memo.keep(1, key, key);
        }
        let found = (0..3).filter(|key| memo.get(1, key).is_some()).count();
        assert_eq!(found, 1);
        assert_eq!(memo.get(1, &2), Some(2));
    }
}
