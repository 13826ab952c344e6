//! Alerts in the store, whichever way the runs came in.

use kvmark::analysis::alerts::act::{Refused, Wish, act};
use kvmark::domain::alert::{Alert, AlertState, By, Confirmation, Outcome, PairVerdict};
use kvmark::domain::{AlertId, RunId, SeriesId};
use kvmark::jobs;
use kvmark::store::AlertFilter;
use tokio_util::sync::CancellationToken;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

/// A quiet month, then a step of a quarter that stays for `bad` nights.
fn value(days_ago: i64, bad: std::ops::Range<i64>) -> f64 {
    let noise = 1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0;
    noise
        * if bad.contains(&days_ago) {
            1250.0
        } else {
            1000.0
        }
}

async fn upload(app: &TestApp, days_ago: i64, bad: std::ops::Range<i64>) -> RunId {
    let run = nightly(&format!("night {days_ago}"), days_ago);
    let other = 0.5 * value(days_ago, bad.clone());
    let run = with(
        run,
        [latency("A", value(days_ago, bad)), latency("B", other)],
    );
    let inserted = app.store().insert_judged(&run, NOW, jobs::judge_run).await;
    inserted.unwrap().run_id
}

async fn rejudge(app: &TestApp) {
    let stop = CancellationToken::new();
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
    assert_eq!(app.store().rejudge_count().await.unwrap(), 0);
}

async fn alerts(app: &TestApp) -> Vec<Alert> {
    app.store().alerts(&AlertFilter::default()).await.unwrap()
}

async fn say(app: &TestApp, id: AlertId, wish: Wish) -> Alert {
    let change = |alert| act(alert, &wish, "token 9", NOW);
    let changed = app.store().change_alert(id, "token 9", NOW, change).await;
    changed.unwrap().unwrap().unwrap()
}

/// What is the same whichever way the runs came in.
fn bare(mut alert: Alert) -> Alert {
    alert.version = 0;
    alert.first_bad.run = RunId(0);
    if let Some(night) = &mut alert.last_good {
        night.run = RunId(0);
    }
    for series in &mut alert.series {
        series.since.run = RunId(0);
        if let Some(night) = &mut series.last_good {
            night.run = RunId(0);
        }
    }
    alert
}

#[tokio::test]
async fn a_step_opens_one_alert_that_closes_when_it_is_fixed() {
    let app = TestApp::new().await;
    let mut states = Vec::new();
    for days_ago in (0..45).rev() {
        upload(&app, days_ago, 5..15).await;
        states.push(alerts(&app).await.first().map(|alert| alert.state));
    }
    assert_eq!(states[29], None);
    assert_eq!(states[33], Some(AlertState::Open));
    assert_eq!(states[39], Some(AlertState::Open));
    assert_eq!(states[44], Some(AlertState::Resolved));
    let all = alerts(&app).await;
    assert_eq!((all.len(), all[0].series.len()), (1, 2));
    assert_eq!(app.store().rejudge_count().await.unwrap(), 0);
}

#[tokio::test]
async fn runs_that_come_late_leave_the_same_alerts_as_runs_in_order() {
    let (ordered, mixed) = (TestApp::new().await, TestApp::new().await);
    for days_ago in (0..40).rev() {
        upload(&ordered, days_ago, 0..9).await;
    }
    let late = [38, 20, 9, 8, 6, 1];
    let in_time = (0..40).rev().filter(|days| !late.contains(days));
    for days_ago in in_time.chain(late) {
        upload(&mixed, days_ago, 0..9).await;
    }
    rejudge(&mixed).await;
    let all = |alerts: Vec<Alert>| -> Vec<Alert> {
        alerts
            .into_iter()
            .filter(Alert::is_active)
            .map(bare)
            .collect()
    };
    let mut other = all(alerts(&mixed).await);
    let expected = all(alerts(&ordered).await);
    assert_eq!(expected.len(), 1);
    // Its number says in which order causes became known.
    other[0].id = expected[0].id;
    assert_eq!(expected, other);
}

#[tokio::test]
async fn judging_all_again_changes_nothing_and_keeps_what_people_said() {
    let app = TestApp::new().await;
    for days_ago in (1..40).rev() {
        upload(&app, days_ago, 0..9).await;
    }
    let id = alerts(&app).await[0].id;
    let wish = Wish {
        state: Some(AlertState::Acknowledged),
        owner: Some("a.k.".to_owned()),
        note: Some("lock order in the removal path".to_owned()),
        ..Wish::default()
    };
    say(&app, id, wish).await;
    upload(&app, 0, 0..9).await;
    let before = alerts(&app).await;
    assert_eq!(before[0].state, AlertState::Acknowledged);
    for epoch in app.store().epochs().await.unwrap() {
        let verdicts = jobs::judge_epoch(app.store(), &epoch).await.unwrap();
        let step = verdicts.alerts.clone().unwrap();
        assert!(!step.news.is_empty());
        let changed = app.store().alerts_of_step(&epoch, &step).await.unwrap();
        assert!(changed.is_empty(), "{changed:?}");
        app.store()
            .finish_rejudge(&epoch, &[], &verdicts)
            .await
            .unwrap();
    }
    assert_eq!(alerts(&app).await, before);
    let audit = app.store().audit_of(&format!("alert {id}")).await.unwrap();
    let actions: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(audit.len(), 3, "{actions:?}");
    assert!(actions.contains(&"alert.acknowledged"), "{actions:?}");
}

