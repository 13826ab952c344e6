//! Storage that never moves: chunks of items, found by number, read without a lock.
//!
//! # Why `unsafe`
//! Readers follow numbers into memory that one writer extends at the same time, and may not write
//! anything shared, so neither a lock nor a reference count can guard the chunks. The safe
//! equivalents measured slower (a lock) or cost memory by the size that could be reached (a fixed
//! table of `OnceLock`s). The rules that make it sound:
//! 1. A chunk, once published, is neither moved nor freed before the arena is dropped.
//! 2. A directory, once published, is likewise kept (in `retired`) when a longer one replaces it.
//! 3. Items are handed out as `&T` only, and `T` changes through atomics only.
//!
//! Together these guarantee that every reference lives as long as the borrow of the arena.
#![expect(
    unsafe_code,
    reason = "readers borrow chunks that a writer adds to; see above"
)]

use crate::sync::{AtomicPtr, CHUNK_BITS, Ordering};
use std::marker::PhantomData;

const CHUNK: usize = 1 << CHUNK_BITS;

/// Items found by number.
pub(crate) struct Arena<T> {
    directory: AtomicPtr<Directory<T>>,
}

/// Pointers to chunks; null where there is none yet.
struct Directory<T> {
    chunks: Box<[AtomicPtr<T>]>,
}

/// What the one writer knows of an arena.
pub(crate) struct Growth<T> {
    items: usize,
    /// Directories that were replaced. Readers may still look through them.
    retired: Vec<*mut Directory<T>>,
}

/// The arena as it was when the view was taken: a later item may be missing.
pub(crate) struct View<'a, T> {
    chunks: &'a [AtomicPtr<T>],
}

/// An item with its number.
#[derive(Debug)]
pub(crate) struct Place<'a, T> {
    number: u32,
    /// Into a chunk of the arena that `'a` borrows.
    at: *const T,
    arena: PhantomData<&'a T>,
}

impl<T> Clone for Place<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<'_, T> {}

impl<'a, T> Place<'a, T> {
    /// The item's number.
    #[inline(always)]
    pub(crate) fn number(self) -> u32 {
        self.number
    }

    /// The item.
    #[inline(always)]
    pub(crate) fn item(self) -> &'a T {
        // SAFETY: `at` is an item of a chunk that is never freed while the arena is borrowed
        // (rule 1).
        unsafe { &*self.at }
    }
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<'_, T> {}

// SAFETY: the pointers in `retired` own their directories and are only touched by the holder of
// the `Growth`, or when the arena is dropped.
unsafe impl<T: Send + Sync> Send for Growth<T> {}

impl<T: Default + Send + Sync> Arena<T> {
    /// An empty arena, and what its writer needs.
    pub(crate) fn new() -> (Self, Growth<T>) {
        let directory = Directory::boxed(16);
        let arena = Self {
            directory: AtomicPtr::new(Box::into_raw(directory)),
        };
        let growth = Growth {
            items: 0,
            retired: Vec::new(),
        };
        (arena, growth)
    }

