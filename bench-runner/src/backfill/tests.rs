#![expect(
    clippy::unwrap_used,
    reason = "a test may fail where its own files cannot be written or git cannot be run"
)]

use super::*;

fn backfill(work_tree: &Path) -> Backfill {
    Backfill {
        format: None,
        kind: RunKind::Nightly,
        branch: "main".to_owned(),
        environment: Some("ci-a".to_owned()),
        time: None,
        commit: None,
        work_tree: work_tree.to_owned(),
        now: "2026-06-01T00:00:00Z".parse().unwrap(),
    }
}

fn go(ns: u32) -> String {
    format!("goos: linux\npkg: kv\nBenchmarkA-2 \t 1000 \t {ns} ns/op\n")
}

/// A work tree with a commit on each day.
fn work_tree(days: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], day: &str| {
        let date = format!("{day}T12:00:00Z");
        let done = crate::environment::clean_command("git")
            .arg("-C")
            .arg(folder.path())
            .args(["-c", "user.name=A", "-c", "user.email=a@b.c"])
            .args(arguments)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    run(&["init", "-q", "-b", "main"], "2026-01-01");
    for day in days {
        let subject = format!("change of {day}");
        run(&["commit", "-q", "--allow-empty", "-m", &subject], day);
    }
    folder
}

fn told(found: &Found) -> Vec<(String, String)> {
    found
        .reports
        .iter()
        .map(|report| {
            let subject = report.revision.subject.clone().unwrap_or_default();
            (report.started_at.to_string(), subject)
        })
        .collect()
}

#[test]
fn a_folder_of_go_text_gets_times_from_names_and_commits_from_git() {
    let tree = work_tree(&["2026-03-01", "2026-03-02", "2026-03-04"]);
    let old = tree.path().join("old/deep");
    fs::create_dir_all(&old).unwrap();
    for (day, ns) in [("03", 103), ("02", 102), ("05", 105)] {
        fs::write(old.join(format!("2026-03-{day}.txt")), go(ns)).unwrap();
    }
    fs::write(tree.path().join("old/notes.md"), "no results").unwrap();
    let found = backfill(tree.path())
        .reports(&[tree.path().join("old")])
        .unwrap();
    let expected = [
        ("2026-03-02T00:00:00Z", "change of 2026-03-01"),
        ("2026-03-03T00:00:00Z", "change of 2026-03-02"),
        ("2026-03-05T00:00:00Z", "change of 2026-03-04"),
    ];
    let told = told(&found);
    assert_eq!(
        told,
        expected.map(|(time, subject)| (time.to_owned(), subject.to_owned()))
    );
    assert_eq!(found.passed_over.len(), 1);
    assert!(found.reports.iter().all(|report| {
        report.kind == RunKind::Nightly
            && report.revision.branch.as_deref() == Some("main")
            && report
                .revision
                .commit
                .as_ref()
                .is_some_and(|c| c.len() == 40)
    }));
}

#[test]
fn the_same_files_give_the_same_reports_again() {
    let tree = work_tree(&["2026-03-01"]);
    let file = tree.path().join("2026-03-02.txt");
    fs::write(&file, go(100)).unwrap();
    let mut later = backfill(tree.path());
    let first = later.reports(std::slice::from_ref(&file)).unwrap();
    later.now = "2026-06-02T00:00:00Z".parse().unwrap();
    let second = later.reports(&[file]).unwrap();
    assert_eq!(first.reports[0].to_json(), second.reports[0].to_json());
}

#[test]
fn a_commit_in_the_name_says_the_time_too() {
    let tree = work_tree(&["2026-03-01", "2026-03-02"]);
    let commit = git::at(tree.path(), "main", "2026-03-01T13:00:00Z".parse().unwrap()).unwrap();
    let file = tree.path().join(format!("bench-{}.txt", &commit[..9]));
    fs::write(&file, go(100)).unwrap();
    let found = backfill(tree.path()).reports(&[file]).unwrap();
    assert_eq!(found.reports[0].revision.commit.as_ref(), Some(&commit));
    assert_eq!(
        found.reports[0].started_at,
        "2026-03-01T12:00:00Z".parse().unwrap()
    );
}

#[test]
fn without_time_or_commit_it_is_said_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.txt");
    fs::write(&file, go(100)).unwrap();
    let mut given = backfill(folder.path());
    let error = given.reports(std::slice::from_ref(&file)).unwrap_err();
    assert!(error.to_string().contains("--time"), "{error}");
    given.time = Some("2026-03-01T00:00:00Z".parse().unwrap());
    let error = given.reports(std::slice::from_ref(&file)).unwrap_err();
    assert!(error.to_string().contains("--commit"), "{error}");
    given.commit = Some("c0ffee1".to_owned());
    assert_eq!(given.reports(&[file]).unwrap().reports.len(), 1);
}

#[test]
fn an_array_of_many_nights_is_as_many_runs() {
    let entry = |name: &str, time: &str, latency: u32| {
        format!(
            r#"{{"name": "{name}", "timestamp": "{time}", "duration": 1000,
                "metrics": {{"event_processing_latency": {latency}, "events_per_second": 1e4}}}}"#
        )
    };
    let entries = [
        entry("A", "2026-03-02T01:30:00Z", 110),
        entry("A", "2026-03-01T01:30:00Z", 100),
        entry("B", "2026-03-01T01:31:00Z", 200),
        entry("A", "2026-03-01T01:32:00Z", 101),
        entry("B", "2026-03-02T01:31:00Z", 210),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.json");
    fs::write(&file, format!("[{}]", entries.join(","))).unwrap();
    let mut given = backfill(folder.path());
    given.commit = Some("c0ffee1".to_owned());
    let found = given.reports(&[file]).unwrap();
    let runs: Vec<(String, usize)> = found
        .reports
        .iter()
        .map(|report| {
            let samples = report.benchmarks.iter().flat_map(|b| &b.metrics);
            let samples = samples.map(|metric| metric.samples.len()).sum();
            (report.started_at.to_string(), samples)
        })
        .collect();
    assert_eq!(
        runs,
        [
            ("2026-03-01T01:30:00Z".to_owned(), 6),
            ("2026-03-02T01:30:00Z".to_owned(), 4)
        ]
    );
}

#[test]
fn reports_of_our_own_pass_as_they_are() {
    let report = crate::upload::spool::tests::report(3);
    let mut report = report;
    report.revision.commit = Some("c0ffee1".to_owned());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), report.to_json()).unwrap();
    let found = backfill(folder.path())
        .reports(&[folder.path().to_owned()])
        .unwrap();
    assert_eq!(found.reports, [report]);
}
