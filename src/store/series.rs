//! Series: what lines there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::{EnvironmentId, NewMeasurement, NewRun, Series, SeriesId, SeriesKey};

use super::row::SeriesRow;
use super::{Store, StoreError, code};

/// Which series to list; the default lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesFilter {
    /// Only this suite.
    pub suite: Option<String>,
    /// Only this benchmark.
    pub benchmark: Option<String>,
    /// Only this metric.
    pub metric: Option<String>,
    /// Only series with all these params.
    pub params: BTreeMap<String, String>,
    /// Only this machine.
    pub environment: Option<EnvironmentId>,
}

/// A benchmark, and how many series it has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BenchmarkName {
    /// Suite name.
    pub suite: String,
    /// Benchmark name.
    pub benchmark: String,
    /// Series over all params, metrics and machines.
    pub series_count: u32,
}

impl Store {
    /// The series of that number.
    pub async fn series_by_id(&self, id: SeriesId) -> Result<Option<Arc<Series>>, StoreError> {
        if let Some(known) = self.shared.series_by_id.get(&id) {
            return Ok(Some(known.clone()));
        }
        let row: Option<SeriesRow> = sqlx::query_as("select * from series where series_id = $1")
            .bind(id.0)
            .fetch_optional(self.readers())
            .await?;
        row.map(|r| self.keep(r)).transpose()
    }

    /// Series, in the order of benchmark, params, metric, machine.
    pub async fn series_of(&self, filter: &SeriesFilter) -> Result<Vec<Arc<Series>>, StoreError> {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("select series_id from series where true");
        let texts = [
            (" and suite = ", &filter.suite),
            (" and benchmark = ", &filter.benchmark),
            (" and metric = ", &filter.metric),
        ];
        for (sql, text) in texts {
            if let Some(text) = text {
                query.push(sql).push_bind(text);
            }
        }
        if let Some(environment) = filter.environment {
            query
                .push(" and environment_id = ")
                .push_bind(environment.0);
        }
        let mut connection = self.readers().acquire().await?;
        let ids: Vec<(i64,)> = query.build_query_as().fetch_all(&mut *connection).await?;
        let ids: Vec<SeriesId> = ids.into_iter().map(|(id,)| SeriesId(id)).collect();
        let mut series = self.series_by_ids(&mut connection, &ids).await?;
        series.retain(|s| {
            filter
                .params
                .iter()
                .all(|(k, v)| s.key.params.get(k) == Some(v))
        });
        series.sort_by(|a, b| {
            let of = |s: &Series| (s.key.environment, s.id);
            (&a.key.benchmark, &a.key.params, &a.key.metric, of(a)).cmp(&(
                &b.key.benchmark,
                &b.key.params,
                &b.key.metric,
                of(b),
            ))
        });
        Ok(series)
    }

