//! Loom's atomics and small sizes, in the place of the crate's own.

pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
use std::cell::Cell;

pub(crate) const CHUNK_BITS: u32 = 1;
pub(crate) const CHILD_PART_BITS: u32 = 0;
pub(crate) const QUARANTINE: usize = 1;

pub(crate) trait Own {
    type Word;
    fn own(&self) -> Self::Word;
}

/// Loom remembers only the last access of a word: were the writer's own reading of what it is about
/// to store one of them, it would hide the reader's before it, and with it every interleaving that
/// matters. Loom itself checks that nobody else stores to the word.
macro_rules! own {
    ($($atomic:ty => $word:ty),*) => {$(
        impl Own for $atomic {
            type Word = $word;

            #[expect(unsafe_code, reason = "loom's unsynchronised load; it checks its own rule")]
            fn own(&self) -> $word {
                // SAFETY: only the thread that calls this stores to the word.
                unsafe { self.unsync_load() }
            }
        }
    )*};
}

own!(AtomicU8 => u8, AtomicU32 => u32, AtomicU64 => u64);

impl<T> Own for AtomicPtr<T> {
    type Word = *mut T;

    #[expect(unsafe_code, reason = "as above")]
    fn own(&self) -> *mut T {
        // SAFETY: only the thread that calls this stores to the word.
        unsafe { self.unsync_load() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Epoch,
    Version,
    Planes,
    Tables,
}

thread_local! {
    /// The check that a story does without. Loom runs a model's threads on its caller's thread.
    static LEFT_OUT: Cell<Option<Check>> = const { Cell::new(None) };
}

pub(crate) fn is_made(check: Check) -> bool {
    LEFT_OUT.get() != Some(check)
}

/// Runs a story without one check.
pub(crate) fn without<T>(check: Check, story: impl FnOnce() -> T) -> T {
    LEFT_OUT.set(Some(check));
    let told = story();
    LEFT_OUT.set(None);
    told
}
