//! Every route, grouped by who calls it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::{get, patch, post};

use super::{
    AppState, WebError, api, assets, auth, badge, chart, error, feed, guard, metrics, openapi,
    pages, session, sse,
};

/// All routes, with what holds for every request.
pub fn router(state: AppState) -> Router {
    // People, by a browser.
    let pages = Router::new()
        .route("/", get(pages::overview::show))
        .route("/benchmarks/{name}", get(pages::benchmark::show))
        .route("/trends", get(pages::trends::show))
        .route("/help", get(pages::help::show))
        .route("/rules", get(pages::rules::show).post(pages::rules::save))
        .route("/alerts", get(pages::alerts::show))
        .route(
            "/alerts/{id}",
            get(pages::alerts::one::show).post(pages::alerts::act::act),
        )
        .route(
            "/annotations",
            get(pages::annotations::list).post(pages::annotations::add),
        )
        .route(
            "/annotations/{id}",
            get(pages::annotations::one).post(pages::annotations::change),
        )
        .route("/api", get(openapi::page))
        .route("/runs", get(pages::runs::show))
        .route("/runs/{id}", get(pages::run::show))
        .route("/compare", get(pages::compare::choose))
        .route("/compare/{*sides}", get(pages::compare::show))
        .route("/files/runs/{id}", get(pages::file::run))
        .route("/files/compare/{*sides}", get(pages::file::compare))
        .route("/pulls", get(pages::compare::pulls))
        .route("/pulls/{n}", get(pages::compare::pull))
        .route("/environments", get(pages::environments::list))
        .route("/environments/{id}", get(pages::environments::show))
        .route("/status", get(pages::status::show))
        .route("/runs/{id}/profile/{n}", get(pages::profile::show))
        .route("/runs/{id}/artifacts/{n}", get(api::artifacts::show))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            auth::guard_reading,
        ))
        .route("/login", get(session::show).post(session::login))
        .route("/logout", post(session::logout))
        // The login page needs them before anybody has logged in.
        .route("/static/{checksum}/{name}", get(assets::serve))
        .layer(middleware::map_response(error::as_page));

    // CI, scripts and the runner.
    let api = Router::new()
        .route("/runs", get(api::runs::list).post(api::upload::create))
        .route("/runs/{id}", get(api::runs::show).patch(api::runs::change))
        .route("/runs/{id}/report", get(api::runs::report))
        .route("/runs/{id}/benchmarks.txt", get(api::runs::benchmarks))
        .route("/runs/{id}/verdict", get(api::runs::verdict))
        .route("/runs/{id}/artifacts/{n}", get(api::artifacts::show))
        .route("/compare", get(api::compare::compare))
        .route("/pulls/{n}/report", get(api::compare::pull))
        .route(
            "/runs/{id}/series/{series_id}/explain",
            get(api::explain::show),
        )
        .route("/rules", get(api::rules::show).put(api::rules::save))
        .route("/rules/backtest", post(api::rules::test))
        .route("/runs/{id}/confirmation", post(api::confirmation::create))
        .route("/canary", get(api::confirmation::canary))
        .route("/series", get(api::series::list))
        .route("/series/{id}/points", get(api::series::points))
        .route("/series/{id}/baseline", get(api::series::baseline))
        .route("/series/{id}/epochs", get(api::epochs::show))
        .route("/alerts", get(api::alerts::list))
        .route(
            "/alerts/{id}",
            get(api::alerts::show).patch(api::alerts::change),
        )
        .route("/levels", post(api::levels::accept))
        .route(
            "/annotations",
            get(api::annotations::list).post(api::annotations::add),
        )
        .route(
            "/annotations/{id}",
            patch(api::annotations::correct).delete(api::annotations::delete),
        )
        .route("/baselines.json", get(api::baselines::all))
        .route("/live/{run_key}", post(api::live::report))
        .route("/live/{run_key}/events", get(sse::events))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            auth::guard_reading,
        ))
        // Each handler that reads a body keeps a limit of its own.
        .layer(DefaultBodyLimit::disable());

    // Scripts, at the root.
    let root = Router::new()
        .route("/export.csv", get(api::export::csv))
        .route("/export.json", get(api::export::json))
        .route("/chart/{file}", get(chart::show))
        .route("/badge/{file}", get(badge::status))
        .route("/badge/{benchmark}/{file}", get(badge::show))
        .route("/feed.atom", get(feed::show))
        .route("/metrics", get(metrics::show))
        .route("/api/openapi.json", get(openapi::show))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            auth::guard_reading,
        ));

    // Monitoring.
    let health = Router::new()
        .route("/healthz", get(api::health::healthz))
        .route("/readyz", get(api::health::readyz));

    let routes = Router::new()
        .merge(pages)
        .nest("/api/v1", api)
        .merge(root)
        // Whoever asks whether the server lives need not wait for his turn.
        .layer(middleware::from_fn_with_state(
            state.clone(),
            guard::take_turn,
        ))
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

async fn wrong_method(method: Method, uri: Uri) -> WebError {
    WebError::wrong_method(&method, uri.path())
}
