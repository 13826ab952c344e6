//! Call stacks with what was counted there: where memory was allocated, where threads waited.
//!
//! Both are recorded only between [`Recorder::start`] and [`Recorder::stop`], in passes of their own:
//! outside, each costs one relaxed load.
//!
//! The indexer tells of a wait for its lock while it holds it: a call stack taken there would make
//! everybody else wait longer. So a thread keeps its waits to itself ([`waited`]) until the call into
//! the indexer is over ([`settle`]), and the place that took the lock ends the stack.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;
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
    /// The place within what was called, where it was told.
    pub place: Option<Place>,
    /// The amount.
    pub amount: u64,
    /// How often.
    pub count: u64,
}

/// A place in a source file.
pub type Place = &'static Location<'static>;

/// Stacks and places, with amount and count.
type Sites = HashMap<(Vec<usize>, Option<Place>), [u64; 2]>;

/// Counts amounts by the call stack at which they come.
#[derive(Debug)]
pub struct Recorder {
    is_on: AtomicBool,
    sites: Mutex<Option<Sites>>,
}

/// Waits of one thread whose call stack is not taken yet. Those that a thread ends with have none.
#[derive(Debug, Default)]
struct Waited(RefCell<Vec<(Place, u64)>>);

impl Drop for Waited {
    fn drop(&mut self) {
        for (place, ns) in self.0.take() {
            WAITS.add(Vec::new(), Some(place), ns);
        }
    }
}

thread_local! {
    // What recording itself allocates or waits for is not recorded.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
    static WAITED: Waited = Waited::default();
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
            .map(|((stack, place), [amount, count])| Site {
                stack,
                place,
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
        self.note_at(None, amount);
    }

    fn note_at(&self, place: Option<Place>, amount: u64) {
        // A thread that is ending has no thread-locals any more, and is not recorded.
        let Ok(false) = WITHIN.try_with(|within| within.replace(true)) else {
            return;
        };
        let mut stack = Vec::with_capacity(DEPTH);
        backtrace::trace(|frame| {
            stack.push(frame.ip() as usize);
            stack.len() < DEPTH
        });
        self.add(stack, place, amount);
        let _ = WITHIN.try_with(|within| within.set(false));
    }

    fn add(&self, stack: Vec<usize>, place: Option<Place>, amount: u64) {
        let site = (stack, place);
        if let Some(sites) = self.locked().as_mut()
            && (sites.len() < SITES || sites.contains_key(&site))
        {
            let sums = sites.entry(site).or_default();
            sums[0] += amount;
            sums[1] += 1;
        }
    }

    fn locked(&self) -> MutexGuard<'_, Option<Sites>> {
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

/// Keeps a wait of this thread at a place, while waits are recorded, until [`settle`].
pub fn waited(place: Place, ns: u64) {
    if WAITS.is_on() {
        // A thread that is ending waits for nobody.
        let _ = WAITED.try_with(|waited| waited.0.borrow_mut().push((place, ns)));
    }
}

/// Notes what this thread waited for since it was here last, at the caller's call stack.
#[inline]
pub fn settle() {
    if WAITS.is_on() {
        settle_waits();
    }
}

#[cold]
fn settle_waits() {
    let waits = WAITED.try_with(|waited| waited.0.take());
    for (place, ns) in waits.unwrap_or_default() {
        WAITS.note_at(Some(place), ns);
    }
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

    #[inline(never)]
    fn planted_wait(ns: u64) {
        for _ in 0..2 {
            waited(Location::caller(), ns);
        }
        settle();
    }

    #[test]
    fn a_wait_is_found_at_the_place_that_told_of_it_and_in_the_call_that_made_it() {
        waited(Location::caller(), 1);
        WAITS.start();
        planted_wait(700);
        // A thread that ends before it was asked.
        let thread = std::thread::spawn(|| waited(Location::caller(), 41));
        thread.join().expect("it only notes a wait");
        let sites = WAITS.stop();
        let of = |amount: u64| {
            let mut found = sites.iter().filter(|site| site.amount == amount);
            found.next().expect("it was noted")
        };
        let (planted, ended) = (of(1_400), of(41));
        assert_eq!((planted.count, ended.count), (2, 1));
        let names = Symbols::default().names(&planted.stack);
        assert!(
            names.iter().any(|name| name.contains("planted_wait")),
            "{names:?}"
        );
        assert!(
            planted
                .place
                .is_some_and(|place| place.file().ends_with("sites.rs"))
        );
        assert!(ended.stack.is_empty());
        assert!(sites.iter().all(|site| site.amount != 1));
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