    /// The arena as it is now.
    #[inline]
    pub(crate) fn view(&self) -> View<'_, T> {
        // SAFETY: the pointer comes from `Box::into_raw`, was published with Release, and is not
        // freed before `self` is dropped (rule 2).
        let directory = unsafe { &*self.directory.load(Ordering::Acquire) };
        View {
            chunks: &directory.chunks,
        }
    }

    /// Adds a chunk of default items; gives the numbers of the new items. The caller is the one
    /// writer: it holds the `Growth`.
    pub(crate) fn grow(&self, growth: &mut Growth<T>) -> std::ops::Range<u32> {
        let place = growth.items >> CHUNK_BITS;
        if place == self.view().chunks.len() {
            let longer = Directory::boxed(place * 2);
            for (new, old) in longer.chunks.iter().zip(self.view().chunks) {
                new.store(old.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            let longer = Box::into_raw(longer);
            let old = self.directory.swap(longer, Ordering::AcqRel);
            growth.retired.push(old);
        }
        let chunk: Box<[T]> = (0..CHUNK).map(|_| T::default()).collect();
        let chunk = Box::into_raw(chunk).cast::<T>();
        self.view().chunks[place].store(chunk, Ordering::Release);
        let first = growth.items as u32;
        growth.items += CHUNK;
        first..growth.items as u32
    }

    /// Frees the directories kept for readers. The caller has the arena to itself.
    pub(crate) fn drop_retired(&mut self, growth: &mut Growth<T>) {
        for directory in growth.retired.drain(..) {
            // SAFETY: it came from `Box::into_raw`, stands in `retired` once, and `&mut self`
            // proves that no reader is left. Its chunks belong to the directory in use.
            drop(unsafe { Box::from_raw(directory) });
        }
    }
}

impl<T> Growth<T> {
    /// Items there are.
    pub(crate) fn items(&self) -> usize {
        self.items
    }

    /// Bytes of all items.
    pub(crate) fn bytes(&self) -> usize {
        self.items * size_of::<T>()
    }
}

impl<T> Directory<T> {
    fn boxed(length: usize) -> Box<Self> {
        Box::new(Self {
            chunks: (0..length)
                .map(|_| AtomicPtr::new(std::ptr::null_mut()))
                .collect(),
        })
    }
}

impl<'a, T> View<'a, T> {
    /// The item, or `None` where the view is too old to have it.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&'a T> {
        self.place(number).map(Place::item)
    }

    /// The item `number`, from the item `from` on, which mostly lies just before it.
    ///
    /// A walk along items that lie in a row would wait for each number before it could ask for the
    /// item. Where the number is the next one its item is found without it: the processor, which
    /// guesses that it is, goes ahead.
    #[inline(always)]
    pub(crate) fn step(&self, from: Place<'a, T>, number: u32) -> Option<Place<'a, T>> {
        let next = from.number.wrapping_add(1);
        if number == next && next as usize & (CHUNK - 1) != 0 {
            return Some(Place {
                number: next,
                // SAFETY: `from` is an item of a chunk of CHUNK items, and not the last.
                at: unsafe { from.at.add(1) },
                arena: PhantomData,
            });
        }
        self.place(number)
    }

    /// Whether the items take more than 64 chunks: more than the caches next to a core hold.
    #[inline(always)]
    pub(crate) fn is_large(&self) -> bool {
        self.chunks.len() > 64
    }

    /// Calls `near` with the items that lie just behind one, up to `count` of them.
    #[inline(always)]
    pub(crate) fn each_behind(&self, from: Place<'a, T>, count: usize, near: impl Fn(&'a T)) {
        let left = CHUNK - 1 - (from.number as usize & (CHUNK - 1));
        for step in 1..=count.min(left) {
            // SAFETY: `from` is an item of a chunk of CHUNK items, of which `left` lie behind it.
            near(unsafe { &*from.at.add(step) });
        }
    }

    /// The item with its number.
    #[inline]
    pub(crate) fn place(&self, number: u32) -> Option<Place<'a, T>> {
        let chunk = self.chunks.get((number >> CHUNK_BITS) as usize)?;
        let chunk = chunk.load(Ordering::Acquire);
        if chunk.is_null() {
            return None;
        }
        Some(Place {
            number,
            // SAFETY: a chunk that is not null has CHUNK initialised items (published with Release),
            // and the offset is below CHUNK.
            at: unsafe { chunk.add(number as usize & (CHUNK - 1)) },
            arena: PhantomData,
        })
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        let directory = self.directory.load(Ordering::Relaxed);
        // SAFETY: `&mut self`: no reader is left. The directory in use owns every chunk.
        let directory = unsafe { Box::from_raw(directory) };
        for chunk in &directory.chunks {
            let chunk = chunk.load(Ordering::Relaxed);
            if !chunk.is_null() {
                let items = std::ptr::slice_from_raw_parts_mut(chunk, CHUNK);
                // SAFETY: it came from `Box::into_raw` of a slice of CHUNK items.
                drop(unsafe { Box::from_raw(items) });
            }
        }
    }
}

impl<T> std::fmt::Debug for Arena<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena").finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for Growth<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Growth")
            .field("items", &self.items)
            .finish_non_exhaustive()
    }
}
