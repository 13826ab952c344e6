//! What a run holds beside its measurements: samples, report, curves, histograms, artifacts.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use crate::domain::{Artifact, ArtifactId, Curve, Histogram, NewRun, RunId, SeriesId};

use super::{Store, StoreError, code, samples};

/// The files of a new run, packed before the transaction begins.
pub(super) struct PackedFiles<'a> {
    new: &'a NewRun,
    curves: Vec<Vec<u8>>,
    artifacts: Vec<Vec<u8>>,
}

impl<'a> PackedFiles<'a> {
    pub(super) fn new(new: &'a NewRun) -> Result<Self, StoreError> {
        Ok(Self {
            new,
            curves: new
                .curves
                .iter()
                .map(|c| code::pack(code::json(&c.points).as_bytes()))
                .collect::<Result<_, _>>()?,
            artifacts: new
                .artifacts
                .iter()
                .map(|a| code::pack(&a.data))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Writes all blobs of a run. `report` is the packed report and its unpacked size.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    run: RunId,
    samples: &[u8],
    report: (&[u8], usize),
    files: &PackedFiles<'_>,
) -> Result<(), StoreError> {
    sqlx::query("insert into sample_blob (run_id, data) values ($1, $2)")
        .bind(run.0)
        .bind(samples)
        .execute(&mut *tx)
        .await?;
    sqlx::query("insert into report_blob (run_id, size, data) values ($1, $2, $3)")
        .bind(run.0)
        .bind(i64::try_from(report.1).unwrap_or(i64::MAX))
        .bind(report.0)
        .execute(&mut *tx)
        .await?;
    for ((ordinal, curve), data) in (0_i64..).zip(&files.new.curves).zip(&files.curves) {
        sqlx::query(
            "insert into curve (run_id, ordinal, benchmark, params_json, name, x, y, data)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(run.0)
        .bind(ordinal)
        .bind(&curve.benchmark)
        .bind(code::params(&curve.params))
        .bind(&curve.name)
        .bind(&curve.x)
        .bind(&curve.y)
        .bind(data)
        .execute(&mut *tx)
        .await?;
    }
    for (ordinal, histogram) in (0_i64..).zip(&files.new.histograms) {
        sqlx::query(
            "insert into histogram (run_id, ordinal, benchmark, params_json, name, unit, data)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(run.0)
        .bind(ordinal)
        .bind(&histogram.benchmark)
        .bind(code::params(&histogram.params))
        .bind(&histogram.name)
        .bind(&histogram.unit)
        .bind(&histogram.data)
        .execute(&mut *tx)
        .await?;
    }
    for ((ordinal, artifact), data) in (0_i64..).zip(&files.new.artifacts).zip(&files.artifacts) {
        sqlx::query(
            "insert into artifact (run_id, ordinal, name, kind, benchmark, size, data)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(run.0)
        .bind(ordinal)
        .bind(&artifact.name)
        .bind(&artifact.kind)
        .bind(&artifact.benchmark)
        .bind(i64::try_from(artifact.data.len()).unwrap_or(i64::MAX))
        .bind(data)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

impl Store {
    /// The raw samples of one series in one run, in the order they were measured.
    pub async fn samples(
        &self,
        run: RunId,
        series: SeriesId,
    ) -> Result<Option<Vec<f64>>, StoreError> {
        let all = self.all_samples(run).await?;
        Ok(all
            .into_iter()
            .find(|(id, _)| *id == series)
            .map(|(_, samples)| samples))
    }

    /// All raw samples of a run, in the order of its report.
    pub async fn all_samples(&self, run: RunId) -> Result<Vec<(SeriesId, Vec<f64>)>, StoreError> {
        let blob: Option<(Vec<u8>,)> =
            sqlx::query_as("select data from sample_blob where run_id = $1")
                .bind(run.0)
                .fetch_optional(self.readers())
                .await?;
        match blob {
            Some((blob,)) => samples::unpack(&blob, run.0),
            None => Ok(Vec::new()),
        }
    }

    /// The report of a run, decoded, byte for byte as it came.
    pub async fn report_bytes(&self, run: RunId) -> Result<Option<Vec<u8>>, StoreError> {
        let blob: Option<(Vec<u8>,)> =
            sqlx::query_as("select data from report_blob where run_id = $1")
                .bind(run.0)
                .fetch_optional(self.readers())
                .await?;
        blob.map(|(blob,)| code::unpack(&blob, "report of run", run.0))
            .transpose()
    }

    /// The curves of a run, in the order of its report.
    pub async fn curves(&self, run: RunId) -> Result<Vec<Curve>, StoreError> {
        let rows: Vec<(String, String, String, String, String, Vec<u8>)> = sqlx::query_as(
            "select benchmark, params_json, name, x, y, data
             from curve
             where run_id = $1
             order by ordinal",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(benchmark, params, name, x, y, data)| {
                const WHAT: &str = "a curve of run";
                let points = code::unpack(&data, WHAT, run.0)?;
                let points = String::from_utf8_lossy(&points);
                Ok(Curve {
                    benchmark,
                    params: code::from_json(&params, WHAT, run.0)?,
                    name,
                    x,
                    y,
                    points: code::from_json(&points, WHAT, run.0)?,
                })
            })
            .collect()
    }

    /// The distributions of a run, in the order of its report.
    pub async fn histograms(&self, run: RunId) -> Result<Vec<Histogram>, StoreError> {
        self.histograms_where(run, None).await
    }

    /// The distributions of one benchmark at these params in a run.
    pub async fn histograms_of(
        &self,
        run: RunId,
        benchmark: &str,
        params: &BTreeMap<String, String>,
    ) -> Result<Vec<Histogram>, StoreError> {
        self.histograms_where(run, Some((benchmark, params))).await
    }

    async fn histograms_where(
        &self,
        run: RunId,
        of: Option<(&str, &BTreeMap<String, String>)>,
    ) -> Result<Vec<Histogram>, StoreError> {
        let rows: Vec<(String, String, String, String, Vec<u8>)> = sqlx::query_as(
            "select benchmark, params_json, name, unit, data
             from histogram
             where run_id = $1
               and ($2 is null or benchmark = $2 and params_json = $3)
             order by ordinal",
        )
        .bind(run.0)
        .bind(of.map(|(benchmark, _)| benchmark))
        .bind(of.map(|(_, params)| code::params(params)))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(benchmark, params, name, unit, data)| {
                Ok(Histogram {
                    benchmark,
                    params: code::from_json(&params, "a histogram of run", run.0)?,
                    name,
                    unit,
                    data,
                })
            })
            .collect()
    }

    /// The files of a run, without their bytes.
    pub async fn artifacts(&self, run: RunId) -> Result<Vec<Artifact>, StoreError> {
        let rows: Vec<(i64, i64, String, String, Option<String>, i64)> = sqlx::query_as(
            "select artifact_id, ordinal, name, kind, benchmark, size
             from artifact
             where run_id = $1
             order by ordinal",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, ordinal, name, kind, benchmark, size)| Artifact {
                id: ArtifactId(id),
                run,
                ordinal: u32::try_from(ordinal).unwrap_or(0),
                name,
                kind,
                benchmark,
                size: u64::try_from(size).unwrap_or(0),
            })
            .collect())
    }

    /// The `n`th file of a run, from 0: its kind and its bytes.
    pub async fn artifact(
        &self,
        run: RunId,
        n: u32,
    ) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let row: Option<(String, Vec<u8>)> = sqlx::query_as(
            "select kind, data
             from artifact
             where run_id = $1 and ordinal = $2",
        )
        .bind(run.0)
        .bind(i64::from(n))
        .fetch_optional(self.readers())
        .await?;
        row.map(|(kind, data)| Ok((kind, code::unpack(&data, "an artifact of run", run.0)?)))
            .transpose()
    }
}
