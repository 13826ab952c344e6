//! Evidence: how sure a band is, whichever way the runs came in.

use bench_verdict::verdict::{Band, Evidence};
use kvmark::domain::{Judgement, RunId, Scope};
use kvmark::jobs;
use tokio_util::sync::CancellationToken;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, report, with};

/// A quiet month, then a step of a quarter that stays.
fn value(days_ago: i64) -> f64 {
    let noise = 1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0;
    noise * if days_ago < 4 { 1250.0 } else { 1000.0 }
}

async fn upload(app: &TestApp, days_ago: i64) -> RunId {
    let run = nightly(&format!("night {days_ago}"), days_ago);
    let run = with(run, [latency("A", value(days_ago))]);
    app.store()
        .insert_judged(&run, NOW, jobs::judge_run)
        .await
        .unwrap()
        .run_id
}

async fn judgement(app: &TestApp, run: RunId) -> Judgement {
    app.store().judged_run(run).await.unwrap().unwrap().rows[0].judgement
}

#[tokio::test]
async fn a_step_is_likely_on_its_first_night_and_confirmed_soon() {
    let app = TestApp::new().await;
    let mut told = Vec::new();
    for days_ago in (0..40).rev() {
        let run = upload(&app, days_ago).await;
        let judgement = judgement(&app, run).await;
        told.push((judgement.band, judgement.evidence));
    }
    assert_eq!(told[35], (Band::None, Evidence::Noise));
    assert_eq!(told[36], (Band::Critical, Evidence::Likely));
    assert_eq!(told[39].1, Evidence::Confirmed);
    assert_eq!(app.store().rejudge_count().await.unwrap(), 0);
}

#[tokio::test]
async fn runs_that_come_late_leave_the_same_verdicts_as_runs_in_order() {
    let (ordered, mixed) = (TestApp::new().await, TestApp::new().await);
    for days_ago in (0..40).rev() {
        upload(&ordered, days_ago).await;
    }
    let late = [38, 20, 6, 2, 1];
    for days_ago in (0..40)
        .rev()
        .filter(|days| !late.contains(days))
        .chain(late)
    {
        upload(&mixed, days_ago).await;
    }
    let stop = CancellationToken::new();
    jobs::rejudge_all(mixed.store(), &stop).await.unwrap();
    assert_eq!(mixed.store().rejudge_count().await.unwrap(), 0);
    for days_ago in 0..40 {
        let key = format!("night {days_ago}");
        let run = |run: Option<kvmark::domain::Run>| run.unwrap().id;
        let in_order = run(ordered.store().run_by_key(&key).await.unwrap());
        let in_disorder = run(mixed.store().run_by_key(&key).await.unwrap());
        assert_eq!(
            judgement(&ordered, in_order).await,
            judgement(&mixed, in_disorder).await,
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_night_that_is_taken_out_is_judged_without_from_then_on() {
    let app = TestApp::new().await;
    let mut runs = Vec::new();
    for days_ago in (1..40).rev() {
        runs.push(upload(&app, days_ago).await);
    }
    // The first three bad nights were the machine's fault.
    for bad in runs.iter().rev().take(3) {
        app.store()
            .set_excluded(*bad, Some("fan"), "somebody", NOW)
            .await
            .unwrap();
    }
    let tonight = upload(&app, 0).await;
    jobs::rejudge_all(app.store(), &CancellationToken::new())
        .await
        .unwrap();
    let judgement = judgement(&app, tonight).await;
    assert_eq!(
        (judgement.band, judgement.evidence),
        (Band::Critical, Evidence::Likely)
    );
    assert_eq!(judgement.baseline_runs, 4);
}

#[tokio::test]
async fn what_a_verdict_is_sure_of_is_stored_shown_and_made_again_to_the_same() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let mut last = RunId(0);
    for days_ago in (0..30).rev() {
        let answer = app
            .upload(&token, &report(days_ago, &[("A", value(days_ago + 10))]))
            .await;
        last = RunId(answer.json()["run_id"].as_i64().unwrap());
    }
    let stored = app.store().judged_run(last).await.unwrap().unwrap();
    let row = &stored.rows[0];
    let (floor, least) = (
        row.judgement.noise_floor.unwrap(),
        row.judgement.detectable_change.unwrap(),
    );
    assert!((0.005..0.03).contains(&floor), "{floor}");
    assert!((0.05..0.06).contains(&least), "the least step: {least}");

    let verdict = app
        .get(&format!("/api/v1/runs/{last}/verdict"))
        .await
        .json();
    let series = &verdict["series"][0];
    assert_eq!(series["noise_floor"], floor);
    assert_eq!(series["detectable_change"], least);
    let interval: Vec<f64> = (0..2)
        .map(|end| series["interval"][end].as_f64().unwrap())
        .collect();
    let change = series["change"].as_f64().unwrap();
    assert!(interval[0] < change && change < interval[1], "{series}");
    // Six samples from -2% to +2%.
    assert!((interval[1] - interval[0] - 0.04).abs() < 0.002, "{series}");

    let rows = app.get(&format!("/api/v1/runs/{last}")).await.json();
    let row = &rows["series"][0];
    assert_eq!(row["change_interval"], series["interval"]);
    assert_eq!(row["inputs_hash"].as_str().unwrap().len(), 16);
    let page = app.get(&format!("/runs/{last}?show=all")).await;
    let cell = format!("±{:.1}%", 100.0 * floor);
    assert!(page.text().contains(&cell), "{}", page.text());

    for epoch in app.store().epochs().await.unwrap() {
        let again = jobs::judge_epoch(app.store(), &epoch).await.unwrap();
        assert_eq!(again.changes, [], "the whole history says the same");
    }
}

#[tokio::test]
async fn memory_beyond_four_fifths_of_the_limit_fails_the_gate() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let of = |limit: u64, days_ago| {
        let mut report = report(days_ago, &[("KVEventMemoryUsage", 900.0)]);
        let metric = &mut report["benchmarks"][0]["metrics"][0];
        metric["name"] = "heap_total".into();
        metric["unit"] = "B".into();
        metric["kind"] = "bytes".into();
        report["conditions"] = serde_json::json!({"memory_limit_bytes": limit});
        report
    };
    let met = app.upload(&token, &of(1_200, 1)).await.json();
    let rule = &met["verdict"]["rules"][0];
    assert_eq!(rule["name"], "memory of KVEventMemoryUsage cpu=2");
    assert_eq!(
        (&rule["met"], &rule["limit"]),
        (&true.into(), &960.0.into())
    );
    let missed = app.upload(&token, &of(1_000, 0)).await.json();
    assert_eq!(missed["verdict"]["rules"][0]["met"], false);
    assert_eq!(missed["verdict"]["exit_code"], 1);
}
