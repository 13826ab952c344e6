//! Tokens, exclusion of runs, audit.

use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::domain::{EnvironmentId, Millis, RunId, RunKind, Scope, Token, TokenId};

use super::{Store, StoreError, code, rejudge};

/// What somebody changed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Such as `token 3` or `command line`.
    pub who: String,
    /// Such as `run.exclude`.
    pub action: String,
    /// Such as `run 7`.
    pub subject: String,
    /// The reason given.
    pub detail: String,
}

impl Store {
    /// Keeps a token's hash, and who made it.
    pub async fn create_token(
        &self,
        hash: &[u8; 32],
        scope: Scope,
        kinds: Option<&[RunKind]>,
        note: Option<&str>,
        now: Millis,
    ) -> Result<TokenId, StoreError> {
        let kinds: Option<Vec<String>> = kinds.map(|k| k.iter().map(code::word).collect());
        let mut tx = self.begin().await?;
        let (id,): (i64,) = sqlx::query_as(
            "insert into token (hash, scope, kinds, note, created_at)
             values ($1, $2, $3, $4, $5)
             returning token_id",
        )
        .bind(hash.as_slice())
        .bind(scope.name())
        .bind(kinds.map(|k| k.join(",")))
        .bind(note)
        .bind(now.0)
        .fetch_one(&mut *tx)
        .await?;
        let subject = format!("token {id}");
        audit(
            &mut tx,
            now,
            ("command line", "token.create"),
            &subject,
            scope.name(),
        )
        .await?;
        self.commit(tx).await?;
        Ok(TokenId(id))
    }

    /// All tokens ever made, oldest first.
    pub async fn list_tokens(&self) -> Result<Vec<Token>, StoreError> {
        let rows: Vec<TokenRow> = sqlx::query_as("select * from token order by token_id")
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Makes a token worth nothing from now on. False where there is no such token, or it was
    /// revoked before.
    pub async fn revoke_token(&self, id: TokenId, now: Millis) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "update token
             set revoked_at = $2
             where token_id = $1 and revoked_at is null",
        )
        .bind(id.0)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        let revoked = done.rows_affected() == 1;
        if revoked {
            let subject = format!("token {id}");
            audit(&mut tx, now, ("command line", "token.revoke"), &subject, "").await?;
        }
        self.commit(tx).await?;
        Ok(revoked)
    }

    /// The token of that hash, revoked or not.
    pub async fn find_token(&self, hash: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        let row: Option<TokenRow> = sqlx::query_as("select * from token where hash = $1")
            .bind(hash.as_slice())
            .fetch_optional(self.readers())
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Whether a token has ever been made.
    pub async fn any_token(&self) -> Result<bool, StoreError> {
        let (any,): (bool,) = sqlx::query_as("select exists (select 1 from token)")
            .fetch_one(self.readers())
            .await?;
        Ok(any)
    }

    /// Takes a run out of the baselines for a reason, or back in without one. False where there is
    /// no such run. The runs whose baselines reach back to it are asked to be judged again.
    pub async fn set_excluded(
        &self,
        run: RunId,
        reason: Option<&str>,
        by: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let (_writing, mut tx) = self.write().await?;
        let changed: Option<(i64, i64)> = sqlx::query_as(
            "update run
             set excluded = $2
             where run_id = $1
             returning environment_id, started_at",
        )
        .bind(run.0)
        .bind(reason)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((environment, started_at)) = changed else {
            return Ok(false);
        };
        rejudge::ask(&mut tx, EnvironmentId(environment), Millis(started_at)).await?;
        // There may be no run after it, and an alert that it opened.
        rejudge::ask_for(&mut tx, run).await?;
        let action = if reason.is_some() {
            "run.exclude"
        } else {
            "run.include"
        };
        let subject = format!("run {run}");
        audit(&mut tx, now, (by, action), &subject, reason.unwrap_or("")).await?;
        self.commit(tx).await?;
        self.shared.tracks.committed();
        self.shared.heads.remove(run);
        Ok(true)
    }

    /// What was changed about a subject such as `run 7`, oldest first.
    pub async fn audit_of(&self, subject: &str) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(sqlx::query_as(
            "select at, who, action, subject, detail
             from audit
             where subject = $1
             order by audit_id",
        )
        .bind(subject)
        .fetch_all(self.readers())
        .await?)
    }
}

/// Writes down a change in the transaction that makes it.
pub(super) async fn audit(
    tx: &mut SqliteConnection,
    now: Millis,
    (who, action): (&str, &str),
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into audit (at, who, action, subject, detail)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(now.0)
    .bind(who)
    .bind(action)
    .bind(subject)
    .bind(detail)
    .execute(tx)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct TokenRow {
    token_id: i64,
    scope: String,
    kinds: Option<String>,
    note: Option<String>,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let id = row.token_id;
        let scope = row
            .scope
            .parse()
            .map_err(
                |e: crate::domain::access::UnknownScope| StoreError::Damaged {
                    what: "token",
                    id,
                    why: e.to_string(),
                },
            )?;
        let kinds = row
            .kinds
            .map(|k| {
                k.split(',')
                    .map(|word| code::from_word(word, "token", id))
                    .collect()
            })
            .transpose()?;
        Ok(Self {
            id: TokenId(id),
            scope,
            kinds,
            note: row.note,
            created_at: Millis(row.created_at),
            revoked_at: row.revoked_at.map(Millis),
        })
    }
}
