//! A store of every released schema opens, answers as before, and after a rebuild as if it had always
//! had the newest.

use std::path::Path;

use assert_cmd::Command;
use bench_verdict::verdict::{Band, Evidence};
use kvmark::config::Config;
use kvmark::domain::{Judged, JudgedRun, Judgement, Measurement, RunId, Scope, SeriesId};
use kvmark::store::{Store, StoreOptions};
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Executor, QueryBuilder, Sqlite, SqlitePool};

use crate::app::TestApp;
use crate::builders::report;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Before this schema a measurement and its verdict had a row each.
const ONE_ROW: i64 = 20;

/// What a store answers, by what is asked.
const ASKED: [&str; 9] = [
    "/api/v1/runs",
    "/api/v1/runs/3",
    "/api/v1/runs/14",
    "/api/v1/runs/14/report",
    "/api/v1/runs/14/verdict",
    "/api/v1/series",
    "/api/v1/series/1/points",
    "/api/v1/series/1/baseline?at=2026-02-27T00:00:00Z",
    "/api/v1/baselines.json?at=2026-02-27T00:00:00Z",
];

#[tokio::test]
async fn a_store_of_any_released_schema_answers_as_before() {
    let now = filled().await;
    let expected = answers(&now).await;
    // The log is in the file only once all connections are closed.
    now.store().close().await;
    let newest = MIGRATIONS.iter().map(|m| m.version).max().unwrap();
    for version in MIGRATIONS.iter().map(|migration| migration.version) {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("kvmark.db");
        age(&now.state.config.database, &old, version).await;
        if version < ONE_ROW {
            apart(&now.state.config.database, &old).await;
        }
        command(&["verify", old.to_str().unwrap()]);
        if version == ONE_ROW - 1 {
            // As if the program had been stopped between the migration and the bringing over.
            migrate(&old, ONE_ROW).await;
        }
        let app = TestApp::at(folder, Config::default()).await;
        for ((uri, before), (_, after)) in expected.iter().zip(answers(&app).await) {
            let mut differ = Vec::new();
            differences(before, &after, uri, version == newest, &mut differ);
            assert!(differ.is_empty(), "schema {version}: {differ:#?}");
        }
        app.store().close().await;
        let database = old.to_str().unwrap();
        command(&["rebuild", "--database", database]);
        command(&["rebuild", "--check", "--database", database]);
        command(&["verify", database]);
        let app = TestApp::reopened(app).await;
        for ((uri, before), (_, after)) in expected.iter().zip(answers(&app).await) {
            let mut differ = Vec::new();
            differences(before, &after, uri, true, &mut differ);
            assert!(differ.is_empty(), "schema {version}, rebuilt: {differ:#?}");
        }
    }
}

#[tokio::test]
async fn a_measurement_that_nothing_was_said_of_is_brought_over_too() {
    let now = filled().await;
    let expected = now.store().judged_run(RunId(3)).await.unwrap().unwrap();
    now.store().close().await;
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("kvmark.db");
    age(&now.state.config.database, &old, ONE_ROW - 1).await;
    apart(&now.state.config.database, &old).await;
    let pool = pool(&old).await;
    pool.execute("delete from verdict where run_id = 3 and series_id = 1")
        .await
        .unwrap();
    pool.close().await;
    let app = TestApp::at(folder, Config::default()).await;
    let run = app.store().judged_run(RunId(3)).await.unwrap().unwrap();
    assert_eq!(run.rows.len(), expected.rows.len());
    for (row, expected) in run.rows.iter().zip(&expected.rows) {
        assert_eq!(row.measurement, expected.measurement);
        if row.series.id == SeriesId(1) {
            let said = (row.judgement.band, row.judgement.evidence);
            assert_eq!(said, (Band::Warming, Evidence::Inconclusive));
            assert_eq!(row.judgement.inputs, None);
        } else {
            assert_eq!(row.judgement, expected.judgement);
        }
    }
}

/// Twelve quiet nights, then two slow ones.
async fn filled() -> TestApp {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for days in (0..14_i64).rev() {
        let noise = 1.0 + 0.002 * (days % 3) as f64;
        let slower = if days < 2 { 1.3 } else { 1.0 };
        let night = report(days, &[("A", 100.0 * noise * slower), ("B", 50.0 * noise)]);
        assert_eq!(app.upload(&token, &night).await.status, 201);
    }
    app
}

async fn answers(app: &TestApp) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for uri in ASKED {
        let answer = app.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
        all.push((uri, answer.json()));
    }
    all
}

/// Makes a store as a release with that schema would have it: its tables, with the rows and columns
/// that it knew.
async fn age(new: &Path, old: &Path, version: i64) {
    migrate(old, version).await;
    let pool = pool(old).await;
    sqlx::query("attach database $1 as new")
        .bind(new.to_str().unwrap())
        .execute(&pool)
        .await
        .unwrap();
    let is_packed = |table: &str| ["measurement", "verdict"].contains(&table) && version < ONE_ROW;
    for table in tables(&pool).await {
        if is_packed(&table) || table.starts_with("old_") {
            continue;
        }
        let columns = columns(&pool, &table).await.join(", ");
        let copy = format!(
            "insert or replace into main.{table} ({columns}) select {columns} from new.{table}"
        );
        pool.execute(sqlx::AssertSqlSafe(copy)).await.unwrap();
    }
    sqlx::query("detach database new")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
}

