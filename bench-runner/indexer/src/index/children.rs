//! The child table: from what leads to a block (see [`chain`](super::chain)) and a local hash to the
//! segment that begins there.
//!
//! One writer, readers without a lock. An entry is one word. A removed entry leaves a tombstone,
//! so that a probe that passes it at that moment still finds what lies behind. A part that is full
//! of either is rewritten into another table; the old one keeps its content until the epoch has
//! moved, like everything else that is taken out.
//!
//! # Why `unsafe`
//! As in `arena`: readers follow a pointer that the writer replaces. The rules:
//! 1. A table, once published, is not freed before the whole is dropped; it may be refilled behind
//!    a new epoch. Nobody ever holds more than a shared reference to it.
//! 2. A table's address is a multiple of 64, and its lower bits say how many lines it has.
//!
//! Together these guarantee that every reference lives as long as the borrow, and that one load
//! gives a table with its length.
#![expect(
    unsafe_code,
    reason = "readers borrow tables that the writer replaces; see above"
)]

use super::prefetch::prefetch;
use crate::sync::{AtomicPtr, AtomicU64, CHILD_PART_BITS, Check, Ordering, Own, is_made};

const PARTS: usize = 1 << CHILD_PART_BITS;
const EMPTY: u64 = 0;
const TOMBSTONE: u64 = u64::MAX;
/// Entries in a cache line.
const LINE: usize = 8;
/// Slots that most probes do not go beyond.
const NEAR: usize = 4;
/// Bits of a table's address that hold the binary logarithm of its lines.
const TAG: usize = 63;

/// The table, as readers see it.
#[derive(Debug)]
pub(crate) struct Children {
    parts: Box<[AtomicPtr<Line>]>,
}

/// Entries: the hash's upper 32 bits, which also say where the probe begins, and the segment's
/// number plus one.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([AtomicU64; LINE]);

/// What the one writer knows of the table.
#[derive(Debug)]
pub(crate) struct ChildrenGrowth {
    parts: Vec<Filling>,
    /// Tables taken out of use: kept for readers, and used again behind a new epoch.
    retired: Vec<Tagged>,
    lines: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Filling {
    live: usize,
    tombstones: usize,
}

/// A table's address and size in one.
#[derive(Clone, Copy, Debug)]
struct Tagged(*mut Line);

// SAFETY: the pointers in a `ChildrenGrowth` own lines of atomics, and only its holder uses them.
unsafe impl Send for Tagged {}

impl Tagged {
    /// A new table of `1 << bits` lines.
    fn new(bits: usize) -> Self {
        let lines: Box<[Line]> = (0..1 << bits).map(|_| Line::default()).collect();
        let address = Box::into_raw(lines).cast::<Line>();
        Self(address.map_addr(|address| address | bits))
    }

    #[inline]
    fn bits(self) -> usize {
        self.0.addr() & TAG
    }

    #[inline]
    fn address(self) -> *mut Line {
        self.0.map_addr(|address| address & !TAG)
    }

    /// The table's lines, for as long as the caller knows that it is not freed.
    #[inline]
    unsafe fn lines<'a>(self) -> &'a [Line] {
        // SAFETY: by rule 2 address and length are those of a boxed slice; by the caller's word it
        // is alive, and by rule 1 nobody holds it exclusively.
        unsafe { std::slice::from_raw_parts(self.address(), 1 << self.bits()) }
    }

    /// Frees the table, which nobody looks into any more.
    unsafe fn free(self) {
        let lines = std::ptr::slice_from_raw_parts_mut(self.address(), 1 << self.bits());
        // SAFETY: it came from `Box::into_raw`, and by the caller's word is freed once.
        drop(unsafe { Box::from_raw(lines) });
    }
}

/// Where the probe of a hash begins.
#[inline]
fn first_place(slots: usize, hash: u64) -> usize {
    (((hash >> 32) * slots as u64) >> 32) as usize
}

/// The slots in the order that a hash's probe visits them, each once.
#[inline]
fn probe(lines: &[Line], hash: u64) -> impl Iterator<Item = &AtomicU64> {
    let slots = lines.len() * LINE;
    let start = first_place(slots, hash);
    (start..slots)
        .chain(0..start)
        .map(|place| &lines[place / LINE].0[place % LINE])
}

#[inline]
fn search(
    lines: &[Line],
    hash: u64,
    load: impl Fn(&AtomicU64) -> u64,
    mut is_it: impl FnMut(u32) -> bool,
) -> Option<u32> {
    let slots = lines.len() * LINE;
    let mut place = first_place(slots, hash);
    // By hand, since every lookup comes by here: an iterator that begins again is slower.
    for _ in 0..slots {
        let found = load(&lines[place / LINE].0[place % LINE]);
        if found == EMPTY {
            return None;
        }
        if found >> 32 == hash >> 32 && found != TOMBSTONE {
            let segment = (found as u32).wrapping_sub(1);
            if is_it(segment) {
                return Some(segment);
            }
        }
        place += 1;
        if place == slots {
            place = 0;
        }
    }
    None
}

/// Puts an entry into the first free slot of its probe; says whether that was a tombstone.
fn put(lines: &[Line], entry: u64) -> bool {
    for slot in probe(lines, entry) {
        let found = slot.own();
        if found == EMPTY || found == TOMBSTONE {
            slot.store(entry, Ordering::Release);
            return found == TOMBSTONE;
        }
    }
    // The caller keeps a quarter of the slots empty.
    false
}

#[inline]
fn entry(hash: u64, segment: u32) -> u64 {
    (hash & 0xffff_ffff_0000_0000) | (u64::from(segment) + 1)
}

impl Children {
    pub(crate) fn new() -> (Self, ChildrenGrowth) {
        let children = Self {
            parts: (0..PARTS)
                .map(|_| AtomicPtr::new(Tagged::new(0).0))
                .collect(),
        };
        let growth = ChildrenGrowth {
            parts: vec![Filling::default(); PARTS],
            retired: Vec::new(),
            lines: PARTS,
        };
        (children, growth)
    }

