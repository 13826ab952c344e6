//! What the suite says of itself: pages show it beside its results.

use std::collections::BTreeMap;

/// What each benchmark of this version's suite measures, and how; by name.
pub fn descriptions() -> BTreeMap<String, String> {
    bench_runner::suite::catalogue::catalogue()
        .into_iter()
        .map(|info| (info.name.to_owned(), info.description.to_owned()))
        .collect()
}
