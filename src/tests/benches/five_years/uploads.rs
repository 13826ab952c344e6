//! What uploads take: of a small report and of a large one.

use axum::body::Body;
use axum::http::Request;
use kvmark::domain::{Millis, Scope};
use kvmark::web::auth::Secret;
use kvmark::web::{self, AppState};

use crate::pages::call;
use crate::table::Table;
use crate::{Args, LAST, Times, fill};

/// Uploads reports through the router, with their verdicts in the answer.
pub(crate) async fn measure(what: &str, app: &AppState, args: &Args, table: &mut Table) {
    let secret = Secret::random().unwrap();
    app.store
        .create_token(&secret.hash(), Scope::Upload, None, None, Millis(LAST))
        .await
        .unwrap();
    let router = web::router(app.clone());
    for (series, samples) in [(30, 10), (500, 30)] {
        let bodies: Vec<String> = (0..args.repeats)
            .map(|i| fill::wire(series, samples, i))
            .collect();
        let times = Times::of(
            args.repeats,
            async |_| {},
            async |i| {
                let request = Request::post("/api/v1/runs")
                    .header("host", "localhost")
                    .header("authorization", format!("Bearer {}", secret.reveal()))
                    .header("content-type", "application/json")
                    .body(Body::from(bodies[i].clone()))
                    .unwrap();
                assert_eq!(call(&router, request).await.0, 201);
            },
        )
        .await;
        let what = format!(
            "upload after {what}, {series} series x {samples} samples (CPU {:.2} ms)",
            times.cpu_ms()
        );
        match series {
            30 => table.most(&what, times.at(0.5), "ms", 3.0),
            _ => println!("{what:<64} {:>9.2} ms", times.at(0.5)),
        }
    }
}
