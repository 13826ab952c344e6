//! What becomes of an upload.

use std::io::Write;

use axum::http::StatusCode;
use bench_report::report::limits;
use futures::future::join_all;
use kvmark::domain::{RunKind, Scope};
use kvmark::jobs;
use kvmark::store::RunFilter;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::{NOW, TestApp, post};
use crate::builders::report;

async fn app() -> (TestApp, String) {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    (app, token)
}

#[tokio::test]
async fn a_report_becomes_a_run_with_its_verdict() {
    let (app, token) = app().await;
    let sent = report(0, &[("A", 1000.0), ("B", 2.0)]);
    let answer = app.upload(&token, &sent).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["run_id"], 1);
    assert_eq!(answer["url"], "http://127.0.0.1:8080/runs/1");
    assert_eq!(answer["verdict"]["status"], "inconclusive");
    assert_eq!(answer["verdict"]["counts"]["warming"], 2);
    let kept = app.get("/api/v1/runs/1/report").await;
    assert_eq!(kept.body, sent.to_string().into_bytes());
}

#[tokio::test]
async fn the_same_report_again_is_the_same_run_and_another_is_a_conflict() {
    let (app, token) = app().await;
    let sent = report(0, &[("A", 1000.0)]);
    app.upload(&token, &sent).await;
    let again = app.upload(&token, &sent).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["run_id"], 1);

    let mut other = sent.clone();
    other["benchmarks"][0]["iterations"] = json!(7);
    let other = app.upload(&token, &other).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(
        app.get("/api/v1/runs/1/report").await.body,
        sent.to_string().into_bytes()
    );
}

