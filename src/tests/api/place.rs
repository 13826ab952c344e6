//! The real runner against the real server, over a socket.

use std::sync::Arc;

use kvmark::domain::Scope;
use kvmark::web;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::TestApp;
pub(super) use crate::place::{Done, Place, script};

impl Place {
    /// `nightly` of what is committed now.
    pub(super) async fn night(&self, app: &TestApp, token: &str) -> Done {
        let (spool, cache) = (self.path("spool"), self.path("cache"));
        served(app, |server| {
            let mut arguments = vec!["nightly", "--branch", "main", "--server", server];
            arguments.extend(["--token", token, "--spool", &spool, "--cache", &cache]);
            self.runner(&arguments)
        })
        .await
    }
}

/// A server that goes by the machine's clock, and a token that may send anything.
pub(super) async fn server() -> (TestApp, String) {
    let mut app = TestApp::new().await;
    app.state.clock = Arc::new(|| jiff::Timestamp::now().into());
    app.router = web::router(app.state.clone());
    let token = app.token(Scope::Upload, None).await;
    (app, token)
}

/// A server with twelve nights of the first commit, a minute apart, with 1% of noise.
pub(super) async fn with_history(place: &Place) -> (TestApp, String) {
    with_history_of(place, |_| {}).await
}

/// The same, each report edited before it is sent.
pub(super) async fn with_history_of(place: &Place, edit: impl Fn(&mut Value)) -> (TestApp, String) {
    let (app, token) = server().await;
    let report = place.report();
    let now = jiff::Timestamp::now();
    for night in 0..12_i64 {
        let mut report = report.clone();
        let at = now - jiff::SignedDuration::from_mins(20 - night);
        report["run_key"] = json!(uuid::Uuid::new_v4().to_string());
        report["started_at"] = json!(at.to_string());
        report["finished_at"] = json!(at.to_string());
        let noise = (night * 5 % 11 - 5) as f64 / 1_000.0;
        for benchmark in report["benchmarks"].as_array_mut().unwrap() {
            benchmark["metrics"][0]["samples"] = json!(vec![100.0 * (1.0 + noise); 6]);
        }
        edit(&mut report);
        let answer = app.upload(&token, &report).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    (app, token)
}

/// What `work` gives, which is told the server's address while the server runs.
pub(super) async fn served<T>(app: &TestApp, work: impl FnOnce(&str) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let mut state = app.state.clone();
    // The server of the test ends with the work, and another may follow it.
    state.shutdown = state.shutdown.child_token();
    let stop = state.shutdown.clone();
    let serving = tokio::spawn(web::serve(listener, state));
    let done = tokio::task::block_in_place(|| work(&server));
    stop.cancel();
    serving.await.unwrap().unwrap();
    done
}
