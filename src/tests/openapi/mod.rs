//! The description of the API says what the router has and what the answers are.

mod schema;

use std::collections::BTreeSet;

use axum::http::Method;
use kvmark::domain::Scope;
use serde_json::{Value, json};

use crate::api::confirmation::side;
use crate::app::{Answer, TestApp, post};
use crate::builders::report;

const ROUTER: &str = include_str!("../../web/router.rs");

/// `GET /api/v1/runs/{id}` of every route, but for those of pages.
fn routed() -> BTreeSet<String> {
    let sections = [
        ("let api = ", "/api/v1"),
        ("let root = ", ""),
        ("let health = ", ""),
    ];
    let mut all = BTreeSet::new();
    for (begin, prefix) in sections {
        let (_, section) = ROUTER.split_once(begin).unwrap();
        let section = &section[..section.find(';').unwrap()];
        for route in section.split(".route(").skip(1) {
            let mut quoted = route.split('"');
            let path = quoted.nth(1).unwrap();
            let handlers = route.split(".fallback(").next().unwrap();
            let handlers = handlers.split(".layer(").next().unwrap();
            for method in ["get", "post", "put", "patch", "delete"] {
                let is_call = |at: usize| {
                    let before = handlers[..at].chars().next_back();
                    before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
                };
                let call = format!("{method}(");
                if handlers.match_indices(&call).any(|(at, _)| is_call(at)) {
                    all.insert(format!("{} {prefix}{path}", method.to_uppercase()));
                }
            }
        }
    }
    all
}

