//! Who may do what.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use kvmark::config::Config;
use kvmark::domain::{Scope, TokenId};

use crate::app::{NOW, TestApp, post};
use crate::builders::report;

fn open() -> Config {
    Config {
        open_uploads: true,
        ..Config::default()
    }
}

fn without_token() -> Request<Body> {
    let mut request = post("/api/v1/runs", "", report(0, &[("A", 1.0)]).to_string());
    request.headers_mut().remove("authorization");
    request
}

#[tokio::test]
async fn uploads_need_a_token_of_scope_upload_or_admin() {
    let app = TestApp::new().await;
    assert_eq!(
        app.send(without_token()).await.status,
        StatusCode::UNAUTHORIZED
    );
    let wrong = app.upload("kvmark_wrong", &report(0, &[("A", 1.0)])).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.header("www-authenticate"), "Bearer");
    for (scope, status) in [
        (Scope::Read, StatusCode::FORBIDDEN),
        (Scope::Triage, StatusCode::FORBIDDEN),
        (Scope::Upload, StatusCode::CREATED),
        (Scope::Admin, StatusCode::CREATED),
    ] {
        let token = app.token(scope, None).await;
        let answer = app.upload(&token, &report(0, &[("A", 1.0)])).await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_revoked_token_is_worth_nothing() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    assert!(app.store().revoke_token(TokenId(1), NOW).await.unwrap());
    assert!(!app.store().revoke_token(TokenId(1), NOW).await.unwrap());
    let answer = app.upload(&token, &report(0, &[("A", 1.0)])).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn open_uploads_are_closed_to_proxies_and_other_sites() {
    let app = TestApp::with(open()).await;
    assert_eq!(app.send(without_token()).await.status, StatusCode::CREATED);
    for (name, value, status) in [
        ("forwarded", "for=10.0.0.1", StatusCode::UNAUTHORIZED),
        ("x-forwarded-for", "10.0.0.1", StatusCode::UNAUTHORIZED),
        (
            "x-forwarded-host",
            "perf.example.org",
            StatusCode::UNAUTHORIZED,
        ),
        ("origin", "https://evil.example", StatusCode::UNAUTHORIZED),
        ("origin", "null", StatusCode::UNAUTHORIZED),
        ("origin", "http://127.0.0.1:8080", StatusCode::CREATED),
    ] {
        let mut request = without_token();
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(app.send(request).await.status, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn open_uploads_never_come_back_once_a_token_has_existed() {
    let app = TestApp::with(open()).await;
    app.token(Scope::Upload, None).await;
    app.store().revoke_token(TokenId(1), NOW).await.unwrap();
    assert_eq!(
        app.send(without_token()).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn open_uploads_need_a_loopback_address() {
    let app = TestApp::with(Config {
        bind: "0.0.0.0:0".parse().unwrap(),
        ..open()
    })
    .await;
    assert_eq!(
        app.send(without_token()).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn reading_needs_a_token_where_it_was_asked_for() {
    let app = TestApp::with(Config {
        read_token: true,
        ..Config::default()
    })
    .await;
    let token = app.token(Scope::Read, None).await;
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(
        app.get("/api/v1/runs").await.status,
        StatusCode::UNAUTHORIZED
    );
    for (name, value) in [
        ("authorization", format!("Bearer {token}")),
        ("cookie", format!("kvmark_token={token}")),
    ] {
        let request = Request::get("/api/v1/runs")
            .header(name, value)
            .body(Body::empty())
            .unwrap();
        assert_eq!(app.send(request).await.status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn a_cookie_changes_nothing_from_another_site() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Admin, None).await;
    for (origin, status) in [
        ("http://127.0.0.1:8080", StatusCode::CREATED),
        ("https://evil.example", StatusCode::FORBIDDEN),
    ] {
        let mut request = without_token();
        let headers = request.headers_mut();
        headers.insert("cookie", format!("kvmark_token={token}").parse().unwrap());
        headers.insert("origin", origin.parse().unwrap());
        assert_eq!(app.send(request).await.status, status, "{origin}");
    }
}

fn form(uri: &str, body: &str) -> Request<Body> {
    Request::post(uri)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn a_browser_logs_in_by_token_and_out_again() {
    let app = TestApp::with(Config {
        read_token: true,
        public_url: Some("https://perf.example.org".to_owned()),
        ..Config::default()
    })
    .await;
    let mut page = Request::get("/runs").body(Body::empty()).unwrap();
    page.headers_mut()
        .insert("accept", "text/html".parse().unwrap());
    let answer = app.send(page).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/login?to=%2Fruns")
    );
    assert_eq!(app.get("/login").await.status, StatusCode::OK);

    assert_eq!(
        app.send(form("/login", "token=wrong")).await.status,
        StatusCode::UNAUTHORIZED
    );
    let token = app.token(Scope::Read, None).await;
    let login = form("/login", &format!("token={token}&to=%2Fruns"));
    let answer = app.send(login).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/runs")
    );
    let cookie = answer.header("set-cookie").to_owned();
    for part in [
        &token as &str,
        "HttpOnly",
        "SameSite=Strict",
        "Secure",
        "Path=/",
    ] {
        assert!(cookie.contains(part), "{part}");
    }
    let value = cookie.split(';').next().unwrap();
    let page = Request::get("/runs")
        .header("cookie", value)
        .body(Body::empty())
        .unwrap();
    assert_eq!(app.send(page).await.status, StatusCode::OK);
    let out = app.send(form("/logout", "")).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn another_site_cannot_log_a_browser_in_or_out() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Read, None).await;
    for uri in ["/login", "/logout"] {
        let mut request = form(uri, &format!("token={token}"));
        request
            .headers_mut()
            .insert("origin", "https://evil.example".parse().unwrap());
        assert_eq!(
            app.send(request).await.status,
            StatusCode::FORBIDDEN,
            "{uri}"
        );
    }
}
