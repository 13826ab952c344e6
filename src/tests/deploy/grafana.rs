//! The dashboard: what Grafana's schema asks of it, and every query answered by what is exported.

use std::collections::BTreeSet;
use std::fmt::Write;

use kvmark::domain::Scope;
use serde_json::{Value, json};

use super::{passes, program, root};
use crate::app::TestApp;
use crate::builders::report;

/// Panels that Grafana has without a plugin.
const PANELS: [&str; 7] = [
    "stat",
    "timeseries",
    "table",
    "row",
    "text",
    "bargauge",
    "state-timeline",
];

fn dashboard() -> Value {
    let file = root().join("deploy/grafana/kvmark.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().collect()
}

fn queries(dashboard: &Value) -> Vec<String> {
    panels(dashboard)
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_dashboard_has_what_grafana_asks_for() {
    let dashboard = dashboard();
    for field in ["title", "uid", "time", "templating", "annotations"] {
        assert!(!dashboard[field].is_null(), "{field}");
    }
    // https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model
    assert!(dashboard["schemaVersion"].as_i64().unwrap() >= 36);
    assert!(dashboard["uid"].as_str().unwrap().len() <= 40);
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = &panel["title"];
        assert!(
            ids.insert(panel["id"].as_i64().unwrap()),
            "{title}: id twice"
        );
        let kind = panel["type"].as_str().unwrap();
        assert!(PANELS.contains(&kind), "{title}: {kind}");
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(
            at("x") + at("w") <= 24 && at("h") > 0,
            "{title}: out of the grid"
        );
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title}: over another panel");
            }
        }
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        let mut references = BTreeSet::new();
        for target in targets {
            let reference = target["refId"].as_str().unwrap();
            assert!(references.insert(reference), "{title}: refId twice");
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
        }
        assert!(
            kind == "row" || kind == "text" || !targets.is_empty(),
            "{title}"
        );
    }
}

#[tokio::test]
async fn every_query_asks_for_what_is_exported_by_variables_that_are_there() {
    let dashboard = dashboard();
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for days in (0..4).rev() {
        let mut night = report(days, &[("A", 100.0)]);
        night["benchmarks"][0]["metrics"][0]["target"] = json!({"op": "<", "value": 120.0});
        app.upload(&token, &night).await;
    }
    // What is counted of requests is there after one.
    app.get("/metrics").await;
    let metrics = app.get("/metrics").await;
    let exported: BTreeSet<&str> = metrics
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let variables: BTreeSet<&str> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    for query in queries(&dashboard) {
        let names = query
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("kvmark_"));
        for name in names {
            let family = ["_total", "_bucket", "_sum", "_count", "_info"]
                .iter()
                .find_map(|ending| name.strip_suffix(ending))
                .unwrap_or(name);
            let is_there = exported.contains(name) || exported.contains(family);
            assert!(is_there, "{query}: {name} is not exported");
        }
        for variable in query.split('$').skip(1) {
            let name: String = variable
                .trim_start_matches('{')
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let is_known = variables.contains(name.as_str()) || name.starts_with("__");
            assert!(is_known, "{query}: ${name}");
        }
    }
}

#[test]
fn every_query_is_one_that_prometheus_reads() {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, query) in queries(&dashboard()).iter().enumerate() {
        let query = query
            .replace("$__rate_interval", "5m")
            .replace("$__interval", "1m")
            .replace("$environment", ".*")
            .replace('\'', "''");
        // A dashboard's variable stands inside a text; what is left of one reads as a text, too.
        let query = query.replace('$', "");
        write!(
            rules,
            "      - record: dashboard:query{number}\n        expr: '{query}'\n"
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, rules).unwrap();
    passes(&promtool, ["check", "rules", file.to_str().unwrap()]);
}