fn described(description: &Value) -> BTreeSet<String> {
    let paths = description["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}

async fn description(app: &TestApp) -> Value {
    app.get("/api/openapi.json").await.json()
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else() {
    let app = TestApp::new().await;
    let (routed, described) = (routed(), described(&description(&app).await));
    assert!(routed.len() > 20, "{routed:?}");
    let lacking: Vec<_> = routed.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routed).collect();
    assert!(lacking.is_empty(), "not described: {lacking:?}");
    assert!(
        invented.is_empty(),
        "described, and not there: {invented:?}"
    );
}

/// Twenty nights, the last four of them slow, and a pull request.
async fn filled() -> (TestApp, String) {
    let app = TestApp::new().await;
    let token = app.token(Scope::Admin, None).await;
    for days in (0..20_i64).rev() {
        let noise = 1.0 + 0.002 * (days % 3) as f64;
        let value = if days < 4 { 130.0 } else { 100.0 };
        let mut night = report(days, &[("A", value * noise), ("B", 50.0 * noise)]);
        night["benchmarks"][0]["metrics"][0]["target"] = json!({"op": "<", "value": 120.0});
        assert_eq!(app.upload(&token, &night).await.status, 201);
    }
    let mut pull = report(0, &[("A", 90.0), ("B", 50.0)]);
    pull["kind"] = json!("pull");
    pull["revision"]["pull"] = json!(12);
    pull["revision"]["branch"] = json!("topic");
    pull["artifacts"] = json!([{"name": "notes", "kind": "text", "data_base64": "aGk="}]);
    assert_eq!(app.upload(&token, &pull).await.status, 201);
    (app, token)
}

/// A filled server, its description, and the routes of which an answer was held against it.
struct Described {
    app: TestApp,
    token: String,
    says: Value,
    held: BTreeSet<String>,
}

impl Described {
    /// An answer is what the description says of it.
    #[track_caller]
    fn hold(&mut self, method: &Method, path: &str, answer: &Answer) {
        let status = answer.status.as_u16();
        let operation = &self.says["paths"][path][method.as_str().to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not described");
        let responses = &operation["responses"];
        let described = responses
            .get(status.to_string())
            .unwrap_or(&responses["default"]);
        self.held.insert(format!("{method} {path}"));
        if described.get("content").is_none() && described.is_object() {
            assert!(answer.body.is_empty(), "{method} {path} {status}");
            return;
        }
        let kind = answer.header("content-type").split(';').next().unwrap();
        let content = &described["content"][kind];
        assert!(
            content.is_object(),
            "{method} {path} {status}: {kind} is not described"
        );
        let body = if kind.contains("json") {
            answer.json()
        } else {
            json!(String::from_utf8_lossy(&answer.body))
        };
        let mut wrong = Vec::new();
        schema::check(&self.says, &content["schema"], &body, "", &mut wrong);
        assert!(
            wrong.is_empty(),
            "{method} {path} {status}: {wrong:#?}\n{body:#}"
        );
    }

    /// Sends a body, and holds the answer against the description.
    async fn send(&mut self, method: Method, path: &str, uri: &str, body: &Value, status: u16) {
        let mut request = post(uri, &self.token, body.to_string());
        *request.method_mut() = method.clone();
        let answer = self.app.send(request).await;
        assert_eq!(answer.status, status, "{method} {uri}: {}", answer.text());
        self.hold(&method, path, &answer);
    }
}

#[tokio::test]
async fn every_route_answers_as_described() {
    let (app, token) = filled().await;
    let mut described = Described {
        says: description(&app).await,
        held: BTreeSet::new(),
        app,
        token,
    };
    reads(&mut described).await;
    sends(&mut described).await;
    let all = self::described(&described.says);
    let unheld: Vec<_> = all.difference(&described.held).collect();
    assert!(unheld.is_empty(), "no answer of {unheld:?} was looked at");
}

async fn reads(described: &mut Described) {
    let asked = [
        ("/api/v1/runs", "/api/v1/runs?limit=3"),
        ("/api/v1/runs/{id}", "/api/v1/runs/20"),
        ("/api/v1/runs/{id}", "/api/v1/runs/999"),
        ("/api/v1/runs/{id}/report", "/api/v1/runs/20/report"),
        (
            "/api/v1/runs/{id}/benchmarks.txt",
            "/api/v1/runs/20/benchmarks.txt",
        ),
        ("/api/v1/runs/{id}/verdict", "/api/v1/runs/20/verdict"),
        (
            "/api/v1/runs/{id}/verdict",
            "/api/v1/runs/20/verdict?fail_on=info&threshold=0.05",
        ),
        (
            "/api/v1/runs/{id}/artifacts/{n}",
            "/api/v1/runs/21/artifacts/0",
        ),
        (
            "/api/v1/runs/{id}/artifacts/{n}",
            "/api/v1/runs/21/artifacts/1",
        ),
        (
            "/api/v1/runs/{id}/verdict",
            "/api/v1/runs/20/verdict?threshold=-1",
        ),
        (
            "/api/v1/runs/{id}/series/{series_id}/explain",
            "/api/v1/runs/20/series/1/explain",
        ),
        ("/api/v1/compare", "/api/v1/compare?base=16&head=20"),
        (
            "/api/v1/compare",
            "/api/v1/compare?base=16&head=20&format=markdown",
        ),
        ("/api/v1/pulls/{n}/report", "/api/v1/pulls/12/report"),
        ("/api/v1/pulls/{n}/report", "/api/v1/pulls/13/report"),
        ("/api/v1/alerts", "/api/v1/alerts"),
        ("/api/v1/alerts/{id}", "/api/v1/alerts/1"),
        ("/api/v1/alerts/{id}", "/api/v1/alerts/99"),
        ("/api/v1/annotations", "/api/v1/annotations"),
        ("/api/v1/canary", "/api/v1/canary?environment=1"),
        ("/feed.atom", "/feed.atom"),
        ("/api/v1/rules", "/api/v1/rules"),
        ("/api/v1/series", "/api/v1/series"),
        ("/api/v1/series/{id}/points", "/api/v1/series/1/points"),
        ("/api/v1/series/{id}/baseline", "/api/v1/series/1/baseline"),
        ("/api/v1/series/{id}/epochs", "/api/v1/series/1/epochs"),
        ("/api/v1/baselines.json", "/api/v1/baselines.json"),
        ("/api/v1/live/{run_key}/events", "/api/v1/live/none/events"),
        ("/export.csv", "/export.csv"),
        ("/export.json", "/export.json"),
        ("/chart/{file}", "/chart/1.svg"),
        ("/chart/{file}", "/chart/1.png"),
        ("/badge/{benchmark}/{file}", "/badge/A/latency_p99.svg"),
        ("/badge/{file}", "/badge/status.svg"),
        ("/metrics", "/metrics"),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
        ("/api/openapi.json", "/api/openapi.json"),
    ];
    for (path, uri) in asked {
        let answer = described.app.get(uri).await;
        described.hold(&Method::GET, path, &answer);
    }
}

async fn sends(described: &mut Described) {
    let runs = "/api/v1/runs";
    let night = report(1, &[("A", 100.0)]);
    let mut other = night.clone();
    other["suite"]["version"] = json!("2");
    for (body, status) in [
        (&night, 201),
        (&night, 200),
        (&other, 409),
        (&json!({}), 422),
    ] {
        described.send(Method::POST, runs, runs, body, status).await;
    }
    for (judge, status) in [("later", 201), ("all", 201), ("never", 400)] {
        let uri = format!("{runs}?judge={judge}");
        let night = report(0, &[("A", 100.0)]);
        described
            .send(Method::POST, runs, &uri, &night, status)
            .await;
    }
    let head = report(0, &[])["revision"]["commit"].clone();
    let of = |one| {
        side(
            one,
            head.as_str().unwrap(),
            100.0,
            4,
            "aa",
            "6b1f4d0e-0000-4000-8000-000000000001",
        )
    };
    let pairs = json!({"base": of("base"), "head": of("head")});
    let path = "/api/v1/runs/{id}/confirmation";
    for (run, status) in [(20, 201), (20, 200), (21, 422)] {
        let uri = format!("/api/v1/runs/{run}/confirmation");
        described
            .send(Method::POST, path, &uri, &pairs, status)
            .await;
    }
    let rules = json!([{"benchmark": "A", "threshold": 0.2, "fail_on": "info", "note": "noisy"}]);
    let save = json!({"version": 0, "rules": rules, "reason": "try"});
    let live = json!({
        "run_key": "k", "kind": "nightly", "started_at": "2026-03-01T06:00:00Z", "total": 2, "done": 1,
    });
    for (method, path, uri, body, status) in [
        (
            Method::POST,
            "/api/v1/rules/backtest",
            "",
            json!({"rules": rules}),
            200,
        ),
        (Method::PUT, "/api/v1/rules", "", save.clone(), 200),
        (Method::PUT, "/api/v1/rules", "", save, 409),
        (
            Method::POST,
            "/api/v1/annotations",
            "",
            json!({"text": "a new kernel", "run_id": 3}),
            201,
        ),
        (
            Method::PATCH,
            "/api/v1/alerts/{id}",
            "/api/v1/alerts/1",
            json!({"owner": "A", "note": "looking"}),
            200,
        ),
        (
            Method::PATCH,
            "/api/v1/alerts/{id}",
            "/api/v1/alerts/99",
            json!({"owner": "A"}),
            404,
        ),
        (
            Method::PATCH,
            "/api/v1/annotations/{id}",
            "/api/v1/annotations/1",
            json!({"text": "another kernel"}),
            200,
        ),
        (
            Method::DELETE,
            "/api/v1/annotations/{id}",
            "/api/v1/annotations/1",
            json!({}),
            204,
        ),
        (
            Method::POST,
            "/api/v1/levels",
            "",
            json!({"series": "B *", "reason": "as agreed"}),
            200,
        ),
        (
            Method::POST,
            "/api/v1/live/{run_key}",
            "/api/v1/live/k",
            live,
            200,
        ),
        (
            Method::PATCH,
            "/api/v1/runs/{id}",
            "/api/v1/runs/3",
            json!({"excluded": true, "reason": "noisy"}),
            200,
        ),
    ] {
        let uri = if uri.is_empty() { path } else { uri };
        described.send(method, path, uri, &body, status).await;
    }
}

#[tokio::test]
async fn a_wrong_answer_is_seen() {
    let app = TestApp::new().await;
    let description = description(&app).await;
    let says = |body: Value| {
        let mut wrong = Vec::new();
        let schema = json!({"$ref": "#/components/schemas/Live"});
        schema::check(&description, &schema, &body, "", &mut wrong);
        wrong
    };
    assert!(says(json!({"id": 1, "url": "x"})).is_empty());
    assert_eq!(says(json!({"id": 1})), [": \"url\" is not there"]);
    assert_eq!(says(json!({"id": "1", "url": "x"})).len(), 1);
    assert_eq!(
        says(json!({"id": 1, "url": "x", "more": 1})),
        ["/more is not described"]
    );
}

#[tokio::test]
async fn people_can_read_it_too() {
    let app = TestApp::new().await;
    let page = app.get("/api").await;
    assert_eq!(page.status, 200);
    for text in [
        "/api/v1/runs/{id}/verdict",
        "token: triage",
        "id=\"SeriesVerdict\"",
    ] {
        assert!(page.text().contains(text), "{text}");
    }
}
