//! Over a real socket.

use kvmark::domain::Scope;
use kvmark::web;
use tokio::net::TcpListener;

use crate::app::TestApp;
use crate::builders::report;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_an_upload_and_ends_when_told() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(web::serve(listener, app.state.clone()));

    let sent = report(0, &[("A", 1.0)]).to_string();
    let answer = tokio::task::spawn_blocking(move || {
        ureq::post(format!("http://{address}/api/v1/runs"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .send(sent)
            .unwrap()
            .body_mut()
            .read_json::<serde_json::Value>()
            .unwrap()
    })
    .await
    .unwrap();
    assert_eq!(answer["url"], format!("http://{address}/runs/1"));

    app.state.shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_a_live_run_does_not_hold_up_the_end() {
    use std::io::{Read, Write};
    let app = TestApp::new().await;
    let id = app.store().reserve_run("k").await.unwrap();
    let progress = serde_json::from_value(serde_json::json!({
        "run_key": "k", "kind": "nightly", "started_at": crate::app::NOW.timestamp().to_string(),
        "total": 1, "done": 0, "benchmarks": [], "log": [],
    }))
    .unwrap();
    app.state.live.take(id, progress, crate::app::NOW).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(web::serve(listener, app.state.clone()));

    let shutdown = app.state.shutdown.clone();
    let heard = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /api/v1/live/k/events HTTP/1.1\r\nHost: {address}\r\n\r\n"
        )
        .unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&heard).contains("event: running") {
            let n = stream.read(&mut buffer).unwrap();
            assert_ne!(n, 0, "{}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&buffer[..n]);
        }
        shutdown.cancel();
        // The stream ends by itself.
        stream.read_to_end(&mut heard).unwrap();
        heard
    })
    .await
    .unwrap();
    assert!(String::from_utf8_lossy(&heard).contains("text/event-stream"));
    server.await.unwrap().unwrap();
}
