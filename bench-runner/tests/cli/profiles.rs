//! Profiles beside the figures.

use crate::{ran, report, stderr, stdout, tiny};

#[test]
fn profiles_are_taken_beside_the_figures_and_go_with_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "run",
        "--bench",
        "KVEventConcurrency concurrency=10 cpu=1",
        "--benchtime",
        "100ms",
        "--count",
        "1",
        "--cpu=1",
        "--memprofile=mem.svg",
        "--lockprofile=lock.folded",
        "--cpuprofile=cpu.pb.gz",
        "--trace=trace.json",
        "--out=report.json",
    ];
    let output = ran(folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("Bytes allocated, "), "{text}");
    let names: Vec<String> = report(&folder.path().join("report.json"))
        .artifacts
        .iter()
        .map(|artifact| format!("{} {}", artifact.name, artifact.kind))
        .collect();
    for name in [
        "heap heap-stacks",
        "heap-objects heap-stacks",
        "trace trace",
    ] {
        assert!(names.iter().any(|own| own == name), "{names:?}");
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["mem.svg", "mem-objects.svg"] {
        assert!(read(name).starts_with("<svg "), "{name}");
        assert!(read(name).contains("KVEventConcurrency concurrency=10 cpu=1"));
    }
    let trace: serde_json::Value = serde_json::from_str(&read("trace.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(events.iter().any(|event| event["name"] == "fill the index"));
    // Where this system lets a program be interrupted safely, there is a profile; else it is said.
    let has_cpu = folder.path().join("cpu.pb.gz").exists();
    assert!(
        has_cpu || text.contains("not available on this system"),
        "{text}"
    );
}

#[test]
fn a_profile_that_could_not_be_written_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    for (file, says) in [
        ("cpu.png", "end it in .svg"),
        ("no/cpu.svg", "cannot write"),
    ] {
        let output = ran(folder.path(), &tiny(&["--cpuprofile", file]));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}
