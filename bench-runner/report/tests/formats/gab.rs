use std::collections::BTreeSet;

use bench_report::read::{Format, Origin, detect, read};
use insta::assert_snapshot;

use super::*;

#[test]
fn each_entry_is_a_run_with_its_commit_and_time() {
    let text = std::fs::read_to_string(fixture("gab-flatcontainer.data.js")).unwrap();
    assert_eq!(detect(text.as_bytes()), Some(Format::Gab));
    let reports = read_text(Format::Gab, &text).unwrap();
    assert_eq!(reports.len(), 2);
    let first = &reports[0];
    assert_snapshot!(series(first), @"
        empty_clone ns/iter: ns time lower [797.0]
        empty_copy ns/iter: ns time lower [962.0]
        empty_copy_region ns/iter: ns time lower [961.0]
        ");
    assert_eq!(first.suite.name, "Benchmark");
    assert_eq!(first.started_at.to_string(), "2024-04-12T14:43:41.25Z");
    assert_eq!(
        first.revision.repository.as_deref(),
        Some("antiguru/flatcontainer")
    );
    assert_eq!(
        first.revision.commit.as_deref(),
        Some("2487d331526e6ac7b3e6814cbd7c90d783354c2a")
    );
    assert_eq!(
        first.revision.subject.as_deref(),
        Some("Merge pull request #25 from antiguru/test_bench")
    );
    assert_eq!(first.revision.author.as_deref(), Some("Moritz Hoffmann"));
    assert_eq!(
        first.revision.committed_at.unwrap().to_string(),
        "2024-04-12T14:40:32Z"
    );
    assert_eq!(first.revision.branch, None, "the file does not say it");
}

#[test]
fn a_real_history_is_read_whole() {
    let Some(text) = shared("gab-flatcontainer.data.js") else {
        return;
    };
    let reports = read(Format::Gab, &text, &unknown()).unwrap();
    let names: BTreeSet<_> = reports
        .iter()
        .flat_map(|report| &report.benchmarks)
        .map(|it| &it.name)
        .collect();
    let results: usize = reports.iter().map(|report| report.benchmarks.len()).sum();
    assert_eq!(
        (reports.len(), names.len(), results),
        (29, 69, 16 * 48 + 9 * 9 + 4 * 69)
    );
    assert!(reports.is_sorted_by_key(|report| report.started_at));
}

#[test]
fn go_results_get_their_params_back() {
    let text = r#"window.BENCHMARK_DATA = {"repoUrl": "", "entries": {"Go": [{
        "commit": {"id": "9f3c2ab41d", "message": "x"}, "date": 1722273825474, "tool": "go",
        "benches": [
            {"name": "BenchmarkA/size=10", "value": 5.5, "unit": "ns/op", "extra": "1000 times\n8 procs"},
            {"name": "BenchmarkA/size=10 - ns/op", "value": 5.5, "unit": "ns/op", "extra": "1000 times\n8 procs"},
            {"name": "BenchmarkA/size=10 - B/op", "value": 16, "unit": "B/op", "extra": "1000 times\n8 procs"}
        ]}]}};"#;
    let report = read_one(Format::Gab, text);
    assert_snapshot!(series(&report), @"
        A ns/op cpu=8 size=10: ns time lower [5.5]
        A B/op cpu=8 size=10: B bytes lower [16.0]
        ");
    assert_eq!(report.benchmarks[0].iterations, 1_000);
}

#[test]
fn custom_tools_say_which_way_is_better() {
    let text = |tool: &str| {
        format!(
            r#"{{"entries": {{"S": [{{"commit": {{"id": "9f3c2ab41d"}}, "date": 0, "tool": "{tool}",
            "benches": [{{"name": "a b", "value": 1, "unit": "Percent"}}, {{"name": "c", "value": 2, "unit": ""}}]}}]}}}}"#
        )
    };
    assert_eq!(detect(text("").as_bytes()), Some(Format::Gab));
    assert_snapshot!(series(&read_one(Format::Gab, &text("customBiggerIsBetter"))), @"
        a%20b Percent: % ratio higher [1.0]
        c value: 1 ratio higher [2.0]
        ");
    assert_snapshot!(series(&read_one(Format::Gab, &text("customSmallerIsBetter"))), @"
        a%20b Percent: % ratio lower [1.0]
        c value: 1 ratio lower [2.0]
        ");
}

#[test]
fn malformed_data_is_refused_with_its_place() {
    let refusal = |text: &str| read_text(Format::Gab, text).unwrap_err().to_string();
    assert_snapshot!(refusal("window.BENCHMARK_DATA = \n{\n  \"entries\": []\n}"), @"line 2, column 13: expected an object, found a list");
    assert_snapshot!(refusal(r#"{"entries": {"S": [{"commit": {"id": "1"}, "date": 0}]}}"#), @"line 1, column 53: missing field `benches`");
    assert_snapshot!(refusal(r#"{"entries": {}}"#), @r#"there is no result in it: expected `window.BENCHMARK_DATA = {"entries": {"suite": [{"commit", "date", "benches"}]}}`"#);
    assert_snapshot!(refusal("nothing"), @r#"there is no result in it: expected `window.BENCHMARK_DATA = {"entries": {"suite": [{"commit", "date", "benches"}]}}`"#);
    let bad_commit = r#"{"entries": {"S": [{"commit": {"id": "HEAD"}, "date": 0, "benches": [{"name": "a", "value": 1}]}]}}"#;
    assert_snapshot!(refusal(bad_commit), @r#"what was read makes no valid report: /revision/commit: the commit is "HEAD", and must be 7 to 64 lower-case hex digits"#);
}

#[test]
fn one_commit_for_many_runs_is_refused() {
    let text = std::fs::read(fixture("gab-flatcontainer.data.js")).unwrap();
    let given = Origin {
        commit: Some("9f3c2ab41d".into()),
        ..unknown()
    };
    assert_snapshot!(read(Format::Gab, &text, &given).unwrap_err(), @"it holds 2 runs, each with its own commit and time: leave out `--commit` and `--time`");
}
