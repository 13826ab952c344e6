//! What the sample history holds.

#![expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::*;

fn suite() -> SampleSuite {
    crate::demo::sample_suite()
}

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

/// Time and median of a series, night by night.
fn course(benchmark: &str, metric: &str, param: (&str, &str)) -> Vec<(Timestamp, f64)> {
    let median = |mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        (samples[2] + samples[3]) / 2.0
    };
    reports(&suite(), 7, now())
        .filter_map(|report| {
            let found = report.benchmarks.iter().find(|b| {
                b.name == benchmark
                    && b.params.get(param.0).is_some_and(|value| value == param.1)
                    && b.params.get("cpu").is_none_or(|cpu| cpu == "8")
            })?;
            let metric = found.metrics.iter().find(|m| m.name == metric)?;
            Some((report.started_at, median(metric.samples.clone())))
        })
        .collect()
}

fn mean_of_nights(course: &[(Timestamp, f64)], nights: std::ops::RangeInclusive<i64>) -> f64 {
    let within: Vec<f64> = course
        .iter()
        .filter(|(time, _)| nights.contains(&(now().duration_since(*time).as_hours() / 24)))
        .map(|(_, value)| *value)
        .collect();
    assert!(!within.is_empty());
    within.iter().sum::<f64>() / within.len() as f64
}

#[test]
fn the_year_is_there_but_for_the_missing_nights() {
    let nights: Vec<Report> = reports(&suite(), 7, now()).collect();
    assert_eq!(
        nights.len() as i64,
        story::NIGHTS - story::MISSING.len() as i64
    );
    assert!(nights.is_sorted_by_key(|night| night.started_at));
    let newest = nights.last().unwrap().started_at;
    assert_eq!(newest.to_string().get(..13), Some("2026-11-24T01"));
    let keys: BTreeSet<Uuid> = nights.iter().map(|night| night.run_key).collect();
    assert_eq!(keys.len(), nights.len());
}

#[test]
fn a_night_that_is_still_to_come_is_not_there() {
    let before: Timestamp = "2026-11-24T01:45:00Z".parse().unwrap();
    let newest = reports(&suite(), 7, before).last().unwrap().started_at;
    assert_eq!(newest.to_string().get(..13), Some("2026-11-23T01"));
    assert!(newest < before);
}

#[test]
fn every_night_is_labelled_valid_and_whole() {
    let suite = suite();
    let mut failed = 0;
    for night in reports(&suite, 7, now()) {
        night.validate(now()).unwrap();
        assert_eq!(night.kind, RunKind::Sample);
        assert_eq!(night.environment.name.as_deref(), Some(MACHINE));
        assert!(night.revision.subject.unwrap().starts_with("sample: "));
        let series: usize = night.benchmarks.iter().map(|b| b.metrics.len()).sum();
        failed += usize::from(series < suite.series.len());
    }
    assert_eq!(failed, 1);
}

