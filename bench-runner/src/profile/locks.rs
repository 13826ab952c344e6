//! Waits for the indexer's writer lock, from waits that were really timed.

use std::panic::Location;

use crate::measure::{sites, spans};

/// Hears of waits, for this profile and for traces.
pub(super) fn listen() {
    kv_indexer::on_lock_wait(heard);
}

fn heard(place: &'static Location<'static>, ns: u64) {
    if spans::is_on() {
        spans::ended("wait for the writer lock", ns);
    }
    sites::waited(place, ns);
}

/// A place that took the lock, as the last frame of a stack.
pub(super) fn frame(place: &Location<'_>) -> String {
    let (file, line) = (within(place.file()), place.line());
    format!("kv_indexer writer lock, {file}:{line}")
}

/// A source file's path from `src/` on.
fn within(file: &str) -> &str {
    file.rfind("src/").map_or(file, |at| &file[at + 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_file_is_named_from_its_crate_on() {
        assert_eq!(
            within("bench-runner/indexer/src/index/apply.rs"),
            "index/apply.rs"
        );
        assert_eq!(within("other.rs"), "other.rs");
    }
}