    #[inline]
    fn table(&self, hash: u64) -> &[Line] {
        let part = &self.parts[hash as usize & (PARTS - 1)];
        // SAFETY: published with Release, and not freed before `self` is dropped (rule 1).
        unsafe { Tagged(part.load(Ordering::Acquire)).lines() }
    }

    /// The table as the writer, who alone replaces it, sees it.
    #[inline]
    fn own_table(&self, hash: u64) -> &[Line] {
        let part = &self.parts[hash as usize & (PARTS - 1)];
        // SAFETY: not freed before `self` is dropped (rule 1).
        unsafe { Tagged(part.own()).lines() }
    }

    /// Has the memory brought near in which the probe of a hash begins and most likely ends.
    #[inline]
    pub(crate) fn foresee(&self, hash: u64) {
        let lines = self.table(hash);
        let first = first_place(lines.len() * LINE, hash);
        prefetch(&lines[first / LINE]);
        if let Some(behind) = lines.get((first + NEAR) / LINE) {
            prefetch(behind);
        }
    }

    /// The segment under that hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let load = |slot: &AtomicU64| slot.load(Ordering::Acquire);
        search(self.table(hash), hash, load, is_it)
    }

    /// The same for the writer.
    #[inline]
    pub(crate) fn find_own(&self, hash: u64, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        search(self.own_table(hash), hash, Own::own, is_it)
    }

    /// Adds an entry. `advance` moves the epoch, before a table that was taken out is used again.
    #[inline]
    pub(crate) fn insert(
        &self,
        growth: &mut ChildrenGrowth,
        hash: u64,
        segment: u32,
        advance: impl FnOnce(),
    ) {
        let part = hash as usize & (PARTS - 1);
        let slots = self.own_table(hash).len() * LINE;
        let filling = growth.parts[part];
        if (filling.live + filling.tombstones + 1) * 4 > slots * 3 {
            self.rewrite(growth, part, advance);
        }
        let was_tombstone = put(self.own_table(hash), entry(hash, segment));
        let filling = &mut growth.parts[part];
        filling.live += 1;
        filling.tombstones -= usize::from(was_tombstone);
    }

    /// Takes an entry out.
    pub(crate) fn remove(&self, growth: &mut ChildrenGrowth, hash: u64, segment: u32) {
        let wanted = entry(hash, segment);
        for slot in probe(self.own_table(hash), hash) {
            let found = slot.own();
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

    /// Puts a part's entries into a table twice as large, or as large where most were tombstones.
    #[cold]
    fn rewrite(&self, growth: &mut ChildrenGrowth, part: usize, advance: impl FnOnce()) {
        let old = self.own_table(part as u64);
        let grows = growth.parts[part].live * 2 >= old.len() * LINE;
        let bits = old.len().trailing_zeros() as usize + usize::from(grows);
        let new = growth.table_of(bits, advance);
        // SAFETY: `table_of` gives a live table that nobody frees before `self` is dropped.
        let lines = unsafe { new.lines() };
        for slot in old.iter().flat_map(|line| &line.0) {
            let found = slot.own();
            if found != EMPTY && found != TOMBSTONE {
                put(lines, found);
            }
        }
        growth.parts[part].tombstones = 0;
        let old = self.parts[part].swap(new.0, Ordering::AcqRel);
        growth.retired.push(Tagged(old));
    }

    /// Frees the tables kept for readers. The caller has the whole to itself.
    pub(crate) fn drop_retired(&mut self, growth: &mut ChildrenGrowth) {
        for table in growth.retired.drain(..) {
            // SAFETY: a retired table stands in the list once and is no longer in `parts`;
            // `&mut self` proves that no reader is left.
            unsafe { table.free() };
        }
    }
}

impl ChildrenGrowth {
    /// An empty table of `1 << bits` lines: a retired one behind a new epoch, or a new one.
    ///
    /// Readers of the old epoch may still look into a retired table while it is refilled. Its
    /// words are atomics, and those readers throw their answers away.
    fn table_of(&mut self, bits: usize, advance: impl FnOnce()) -> Tagged {
        let Some(place) = self.retired.iter().position(|table| table.bits() == bits) else {
            self.lines += 1 << bits;
            return Tagged::new(bits);
        };
        if is_made(Check::Tables) {
            advance();
        }
        let table = self.retired.swap_remove(place);
        // SAFETY: retired tables are alive until `drop_retired`.
        for slot in unsafe { table.lines() }.iter().flat_map(|line| &line.0) {
            slot.store(EMPTY, Ordering::Relaxed);
        }
        table
    }

    /// Bytes of all tables, retired ones too.
    pub(crate) fn bytes(&self) -> usize {
        self.lines * size_of::<Line>()
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for part in &self.parts {
            // SAFETY: `&mut self`: no reader is left; each part owns its table.
            unsafe { Tagged(part.load(Ordering::Relaxed)).free() };
        }
    }
}
