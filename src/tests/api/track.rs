//! What is kept in memory never says less than what is stored.

use bench_verdict::inputs::InputsHash;
use bench_verdict::verdict::{Band, Evidence};
use kvmark::domain::{Judgement, Millis, Point, RunKind, SeriesId};
use kvmark::jobs;
use kvmark::store::{Store, StoreOptions};
use tokio_util::sync::CancellationToken;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

const ALL: (Millis, Millis) = (Millis(0), NOW);

async fn points(store: &Store, series: SeriesId) -> Vec<Point> {
    store.points(series, ALL.0, ALL.1, None).await.unwrap()
}

/// The same from a store that has nothing in memory.
async fn stored(app: &TestApp, series: SeriesId) -> Vec<Point> {
    let fresh = Store::open(&app.state.config.database, StoreOptions::default())
        .await
        .unwrap();
    let points = points(&fresh, series).await;
    fresh.close().await;
    points
}

async fn insert(app: &TestApp, days: i64, value: f64) {
    let run = with(
        nightly(&format!("{days}"), days),
        [latency("A", value), latency("B", value)],
    );
    app.store()
        .insert_judged(&run, NOW, jobs::judge_run)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_trend_that_was_read_shows_what_comes_after_and_in_between() {
    let app = TestApp::new().await;
    let (a, b) = (SeriesId(1), SeriesId(2));
    insert(&app, 5, 100.0).await;
    assert_eq!(points(app.store(), a).await.len(), 1);
    for days in [1, 3, 4, 2, 0] {
        insert(&app, days, 100.0 + days as f64).await;
        assert_eq!(
            points(app.store(), a).await,
            stored(&app, a).await,
            "{days}"
        );
    }
    jobs::rejudge_all(app.store(), &CancellationToken::new())
        .await
        .unwrap();
    let judged = Judgement {
        baseline: Some(1.0),
        baseline_runs: 3,
        change: Some(0.5),
        band: Band::Critical,
        evidence: Evidence::Likely,
        noise_floor: Some(0.02),
        detectable_change: Some(0.06),
        accepted_level: Some(0.9),
        creep: Some(0.05),
        inputs: Some(InputsHash(u64::MAX)),
    };
    let newest = points(app.store(), a).await.pop().unwrap();
    app.store()
        .save_judgements(newest.run, &[(a, judged)])
        .await
        .unwrap();
    app.store()
        .set_excluded(newest.run, Some("bad"), "test", NOW)
        .await
        .unwrap();
    for series in [a, b] {
        assert_eq!(
            points(app.store(), series).await,
            stored(&app, series).await
        );
    }
    let newest = points(app.store(), a).await.pop().unwrap();
    assert_eq!(
        (newest.judgement, newest.of.forms_baseline),
        (judged, false)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_beside_a_writer_leave_nothing_old_in_memory() {
    let app = TestApp::new().await;
    insert(&app, 100, 1.0).await;
    let stop = CancellationToken::new();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, stop) = (app.store().clone(), stop.clone());
            tokio::spawn(async move {
                let mut seen = 0;
                while !stop.is_cancelled() {
                    // Forgetting makes every read a load that races with the writer.
                    store.forget();
                    let now = points(&store, SeriesId(1)).await.len();
                    assert!(now >= seen, "{seen} points, then {now}");
                    seen = now;
                }
            })
        })
        .collect();
    for days in 0..60 {
        insert(&app, days, 1.0).await;
        let read = points(app.store(), SeriesId(1)).await.len();
        assert_eq!(
            i64::try_from(read).unwrap(),
            days + 2,
            "what was answered is read"
        );
    }
    stop.cancel();
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(
        points(app.store(), SeriesId(1)).await,
        stored(&app, SeriesId(1)).await
    );
}

#[tokio::test]
async fn what_another_process_deletes_is_noticed() {
    let app = TestApp::new().await;
    for days in [400, 1, 0] {
        insert(&app, days, 1.0).await;
    }
    assert_eq!(points(app.store(), SeriesId(1)).await.len(), 3);
    let other = Store::open(&app.state.config.database, StoreOptions::default())
        .await
        .unwrap();
    let old = other
        .prunable(RunKind::Nightly, NOW.minus_days(365))
        .await
        .unwrap();
    assert_eq!(old.len(), 1);
    other.prune(&old, NOW).await.unwrap();
    app.store().notice_other_writers().await.unwrap();
    assert_eq!(points(app.store(), SeriesId(1)).await.len(), 2);
}
