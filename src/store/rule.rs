//! Rules per pattern: every version, the newest in force.

use sqlx::{FromRow, SqliteConnection};

use crate::domain::{Millis, Patterns, RuleVersion};

use super::access::audit;
use super::{Store, StoreError, code};

impl Store {
    /// The rules in force: version 0 without any where none was ever saved.
    pub async fn rules(&self) -> Result<RuleVersion, StoreError> {
        let mut connection = self.readers().acquire().await?;
        newest(&mut connection).await
    }

    /// The versions before the one in force, the newest first.
    pub async fn rule_versions(&self, most: u32) -> Result<Vec<RuleVersion>, StoreError> {
        let rows: Vec<RuleRow> = sqlx::query_as(
            "select *
             from rule_version
             order by version desc
             limit $1",
        )
        .bind(i64::from(most))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Saves rules as the version after `seen`. None, and nothing changed, where another one was
    /// saved meanwhile.
    pub async fn save_rules(
        &self,
        seen: i64,
        rules: &Patterns,
        reason: &str,
        who: &str,
        now: Millis,
    ) -> Result<Option<RuleVersion>, StoreError> {
        let mut tx = self.begin().await?;
        let version = newest(&mut tx).await?.version;
        if version != seen {
            return Ok(None);
        }
        sqlx::query(
            "insert into rule_version (version, rules_json, reason, who, at)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(version + 1)
        .bind(code::json(rules))
        .bind(reason)
        .bind(who)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        let subject = format!("rules {}", version + 1);
        audit(&mut tx, now, (who, "rules.save"), &subject, reason).await?;
        let saved = newest(&mut tx).await?;
        self.commit(tx).await?;
        Ok(Some(saved))
    }
}

async fn newest(db: &mut SqliteConnection) -> Result<RuleVersion, StoreError> {
    let row: Option<RuleRow> = sqlx::query_as(
        "select *
         from rule_version
         order by version desc
         limit 1",
    )
    .fetch_optional(db)
    .await?;
    row.map_or_else(|| Ok(RuleVersion::default()), TryInto::try_into)
}

#[derive(FromRow)]
struct RuleRow {
    version: i64,
    rules_json: String,
    reason: String,
    who: String,
    at: i64,
}

impl TryFrom<RuleRow> for RuleVersion {
    type Error = StoreError;

    fn try_from(row: RuleRow) -> Result<Self, StoreError> {
        Ok(Self {
            version: row.version,
            rules: code::from_json(&row.rules_json, "rules", row.version)?,
            reason: row.reason,
            who: row.who,
            at: Some(Millis(row.at)),
        })
    }
}
