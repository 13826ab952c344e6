//! Every route, grouped by who calls it.

use axum::Router;
use axum::http::Uri;
use axum::middleware;
use axum::routing::get;

use super::{AppState, WebError, api, assets, error, guard, pages, sse};

/// All routes, with what holds for every request.
pub fn router(state: AppState) -> Router {
    // People, by a browser.
    let pages = Router::new()
        .route("/", get(pages::overview::show))
        .route("/static/{checksum}/{name}", get(assets::serve))
        .layer(middleware::map_response(error::as_page));

    // CI, scripts and the runner.
    let api = Router::new()
        .route("/live/{run_key}/events", get(sse::events))
        .fallback(unknown);

    // Monitoring.
    let health = Router::new()
        .route("/healthz", get(api::health::healthz))
        .route("/readyz", get(api::health::readyz));

    let routes = Router::new()
        .merge(pages)
        .nest("/api/v1", api)
        .merge(health)
        .fallback_service(
            Router::new()
                .fallback(unknown)
                .layer(middleware::map_response(error::as_page)),
        );
    guard::protect(routes, &state).with_state(state)
}

async fn unknown(uri: Uri) -> WebError {
    WebError::not_found("page", uri.path())
}