#[tokio::test]
async fn fifty_uploads_at_once_make_one_run() {
    let (app, token) = app().await;
    let sent = report(0, &[("A", 1000.0), ("B", 2.0)]);
    let answers = join_all((0..50).map(|_| app.upload(&token, &sent))).await;
    let made = answers
        .iter()
        .filter(|a| a.status == StatusCode::CREATED)
        .count();
    assert_eq!(made, 1);
    for answer in answers {
        assert!(answer.status.is_success(), "{}", answer.text());
        assert_eq!(answer.json()["run_id"], 1);
    }
    assert_eq!(
        app.store().runs(&RunFilter::default()).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn the_fourth_night_is_judged_by_the_three_before_it() {
    let (app, token) = app().await;
    for days in [3, 2, 1] {
        app.upload(&token, &report(days, &[("A", 1000.0)])).await;
    }
    let verdict = app
        .upload(&token, &report(0, &[("A", 1150.0)]))
        .await
        .json();
    let row = &verdict["verdict"]["series"][0];
    assert_eq!(row["band"], "warning");
    assert_eq!(row["baseline"], 1000.0);
    assert_eq!(row["baseline_runs"], 3);
}

#[tokio::test]
async fn a_late_run_rejudges_the_seven_days_after_it() {
    let (app, token) = app().await;
    for days in [9, 2, 1, 0] {
        app.upload(&token, &report(days, &[("A", 1000.0)])).await;
    }
    let tonight = "/api/v1/runs/4/verdict";
    assert_eq!(
        app.get(tonight).await.json()["series"][0]["band"],
        "warming"
    );
    app.upload(&token, &report(3, &[("A", 700.0)])).await;
    let stop = CancellationToken::new();
    // Nights 2, 1 and 0, and the late run, which is known now from what it was judged; not the one
    // before it.
    assert_eq!(jobs::rejudge_all(app.store(), &stop).await.unwrap(), 4);
    assert_eq!(jobs::rejudge_all(app.store(), &stop).await.unwrap(), 0);
    let row = app.get(tonight).await.json()["series"][0].clone();
    assert_eq!(row["baseline"], 900.0);
    assert_eq!(row["band"], "warning");
}

#[tokio::test]
async fn a_night_that_leaves_series_out_is_incomplete() {
    let (app, token) = app().await;
    app.upload(&token, &report(1, &[("A", 1.0), ("B", 1.0)]))
        .await;
    let answer = app.upload(&token, &report(0, &[("A", 1.0)])).await.json();
    assert_eq!(
        answer["verdict"]["coverage"]["missing"],
        json!(["B latency_p99 cpu=2"])
    );
    assert_eq!(answer["verdict"]["status"], "incomplete");
    assert_eq!(answer["verdict"]["exit_code"], 4);
}

#[tokio::test]
async fn markup_in_names_is_kept_and_returned_verbatim() {
    let (app, token) = app().await;
    let name = "<script>alert(1)</script>\"'&";
    app.upload(&token, &report(0, &[(name, 1.0)])).await;
    let run = app.get("/api/v1/runs/1").await;
    assert_eq!(run.json()["series"][0]["benchmark"], name);
    let list = app.get("/api/v1/series").await;
    assert_eq!(list.json()["series"][0]["benchmark"], name);
    assert!(list.header("content-type").starts_with("application/json"));
}

#[tokio::test]
async fn sample_data_never_shares_a_series_with_a_real_result() {
    let (app, token) = app().await;
    let mut sample = report(1, &[("A", 1.0)]);
    sample["kind"] = json!("sample");
    app.upload(&token, &sample).await;
    app.upload(&token, &report(0, &[("A", 1.0)])).await;
    let series = app.get("/api/v1/series?benchmark=A").await.json();
    assert_eq!(series["series"].as_array().unwrap().len(), 2);
    let environments = app.store().environments().await.unwrap();
    assert_eq!(environments.iter().filter(|e| e.is_sample).count(), 1);
}

#[tokio::test]
async fn compressed_bodies_are_read_and_what_decodes_to_too_much_is_refused() {
    let (app, token) = app().await;
    let encoded = async |encoding: &str, body: Vec<u8>| {
        let mut request = post("/api/v1/runs", &token, body);
        request
            .headers_mut()
            .insert("content-encoding", encoding.parse().unwrap());
        app.send(request).await
    };
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let body = || report(0, &[("A", 1.0)]).to_string().into_bytes();
    assert_eq!(
        encoded("gzip", gzip(&body())).await.status,
        StatusCode::CREATED
    );
    let zstd = zstd::encode_all(body().as_slice(), 3).unwrap();
    assert_eq!(encoded("zstd", zstd).await.status, StatusCode::CREATED);
    assert_eq!(
        encoded("identity", body()).await.status,
        StatusCode::CREATED
    );

    assert_eq!(
        encoded("br", body()).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(
        encoded("gzip", body()).await.status,
        StatusCode::BAD_REQUEST
    );
    let bomb = gzip(&vec![b' '; limits::DECODED_BYTES + 1]);
    assert_eq!(
        encoded("gzip", bomb).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let long = vec![b' '; limits::WIRE_BYTES + 1];
    assert_eq!(
        encoded("identity", long).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn only_json_is_taken() {
    let (app, token) = app().await;
    for (given, status) in [
        (Some("application/json; charset=utf-8"), StatusCode::CREATED),
        (Some("APPLICATION/JSON"), StatusCode::CREATED),
        (Some("text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            Some("application/x-www-form-urlencoded"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let mut request = post("/api/v1/runs", &token, report(0, &[("A", 1.0)]).to_string());
        request.headers_mut().remove("content-type");
        if let Some(given) = given {
            request
                .headers_mut()
                .insert("content-type", given.parse().unwrap());
        }
        assert_eq!(app.send(request).await.status, status, "{given:?}");
    }
}

/// A change to a valid report, the status of the answer, and where it says the fault is.
type Case = (&'static str, fn(&mut Value), u16, &'static str);

#[tokio::test]
async fn every_limit_is_refused_with_a_pointer_to_what_is_wrong() {
    let (app, token) = app().await;
    let cases: &[Case] = &[
        ("another format", |r| r["format"] = json!(2), 422, "/format"),
        (
            "unknown kind",
            |r| r["kind"] = json!("weekly"),
            422,
            "/kind",
        ),
        (
            "no commit",
            |r| r["revision"]["commit"] = Value::Null,
            422,
            "/revision/commit",
        ),
        (
            "no branch",
            |r| r["revision"]["branch"] = Value::Null,
            422,
            "/revision/branch",
        ),
        ("no run key", |r| r["run_key"] = json!("x"), 422, "/run_key"),
        (
            "a day ahead",
            |r| r["started_at"] = json!("2026-03-02T06:00:01Z"),
            422,
            "/started_at",
        ),
        (
            "name of 201 bytes",
            |r| r["suite"]["name"] = json!("x".repeat(201)),
            422,
            "/suite/name",
        ),
        (
            "text of 4097 bytes",
            |r| r["revision"]["subject"] = json!("x".repeat(4097)),
            422,
            "/revision/subject",
        ),
        (
            "2,001 benchmarks",
            |r| r["benchmarks"] = json!(vec![r["benchmarks"][0].clone(); 2001]),
            422,
            "/benchmarks",
        ),
        (
            "101 metrics",
            |r| {
                let metric = r["benchmarks"][0]["metrics"][0].clone();
                r["benchmarks"][0]["metrics"] = json!(vec![metric; 101]);
            },
            422,
            "/benchmarks/0/metrics",
        ),
        (
            "10,001 samples",
            |r| r["benchmarks"][0]["metrics"][0]["samples"] = json!(vec![1.0; 10_001]),
            422,
            "/benchmarks/0/metrics/0/samples",
        ),
        (
            "33 params",
            |r| {
                for i in 0..33 {
                    r["benchmarks"][0]["params"][format!("p{i}")] = json!("1");
                }
            },
            422,
            "/benchmarks/0/params",
        ),
        (
            "65 environment keys",
            |r| {
                for i in 0..65 {
                    r["environment"][format!("k{i}")] = json!(1);
                }
            },
            422,
            "/environment",
        ),
        (
            "10,001 points",
            |r| {
                r["benchmarks"][0]["curves"] = json!([{
                    "name": "queue", "x": "ms", "y": "events", "points": vec![[0.0, 0.0]; 10_001],
                }]);
            },
            422,
            "/benchmarks/0/curves/0/points",
        ),
        (
            "9 histograms",
            |r| {
                let one = json!({"name": "h", "unit": "ns", "hdr_base64": ""});
                r["benchmarks"][0]["histograms"] = json!(vec![one; 9]);
            },
            422,
            "/benchmarks/0/histograms",
        ),
        (
            "21 artifacts",
            |r| {
                let one = json!({"name": "a", "kind": "text", "data_base64": ""});
                r["artifacts"] = json!(vec![one; 21]);
            },
            422,
            "/artifacts",
        ),
        (
            "an artifact above 8 MiB",
            |r| {
                let data = "A".repeat((8 << 20) / 3 * 4 + 8);
                r["artifacts"] = json!([{"name": "a", "kind": "text", "data_base64": data}]);
            },
            422,
            "/artifacts/0/data_base64",
        ),
        (
            "a negative time",
            |r| r["benchmarks"][0]["metrics"][0]["samples"][2] = json!(-1.0),
            422,
            "/benchmarks/0/metrics/0/samples/2",
        ),
        (
            "an unknown unit",
            |r| r["benchmarks"][0]["metrics"][0]["unit"] = json!("furlong"),
            422,
            "/benchmarks/0/metrics/0/unit",
        ),
        (
            "an unknown direction",
            |r| r["benchmarks"][0]["metrics"][0]["better"] = json!("sideways"),
            422,
            "/benchmarks/0/metrics/0/better",
        ),
    ];
    for (what, change, status, pointer) in cases {
        let mut sent = report(0, &[("A", 1.0)]);
        change(&mut sent);
        let answer = app.upload(&token, &sent).await;
        let problem = answer.json();
        assert_eq!(answer.status, *status, "{what}: {problem}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        let pointed = problem["pointer"].as_str().unwrap();
        assert!(pointed.starts_with(pointer), "{what}: {problem}");
    }
    assert!(
        app.store()
            .runs(&RunFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_no_json_is_a_bad_request() {
    let (app, token) = app().await;
    let valid = report(0, &[("A", 1.0)]).to_string();
    let infinite = valid.replacen("1000", "1e999", 1);
    for body in [
        "",
        "{",
        "nonsense",
        "{\"format\": NaN}",
        &infinite,
        &format!("{valid}x"),
    ] {
        let answer = app.upload_bytes(&token, body.as_bytes().to_vec()).await;
        assert!(
            answer.status.is_client_error(),
            "{body:.40}: {}",
            answer.status
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert!(
        app.store()
            .runs(&RunFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_token_sends_only_the_kinds_that_it_names() {
    let app = TestApp::new().await;
    let pulls = app.token(Scope::Upload, Some(&[RunKind::Pull])).await;
    let mut sent = report(0, &[("A", 1.0)]);
    assert_eq!(
        app.upload(&pulls, &sent).await.status,
        StatusCode::FORBIDDEN
    );
    sent["kind"] = json!("pull");
    assert_eq!(app.upload(&pulls, &sent).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_live_run_keeps_its_number() {
    let (app, token) = app().await;
    let sent = report(0, &[("A", 1.0)]);
    let key = sent["run_key"].as_str().unwrap();
    let progress = json!({
        "run_key": key, "kind": "nightly", "commit": "abcdef1", "branch": "main",
        "environment_name": "bench-1", "started_at": NOW.timestamp().to_string(),
        "total": 7, "done": 1, "current": "A", "benchmarks": [], "log": [],
    });
    let live = post(&format!("/api/v1/live/{key}"), &token, progress.to_string());
    let live = app.send(live).await;
    assert_eq!(live.status, StatusCode::OK, "{}", live.text());
    // Another run in between takes the next number.
    app.upload(&token, &report(1, &[("A", 1.0)])).await;
    let done = app.upload(&token, &sent).await.json();
    assert_eq!(done["run_id"], live.json()["id"]);
    assert!(app.state.live.id(key).is_none());
}
