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
        let mut tx = self.writer().begin_with("begin immediate").await?;
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
        tx.commit().await?;
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
        let annotation = |(id, at, series, run, text, who, created_at): Columns| Annotation {
            id: AnnotationId(id),
            at: Millis(at),
            series: series.map(SeriesId),
            run: run.map(RunId),
            text,
            who,
            created_at: Millis(created_at),
        };
        Ok(rows.into_iter().map(annotation).collect())
    }
}
