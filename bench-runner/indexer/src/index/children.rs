//! The child table: from a block (or a scope) and a local hash to the segment that begins there.
//!
//! One writer, readers without a lock. An entry is one word. A removed entry leaves a tombstone,
//! so that a probe that passes it at that moment still finds what lies behind. A table that is
//! full of either is rewritten into another one, part by part; the old one keeps its content until
//! the epoch has moved, like everything else that is taken out.
//!
//! # Why `unsafe`
//! As in `arena`: readers follow a pointer that the writer replaces. The tables, once published,
//! are kept until the whole is dropped, so every reference lives as long as the borrow.
#![expect(
    unsafe_code,
    reason = "readers borrow tables that the writer replaces; see above"
)]

use crate::sync::{
    AtomicPtr, AtomicU64, CHILD_PART_BITS as PART_BITS, CHILD_SLOTS as SMALLEST, Ordering,
};

const PARTS: usize = 1 << PART_BITS;
const EMPTY: u64 = 0;
const TOMBSTONE: u64 = u64::MAX;

/// The table, as readers see it.
#[derive(Debug)]
pub(crate) struct Children {
    parts: Box<[AtomicPtr<Table>]>,
}

/// What the one writer knows of the table.
#[derive(Debug)]
pub(crate) struct ChildrenGrowth {
    parts: Vec<Filling>,
    /// Tables taken out of use: kept for readers, and used again behind a new epoch.
    retired: Vec<Retired>,
    slots: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Filling {
    live: usize,
    tombstones: usize,
}

#[derive(Debug)]
struct Retired(*mut Table);

// SAFETY: the pointer owns a table whose fields are all `Send`; it is only used by the holder of
// the `ChildrenGrowth`.
unsafe impl Send for Retired {}

/// Entries: the hash's upper 32 bits, and the segment's number plus one.
#[derive(Debug)]
struct Table {
    slots: Box<[AtomicU64]>,
}

impl Table {
    fn boxed(slots: usize) -> Box<Self> {
        Box::new(Self {
            slots: (0..slots).map(|_| AtomicU64::new(EMPTY)).collect(),
        })
    }

    /// The slots in the order a probe visits them, each once.
    #[inline]
    fn probe(&self, hash: u64) -> impl Iterator<Item = &AtomicU64> {
        let mask = self.slots.len() - 1;
        let start = (hash >> PART_BITS) as usize;
        (0..=mask).map(move |step| &self.slots[(start + step) & mask])
    }

    /// Puts an entry into the first free slot of its probe; says whether that was a tombstone.
    fn put(&self, hash: u64, entry: u64) -> bool {
        for slot in self.probe(hash) {
            let found = slot.load(Ordering::Relaxed);
            if found == EMPTY || found == TOMBSTONE {
                slot.store(entry, Ordering::Release);
                return found == TOMBSTONE;
            }
        }
        // The caller keeps a quarter of the slots empty.
        false
    }
}

#[inline]
fn entry(hash: u64, segment: u32) -> u64 {
    (hash & 0xffff_ffff_0000_0000) | (u64::from(segment) + 1)
}

impl Children {
    pub(crate) fn new() -> (Self, ChildrenGrowth) {
        let table = || AtomicPtr::new(Box::into_raw(Table::boxed(SMALLEST)));
        let children = Self {
            parts: (0..PARTS).map(|_| table()).collect(),
        };
        let growth = ChildrenGrowth {
            parts: vec![Filling::default(); PARTS],
            retired: Vec::new(),
            slots: PARTS * SMALLEST,
        };
        (children, growth)
    }

    #[inline]
    fn table(&self, hash: u64) -> &Table {
        let part = &self.parts[hash as usize & (PARTS - 1)];
        // SAFETY: the pointer came from `Box::into_raw`, was published with Release, and its
        // table is not freed before `self` is dropped.
        unsafe { &*part.load(Ordering::Acquire) }
    }

