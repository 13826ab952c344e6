//! `ab` and `bisect`: two sides in turn.

use std::path::Path;
use std::process::Command;

use crate::{ran, stderr, stdout, tiny};

#[test]
fn two_commands_that_differ_end_with_1_and_equal_ones_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let side = |ns: u32| format!("echo BenchmarkA 10 {ns} ns/op");
    let ab = |base: &str, head: &str| {
        ran(
            folder.path(),
            &["ab", "--", "sh", "-c", base, "---", "sh", "-c", head],
        )
    };
    let slower = ab(&side(100), &side(150));
    assert_eq!(slower.status.code(), Some(1), "{}", stderr(&slower));
    assert!(stdout(&slower).contains("critical"), "{}", stdout(&slower));
    let equal = ab(&side(100), &side(100));
    assert_eq!(equal.status.code(), Some(0), "{}", stdout(&equal));
}

#[test]
fn json_is_alone_on_standard_output_and_says_what_the_table_says() {
    let folder = tempfile::tempdir().unwrap();
    let slower = "echo BenchmarkA/k=v-2 10 $((150 + $$ % 2)) ns/op";
    let sides = [
        "--",
        "echo",
        "BenchmarkA/k=v-2 10 100 ns/op",
        "---",
        "sh",
        "-c",
        slower,
    ];
    let ab = |more: &[&str]| ran(folder.path(), &[&["ab"], more, &sides[..]].concat());
    let output = ab(&["--json", "--rounds=8"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let row = &answer["rows"][0];
    assert_eq!(
        (
            &answer["status"],
            &answer["exit_code"],
            &answer["pairs"],
            &answer["ended"]
        ),
        (&"fail".into(), &1.into(), &8.into(), &"decided".into())
    );
    assert_eq!(
        (&row["benchmark"], &row["params"]["k"]),
        (&"A".into(), &"v".into())
    );
    assert_eq!(
        (&row["band"], &row["evidence"]),
        (&"critical".into(), &"confirmed".into())
    );
    assert!(row["change"].as_f64().unwrap() >= 0.5, "{row}");
    assert!(
        stderr(&output).contains("round 8 of at most 8"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn aa_and_doctor_answer_as_json_alone_and_say_how_far_they_are_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let answer = |arguments: &[&str], told: &str| {
        let output = ran(folder.path(), arguments);
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
        let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(
            answer["exit_code"].as_i64(),
            output.status.code().map(i64::from)
        );
        answer
    };
    let bench = [
        "--bench",
        "MemoryUsage items=1000$",
        "--benchtime",
        "1x",
        "--warmup",
        "1ms",
    ];
    let aa = answer(
        &[&["aa", "--json", "--rounds", "4"], &bench[..]].concat(),
        "round 4 of at most 4",
    );
    assert_eq!((&aa["identical"], &aa["pairs"]), (&true.into(), &4.into()));
    assert!(aa["within"]["of"].as_u64() <= Some(aa["rows"].as_array().unwrap().len() as u64));
    let doctor = answer(&["doctor", "--json", "--probe", "10ms"], "probing for");
    assert_eq!(doctor["fit"], doctor["exit_code"] == 0);
    assert_eq!(doctor["findings"].as_array().unwrap().len(), 13);
    assert!(doctor["noise"]["spread"].is_number() && doctor["environment"]["os"].is_string());
}

/// Makes a commit of these files in a repository; returns it.
fn commit(folder: &Path, files: &[(&str, &str)]) -> String {
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    if !folder.join(".git").exists() {
        git(&["init", "--quiet", "--initial-branch=main"]);
    }
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(&["add", "."]);
    git(&[
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "a commit",
    ]);
    git(&["rev-parse", "HEAD"])
}

#[test]
fn bisect_finds_a_planted_commit_passes_over_what_does_not_build_and_goes_on_from_what_it_kept() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = "for i in 1 2 3; do echo \"BenchmarkWork 100 $(cat level) ns/op\"; done\n";
    let good = commit(
        folder.path(),
        &[("bench.sh", script), ("level", "100.0"), ("ok", "yes")],
    );
    for number in 0..4 {
        commit(folder.path(), &[("README", &number.to_string())]);
    }
    let broken = commit(folder.path(), &[("ok", "no")]);
    commit(folder.path(), &[("ok", "yes")]);
    let culprit = commit(folder.path(), &[("level", "112.0")]);
    for number in 4..7 {
        commit(folder.path(), &[("README", &number.to_string())]);
    }
    let bisect = |expected: &str| {
        let cache = cache.path().to_str().unwrap();
        let arguments = [
            "bisect",
            "--series",
            "Work ns/op",
            "--good",
            &good,
            "--bad",
            "HEAD",
            "--build",
            "grep -q yes ok",
            "--exec",
            "sh bench.sh",
            "--rounds",
            "8",
            "--cache",
            cache,
        ];
        let output = ran(folder.path(), &arguments);
        let (said, told) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{said}{told}");
        let first = format!("the first bad commit is {}", &culprit[..10]);
        assert!(said.contains(&first), "{said}{told}");
        assert!(said.contains("its effect: +12.0%"), "{said}");
        assert!(said.contains("sure: every step"), "{said}");
        assert!(told.contains(expected), "{told}");
        told
    };
    let told = bisect("building");
    assert!(
        told.contains(&format!("{}: passed over", &broken[..10])),
        "{told}"
    );
    bisect("(kept)");
}

#[test]
fn a_revision_against_itself_is_told_to_be_the_same_program_and_is_built_once() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Each build leaves a line; the figures are the time of day, and differ.
    let script = "echo \"BenchmarkWork 100 $(date +%N | sed s/^0*//) ns/op\"\n";
    commit(folder.path(), &[("bench.sh", script)]);
    let log = cache.path().join("builds");
    let build = format!("echo built >> {}", log.display());
    let arguments = [
        "ab",
        "--base=main",
        "--head=HEAD",
        "--rounds=4",
        "--build",
        &build,
    ];
    let more = [
        "--exec=sh bench.sh",
        "--cache",
        cache.path().to_str().unwrap(),
    ];
    let output = ran(folder.path(), &[&arguments[..], &more[..]].concat());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("both sides are the same program"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("from the cache"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).contains("noise"), "{}", stdout(&output));
    assert_eq!(std::fs::read_to_string(log).unwrap(), "built\n");
}

#[test]
fn bisect_measures_no_program_twice_and_the_good_one_never() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // A bench-runner that prints a report of an earlier one, in which a level is written.
    let output = ran(folder.path(), &tiny(&["--json"]));
    let report = |level: u32| {
        let mut report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let metric = &mut report["benchmarks"][0]["metrics"][0];
        let name = metric["name"].as_str().unwrap().to_owned();
        metric["samples"] = serde_json::json!([level]);
        metric["kind"] = "time".into();
        (report.to_string(), name)
    };
    let manifest = "[package]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n[profile.measure]\ninherits = \"release\"\n";
    let lock = "version = 4\n\n[[package]]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n";
    let main = "fn main() { print!(\"{}\", include_str!(\"report.json\")) }\n";
    let (plain, name) = report(100);
    let first = [
        ("Cargo.toml", manifest),
        ("Cargo.lock", lock),
        ("src/main.rs", main),
        ("src/report.json", &plain),
    ];
    let good = commit(folder.path(), &first);
    commit(folder.path(), &[("README", "1")]);
    let culprit = commit(folder.path(), &[("src/report.json", &report(130).0)]);
    commit(folder.path(), &[("README", "2")]);
    let cache = cache.path().to_str().unwrap();
    let series = format!("KVEventMemoryUsage {name} items=1000");
    let arguments = [
        "bisect",
        "--bad=HEAD",
        "--rounds=8",
        "--cache",
        cache,
        "--series",
        &series,
    ];
    let output = ran(
        folder.path(),
        &[&arguments[..], &["--good", &good]].concat(),
    );
    let (said, told) = (stdout(&output), stderr(&output));
    let first = format!("the first bad commit is {}", &culprit[..10]);
    assert!(
        said.contains(&first) && said.contains("sure: every step"),
        "{said}{told}"
    );
    // The bad revision alone was measured, once.
    assert_eq!(told.matches("round 1 of").count(), 1, "{told}");
    assert_eq!(told.matches("is the same program as").count(), 2, "{told}");
}