async fn migrate(path: &Path, version: i64) {
    let pool = pool(path).await;
    MIGRATIONS.run_to(version, &pool).await.unwrap();
    pool.close().await;
}

/// One connection, which asks for no order of the tables.
async fn pool(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(false);
    let pool = SqlitePoolOptions::new().max_connections(1);
    pool.connect_with(options).await.unwrap()
}

/// Fills the tables of measurements and verdicts that a schema of before had, as far as it knew them.
async fn apart(new: &Path, old: &Path) {
    let store = Store::open(new, StoreOptions::default()).await.unwrap();
    let options = SqliteConnectOptions::new()
        .filename(old)
        .foreign_keys(false);
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    let knows = columns(&pool, "verdict").await;
    for id in store.run_ids().await.unwrap() {
        let JudgedRun { run, rows, .. } = store.judged_run(id).await.unwrap().unwrap();
        for row in rows {
            let Judged {
                measurement,
                judgement,
                ..
            } = row;
            let interval = measurement.interval;
            sqlx::query("insert into measurement values ($1, $2, $3, $4, $5, $6, $7)")
                .bind(measurement.series.0)
                .bind(run.started_at.0)
                .bind(id.0)
                .bind(measurement.value)
                .bind(measurement.sample_count)
                .bind(interval.map(|ends| ends.0))
                .bind(interval.map(|ends| ends.1))
                .execute(&pool)
                .await
                .unwrap();
            verdict(&knows, id, &measurement, &judgement)
                .build()
                .execute(&pool)
                .await
                .unwrap();
        }
    }
    pool.close().await;
    store.close().await;
}

/// The row of a verdict with those columns.
fn verdict(
    columns: &[String],
    run: RunId,
    of: &Measurement,
    said: &Judgement,
) -> QueryBuilder<Sqlite> {
    const BANDS: [&str; 6] = ["none", "info", "warning", "critical", "improved", "warming"];
    const EVIDENCE: [&str; 5] = ["inconclusive", "noise", "likely", "confirmed", "exact"];
    let place = |words: &[&str], word: Value| {
        let at = words.iter().position(|known| word == *known);
        i64::try_from(at.unwrap()).unwrap()
    };
    let names = columns.join(", ");
    let mut query = QueryBuilder::new(format!("insert into verdict ({names}) values ("));
    let mut values = query.separated(", ");
    for column in columns {
        match column.as_str() {
            "run_id" => values.push_bind(run.0),
            "series_id" => values.push_bind(of.series.0),
            "baseline" => values.push_bind(said.baseline),
            "baseline_runs" => values.push_bind(said.baseline_runs),
            "change" => values.push_bind(said.change),
            "band" => values.push_bind(place(&BANDS, json!(said.band))),
            "evidence" => values.push_bind(place(&EVIDENCE, json!(said.evidence))),
            "noise_floor" => values.push_bind(said.noise_floor),
            "detectable_change" => values.push_bind(said.detectable_change),
            "accepted_level" => values.push_bind(said.accepted_level),
            "creep" => values.push_bind(said.creep),
            "inputs_hash" => values.push_bind(said.inputs.map(|hash| hash.0.cast_signed())),
            other => panic!("a column {other} that no schema had"),
        };
    }
    query.push(")");
    query
}

async fn tables(pool: &SqlitePool) -> Vec<String> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "select name
         from main.sqlite_schema
         where type = 'table' and name not like 'sqlite_%' and name not like '_sqlx_%'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

async fn columns(pool: &SqlitePool, table: &str) -> Vec<String> {
    let rows: Vec<(String,)> = sqlx::query_as("select name from pragma_table_info($1, 'main')")
        .bind(table)
        .fetch_all(pool)
        .await
        .unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

fn command(args: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    Command::cargo_bin("kvmark")
        .unwrap()
        .current_dir(&folder)
        .env_remove("KVMARK_DATABASE")
        .args(args)
        .assert()
        .success();
}

/// Where two answers differ. Unless `strict`, what the old schema could not hold may be missing.
fn differences(before: &Value, after: &Value, at: &str, strict: bool, differ: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            // What is said of a run grew with the schema, so something else is said of it now.
            let grew = |key: &&String| *key != "rejudged";
            for (key, value) in before.iter().filter(|(key, _)| grew(key)) {
                let at = format!("{at} {key}");
                match after.get(key) {
                    Some(after) => differences(value, after, &at, strict, differ),
                    None if strict => differ.push(format!("{at} is gone")),
                    None => {}
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (place, (before, after)) in before.iter().zip(after).enumerate() {
                differences(before, after, &format!("{at} {place}"), strict, differ);
            }
        }
        (_, Value::Null) if !strict => {}
        // By which rules a run was judged was not kept.
        (_, Value::String(word)) if !strict && word == "unknown" => {}
        // What is said of alerts, which an old schema did not have, may be missing.
        (Value::Array(before), Value::Array(after))
            if !strict && after.iter().all(|one| before.contains(one)) => {}
        (before, after) if before == after => {}
        (before, after) => differ.push(format!("{at}: {before} became {after}")),
    }
}