#[tokio::test]
async fn nights_that_are_taken_out_take_their_alert_back_and_bring_it_again() {
    let app = TestApp::new().await;
    let mut bad = Vec::new();
    for days_ago in (0..40).rev() {
        let run = upload(&app, days_ago, 0..3).await;
        if days_ago < 3 {
            bad.push(run);
        }
    }
    assert_eq!(alerts(&app).await[0].state, AlertState::Open);
    let exclude = async |reason: Option<&'static str>| {
        for run in &bad {
            app.store()
                .set_excluded(*run, reason, "token 1", NOW)
                .await
                .unwrap();
        }
    };
    exclude(Some("fan")).await;
    rejudge(&app).await;
    assert_eq!(alerts(&app).await[0].state, AlertState::Retracted);
    exclude(None).await;
    rejudge(&app).await;
    let all = alerts(&app).await;
    assert_eq!((all.len(), all[0].state), (1, AlertState::Open));
}

#[tokio::test]
async fn an_accepted_alert_accepts_the_levels_of_its_series() {
    let app = TestApp::new().await;
    for days_ago in (0..40).rev() {
        upload(&app, days_ago, 0..9).await;
    }
    let id = alerts(&app).await[0].id;
    let wish = Wish {
        state: Some(AlertState::Accepted),
        reason: Some("the price of persistence".to_owned()),
        ..Wish::default()
    };
    let alert = say(&app, id, wish).await;
    assert_eq!(alert.state, AlertState::Accepted);
    let levels = app.store().accepted_levels(SeriesId(1)).await.unwrap();
    assert_eq!((levels.len(), levels[0].at), (1, NOW));
    rejudge(&app).await;
    let alert = app.store().alert(id).await.unwrap().unwrap();
    assert_eq!(alert.state, AlertState::Accepted);
    assert_eq!(alert.open_series().count(), 0);
    assert_eq!(alert.reason(), Some("the price of persistence"));
}

#[tokio::test]
async fn two_people_cannot_overwrite_each_other() {
    let app = TestApp::new().await;
    for days_ago in (0..40).rev() {
        upload(&app, days_ago, 0..9).await;
    }
    let alert = alerts(&app).await.remove(0);
    let wish = |state| Wish {
        version: Some(alert.version),
        state: Some(state),
        reason: Some("noise".to_owned()),
        ..Wish::default()
    };
    say(&app, alert.id, wish(AlertState::Acknowledged)).await;
    let late = wish(AlertState::Dismissed);
    let change = |alert| act(alert, &late, "token 2", NOW);
    let refused = app
        .store()
        .change_alert(alert.id, "token 2", NOW, change)
        .await;
    let refused = refused.unwrap().unwrap().unwrap_err();
    assert!(matches!(refused, Refused::Changed { .. }), "{refused}");
    let now = app.store().alert(alert.id).await.unwrap().unwrap();
    assert_eq!(now.state, AlertState::Acknowledged);
}

#[tokio::test]
async fn pairs_open_an_alert_the_same_night_and_a_replay_says_the_same() {
    let app = TestApp::new().await;
    let mut tonight = RunId(0);
    for days_ago in (0..40).rev() {
        tonight = upload(&app, days_ago, 0..1).await;
    }
    assert!(alerts(&app).await.is_empty());
    let pair = |series| PairVerdict {
        series: SeriesId(series),
        confirmation: Confirmation {
            pairs: 4,
            log_ratio: 0.22,
            deviation: 0.01,
            error: 0.005,
            outcome: Outcome::Confirmed,
        },
        is_worse: true,
        against_commit: "ab".repeat(20),
    };
    let pairs = [pair(1), pair(2)];
    let known = app
        .store()
        .save_pair_verdicts(tonight, &pairs, NOW, |inputs| {
            jobs::judge_pairs(&inputs, &[SeriesId(1), SeriesId(2)])
        })
        .await;
    assert!(known.unwrap());
    let live = alerts(&app).await;
    assert_eq!((live.len(), live[0].series.len()), (1, 2));
    assert_eq!(live[0].series[0].by, By::Pairs);
    assert_eq!(app.store().pair_verdicts(tonight).await.unwrap(), pairs);
    for epoch in app.store().epochs().await.unwrap() {
        let verdicts = jobs::judge_epoch(app.store(), &epoch).await.unwrap();
        let step = verdicts.alerts.clone().unwrap();
        let changed = app.store().alerts_of_step(&epoch, &step).await.unwrap();
        assert!(changed.is_empty(), "{changed:?}");
    }
}
