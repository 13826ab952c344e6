//! Call stacks with what was counted there: where memory was allocated, where threads waited.
//!
//! Both are recorded only between [`Recorder::start`] and [`Recorder::stop`], in passes of their own:
//! outside, each costs one relaxed load.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Frames of a stack that are kept.
const DEPTH: usize = 120;
/// Different stacks that are kept: what comes after them counts for none of them.
const SITES: usize = 100_000;

/// Where memory was allocated: bytes and allocations.
pub static HEAP: Recorder = Recorder::new();
/// Where threads waited: nanoseconds and waits.
pub static WAITS: Recorder = Recorder::new();

/// A call stack and what was counted there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Return addresses, innermost first, for [`super::symbols`].
    pub stack: Vec<usize>,
    /// The amount.
    pub amount: u64,
    /// How often.
    pub count: u64,
}

/// Counts amounts by the call stack at which they come.
#[derive(Debug)]
pub struct Recorder {
    is_on: AtomicBool,
    sites: Mutex<Option<HashMap<Vec<usize>, [u64; 2]>>>,
}

thread_local! {
    // What recording itself allocates or waits for is not recorded.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

impl Recorder {
    const fn new() -> Self {
        Self {
            is_on: AtomicBool::new(false),
            sites: Mutex::new(None),
        }
    }

    /// Begins anew.
    pub fn start(&self) {
        *self.locked() = Some(HashMap::new());
        self.is_on.store(true, Ordering::SeqCst);
    }

    /// Ends, and gives what was recorded.
    pub fn stop(&self) -> Vec<Site> {
        self.is_on.store(false, Ordering::SeqCst);
        let sites = self.locked().take().unwrap_or_default();
        sites
            .into_iter()
            .map(|(stack, [amount, count])| Site {
                stack,
                amount,
                count,
            })
            .collect()
    }

    /// Whether it records.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Notes an amount at the caller's call stack.
    #[cold]
    pub fn note(&self, amount: u64) {
        // A thread that is ending has no thread-locals any more, and is not recorded.
        let Ok(false) = WITHIN.try_with(|within| within.replace(true)) else {
            return;
        };
        let mut stack = Vec::with_capacity(DEPTH);
        backtrace::trace(|frame| {
            stack.push(frame.ip() as usize);
            stack.len() < DEPTH
        });
        if let Some(sites) = self.locked().as_mut()
            && (sites.len() < SITES || sites.contains_key(&stack))
        {
            let sums = sites.entry(stack).or_default();
            sums[0] += amount;
            sums[1] += 1;
        }
        let _ = WITHIN.try_with(|within| within.set(false));
    }

    fn locked(&self) -> MutexGuard<'_, Option<HashMap<Vec<usize>, [u64; 2]>>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what may have to wait for another thread; while waits are recorded, how long it took.
#[inline]
pub fn waiting<T>(work: impl FnOnce() -> T) -> T {
    if !WAITS.is_on() {
        return work();
    }
    let start = Instant::now();
    let value = work();
    WAITS.note(start.elapsed().as_nanos() as u64);
    value
}

#[cfg(test)]
mod tests {
    use super::super::symbols::Symbols;
    use super::*;

    #[inline(never)]
    fn planted_allocation() -> Vec<u8> {
        std::hint::black_box(Vec::with_capacity(54_321))
    }

    #[test]
    fn every_allocation_is_found_where_it_was_made() {
        HEAP.start();
        let kept: Vec<_> = (0..10).map(|_| planted_allocation()).collect();
        let sites = HEAP.stop();
        drop(kept);
        let mut symbols = Symbols::default();
        let own: Vec<&Site> = sites
            .iter()
            .filter(|site| {
                let names = symbols.names(&site.stack);
                names.iter().any(|name| name.contains("planted_allocation"))
            })
            .collect();
        let sum = |of: fn(&Site) -> u64| own.iter().map(|site| of(site)).sum::<u64>();
        assert_eq!(sum(|site| site.amount), 543_210);
        assert_eq!(sum(|site| site.count), 10);
    }

    #[test]
    fn nothing_is_recorded_before_the_start() {
        let recorder = Recorder::new();
        recorder.note(5);
        assert_eq!(recorder.stop(), []);
        recorder.start();
        recorder.note(7);
        assert_eq!(recorder.stop()[0].amount, 7);
        assert_eq!(recorder.stop(), []);
    }
}
