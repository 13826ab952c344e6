//! What Prometheus reads.

use kvmark::domain::Scope;
use serde_json::json;

use crate::app::TestApp;
use crate::builders::report;

#[tokio::test]
async fn metrics_say_where_main_stands_and_how_the_server_is() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for (days, value) in [(3, 100.0), (2, 100.0), (1, 100.0), (0, 125.0)] {
        let mut sent = report(days, &[("A", value)]);
        sent["benchmarks"][0]["metrics"][0]["target"] = json!({"op": "<", "value": 120.0});
        app.upload(&token, &sent).await;
    }
    app.get("/api/v1/runs/7").await;
    app.get("/no/such/page").await;
    let answer = app.get("/metrics").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = answer.text();
    let labels = "environment=\"bench-1\",benchmark=\"A\",metric=\"latency_p99\",unit=\"ns\",\
                  params=\"cpu=2\",better=\"lower\"";
    for line in [
        format!("kvmark_series_value{{{labels}}} 125.0"),
        format!("kvmark_series_baseline{{{labels}}} 100.0"),
        format!("kvmark_series_change_ratio{{{labels}}} 0.25"),
        format!("kvmark_series_target_met{{{labels}}} 0"),
        format!("kvmark_series_band{{{labels},band=\"critical\"}} 1"),
        "kvmark_gate_exit_code{environment=\"bench-1\"} 1".to_owned(),
        "kvmark_run_series_expected{environment=\"bench-1\"} 1".to_owned(),
        "kvmark_alerts_open{environment=\"bench-1\"} 0".to_owned(),
        "kvmark_store_runs 4".to_owned(),
        "kvmark_uploads_total{outcome=\"new\"} 4".to_owned(),
        "kvmark_http_requests_total{route=\"/api/v1/runs/{id}\",method=\"GET\",status=\"404\"} 1"
            .to_owned(),
    ] {
        assert!(
            text.contains(&format!("\n{line}\n")),
            "{line}\nis not in\n{text}"
        );
    }
    assert!(!text.contains("/no/such/page"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn generated_data_is_not_exported() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let mut sample = report(0, &[("A", 1.0)]);
    sample["kind"] = json!("sample");
    app.upload(&token, &sample).await;
    let text = app.get("/metrics").await;
    assert!(!text.text().contains("benchmark=\"A\""));
}

#[tokio::test]
async fn a_badge_shows_the_last_value_and_its_change_and_no_markup_of_strangers() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for (days, value) in [(3, 100.0), (2, 100.0), (1, 100.0), (0, 125.0)] {
        app.upload(&token, &report(days, &[("A<b>", value)])).await;
    }
    let badge = app.get("/badge/A%3Cb%3E/latency_p99.svg").await;
    assert_eq!(badge.header("content-type"), "image/svg+xml");
    assert!(
        badge.text().contains(">125.0 ns +25.0%</text>"),
        "{}",
        badge.text()
    );
    assert!(!badge.text().contains("<b>"));
    assert_eq!(badge.text().matches(",15.0").count(), 3, "{}", badge.text());
    assert!(
        badge.text().contains(",5.0\""),
        "the last night is the highest"
    );
    let status = app.get("/badge/status.svg").await;
    assert!(
        status.text().contains(">inconclusive</text>"),
        "{}",
        status.text()
    );
    assert_eq!(app.get("/badge/other.svg").await.status, 404);
    assert_eq!(app.get("/badge/A%3Cb%3E/latency_p99").await.status, 404);
    assert_eq!(app.get("/badge/B/latency_p99.svg").await.status, 404);
    let other = app.get("/badge/A%3Cb%3E/latency_p99.svg?param.cpu=4").await;
    assert_eq!(other.status, 404);
}
