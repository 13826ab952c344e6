//! The pages in a real browser: Chromium, driven by playwright from `look.py` beside this file.
//!
//! The interpreter is `PAGES_PYTHON`, else `.venv/bin/python` at the root of the repository, with
//! playwright and axe-playwright-python installed. With the variable set, a missing interpreter is a
//! failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use bench_report::metric::{Direction, Kind};
use kvmark::config::Config;
use kvmark::domain::{
    Curve, Millis, NewMeasurement, NewRun, Purpose, RunKind, RunPair, Scope, Side,
};
use kvmark::jobs;
use kvmark::site::{Options, export};
use kvmark::store::NewAnnotation;
use kvmark::web;
use kvmark::web::inside::Inside;
use tokio::net::TcpListener;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};
use crate::pages::store;

#[tokio::test(flavor = "multi_thread")]
async fn pages_keep_their_promises_in_a_browser() {
    let Some(python) = python() else {
        return;
    };
    let full = filled(160).await;
    let folder = tempfile::tempdir().unwrap();
    let inside = Inside::new(full.state.clone());
    export(
        &inside,
        folder.path(),
        "Exported for a test",
        Options::default(),
    )
    .await
    .unwrap();
    let export = folder.path().display().to_string();
    let full = served(full).await;
    let single = served(filled(1).await).await;
    let empty = served(filled(0).await).await;
    let alerts = filled(160).await;
    let token = alerts.token(Scope::Triage, None).await;
    let alerts = served(alerts).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/browser/look.py");
    let looked = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .arg(script)
            .args([full, single, empty, export, alerts, token])
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    assert!(
        looked.status.success(),
        "{}{}",
        String::from_utf8_lossy(&looked.stdout),
        String::from_utf8_lossy(&looked.stderr)
    );
}

fn python() -> Option<PathBuf> {
    let wanted = std::env::var_os("PAGES_PYTHON").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let python = wanted.clone().unwrap_or(root);
    let able = Command::new(&python)
        .args(["-c", "import playwright, axe_playwright_python"])
        .output();
    if able.as_ref().is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let why = format!(
        "{} cannot import playwright and axe_playwright_python: {able:?}",
        python.display()
    );
    assert!(wanted.is_none(), "{why}");
    eprintln!("skipped: {why}; ./test.sh installs them into .venv");
    None
}

/// Serves until the test ends; the address.
async fn served(app: TestApp) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let state = app.state.clone();
        // The folder of the database goes with `app`: it lives as long as the server.
        let _app = app;
        web::serve(listener, state).await
    });
    format!("http://{address}")
}

/// A store of so many nights of two machines, one of them generated: with a gap, an outlier, an
/// epoch, a step, and names that try to be markup.
async fn filled(nights: i64) -> TestApp {
    let app = TestApp::with(Config {
        open_uploads: true,
        ..Config::default()
    })
    .await;
    for ago in (0..nights).rev().filter(|ago| !(20..23).contains(ago)) {
        let mut run = night(ago);
        store(&app, &run).await;
        run.run_key = format!("sample {ago}");
        run.report = run.run_key.clone().into_bytes();
        run.kind = RunKind::Sample;
        run.environment.is_sample = true;
        run.environment.name = Some("sample".to_owned());
        run.environment.fingerprint = "cc".repeat(32);
        store(&app, &run).await;
    }
    for number in 1..=nights.min(2) {
        for run in push(number) {
            store(&app, &run).await;
        }
    }
    // All nights from the whole history: the evidence and the alerts.
    for epoch in app.store().epochs().await.unwrap() {
        let verdicts = jobs::judge_epoch(app.store(), &epoch).await.unwrap();
        app.store()
            .finish_rejudge(&epoch, &[], &verdicts)
            .await
            .unwrap();
    }
    if nights > 0 {
        let note = NewAnnotation {
            at: Millis(night(3.min(nights - 1)).started_at.0),
            series: None,
            run: None,
            text:
                "<script>alert(1)</script>: a new kernel, and a text that is longer than its chart"
                    .to_owned(),
        };
        app.store().annotate(&note, "token 1", NOW).await.unwrap();
    }
    app
}

/// A push of pull request 12 and its merge base, in six rounds: the first one is slow.
fn push(number: i64) -> [NewRun; 2] {
    [Side::Base, Side::Head].map(|side| {
        let mut run = night(0);
        run.run_key = format!("push {number} {side}");
        run.report = run.run_key.clone().into_bytes();
        run.kind = RunKind::Pull;
        run.started_at = Millis(run.started_at.0 + number * 3_600_000);
        run.finished_at = Millis(run.started_at.0 + 60_000);
        let base = run.revision.commit.clone();
        if side == Side::Head {
            run.revision.commit = format!("{number:040x}");
            run.measurements.pop();
            if number == 1 {
                for sample in run.measurements.iter_mut().flat_map(|m| &mut m.samples) {
                    *sample *= 1.3;
                }
            }
        }
        run.revision.base_commit = Some(base);
        run.revision.pull = Some(12);
        run.revision.branch = Some("topic".to_owned());
        run.pair = Some(RunPair {
            key: format!("pair {number}"),
            side,
            purpose: Purpose::Pull,
            against_run: None,
            rounds: (0..6).collect(),
        });
        run
    })
}

fn night(ago: i64) -> NewRun {
    // The same noise each time: a step of the golden ratio is nowhere near a rhythm.
    let noise = |i: i64| 1.0 + 0.02 * ((ago * 7 + i) as f64 * 0.618_034).fract();
    let mut measurements = Vec::new();
    for (i, concurrency) in [1, 10, 50, 100, 500].into_iter().enumerate() {
        let is_slow = concurrency == 100 && (ago < 2 || ago == 40);
        let factor = noise(i as i64) * if is_slow { 1.28 } else { 1.0 };
        let scale = f64::from(concurrency);
        measurements.push(at(
            concurrency,
            "latency_p99",
            "ns",
            6_500.0 * scale * factor,
        ));
        let mut rate = at(concurrency, "events_per_second", "1/s", 430_000.0 / factor);
        rate.better = Direction::Higher;
        rate.kind = Kind::Rate;
        measurements.push(rate);
    }
    let mut evil = latency("<script>alert(1)</script>", 100.0 * noise(9));
    evil.name.metric = "<img src=x onerror=alert(1)>".to_owned();
    measurements.push(evil);
    let mut run = with(nightly(&format!("night {ago}"), ago), measurements);
    run.revision.author = Some("Ada Keller".to_owned());
    if ago > 60 {
        run.suite_version = "0".to_owned();
    }
    run.curves = vec![Curve {
        benchmark: "KVEventBurstLoad".to_owned(),
        params: [("events".to_owned(), "10000".to_owned())].into(),
        name: "queue_depth".to_owned(),
        x: "ms".to_owned(),
        y: "events".to_owned(),
        points: (0..500)
            .map(|i| (f64::from(i) * 10.0, f64::from(i * i % 1_700)))
            .collect(),
    }];
    run
}

fn at(concurrency: u32, metric: &str, unit: &str, value: f64) -> NewMeasurement {
    let mut measurement = latency("KVEventConcurrency", value);
    measurement.name.metric = metric.to_owned();
    measurement.unit = unit.to_owned();
    let params = &mut measurement.name.params;
    params.insert("concurrency".to_owned(), concurrency.to_string());
    measurement
}