#[test]
fn the_same_seed_gives_the_same_year_and_another_another() {
    let text = |seed| reports(&suite(), seed, now()).nth(200).unwrap().to_json();
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn there_are_two_machines_and_two_suite_versions() {
    let mut machines: HashMap<String, usize> = HashMap::new();
    let mut versions: HashMap<String, usize> = HashMap::new();
    for night in reports(&suite(), 7, now()) {
        *machines
            .entry(night.environment.identity().hash)
            .or_default() += 1;
        *versions.entry(night.suite.version).or_default() += 1;
    }
    assert_eq!((machines.len(), versions.len()), (2, 2));
    assert!(versions[&suite().version] > 200);
}

#[test]
fn the_story_can_be_seen_in_the_values() {
    let change = |course: &[(Timestamp, f64)], after, before| {
        mean_of_nights(course, after) / mean_of_nights(course, before) - 1.0
    };
    let near = |change: f64, expected: f64| {
        assert!(
            (change - expected).abs() < 0.03,
            "{change} is not near {expected}"
        );
    };
    let p99 = course("KVEventConcurrency", "latency_p99", ("concurrency", "100"));
    near(change(&p99, 0..=2, 3..=25), 0.36);
    let other = course("KVEventConcurrency", "latency_p99", ("concurrency", "50"));
    near(change(&other, 0..=2, 3..=25), 0.0);
    let creep = course("KVEventLargePrefix", "hash_time", ("prefix", "50000"));
    near(change(&creep, 0..=9, 84..=100), 0.085);
    near(change(&creep, 0..=6, 7..=13), 0.0);
    let outlier = course("KVEventBurstLoad", "recovery_time", ("events", "10000"));
    assert!(change(&outlier, 22..=22, 23..=60) > 0.4);
    let bytes = course("KVEventMemoryUsage", "bytes_per_item", ("items", "100000"));
    near(change(&bytes, 0..=0, 1..=9), 0.053);
}

#[test]
fn counts_do_not_wander() {
    let bytes = course("KVEventMemoryUsage", "bytes_per_item", ("items", "100000"));
    let distinct: BTreeSet<u64> = bytes.iter().map(|(_, value)| value.to_bits()).collect();
    assert_eq!(distinct.len(), 2);
}

#[test]
fn the_sample_pull_has_two_pushes_in_pairs_with_one_merge_base_and_forms_no_baseline() {
    let nights: Vec<Report> = reports(&suite(), 7, now()).collect();
    let base = &nights[nights.len() - 1 - BASE_NIGHT];
    let pushes = pull_reports(&suite(), base, 7, now());
    assert_eq!(pushes.len(), 4);
    for sides in pushes.chunks(2) {
        let [base, head] = sides else { panic!() };
        assert_eq!(
            base.pair.as_ref().unwrap().pair_key,
            head.pair.as_ref().unwrap().pair_key
        );
        assert_eq!(base.revision.commit, head.revision.base_commit);
        assert!(
            nights
                .iter()
                .any(|n| n.revision.commit == base.revision.commit)
        );
        assert_ne!(base.revision.commit, head.revision.commit);
        assert!(
            sides
                .iter()
                .all(|side| side.revision.branch.as_deref() != Some("main"))
        );
        assert!(sides.iter().all(|side| side.kind == RunKind::Sample));
    }
    let failed = |report: &Report| report.benchmarks.iter().any(|b| b.status == Status::Failed);
    assert_eq!(
        pushes.iter().map(failed).collect::<Vec<_>>(),
        [false, true, false, false]
    );
}

#[test]
fn the_last_nights_have_canaries_that_are_found_but_for_one_and_read_as_an_upload_does() {
    let nights: Vec<Report> = reports(&suite(), 7, now()).collect();
    for (nights_ago, night) in nights.iter().rev().take(CANARY_NIGHTS).enumerate() {
        let bodies = canaries(night, nights_ago, 7);
        assert_eq!(bodies.len(), 4, "two series, planted and not");
        let mut right = true;
        for body in bodies {
            let new = crate::ingest::read_confirmation(body, now()).unwrap();
            assert_eq!(new.head_commit, night.revision.commit.clone().unwrap());
            let series = &new.series[0];
            let pairs = bench_verdict::stats::paired::Pairs::new(&series.base, &series.head);
            let numbers = crate::analysis::confirmation::JUDGE(&pairs.unwrap(), None);
            let confirmed = numbers.outcome == crate::domain::confirmation::Outcome::Confirmed;
            right &= confirmed == new.planted.is_some();
        }
        assert_eq!(right, nights_ago != 12, "{nights_ago}");
    }
}

#[test]
fn the_step_shows_in_the_profiles_of_its_nights() {
    let waiting = |night: &Report| {
        let cpu = night
            .artifacts
            .iter()
            .find(|file| file.name == "cpu")
            .unwrap();
        let text = String::from_utf8(cpu.data().unwrap()).unwrap();
        let of = |wanted: &dyn Fn(&str) -> bool| -> f64 {
            let lines = text.lines().filter(|line| wanted(line));
            let weights =
                lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap());
            weights.sum()
        };
        of(&|line| line.contains("concurrency=100 ") && line.contains("futex_wait"))
            / of(&|line| line.contains("concurrency=100 "))
    };
    let nights: Vec<Report> = reports(&suite(), 7, now()).collect();
    let [.., before, _, _, last] = nights.as_slice() else {
        panic!()
    };
    assert!(waiting(last) > 1.25 * waiting(before));
    assert!(nights[0].artifacts.is_empty());
}

#[test]
fn each_night_lists_the_commits_since_the_night_before() {
    let nights: Vec<Report> = reports(&suite(), 7, now()).collect();
    assert!(nights[0].revision.commits.is_empty());
    for two in nights.windows(2) {
        let [before, night] = two else { panic!() };
        let since = &night.revision.commits;
        assert_eq!(since[0].commit, night.revision.commit.clone().unwrap());
        assert!(
            since
                .iter()
                .all(|one| Some(&one.commit) != before.revision.commit.as_ref())
        );
        assert!(since.iter().all(|one| !one.touches.is_empty()));
    }
}
