//! Evidence: how sure a band is, whichever way the runs came in.

use bench_verdict::verdict::{Band, Evidence};
use kvmark::domain::{Judgement, RunId};
use kvmark::jobs;
use tokio_util::sync::CancellationToken;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

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
