//! The pages without a socket: what a static export is made from.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use tower::ServiceExt;

use super::{AppState, router};

/// The router, asked from inside.
#[derive(Clone)]
pub struct Inside {
    router: Router,
}

/// What it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type, without its parameters.
    pub media_type: String,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Inside {
    /// The same routes that a server has.
    pub fn new(state: AppState) -> Self {
        Self {
            router: router(state),
        }
    }

    /// Asks for a path with its query. What is no URL is answered as what is not there.
    pub async fn get(&self, url: &str) -> Answer {
        let nothing = |status| Answer {
            status,
            media_type: String::new(),
            body: Vec::new(),
        };
        let request = Request::get(url)
            .header(header::HOST, "localhost")
            .body(Body::empty());
        let Ok(request) = request else {
            return nothing(404);
        };
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let media_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .to_owned();
        match axum::body::to_bytes(response.into_body(), usize::MAX).await {
            Ok(body) => Answer {
                status,
                media_type,
                body: body.to_vec(),
            },
            // A body that breaks off is an answer that failed.
            Err(_) => nothing(500),
        }
    }
}
