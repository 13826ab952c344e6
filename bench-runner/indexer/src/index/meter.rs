//! Counts of the work done inside: with the feature `counters`, and nothing at all without it. Only
//! waits for the lock are always counted: they cost nothing where nobody waits.

use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Waits for the lock since the index was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LockWaits {
    /// Times that a writer found the lock taken.
    pub count: u64,
    /// Nanoseconds that writers waited for it.
    pub ns: u64,
}

/// Hears of a wait for an index's lock: where the lock was taken, and how long it took, ns.
pub type LockListener = fn(&'static Location<'static>, u64);

static LISTENER: OnceLock<LockListener> = OnceLock::new();

/// Tells `listener` of every wait for the lock of any index of this process from now on, when the
/// lock was had and before it is used: it should be quick. The first listener stays; where nobody
/// waits it costs nothing.
pub fn on_lock_wait(listener: LockListener) {
    // Whoever is second hears nothing, as the contract says.
    let _ = LISTENER.set(listener);
}

/// Work done by an index since it was made.
#[cfg(feature = "counters")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Blocks hashed, for events and queries.
    pub hash_operations: u64,
    /// Table slots looked at, for events and queries.
    pub probes: u64,
    /// Bytes of payload decoded.
    pub bytes_decoded: u64,
    /// Times that a writer found the lock taken.
    pub lock_waits: u64,
    /// Nanoseconds that writers waited for it.
    pub lock_wait_ns: u64,
}

/// Where the counts are kept. On cache lines of its own: readers must not share one that waiting
/// writers write.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Meter {
    #[cfg(feature = "counters")]
    totals: [AtomicU64; 3],
    lock_waits: AtomicU64,
    lock_wait_ns: AtomicU64,
}

/// What can be counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Hashes,
    Probes,
    BytesDecoded,
}

impl Meter {
    /// Adds to one count.
    #[inline]
    pub(crate) fn add(&self, work: Work, amount: u64) {
        #[cfg(feature = "counters")]
        self.totals[work as usize].fetch_add(amount, Relaxed);
        #[cfg(not(feature = "counters"))]
        let _ = (work, amount);
    }

    #[cfg(feature = "counters")]
    pub(crate) fn read(&self) -> Counters {
        let total = |work: Work| self.totals[work as usize].load(Relaxed);
        Counters {
            hash_operations: total(Work::Hashes),
            probes: total(Work::Probes),
            bytes_decoded: total(Work::BytesDecoded),
            lock_waits: self.lock_waits().count,
            lock_wait_ns: self.lock_waits().ns,
        }
    }

    pub(crate) fn lock_waits(&self) -> LockWaits {
        LockWaits {
            count: self.lock_waits.load(Relaxed),
            ns: self.lock_wait_ns.load(Relaxed),
        }
    }
}

/// Rounds of trying before a writer goes to sleep: the lock is held for some 100 ns at a time, and
/// sleeping and being woken takes thousands. The rounds get longer, so that whoever holds the lock
/// gets several events through before its memory moves to another core.
const ROUNDS: u32 = 40;
/// Longest pause between two tries, in spin hints.
const LONGEST_PAUSE: u32 = 64;

/// Takes a lock: at once if it is free, else by trying on for a little, else by `wait`. The time
/// of both is counted.
#[inline]
#[track_caller]
pub(crate) fn locked<T>(meter: &Meter, now: impl Fn() -> Option<T>, wait: impl FnOnce() -> T) -> T {
    if let Some(guard) = now() {
        return guard;
    }
    contended(meter, now, wait)
}

#[cold]
#[track_caller]
fn contended<T>(meter: &Meter, now: impl Fn() -> Option<T>, wait: impl FnOnce() -> T) -> T {
    let start = std::time::Instant::now();
    let round = |round: u32| {
        for _ in 0..LONGEST_PAUSE.min(1 << round.min(31)) {
            std::hint::spin_loop();
        }
        now()
    };
    let guard = (0..ROUNDS).find_map(round).unwrap_or_else(wait);
    let ns = start.elapsed().as_nanos() as u64;
    meter.lock_waits.fetch_add(1, Relaxed);
    meter.lock_wait_ns.fetch_add(ns, Relaxed);
    if let Some(listener) = LISTENER.get() {
        listener(Location::caller(), ns);
    }
    guard
}
