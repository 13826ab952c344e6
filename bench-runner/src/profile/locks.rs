//! Who waited for the indexer's writer lock, from waits that were really timed.
//!
//! The indexer tells of a wait when the lock was had, that is, while it is held: a call stack taken
//! there would make everybody else wait longer. So a wait is noted by thread and by the place in the
//! indexer that took the lock, which costs some 50 ns. Waits of the suite itself hold nothing, and
//! have their call stacks ([`crate::measure::sites::waiting`]).

use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

use crate::measure::spans;

/// Waits at one place of one thread.
#[derive(Debug, Default, Clone)]
pub(super) struct Waits {
    /// What the thread is called.
    pub(super) thread: String,
    /// Where the lock was taken.
    pub(super) place: String,
    /// All waits together, ns.
    pub(super) ns: u64,
    /// How many.
    pub(super) count: u64,
}

type Key = (ThreadId, &'static str, u32);

static IS_ON: AtomicBool = AtomicBool::new(false);
static WAITS: Mutex<Option<HashMap<Key, Waits>>> = Mutex::new(None);

/// Begins to note waits.
pub(super) fn start() {
    listen();
    *WAITS.lock().unwrap_or_else(PoisonError::into_inner) = Some(HashMap::new());
    IS_ON.store(true, Ordering::SeqCst);
}

/// Ends, and gives what was noted.
pub(super) fn stop() -> Vec<Waits> {
    IS_ON.store(false, Ordering::SeqCst);
    let waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner).take();
    waits.unwrap_or_default().into_values().collect()
}

/// Hears of waits, for this profile and for traces.
pub(super) fn listen() {
    kv_indexer::on_lock_wait(heard);
}

fn heard(place: &'static Location<'static>, ns: u64) {
    if spans::is_on() {
        spans::ended("wait for the writer lock", ns);
    }
    if !IS_ON.load(Ordering::Relaxed) {
        return;
    }
    let thread = std::thread::current();
    let mut waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(waits) = waits.as_mut() else { return };
    let key = (thread.id(), place.file(), place.line());
    let waits = waits.entry(key).or_insert_with(|| Waits {
        thread: thread.name().unwrap_or("a thread").to_owned(),
        place: format!(
            "kv_indexer writer lock, {}:{}",
            within(place.file()),
            place.line()
        ),
        ..Waits::default()
    });
    waits.ns += ns;
    waits.count += 1;
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
