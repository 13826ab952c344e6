//! What people wrote at a point or a time.

use crate::domain::alert::Annotation;
use crate::domain::{AnnotationId, Millis, RunId, SeriesId};
use crate::store::access::audit;
use crate::store::{Store, StoreError};

/// An annotation before it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnnotation {
    /// The moment that it is about.
    pub at: Millis,
    /// Its series; absent: all.
    pub series: Option<SeriesId>,
    /// The run, where it is about one.
    pub run: Option<RunId>,
    /// What it says.
    pub text: String,
}

type Columns = (i64, i64, Option<i64>, Option<i64>, String, String, i64);

impl Store {
    /// Keeps an annotation.
    pub async fn annotate(
        &self,
        new: &NewAnnotation,
        who: &str,
        now: Millis,
    ) -> Result<Annotation, StoreError> {
        let mut tx = self.begin().await?;
        let (id,): (i64,) = sqlx::query_as(
            "insert into annotation (at, series_id, run_id, text, who, created_at)
             values ($1, $2, $3, $4, $5, $6)
             returning annotation_id",
        )
        .bind(new.at.0)
        .bind(new.series.map(|series| series.0))
        .bind(new.run.map(|run| run.0))
        .bind(&new.text)
        .bind(who)
        .bind(now.0)
        .fetch_one(&mut *tx)
        .await?;
        let subject = format!("annotation {id}");
        audit(&mut tx, now, (who, "annotation.add"), &subject, &new.text).await?;
        self.commit(tx).await?;
        Ok(Annotation {
            id: AnnotationId(id),
            at: new.at,
            series: new.series,
            run: new.run,
            text: new.text.clone(),
            who: who.to_owned(),
            created_at: now,
        })
    }

    /// The annotation of that number.
    pub async fn annotation(&self, id: AnnotationId) -> Result<Option<Annotation>, StoreError> {
        let row: Option<Columns> = sqlx::query_as(
            "select annotation_id, at, series_id, run_id, text, who, created_at
             from annotation
             where annotation_id = $1",
        )
        .bind(id.0)
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(annotation))
    }

    /// Gives an annotation another text; the audit keeps every text it had. None where there is no
    /// such annotation.
    pub async fn correct_annotation(
        &self,
        id: AnnotationId,
        text: &str,
        who: &str,
        now: Millis,
    ) -> Result<Option<Annotation>, StoreError> {
        let mut tx = self.begin().await?;
        let row: Option<Columns> = sqlx::query_as(
            "update annotation
             set text = $2
             where annotation_id = $1
             returning annotation_id, at, series_id, run_id, text, who, created_at",
        )
        .bind(id.0)
        .bind(text)
        .fetch_optional(&mut *tx)
        .await?;
        if row.is_some() {
            let subject = format!("annotation {id}");
            audit(&mut tx, now, (who, "annotation.correct"), &subject, text).await?;
        }
        tx.commit().await?;
        Ok(row.map(annotation))
    }

    /// Takes an annotation away; the audit keeps its text. False where there is none.
    pub async fn delete_annotation(
        &self,
        id: AnnotationId,
        who: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone: Option<(String,)> =
            sqlx::query_as("delete from annotation where annotation_id = $1 returning text")
                .bind(id.0)
                .fetch_optional(&mut *tx)
                .await?;
        if let Some((text,)) = &gone {
            let subject = format!("annotation {id}");
            audit(&mut tx, now, (who, "annotation.delete"), &subject, text).await?;
        }
        tx.commit().await?;
        Ok(gone.is_some())
    }

    /// The annotations with `from <= at <= to`, in the order of time: those of a series and those of
    /// all series, or, without a series, every one.
    pub async fn annotations(
        &self,
        series: Option<SeriesId>,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Annotation>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "select annotation_id, at, series_id, run_id, text, who, created_at
             from annotation
             where at between $1 and $2 and ($3 is null or series_id is null or series_id = $3)
             order by at, annotation_id",
        )
        .bind(from.0)
        .bind(to.0)
        .bind(series.map(|series| series.0))
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().map(annotation).collect())
    }
}

fn annotation((id, at, series, run, text, who, created_at): Columns) -> Annotation {
    Annotation {
        id: AnnotationId(id),
        at: Millis(at),
        series: series.map(SeriesId),
        run: run.map(RunId),
        text,
        who,
        created_at: Millis(created_at),
    }
}