    /// The segment under that hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        for slot in self.table(hash).probe(hash) {
            let found = slot.load(Ordering::Acquire);
            if found == EMPTY {
                return None;
            }
            if found >> 32 == hash >> 32 && found != TOMBSTONE {
                let segment = (found as u32).wrapping_sub(1);
                if is_it(segment) {
                    return Some(segment);
                }
            }
        }
        None
    }

    /// Adds an entry. `advance` moves the epoch: a table that was taken out is used again.
    pub(crate) fn insert(
        &self,
        growth: &mut ChildrenGrowth,
        hash: u64,
        segment: u32,
        hash_of: impl Fn(u32) -> u64,
        advance: impl FnOnce(),
    ) {
        let part = hash as usize & (PARTS - 1);
        let slots = self.table(hash).slots.len();
        let filling = growth.parts[part];
        if (filling.live + filling.tombstones + 1) * 4 > slots * 3 {
            let wanted = if filling.live * 2 >= slots {
                slots * 2
            } else {
                slots
            };
            self.rewrite(growth, part, wanted, hash_of, advance);
        }
        let was_tombstone = self.table(hash).put(hash, entry(hash, segment));
        let filling = &mut growth.parts[part];
        filling.live += 1;
        filling.tombstones -= usize::from(was_tombstone);
    }

    /// Takes an entry out.
    pub(crate) fn remove(&self, growth: &mut ChildrenGrowth, hash: u64, segment: u32) {
        let wanted = entry(hash, segment);
        for slot in self.table(hash).probe(hash) {
            let found = slot.load(Ordering::Relaxed);
            if found == EMPTY {
                return;
            }
            if found == wanted {
                slot.store(TOMBSTONE, Ordering::Release);
                let filling = &mut growth.parts[hash as usize & (PARTS - 1)];
                filling.live -= 1;
                filling.tombstones += 1;
                return;
            }
        }
    }

    fn rewrite(
        &self,
        growth: &mut ChildrenGrowth,
        part: usize,
        slots: usize,
        hash_of: impl Fn(u32) -> u64,
        advance: impl FnOnce(),
    ) {
        let old = self.table(part as u64);
        let new = growth.table_of(slots, advance);
        // SAFETY: `table_of` gives a live table that nobody frees before `self` is dropped.
        let filled = unsafe { &*new };
        for slot in &old.slots {
            let found = slot.load(Ordering::Relaxed);
            if found != EMPTY && found != TOMBSTONE {
                filled.put(hash_of((found as u32).wrapping_sub(1)), found);
            }
        }
        growth.parts[part].tombstones = 0;
        let old = self.parts[part].swap(new, Ordering::AcqRel);
        growth.retired.push(Retired(old));
    }

    /// Frees the tables kept for readers. The caller has the whole to itself.
    pub(crate) fn drop_retired(&mut self, growth: &mut ChildrenGrowth) {
        for Retired(table) in growth.retired.drain(..) {
            // SAFETY: it came from `Box::into_raw`, stands in `retired` once, is no longer in
            // `parts`, and `&mut self` proves that no reader is left.
            drop(unsafe { Box::from_raw(table) });
        }
    }
}

impl ChildrenGrowth {
    /// An empty table of that many slots: a retired one behind a new epoch, or a new one.
    ///
    /// A raw pointer, never a `Box`: readers of the old epoch may still look into a retired table
    /// through `&Table` while it is refilled (its words are atomics, and those readers throw their
    /// answers away), and a `Box` would claim to be alone.
    fn table_of(&mut self, slots: usize, advance: impl FnOnce()) -> *mut Table {
        let fits = |retired: &Retired| {
            // SAFETY: retired tables are alive until `drop_retired`.
            unsafe { &*retired.0 }.slots.len() == slots
        };
        if let Some(place) = self.retired.iter().position(fits) {
            advance();
            let Retired(table) = self.retired.swap_remove(place);
            // SAFETY: as above.
            for slot in &unsafe { &*table }.slots {
                slot.store(EMPTY, Ordering::Relaxed);
            }
            return table;
        }
        self.slots += slots;
        Box::into_raw(Table::boxed(slots))
    }

    /// Bytes of all tables, retired ones too.
    pub(crate) fn bytes(&self) -> usize {
        self.slots * size_of::<u64>()
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for part in &self.parts {
            // SAFETY: `&mut self`: no reader is left; each part owns its table.
            drop(unsafe { Box::from_raw(part.load(Ordering::Relaxed)) });
        }
    }
}
