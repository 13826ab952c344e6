//! How much is stored.

use serde::Serialize;

use super::{Store, StoreError};

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Bytes of the database, without its log.
    pub bytes: u64,
    /// Runs.
    pub runs: u64,
}

/// What the measurements take, for which all of them are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MeasurementSizes {
    /// Measurements.
    pub measurements: u64,
    /// Bytes of samples, reports, curves, histograms and artifacts.
    pub blob_bytes: u64,
}

impl Store {
    /// How much is stored; cheap.
    pub async fn sizes(&self) -> Result<Sizes, StoreError> {
        let (bytes, runs): (i64, i64) = sqlx::query_as(
            "select
                 (select page_count from pragma_page_count())
                     * (select page_size from pragma_page_size()),
                 (select count(*) from run)",
        )
        .fetch_one(self.readers())
        .await?;
        Ok(Sizes {
            bytes: u64::try_from(bytes).unwrap_or(0),
            runs: u64::try_from(runs).unwrap_or(0),
        })
    }

    /// What the measurements take; reads all of them.
    pub async fn measurement_sizes(&self) -> Result<MeasurementSizes, StoreError> {
        let (measurements, blobs): (i64, i64) = sqlx::query_as(
            "select
                 (select count(*) from measurement),
                 (select coalesce(sum(length(data)), 0) from sample_blob)
                     + (select coalesce(sum(length(data)), 0) from report_blob)
                     + (select coalesce(sum(length(data)), 0) from curve)
                     + (select coalesce(sum(length(data)), 0) from histogram)
                     + (select coalesce(sum(length(data)), 0) from artifact)",
        )
        .fetch_one(self.readers())
        .await?;
        Ok(MeasurementSizes {
            measurements: u64::try_from(measurements).unwrap_or(0),
            blob_bytes: u64::try_from(blobs).unwrap_or(0),
        })
    }
}
