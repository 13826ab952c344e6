//! A server for one test.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use kvmark::config::Config;
use kvmark::domain::{Millis, RunKind, Scope};
use kvmark::store::{Store, StoreOptions};
use kvmark::web::auth::Secret;
use kvmark::web::{self, AppState};
use serde_json::Value;
use tower::ServiceExt;

/// 2026-03-01T06:00:00Z: the present of every test.
pub(crate) const NOW: Millis = Millis(1_772_344_800_000);

/// A server with a store of its own, gone with the test.
pub(crate) struct TestApp {
    pub(crate) state: AppState,
    pub(crate) router: Router,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    /// A server started with `config`, but for its database.
    pub(crate) async fn with(config: Config) -> Self {
        Self::at(tempfile::tempdir().unwrap(), config).await
    }

    /// The same server, started again.
    pub(crate) async fn reopened(self) -> Self {
        let config = Config::clone(&self.state.config);
        Self::at(self._folder, config).await
    }

    /// A server with the store `kvmark.db` in a folder, made where it is not there.
    pub(crate) async fn at(folder: tempfile::TempDir, config: Config) -> Self {
        let path = folder.path().join("kvmark.db");
        let options = StoreOptions {
            main_branch: config.main_branch.clone(),
            ..StoreOptions::default()
        };
        let store = Store::open(&path, options).await.unwrap();
        let config = Config {
            database: path,
            ..config
        };
        let mut state = AppState::new(store, config);
        state.clock = std::sync::Arc::new(|| NOW);
        Self {
            router: web::router(state.clone()),
            state,
            _folder: folder,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.state.store
    }

    /// A new token.
    pub(crate) async fn token(&self, scope: Scope, kinds: Option<&[RunKind]>) -> String {
        let secret = Secret::random().unwrap();
        let hash = secret.hash();
        self.store()
            .create_token(&hash, scope, kinds, Some("test"), NOW)
            .await
            .unwrap();
        secret.reveal().to_owned()
    }

    /// Uploads a report, as the runner does.
    pub(crate) async fn upload(&self, token: &str, report: &Value) -> Answer {
        self.upload_bytes(token, report.to_string().into_bytes())
            .await
    }

    /// Uploads any bytes.
    pub(crate) async fn upload_bytes(&self, token: &str, body: Vec<u8>) -> Answer {
        self.send(post("/api/v1/runs", token, body)).await
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.send(Request::get(uri).body(Body::empty()).unwrap())
            .await
    }

    /// Sends any request; `Host` is a loopback name where none is given.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let host = header::HeaderValue::from_static("127.0.0.1:8080");
        request.headers_mut().entry(header::HOST).or_insert(host);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }
}

/// A JSON request with a token.
pub(crate) fn post(uri: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(uri)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {} {}", self.status, self.text()),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}
