//! A counting allocator, for passes of their own.
//!
//! A program that wants allocation figures declares
//! `#[global_allocator] static GLOBAL: CountingAllocator = CountingAllocator;`. It hands every call
//! to the system's allocator and, on a thread inside [`count`], adds it up. Counters belong to the
//! thread, so that no other thread of the process enters a figure, and no timed pass pays for more
//! than one thread-local flag a call. It also tells a heap profile where memory is asked for, while one
//! is recorded.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::sites;

/// The system's allocator, with counting on threads that ask for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

/// What one [`count`] saw on its thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Calls that asked for memory; growing or shrinking in place counts as one.
    pub count: u64,
    /// Bytes asked for, all calls together (a reallocation asks for its whole new size).
    pub bytes: u64,
    /// Bytes asked for less bytes given back: what is still held (negative when more was freed).
    pub live: i64,
    /// The highest that `live` came to.
    pub peak: i64,
}

#[derive(Clone, Copy)]
struct Counters {
    on: bool,
    seen: Allocations,
}

thread_local! {
    // Constant-initialised and without a destructor: reading it never allocates, which an
    // allocator could not survive.
    static COUNTERS: Cell<Counters> = const {
        Cell::new(Counters { on: false, seen: Allocations { count: 0, bytes: 0, live: 0, peak: 0 } })
    };
}

/// Runs `work` and counts what this thread allocated meanwhile. `None` instead of counts when the
/// program has no [`CountingAllocator`], or when counting is already on (it does not nest).
pub fn count<T>(work: impl FnOnce() -> T) -> (T, Option<Allocations>) {
    if COUNTERS.get().on || !is_installed() {
        return (work(), None);
    }
    let _off_at_the_end = Counting::start();
    let value = work();
    let seen = COUNTERS.get().seen;
    (value, Some(seen))
}

/// Whether this program's global allocator is [`CountingAllocator`].
pub fn is_installed() -> bool {
    let before = COUNTERS.get();
    let counting = Counting::start();
    drop(std::hint::black_box(Box::new(std::hint::black_box(1_u64))));
    let saw = COUNTERS.get().seen.count > 0;
    drop(counting);
    COUNTERS.set(before);
    saw
}

/// Counting, until it is dropped: also when the counted work panics.
struct Counting;

impl Counting {
    fn start() -> Self {
        COUNTERS.set(Counters {
            on: true,
            seen: Allocations::default(),
        });
        Counting
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        COUNTERS.set(Counters {
            on: false,
            ..COUNTERS.get()
        });
    }
}

#[inline]
fn note(asked: usize, freed: usize) {
    if asked > 0 && sites::HEAP.is_on() {
        sites::HEAP.note(asked as u64);
    }
    // A thread that is ending has no thread-locals any more: what it frees is not counted.
    let _ = COUNTERS.try_with(|cell| {
        let mut counters = cell.get();
        if !counters.on {
            return;
        }
        if asked > 0 {
            counters.seen.count += 1;
            counters.seen.bytes += asked as u64;
        }
        counters.seen.live += asked as i64 - freed as i64;
        counters.seen.peak = counters.seen.peak.max(counters.seen.live);
        cell.set(counters);
    });
}

#[expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; every call goes to the system's"
)]
// SAFETY: each method passes its arguments unchanged to `System` and returns what `System` returned;
// counting touches only constant-initialised thread-locals, so it neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: the block came from `System`, as every block of this allocator does.
        unsafe { System.dealloc(pointer, layout) };
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(new_size, layout.size());
        // SAFETY: the block came from `System`, as every block of this allocator does.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The library's tests run under the allocator that they test (declared in lib.rs).

    #[test]
    fn counts_calls_bytes_what_is_held_and_the_peak() {
        let (kept, seen) = count(|| {
            let gone: Vec<u8> = Vec::with_capacity(1_000);
            drop(std::hint::black_box(gone));
            std::hint::black_box(Vec::<u8>::with_capacity(300))
        });
        assert_eq!(
            seen,
            Some(Allocations {
                count: 2,
                bytes: 1_300,
                live: 300,
                peak: 1_000
            }),
        );
        drop(kept);
    }

    #[test]
    fn the_same_work_counts_the_same_twice() {
        let work = || {
            (0..1_000)
                .map(|n| (n, n.to_string()))
                .collect::<std::collections::BTreeMap<_, _>>()
        };
        let (_, first) = count(work);
        let (_, second) = count(work);
        assert!(first.is_some_and(|seen| seen.count > 1_000));
        assert_eq!(first, second);
    }

    #[test]
    fn other_threads_do_not_enter_the_count() {
        let (_, seen) = count(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| drop(std::hint::black_box(vec![0_u8; 1 << 20])));
            });
        });
        assert!(seen.is_some_and(|seen| seen.bytes < 1 << 20), "{seen:?}");
    }

    #[test]
    fn counting_does_not_nest() {
        let ((_, inner), outer) = count(|| count(|| std::hint::black_box(Box::new(1))));
        assert_eq!(inner, None);
        assert!(outer.is_some());
    }

    #[test]
    fn counting_ends_when_the_work_panics() {
        let outcome =
            std::panic::catch_unwind(|| count(|| std::panic::resume_unwind(Box::new(()))));
        assert!(outcome.is_err());
        assert!(!COUNTERS.get().on);
    }
}
