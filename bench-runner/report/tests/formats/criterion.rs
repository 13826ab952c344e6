use bench_report::read::{Format, detect, read_path};
use insta::assert_snapshot;

use super::*;

#[test]
fn a_folder_gives_every_sample_of_every_benchmark() {
    let reports = read_path(None, &fixture("criterion"), &unknown()).unwrap();
    assert_snapshot!(series(&reports[0]), @"
        fold time case=xor value=100: ns time lower [35.097255564526044, 13.936227831452204, 27.98327924305693, 24.88688359808162, 26.07698213684216, 27.54386926371282, 31.493265130446805, 32.114463757732594, 24.731550047317853, 26.655582704656396]
        fold elements_per_second case=xor value=100: 1/s rate higher [2849225627.233182, 7175542852.012893, 3573562595.413527, 4018180886.565821, 3834799574.4000487, 3630571981.103004, 3175282067.000503, 3113861740.130154, 4043418217.1628594, 3751559330.291108]
        plain time: ns time lower [2.708553965093164, 5.698457012971917, 4.140001793052853, 4.8724335516954955, 4.1726224585809035, 5.077290759357884, 6.596218153363228, 6.503607281548044, 5.328617378075942, 5.839039964433072]
        ");
    assert_eq!(reports.len(), 1);
}

#[test]
fn a_folder_without_results_or_with_a_broken_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = || read_path(None, folder.path(), &unknown()).unwrap_err();
    assert_snapshot!(refusal(), @"there is no result in it: expected `new/benchmark.json` and `new/sample.json` below the folder");
    let new = folder.path().join("a/new");
    std::fs::create_dir_all(&new).unwrap();
    std::fs::write(new.join("benchmark.json"), "{\"group_id\": \"a\"}").unwrap();
    assert!(matches!(refusal(), ReadError::Io { path, .. } if path.ends_with("a/new/sample.json")));
    std::fs::write(
        new.join("sample.json"),
        "{\"iters\": [1],\n \"times\": \"x\"}",
    )
    .unwrap();
    let ReadError::In { path, source } = refusal() else {
        panic!("the file should be named")
    };
    assert!(path.ends_with("a/new/sample.json"));
    assert_snapshot!(source, @r#"line 2, column 13: expected a list, found string "x""#);
    assert!(read_path(Some(Format::Go), folder.path(), &unknown()).is_err());
    assert!(matches!(
        read_path(None, &folder.path().join("none"), &unknown()),
        Err(ReadError::Io { .. })
    ));
}

const LINES: &str = r#"
{"reason":"benchmark-complete","id":"fold/xor/100","report_directory":"x","iteration_count":[10,20],"measured_values":[250.0,520.0],"unit":"ns","throughput":[{"per_iteration":100,"unit":"elements"}],"typical":{"estimate":25.5,"unit":"ns"},"change":null}
{"reason":"group-complete","group_name":"fold","benchmarks":["fold/xor/100"],"report_directory":"x"}
{"reason":"benchmark-complete","id":"plain","report_directory":"x","iteration_count":[10],"measured_values":[50.0],"unit":"ns","throughput":[]}
"#;

#[test]
fn lines_of_cargo_criterion_are_read() {
    assert_eq!(detect(LINES.as_bytes()), Some(Format::Criterion));
    assert_snapshot!(series(&read_one(Format::Criterion, LINES)), @"
        fold time case=xor/100: ns time lower [25.0, 26.0]
        fold elements_per_second case=xor/100: 1/s rate higher [3999999999.9999995, 3846153846.153846]
        plain time: ns time lower [5.0]
        ");
}

#[test]
fn a_malformed_line_is_refused_with_its_place() {
    let refusal = |text: &str| read_text(Format::Criterion, text).unwrap_err().to_string();
    assert_snapshot!(refusal("\n{\"reason\":\"benchmark-complete\",\"id\":5}"), @"line 2, column 37: expected a string, found integer `5`");
    assert_snapshot!(refusal("\n\n{\"reason\":"), @"line 3, column 10: EOF while parsing a value");
    assert_snapshot!(refusal("{\"reason\":\"group-complete\"}"), @r#"there is no result in it: expected lines with `"reason": "benchmark-complete"`"#);
}
