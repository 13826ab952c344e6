//! What each thread did when, for a trace: recorded only between [`start`] and [`stop`], in a pass of
//! its own. Outside, a span costs one relaxed load, and none stands inside a timed loop.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A piece of work of one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub name: &'static str,
    /// Which thread, by a number from 1 in the order in which they first said something.
    pub thread: u32,
    /// When it began, ns since the start.
    pub start_ns: u64,
    /// How long it took, ns.
    pub ns: u64,
}

/// What was recorded.
#[derive(Debug, Default)]
pub struct Recorded {
    /// In the order in which they ended.
    pub spans: Vec<Span>,
    /// Spans for which there was no room.
    pub dropped: u64,
}

#[derive(Debug)]
struct Recording {
    origin: Instant,
    most: usize,
    recorded: Recorded,
}

static IS_ON: AtomicBool = AtomicBool::new(false);
static THREADS: AtomicU32 = AtomicU32::new(0);
static RECORDING: Mutex<Option<Recording>> = Mutex::new(None);

thread_local! {
    static THREAD: Cell<u32> = const { Cell::new(0) };
}

/// Begins anew, with room for `most` spans.
pub fn start(most: usize) {
    let mut recording = RECORDING.lock().unwrap_or_else(PoisonError::into_inner);
    *recording = Some(Recording {
        origin: Instant::now(),
        most,
        recorded: Recorded::default(),
    });
    IS_ON.store(true, Ordering::SeqCst);
}

/// Ends, and gives what was recorded.
pub fn stop() -> Recorded {
    IS_ON.store(false, Ordering::SeqCst);
    let mut recording = RECORDING.lock().unwrap_or_else(PoisonError::into_inner);
    recording
        .take()
        .map_or_else(Recorded::default, |r| r.recorded)
}

/// Whether spans are recorded.
#[inline]
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Runs work as a span of that name.
#[inline]
pub fn within<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    if !is_on() {
        return work();
    }
    let start = Instant::now();
    let value = work();
    add(name, start, start.elapsed().as_nanos() as u64);
    value
}

/// Notes a span that ends now and took so long.
pub fn ended(name: &'static str, ns: u64) {
    let now = Instant::now();
    let start = now.checked_sub(std::time::Duration::from_nanos(ns));
    add(name, start.unwrap_or(now), ns);
}

fn add(name: &'static str, start: Instant, ns: u64) {
    let thread = THREAD.get();
    let thread = if thread > 0 {
        thread
    } else {
        let new = THREADS.fetch_add(1, Ordering::Relaxed) + 1;
        THREAD.set(new);
        new
    };
    let mut recording = RECORDING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(recording) = recording.as_mut() else {
        return;
    };
    if recording.recorded.spans.len() >= recording.most {
        recording.recorded.dropped += 1;
        return;
    }
    let start_ns = start.saturating_duration_since(recording.origin).as_nanos() as u64;
    recording.recorded.spans.push(Span {
        name,
        thread,
        start_ns,
        ns,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_nest_and_what_has_no_room_is_counted() {
        assert_eq!(within("before the start", || 7), 7);
        start(2);
        within("outer", || within("inner", || within("innermost", || ())));
        let recorded = stop();
        // Other tests of this process may have their own spans; these are here or were dropped.
        assert_eq!(recorded.spans.len(), 2);
        assert!(recorded.dropped >= 1);
        let find = |name: &str| recorded.spans.iter().find(|span| span.name == name);
        if let (Some(inner), Some(innermost)) = (find("inner"), find("innermost")) {
            assert!(innermost.start_ns >= inner.start_ns && innermost.ns <= inner.ns);
            assert_eq!(inner.thread, innermost.thread);
        }
    }
}
