//! What the store promises.

use bench_verdict::verdict::{Band, Evidence};
use kvmark::domain::{Judgement, Millis, RunKind};
use kvmark::store::{Outcome, RunFilter, SeriesFilter};

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

const WARNING: Judgement = Judgement {
    baseline: Some(900.0),
    baseline_runs: 3,
    change: Some(0.111),
    band: Band::Warning,
    evidence: Evidence::Likely,
    noise_floor: Some(0.02),
    detectable_change: None,
    accepted_level: None,
    creep: None,
    inputs: None,
};

#[tokio::test]
async fn a_stored_run_comes_back_whole() {
    let app = TestApp::new().await;
    let run = with(
        nightly("k", 0),
        [latency("B", 2.0), latency("A <b>", 1000.0)],
    );
    let inserted = app.store().insert_run(&run, NOW).await.unwrap();
    assert_eq!(inserted.outcome, Outcome::New);

    let judged = app
        .store()
        .judged_run(inserted.run_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(judged.run.revision, run.revision);
    assert_eq!(judged.run.options, run.options);
    assert_eq!(judged.run.received_at, NOW);
    let names: Vec<_> = judged
        .rows
        .iter()
        .map(|r| r.series.key.benchmark.as_str())
        .collect();
    assert_eq!(names, ["A <b>", "B"]);
    assert_eq!(
        judged.rows[0].measurement.interval,
        run.measurements[1].published.interval
    );
    assert_eq!(judged.rows[0].judgement.band, Band::Warming);

    let series = judged.rows[0].series.id;
    let samples = app.store().samples(inserted.run_id, series).await.unwrap();
    assert_eq!(samples.unwrap(), run.measurements[1].samples);
    assert_eq!(
        app.store()
            .report_bytes(inserted.run_id)
            .await
            .unwrap()
            .unwrap(),
        run.report
    );
}

#[tokio::test]
async fn second_upload_with_same_key_changes_nothing() {
    let app = TestApp::new().await;
    let run = with(nightly("k", 0), [latency("B", 2.0)]);
    let first = app.store().insert_run(&run, NOW).await.unwrap();
    let again = app
        .store()
        .insert_run(&run, Millis(NOW.0 + 1))
        .await
        .unwrap();
    assert_eq!((again.run_id, again.outcome), (first.run_id, Outcome::Same));

    let mut other = with(nightly("k", 0), [latency("B", 3.0)]);
    other.report_sha256 = [0; 32];
    let other = app.store().insert_run(&other, NOW).await.unwrap();
    assert_eq!(
        (other.run_id, other.outcome),
        (first.run_id, Outcome::Conflict)
    );
    let run = app.store().judged_run(first.run_id).await.unwrap().unwrap();
    assert_eq!(run.run.received_at, NOW);
    assert_eq!(run.rows[0].measurement.value, 2.0);
}

#[tokio::test]
async fn a_reserved_number_becomes_the_run() {
    let app = TestApp::new().await;
    let reserved = app.store().reserve_run("k").await.unwrap();
    assert_eq!(app.store().reserve_run("k").await.unwrap(), reserved);
    assert!(app.store().run(reserved).await.unwrap().is_none());
    let inserted = app.store().insert_run(&nightly("k", 0), NOW).await.unwrap();
    assert_eq!(
        (inserted.run_id, inserted.outcome),
        (reserved, Outcome::New)
    );
    assert_eq!(
        app.store().run_by_key("k").await.unwrap().unwrap().id,
        reserved
    );
}

#[tokio::test]
async fn baselines_are_seven_days_of_clean_main_nightlies_of_one_suite_version() {
    let app = TestApp::new().await;
    let store = app.store();
    let insert = async |mut run: kvmark::domain::NewRun,
                        change: &dyn Fn(&mut kvmark::domain::NewRun)| {
        change(&mut run);
        store.insert_run(&run, NOW).await.unwrap().run_id
    };
    let same = |_: &mut kvmark::domain::NewRun| {};
    let value = |v| [latency("B", v)];
    insert(with(nightly("8 days", 8), value(1.0)), &same).await;
    insert(with(nightly("7 days", 7), value(2.0)), &same).await;
    insert(with(nightly("dirty", 6), value(3.0)), &|r| {
        r.revision.dirty = true;
    })
    .await;
    insert(with(nightly("branch", 5), value(4.0)), &|r| {
        r.revision.branch = Some("x".into());
    })
    .await;
    insert(with(nightly("pull", 5), value(5.0)), &|r| {
        r.kind = RunKind::Pull;
    })
    .await;
    insert(with(nightly("suite", 4), value(6.0)), &|r| {
        r.suite_version = "2".into();
    })
    .await;
    let bad = insert(with(nightly("bad night", 3), value(7.0)), &same).await;
    insert(with(nightly("1 day", 1), value(8.0)), &same).await;
    store
        .set_excluded(bad, Some("fan failed"), "token 1", NOW)
        .await
        .unwrap();
    let tonight = insert(with(nightly("tonight", 0), value(9.0)), &same).await;

    let inputs = store.baseline_inputs(tonight).await.unwrap();
    let values: Vec<f64> = inputs[0].1.iter().map(|(_, v)| *v).collect();
    assert_eq!(values, [2.0, 8.0]);
    assert_eq!(
        store.audit_of(&format!("run {bad}")).await.unwrap()[0].detail,
        "fan failed"
    );
}

#[tokio::test]
async fn points_come_in_the_order_of_time_with_what_was_said() {
    let app = TestApp::new().await;
    let store = app.store();
    let mut runs = Vec::new();
    for days in [1, 3, 2] {
        let run = with(
            nightly(&format!("{days}"), days),
            [latency("B", days as f64)],
        );
        runs.push(store.insert_run(&run, NOW).await.unwrap().run_id);
    }
    let mut canary = with(nightly("canary", 0), [latency("B", 9.0)]);
    canary.kind = RunKind::Canary;
    store.insert_run(&canary, NOW).await.unwrap();
    let series = store.series_of(&SeriesFilter::default()).await.unwrap();
    assert_eq!(series.len(), 1);
    store
        .save_judgements(runs[0], &[(series[0].id, WARNING)])
        .await
        .unwrap();

    let points = store
        .points(series[0].id, Millis(0), NOW, Some("main"))
        .await
        .unwrap();
    let values: Vec<f64> = points.iter().map(|p| p.value).collect();
    assert_eq!(values, [3.0, 2.0, 1.0]);
    assert_eq!(points[2].judgement, WARNING);
    assert!(points[0].of.forms_baseline);
    assert!(
        store
            .points(series[0].id, Millis(0), NOW, Some("x"))
            .await
            .unwrap()
            .is_empty()
    );
    let recent = store.recent_points(&[series[0].id], NOW, 2).await.unwrap();
    let values: Vec<f64> = recent[0].1.iter().map(|p| p.value).collect();
    assert_eq!(values, [2.0, 1.0]);
    assert_eq!(
        store.counts(runs[0]).await.unwrap(),
        [(Band::Warning, Evidence::Likely, 1)]
    );
}

#[tokio::test]
async fn coverage_is_what_the_report_lists_and_the_last_complete_nightly_had() {
    let app = TestApp::new().await;
    let store = app.store();
    let both = with(nightly("1", 2), [latency("A", 1.0), latency("B", 1.0)]);
    store.insert_run(&both, NOW).await.unwrap();
    let one = with(nightly("2", 1), [latency("A", 1.0), latency("C", 1.0)]);
    let one = store.insert_run(&one, NOW).await.unwrap().run_id;
    let coverage = store.run(one).await.unwrap().unwrap().coverage;
    assert_eq!(coverage.missing, ["B latency_p99 cpu=2"]);
    assert_eq!(coverage.new, ["C latency_p99 cpu=2"]);
    assert_eq!((coverage.expected, coverage.measured), (2, 1));

    // The incomplete night lowers no bar: B stays expected.
    let next = with(nightly("3", 0), [latency("A", 1.0)]);
    let next = store.insert_run(&next, NOW).await.unwrap().run_id;
    assert_eq!(
        store.run(next).await.unwrap().unwrap().coverage.missing,
        ["B latency_p99 cpu=2"]
    );
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_any_filter() {
    let app = TestApp::new().await;
    let store = app.store();
    for days in 0..5 {
        store
            .insert_run(&nightly(&days.to_string(), days), NOW)
            .await
            .unwrap();
    }
    let list = async |filter: RunFilter| -> Vec<String> {
        store
            .runs(&filter)
            .await
            .unwrap()
            .into_iter()
            .map(|r| r.run_key)
            .collect()
    };
    assert_eq!(list(RunFilter::default()).await, ["0", "1", "2", "3", "4"]);
    let first = RunFilter {
        limit: Some(2),
        ..RunFilter::default()
    };
    assert_eq!(list(first).await, ["0", "1"]);
    let second = store
        .runs(&RunFilter {
            limit: Some(2),
            ..RunFilter::default()
        })
        .await
        .unwrap()[1]
        .clone();
    let rest = RunFilter {
        before: Some((second.started_at, second.id)),
        ..RunFilter::default()
    };
    assert_eq!(list(rest).await, ["2", "3", "4"]);
    let commit = second.revision.commit.get(..39).unwrap().to_owned();
    let commit = RunFilter {
        commit: Some(commit),
        ..RunFilter::default()
    };
    assert!(list(commit).await.contains(&"1".to_owned()));
    let pulls = RunFilter {
        kind: Some(RunKind::Pull),
        ..RunFilter::default()
    };
    assert!(list(pulls).await.is_empty());
    let environment = store.environments().await.unwrap()[0].id;
    let latest = store.latest_main_run(environment).await.unwrap().unwrap();
    assert_eq!(latest.run_key, "0");
}

#[tokio::test]
async fn the_database_and_a_run_that_was_read_agree_on_what_forms_a_baseline() {
    let app = TestApp::new().await;
    let store = app.store();
    let mut seen = [0, 0];
    let mut all = Vec::new();
    for kind in RunKind::ALL {
        for (at, branch) in [Some("main"), Some("topic"), None].into_iter().enumerate() {
            for dirty in [false, true] {
                for excluded in [None, Some("fan")] {
                    let place = i64::try_from(all.len()).unwrap();
                    let mut run = nightly(&format!("{kind} {at} {dirty} {excluded:?}"), place);
                    run.kind = *kind;
                    run.revision.branch = branch.map(str::to_owned);
                    run.revision.dirty = dirty;
                    let run = with(run, [latency("A", 1000.0)]);
                    let id = store.insert_run(&run, NOW).await.unwrap().run_id;
                    if excluded.is_some() {
                        store.set_excluded(id, excluded, "me", NOW).await.unwrap();
                    }
                    all.push(id);
                }
            }
        }
    }
    let first = store.run(all[0]).await.unwrap().unwrap();
    let limit = u32::try_from(all.len()).unwrap();
    let asked = store.latest_main_runs(first.environment, limit).await;
    let asked: Vec<_> = asked.unwrap().iter().map(|run| run.id).collect();
    let series = store.series_of(&SeriesFilter::default()).await.unwrap()[0].id;
    let points = store.points_of_version(series, "1").await.unwrap();
    assert_eq!(points.len(), all.len());
    for id in all {
        let run = store.run(id).await.unwrap().unwrap();
        let forms = run.forms_baseline("main");
        assert_eq!(asked.contains(&id), forms, "{run:?}");
        let point = points.iter().find(|point| point.run == id).unwrap();
        assert_eq!(point.of.forms_baseline, forms, "{run:?}");
        seen[usize::from(forms)] += 1;
    }
    // Nightly and sample of main, clean and not taken out.
    assert_eq!(seen, [94, 2]);
}