    /// All benchmarks, by name.
    pub async fn benchmarks(&self) -> Result<Vec<BenchmarkName>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "select suite, benchmark, count(*)
             from series
             group by suite, benchmark
             order by benchmark, suite",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(suite, benchmark, count)| BenchmarkName {
                suite,
                benchmark,
                series_count: u32::try_from(count).unwrap_or(u32::MAX),
            })
            .collect())
    }

    /// Series by number, in that order; all of them exist (a foreign key says so).
    pub(super) async fn series_by_ids(
        &self,
        db: &mut SqliteConnection,
        ids: &[SeriesId],
    ) -> Result<Vec<Arc<Series>>, StoreError> {
        /// Numbers a statement.
        const IDS: usize = 500;
        let known = &self.shared.series_by_id;
        let unknown: Vec<SeriesId> = ids
            .iter()
            .copied()
            .filter(|id| !known.contains_key(id))
            .collect();
        for ids in unknown.chunks(IDS) {
            let mut query: QueryBuilder<Sqlite> =
                QueryBuilder::new("select * from series where series_id in (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id.0);
            }
            query.push(")");
            let rows: Vec<SeriesRow> = query.build_query_as().fetch_all(&mut *db).await?;
            for row in rows {
                self.keep(row)?;
            }
        }
        ids.iter()
            .map(|id| {
                known
                    .get(id)
                    .map(|s| s.clone())
                    .ok_or_else(|| StoreError::Damaged {
                        what: "series",
                        id: id.0,
                        why: "it has measurements and is not there".to_owned(),
                    })
            })
            .collect()
    }

    /// The series of a run's measurements, in their order; made and brought up to date as needed.
    /// [`Store::remember`] them once the transaction is through.
    pub(super) async fn series_of_run(
        &self,
        tx: &mut SqliteConnection,
        new: &NewRun,
        environment: EnvironmentId,
    ) -> Result<Vec<Arc<Series>>, StoreError> {
        let mut out = Vec::with_capacity(new.measurements.len());
        for m in &new.measurements {
            let key = SeriesKey {
                suite: new.suite.clone(),
                benchmark: m.name.benchmark.clone(),
                params: m.name.params.clone(),
                metric: m.name.metric.clone(),
                unit: m.unit.clone(),
                environment,
            };
            let id = self.shared.series_by_key.get(&key).map(|id| *id);
            let known = id.and_then(|id| self.shared.series_by_id.get(&id).map(|s| s.clone()));
            let series = match known {
                Some(series) => series,
                None => insert(tx, key, m).await?,
            };
            let same = series.better == m.better
                && series.kind == m.kind
                && series.floor == m.floor
                && series.target == m.target;
            out.push(if same {
                series
            } else {
                update(tx, &series, m, new).await?
            });
        }
        Ok(out)
    }

    /// Whether series are otherwise now than they were remembered.
    pub(super) fn differ(&self, series: &[Arc<Series>]) -> bool {
        series.iter().any(|series| {
            let known = self.shared.series_by_id.get(&series.id);
            known.is_some_and(|known| !Arc::ptr_eq(&known, series) && *known != *series)
        })
    }

    pub(super) fn remember(&self, series: &[Arc<Series>]) {
        for series in series {
            self.shared
                .series_by_key
                .insert(series.key.clone(), series.id);
            self.shared.series_by_id.insert(series.id, series.clone());
        }
    }

    fn keep(&self, row: SeriesRow) -> Result<Arc<Series>, StoreError> {
        let series = Arc::new(Series::try_from(row)?);
        self.remember(std::slice::from_ref(&series));
        Ok(series)
    }
}

/// The series of that key, made if it is not there.
async fn insert(
    tx: &mut SqliteConnection,
    key: SeriesKey,
    m: &NewMeasurement,
) -> Result<Arc<Series>, StoreError> {
    let row: SeriesRow = sqlx::query_as(
        "insert into series
             (environment_id, suite, benchmark, params_json, metric, unit,
              better, kind, floor, target_op, target_value)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (environment_id, suite, benchmark, metric, params_json, unit)
             do update set suite = excluded.suite
         returning *",
    )
    .bind(key.environment.0)
    .bind(key.suite)
    .bind(key.benchmark)
    .bind(code::params(&key.params))
    .bind(key.metric)
    .bind(key.unit)
    .bind(code::word(&m.better))
    .bind(code::word(&m.kind))
    .bind(m.floor)
    .bind(m.target.map(|t| code::word(&t.op)))
    .bind(m.target.map(|t| t.value))
    .fetch_one(tx)
    .await?;
    Ok(Arc::new(row.try_into()?))
}

/// Takes over direction, kind, floor and target, if no newer run measured the series.
async fn update(
    tx: &mut SqliteConnection,
    series: &Arc<Series>,
    m: &NewMeasurement,
    new: &NewRun,
) -> Result<Arc<Series>, StoreError> {
    let row: Option<SeriesRow> = sqlx::query_as(
        "update series
         set better = $2, kind = $3, floor = $4, target_op = $5, target_value = $6
         where series_id = $1
           and not exists (
               select 1
               from run r
               join measurement m on m.run_id = r.run_id and m.series_id = $1
               where r.started_at > $7
           )
         returning *",
    )
    .bind(series.id.0)
    .bind(code::word(&m.better))
    .bind(code::word(&m.kind))
    .bind(m.floor)
    .bind(m.target.map(|t| code::word(&t.op)))
    .bind(m.target.map(|t| t.value))
    .bind(new.started_at.0)
    .fetch_optional(tx)
    .await?;
    match row {
        Some(row) => Ok(Arc::new(row.try_into()?)),
        None => Ok(series.clone()),
    }
}
