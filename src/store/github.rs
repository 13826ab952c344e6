//! The outbox: what is to be said on GitHub, until it is said.

use serde::Serialize;
use sqlx::FromRow;

use crate::domain::Millis;

use super::memo::Touched;
use super::{Store, StoreError};

/// How something at GitHub should stand, and how far that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct OutboxEntry {
    /// What it is about.
    pub key: String,
    /// How it should stand, as JSON.
    pub intent: String,
    /// Raised with every new intent.
    pub mark: i64,
    /// `waiting`, `done` or `refused`.
    pub state: String,
    /// What GitHub calls it.
    pub number: Option<i64>,
    /// Failed deliveries of this intent.
    pub attempts: i64,
    /// Not to be tried before, in milliseconds since 1970.
    pub next_at: i64,
    /// Why the last delivery failed.
    pub last_error: Option<String>,
    /// When the intent or the state changed last, in milliseconds since 1970.
    pub changed_at: i64,
}

/// How many entries are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutboxCounts {
    /// Not delivered yet.
    pub waiting: u64,
    /// Of these, tried in vain.
    pub failing: u64,
    /// Delivered.
    pub done: u64,
    /// GitHub will not take them.
    pub refused: u64,
}

/// What becomes of an entry that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It stands as it should.
    Done,
    /// Not yet: try again from then on.
    Again {
        /// When.
        at: Millis,
        /// Why it failed.
        error: String,
    },
    /// GitHub takes nothing now: this was no attempt.
    Paused {
        /// Until when.
        until: Millis,
        /// What it says.
        error: String,
    },
    /// GitHub will never take it.
    Refused {
        /// Why.
        error: String,
    },
}

impl Store {
    /// Puts in how something should stand. The same again changes nothing; something new replaces
    /// what waits. Says whether there is something to deliver now.
    pub async fn put_outbox(
        &self,
        key: &str,
        intent: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "insert into github_outbox
                 (key, intent, mark, state, attempts, next_at, changed_at)
             values ($1, $2, 1, 'waiting', 0, $3, $3)
             on conflict (key) do update set
                 intent = excluded.intent,
                 mark = github_outbox.mark + 1,
                 state = 'waiting',
                 attempts = 0,
                 next_at = excluded.next_at,
                 last_error = null,
                 changed_at = excluded.changed_at
             where github_outbox.intent <> excluded.intent",
        )
        .bind(key)
        .bind(intent)
        .bind(now.0)
        .execute(self.writer())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// What is due, the longest due first.
    pub async fn due_outbox(&self, now: Millis) -> Result<Option<OutboxEntry>, StoreError> {
        Ok(sqlx::query_as(
            "select *
             from github_outbox
             where state = 'waiting' and next_at <= $1
             order by next_at, key
             limit 1",
        )
        .bind(now.0)
        .fetch_optional(self.readers())
        .await?)
    }

    /// When the next entry is due, if any waits.
    pub async fn next_outbox_at(&self) -> Result<Option<Millis>, StoreError> {
        let (next,): (Option<i64>,) = sqlx::query_as(
            "select min(next_at)
             from github_outbox
             where state = 'waiting'",
        )
        .fetch_one(self.readers())
        .await?;
        Ok(next.map(Millis))
    }

    /// Keeps what became of an entry. Where a newer intent came meanwhile, only the number is kept:
    /// the newer one is still to be delivered.
    pub async fn tried_outbox(
        &self,
        entry: &OutboxEntry,
        number: Option<i64>,
        tried: &Tried,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (state, next_at, error) = match tried {
            Tried::Done => ("done", entry.next_at, None),
            Tried::Again { at, error } => ("waiting", at.0, Some(error)),
            Tried::Paused { until, error } => ("waiting", until.0, Some(error)),
            Tried::Refused { error } => ("refused", entry.next_at, Some(error)),
        };
        let mut tx = self.begin().await?;
        sqlx::query("update github_outbox set number = $2 where key = $1")
            .bind(&entry.key)
            .bind(number)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "update github_outbox
             set state = $3,
                 attempts = attempts + $4,
                 next_at = $5,
                 last_error = $6,
                 changed_at = $7
             where key = $1 and mark = $2",
        )
        .bind(&entry.key)
        .bind(entry.mark)
        .bind(state)
        .bind(i64::from(matches!(
            tried,
            Tried::Again { .. } | Tried::Refused { .. }
        )))
        .bind(next_at)
        .bind(error)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        self.commit_touching(tx, Touched::Nothing).await?;
        Ok(())
    }

    /// Nothing is due before `until`.
    pub async fn pause_outbox(&self, until: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "update github_outbox
             set next_at = $1
             where state = 'waiting' and next_at < $1",
        )
        .bind(until.0)
        .execute(self.writer())
        .await?;
        Ok(())
    }

    /// How many entries are in which state.
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "select state, count(*), count(last_error)
             from github_outbox
             group by state",
        )
        .fetch_all(self.readers())
        .await?;
        let mut counts = OutboxCounts::default();
        let of = |number: i64| u64::try_from(number).unwrap_or(0);
        for (state, count, failed) in rows {
            match state.as_str() {
                "waiting" => (counts.waiting, counts.failing) = (of(count), of(failed)),
                "done" => counts.done = of(count),
                _ => counts.refused += of(count),
            }
        }
        Ok(counts)
    }

    /// The entries whose key begins with `prefix`; first what waits, then what changed last.
    pub async fn outbox(&self, prefix: &str) -> Result<Vec<OutboxEntry>, StoreError> {
        Ok(sqlx::query_as(
            "select *
             from github_outbox
             where substr(key, 1, length($1)) = $1
             order by state = 'waiting' desc, changed_at desc, key",
        )
        .bind(prefix)
        .fetch_all(self.readers())
        .await?)
    }
}
