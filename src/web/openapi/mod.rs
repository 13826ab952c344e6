//! The API as OpenAPI, and as a page for people made from the same description.
//!
//! `openapi.json` is written by hand: it says what the types cannot, and tests hold it against the
//! router and against real answers.

mod page;

use std::sync::LazyLock;

use axum::Json;
use serde_json::{Value, json};

pub use page::show as page;

/// The description; a test reads it, so it is JSON.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut description: Value = serde_json::from_str(include_str!("openapi.json"))
        .expect("a constant that a test reads is JSON");
    description["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    description
});

/// `GET /api/openapi.json`
pub async fn show() -> Json<&'static Value> {
    Json(&DESCRIPTION)
}
