use kvmark::domain::{NewArtifact, NewRun};

use crate::app::TestApp;
use crate::builders::nightly;

#[tokio::test]
async fn a_file_is_served_by_its_kind_and_never_shown() {
    let app = TestApp::new().await;
    let html = b"<!doctype html><script>alert(document.cookie)</script>";
    let kinds = ["cpu-stacks", "trace", "pprof", "text", "of-tomorrow"];
    let run = NewRun {
        artifacts: kinds
            .iter()
            .map(|kind| NewArtifact {
                name: "evil.html\"\r\nset-cookie: a=b".to_owned(),
                kind: (*kind).to_owned(),
                benchmark: None,
                data: html.to_vec(),
            })
            .collect(),
        ..nightly("one", 1)
    };
    app.store().insert_run(&run, run.started_at).await.unwrap();
    let served = [
        ("text/plain; charset=utf-8", "run-1-0.folded"),
        ("application/json", "run-1-1.json"),
        ("application/octet-stream", "run-1-2.pb"),
        ("text/plain; charset=utf-8", "run-1-3.txt"),
        ("application/octet-stream", "run-1-4.bin"),
    ];
    for (n, (media_type, name)) in served.iter().enumerate() {
        for root in ["", "/api/v1"] {
            let answer = app.get(&format!("{root}/runs/1/artifacts/{n}")).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body, html);
            assert_eq!(answer.header("content-type"), *media_type);
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(
                answer
                    .header("content-security-policy")
                    .starts_with("sandbox;")
            );
            assert_eq!(
                answer.header("content-disposition"),
                format!("attachment; filename=\"{name}\"")
            );
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
    let answer = app.get("/api/v1/runs/1/artifacts/5").await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.text().contains("there is no file 5 of run 1"),
        "{}",
        answer.text()
    );
}
