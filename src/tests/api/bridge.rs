//! A new machine begins an epoch, and `bridge` says by what factor the same code reads there. The
//! real runner against the real server.

use serde_json::{Value, json};

use super::place::{Place, served, server, with_history_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_machine_is_bridged_by_the_last_revision_of_the_old_one() {
    let place = Place::new();
    // The old machine was twice as fast.
    let (app, token) = with_history_of(&place, |report| {
        report["environment"]["cpu_model"] = json!("the old one");
        for sample in report["benchmarks"][0]["metrics"][0]["samples"]
            .as_array_mut()
            .unwrap()
        {
            *sample = json!(sample.as_f64().unwrap() / 2.0);
        }
    })
    .await;
    place.commit(&[("README.md", "words")]);
    let first = place.night(&app, &token).await;
    assert_eq!(first.code, 3, "a new epoch warms up: {first:?}");

    let (spool, cache) = (place.path("spool"), place.path("cache"));
    let bridge = |server: &str, more: &[&str]| {
        let mut arguments = vec!["bridge", "--exec", "sh bench.sh", "--rounds", "6"];
        arguments.extend(["--server", server, "--token", &token]);
        arguments.extend(["--spool", &spool, "--cache", &cache]);
        arguments.extend(more);
        place.tool(&arguments)
    };
    let (unknown, bridged) = served(&app, |server| {
        (
            bridge(server, &["--environment", "nobody"]),
            bridge(server, &["--environment", "e2e"]),
        )
    })
    .await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
    let says = "no nightly run of main of a machine named \"nobody\"";
    assert!(unknown.said.contains(says), "{unknown:?}");
    assert_eq!(bridged.code, 0, "{bridged:?}");

    let told = app.get("/api/v1/series/2/epochs").await.json();
    let epochs = told["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 2, "{told:#}");
    let bridge = &epochs[1]["bridge"];
    let factor = bridge["factor"].as_f64().unwrap();
    assert!((factor - 2.0).abs() < 0.02, "{told:#}");
    assert_eq!(bridge["commit"], place.git(&["rev-parse", "HEAD~1"]));
    assert_eq!(epochs[1]["nights"], 1, "a bridging run is no night");
    let page = app
        .get("/benchmarks/Work?metric=ns%2Fop&environment=2")
        .await;
    assert!(
        page.text().contains("same code 2.00\u{d7}"),
        "{}",
        page.text()
    );
}

/// A bench-runner that needs no dependency: its suite does `work` times what the indexer costs.
fn program(template: &str, version: &str, work: f64) -> String {
    format!(
        "const REPORT: &str = r###\"{template}\"###;
fn main() {{
    let level: f64 = include_str!(\"../bench-runner/indexer/level\").trim().parse().expect(\"a number\");
    let value = format!(\"{{:?}}\", {work:?} * level);
    print!(\"{{}}\", REPORT.replace(\"VERSION\", \"{version}\").replace(\"\\\"LEVEL\\\"\", &value));
}}
"
    )
}

/// What [`program`] prints of a suite version and level, as a night of what is committed.
fn night(place: &Place, template: &str, (version, value): (&str, f64), minutes_ago: i64) -> Value {
    let text = template
        .replace("VERSION", version)
        .replace("\"LEVEL\"", &format!("{value:?}"));
    let mut report: Value = serde_json::from_str(&text).unwrap();
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes_ago);
    report["run_key"] = json!(uuid::Uuid::new_v4().to_string());
    report["kind"] = json!("nightly");
    report["revision"]["commit"] = json!(place.git(&["rev-parse", "HEAD"]));
    for field in ["started_at", "finished_at"] {
        report[field] = json!(at.to_string());
    }
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_suite_is_bridged_by_measuring_the_old_indexer_with_it() {
    let place = Place::new();
    let mut template = place.report();
    template["suite"] = json!({"name": "kv-sync", "version": "VERSION"});
    template["runner"]["binary_sha256"] = json!("ab".repeat(32));
    template["benchmarks"][0]["metrics"][0]["samples"] = json!(["LEVEL"]);
    let template = template.to_string();
    std::fs::create_dir_all(place.repository().join("src")).unwrap();
    std::fs::create_dir_all(place.repository().join("bench-runner/indexer")).unwrap();
    let manifest = "[package]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n\n[profile.measure]\ninherits = \"release\"\n";
    let lock = "version = 4\n\n[[package]]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n";
    let level = "bench-runner/indexer/level";
    place.commit(&[
        ("Cargo.toml", manifest),
        ("Cargo.lock", lock),
        ("src/main.rs", &program(&template, "1", 1.0)),
        (level, "100.0"),
    ]);
    let (app, token) = server().await;
    for minutes_ago in (10..15).rev() {
        let report = night(&place, &template, ("1", 100.0), minutes_ago);
        assert_eq!(app.upload(&token, &report).await.status, 201);
    }
    // The new suite does twice the work, of an indexer that is faster.
    place.commit(&[
        ("src/main.rs", &program(&template, "2", 2.0)),
        (level, "80.0"),
    ]);
    let report = night(&place, &template, ("2", 160.0), 5);
    assert_eq!(app.upload(&token, &report).await.status, 201);

    let (spool, cache) = (place.path("spool"), place.path("cache"));
    let bridge = |server: &str, more: &[&str]| {
        let mut arguments = vec!["bridge", "--rounds", "6", "--server", server];
        arguments.extend(["--token", &token, "--spool", &spool, "--cache", &cache]);
        arguments.extend(more);
        place.tool(&arguments)
    };
    let (by_command, by_old, bridged) = served(&app, |server| {
        let by_command = bridge(server, &["--exec", "sh bench.sh"]);
        place.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
        let by_old = bridge(server, &[]);
        place.git(&["checkout", "--quiet", "main"]);
        (by_command, by_old, bridge(server, &[]))
    })
    .await;
    assert_eq!(by_command.code, 2, "{by_command:?}");
    let says = "the suite went from version 1 to version 2, and --exec measures";
    assert!(by_command.said.contains(says), "{by_command:?}");
    assert_eq!(by_old.code, 2, "{by_old:?}");
    let says = "check out its revision, then bridge; nothing was sent";
    assert!(by_old.said.contains(says), "{by_old:?}");
    assert_eq!(bridged.code, 0, "{bridged:?}");
    let told = app.get("/api/v1/series/1/epochs").await.json();
    let epochs = told["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 2, "{told:#}");
    assert_eq!(epochs[1]["suite_version"], "2");
    // 2 x 100 of the old indexer, not 2 x 80.
    assert_eq!(epochs[1]["bridge"]["factor"], 2.0, "{told:#}");
    assert_eq!(
        epochs[1]["bridge"]["commit"],
        place.git(&["rev-parse", "HEAD~1"])
    );
}
