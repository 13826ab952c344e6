//! Behaviour of the index, the decoder and the feed, through the public API.
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod bounds;
mod far;
mod index;
mod model;
mod threads;
mod wire;
mod world;

/// Cases for each property: `KV_INDEXER_CASES` raises it for long runs.
fn config(cases: u32) -> proptest::test_runner::Config {
    let wanted = std::env::var("KV_INDEXER_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    proptest::test_runner::Config {
        cases: wanted.unwrap_or(cases),
        failure_persistence: None,
        ..Default::default()
    }
}
