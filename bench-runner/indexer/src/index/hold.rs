//! Marking who holds what: the transitions of a segment's holders.

use super::seats::Target;
use super::segment::{BLOCKS, NONE, Record, Segment, span};
use super::writer::Edit;
use crate::sync::{AtomicU64, Ordering, Own};

#[inline]
fn get(word: &AtomicU64) -> u64 {
    word.own()
}

#[inline]
fn put(word: &AtomicU64, value: u64) {
    word.store(value, Ordering::Relaxed);
}

impl<'a> Edit<'a> {
    /// The holders of a plane in a segment.
    #[inline]
    pub(crate) fn record(&self, segment: &'a Segment, plane: u32) -> Option<Record<'a>> {
        if segment.holders.plane.own() == plane {
            return Some(segment.record());
        }
        let spills = self.shared.spills.view();
        let mut next = segment.spill.own();
        while next != NONE {
            let spill = spills.get(next)?;
            if spill.holders.plane.own() == plane {
                return Some(spill.record());
            }
            next = spill.next.own();
        }
        None
    }

    /// Calls `each` with the holders of every plane.
    pub(crate) fn each_record(&self, segment: &'a Segment, mut each: impl FnMut(u32, Record<'a>)) {
        each(segment.holders.plane.own(), segment.record());
        let spills = self.shared.spills.view();
        let mut next = segment.spill.own();
        while let Some(spill) = spills.get(next) {
            each(spill.holders.plane.own(), spill.record());
            next = spill.next.own();
        }
    }

    /// The blocks of a segment that the target holds, a bit each.
    #[inline]
    pub(crate) fn held_by(&self, segment: &'a Segment, target: Target) -> u8 {
        let Some(record) = self.record(segment, target.plane) else {
            return 0;
        };
        if get(&record.holders.full) & target.bit != 0 {
            return span(0, segment.length());
        }
        if get(&record.holders.part) & target.bit == 0 {
            return 0;
        }
        columns_of(record, target.bit) & span(0, segment.length())
    }

    /// Marks blocks `from..to` as held, in a segment of `length` blocks; gives how many were not.
    #[inline]
    pub(crate) fn hold(
        &mut self,
        id: u32,
        segment: &'a Segment,
        target: Target,
        from: usize,
        to: usize,
        length: usize,
    ) -> u32 {
        let record = match self.record(segment, target.plane) {
            Some(record) => record,
            None => self.add_record(segment, target.plane),
        };
        let (holders, bit) = (record.holders, target.bit);
        if get(&holders.full) & bit != 0 {
            return 0;
        }
        let wanted = span(from, to);
        let whole = span(0, length);
        let before = match get(&holders.part) & bit {
            0 => 0,
            _ => columns_of(record, bit) & whole,
        };
        let after = before | wanted;
        if after == before {
            return 0;
        }
        holders.change();
        if after == whole {
            holders.set_full(bit, 0);
            holders.set_part(0, bit);
        } else if before == 0 {
            write_columns(record, bit, after);
            holders.set_part(bit, 0);
        } else {
            for (place, column) in record.columns.iter().enumerate() {
                if wanted & (1 << place) != 0 {
                    column.store(get(column) | bit, Ordering::Release);
                }
            }
        }
        if before == 0 {
            self.writer.seats[target.seat as usize]
                .journal(target.medium)
                .enter(id);
        }
        let newly = (after & !before).count_ones();
        self.count_held(segment, after & !before);
        newly
    }

    /// Counts blocks that a holder was added to.
    #[inline]
    pub(crate) fn count_held(&mut self, segment: &Segment, blocks: u8) {
        let held = segment.held.own();
        segment.held.store(held | blocks, Ordering::Relaxed);
        self.writer.stats.held_blocks += u64::from(blocks.count_ones());
        self.writer.stats.distinct_blocks += u64::from((blocks & !held).count_ones());
    }

