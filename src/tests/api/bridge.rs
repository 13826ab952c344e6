//! A new machine begins an epoch, and `bridge` says by what factor the same code reads there. The
//! real runner against the real server.

use serde_json::json;

use super::place::{Place, served, with_history_of};

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