    /// Marks blocks as not held; gives those that were.
    pub(crate) fn release(
        &mut self,
        id: u32,
        segment: &'a Segment,
        target: Target,
        blocks: u8,
    ) -> u8 {
        let Some(record) = self.record(segment, target.plane) else {
            return 0;
        };
        let (holders, bit) = (record.holders, target.bit);
        let whole = span(0, segment.length());
        let is_full = get(&holders.full) & bit != 0;
        let before = match (is_full, get(&holders.part) & bit) {
            (true, _) => whole,
            (false, 0) => return 0,
            (false, _) => columns_of(record, bit) & whole,
        };
        let removed = before & blocks;
        if removed == 0 {
            return 0;
        }
        let after = before & !blocks;
        holders.change();
        if after == 0 {
            holders.set_full(0, bit);
            holders.set_part(0, bit);
        } else if is_full {
            write_columns(record, bit, after);
            holders.set_part(bit, 0);
            holders.set_full(0, bit);
        } else {
            for (place, column) in record.columns.iter().enumerate() {
                if removed & (1 << place) != 0 {
                    column.store(get(column) & !bit, Ordering::Release);
                }
            }
        }
        if after == 0 {
            self.leave(target);
        }
        self.uncount_held(id, segment, removed);
        removed
    }

    fn leave(&mut self, target: Target) {
        let view = self.view;
        let journal = self.writer.seats[target.seat as usize].journal(target.medium);
        if journal.leave() {
            let mut journal = std::mem::take(journal);
            journal.tidy(|id| {
                view.get(id)
                    .is_some_and(|segment| self.held_by(segment, target) != 0)
            });
            *self.writer.seats[target.seat as usize].journal(target.medium) = journal;
        }
    }

    /// Counts blocks that a holder was taken from, and notes the segment if it is empty now.
    fn uncount_held(&mut self, id: u32, segment: &'a Segment, blocks: u8) {
        let mut still = 0;
        self.each_record(segment, |_, record| {
            if get(&record.holders.full) != 0 {
                still |= blocks;
            }
            let part = get(&record.holders.part);
            if part != 0 {
                still |= columns_of(record, part);
            }
        });
        let gone = blocks & !still;
        let held = segment.held.own() & !gone;
        segment.held.store(held, Ordering::Relaxed);
        self.writer.stats.held_blocks -= u64::from(blocks.count_ones());
        self.writer.stats.distinct_blocks -= u64::from(gone.count_ones());
        if held == 0 && segment.children.own() == 0 {
            self.writer.emptied.push(id);
        }
    }

    /// Readies the holders for blocks `old..new` behind the ones there are: whoever held all no
    /// longer does, but for the target.
    #[inline]
    pub(crate) fn make_way(&self, segment: &'a Segment, target: Target, old: usize, new: usize) {
        self.each_record(segment, |plane, record| {
            let holders = record.holders;
            let stays = if plane == target.plane { target.bit } else { 0 };
            let movers = get(&holders.full) & !stays;
            if movers != 0 {
                holders.change();
                for (place, column) in record.columns.iter().enumerate() {
                    let held = if place < old { movers } else { 0 };
                    put(column, (get(column) & !movers) | held);
                }
                holders.set_part(movers, 0);
                holders.set_full(0, movers);
            }
            if get(&holders.part) != 0 {
                for column in &record.columns[old..new] {
                    put(column, 0);
                }
            }
        });
    }
}

impl<'a> Edit<'a> {
    /// Makes a holder of all of the first `length` blocks a holder of just those, before more are
    /// published.
    pub(crate) fn open(&self, segment: &'a Segment, target: Target, length: usize) {
        let Some(record) = self.record(segment, target.plane) else {
            return;
        };
        record.holders.change();
        write_columns(record, target.bit, span(0, length));
        record.holders.set_part(target.bit, 0);
        record.holders.set_full(0, target.bit);
    }
}

/// The places whose column has any of the bits.
#[inline]
fn columns_of(record: Record<'_>, bits: u64) -> u8 {
    let mut places = 0;
    for (place, column) in record.columns.iter().enumerate() {
        places |= u8::from(get(column) & bits != 0) << place;
    }
    places
}

/// Sets a worker's bit in the columns of `blocks` and clears it in the others.
#[inline]
fn write_columns(record: Record<'_>, bit: u64, blocks: u8) {
    for (place, column) in record.columns.iter().enumerate().take(BLOCKS) {
        let held = if blocks & (1 << place) != 0 { bit } else { 0 };
        put(column, (get(column) & !bit) | held);
    }
}
