//! The walk where one word does not say who holds what: several media, several seats a worker, or more
//! than 64 seats.

use super::super::matches::{Matches, Row, Scratch};
use super::super::seats::{GROUPS, medium_and_group};
use super::super::segment::{BLOCKS, NONE, Record, Segment};
use super::super::source::Source;
use super::super::types::MAX_MEDIA;
use super::{Stale, Walk, matching};
use crate::sync::{Check, Ordering, is_made};

/// Planes there can be.
const MAX_RECORDS: usize = GROUPS as usize * MAX_MEDIA;

impl<const FAR: bool> Walk<'_, FAR> {
    /// The walk through any number of planes.
    pub(super) fn all_planes(
        &self,
        source: &mut impl Source,
        medium: Option<u8>,
        out: &mut Matches,
    ) -> Result<(), Stale> {
        let mut scratch = std::mem::take(&mut out.scratch);
        let done = self.all_planes_in(source, medium, out, &mut scratch);
        out.scratch = scratch;
        done
    }

    fn all_planes_in(
        &self,
        source: &mut impl Source,
        medium: Option<u8>,
        out: &mut Matches,
        scratch: &mut Scratch,
    ) -> Result<(), Stale> {
        let Some(first) = source.from(0).first() else {
            return Ok(());
        };
        let Some(mut place) = self.first(*first)? else {
            return Ok(());
        };
        let mut depth = 0;
        scratch.alive.clear();
        loop {
            let segment = place.item();
            let matched = matching(segment, source.from(depth));
            if matched == 0 {
                break;
            }
            self.read_rows_together(segment, medium, scratch)?;
            let (alive, rows) = (&mut scratch.alive, &scratch.rows);
            if depth == 0 {
                for row in rows {
                    if alive.iter().all(|entry| entry.0 != row.group) {
                        alive.push((row.group, u64::MAX));
                    }
                }
            }
            for block in 0..matched {
                alive.retain_mut(|(group, seats)| {
                    let rows = rows.iter().filter(|row| row.group == *group);
                    let stay = rows.fold(0, |stay, row| stay | row.holders[block]);
                    out.push(depth + block, *group, *seats & !stay);
                    *seats &= stay;
                    *seats != 0
                });
            }
            depth += matched;
            if alive.is_empty() {
                break;
            }
            let Some(hash) = source.from(depth).first() else {
                break;
            };
            match self.next(place, (matched, depth), *hash)? {
                Some(next) => place = next,
                None => break,
            }
        }
        for &(group, seats) in &scratch.alive {
            out.push(depth, group, seats);
        }
        Ok(())
    }

    /// Who holds each block of a segment on the wanted media, as it was at one moment.
    ///
    /// A worker may move a block from one medium to another, storing it there before it removes
    /// it here: read one after the other, it could be seen in neither. Where there are several
    /// records all are read twice, and what came out alike both times, unchanged in between, was
    /// so in between.
    fn read_rows_together(
        &self,
        segment: &Segment,
        medium: Option<u8>,
        scratch: &mut Scratch,
    ) -> Result<(), Stale> {
        self.read_rows(segment, medium, &mut scratch.rows)?;
        while scratch.rows.len() > 1 && is_made(Check::Planes) {
            self.read_rows(segment, medium, &mut scratch.rows_again)?;
            if scratch.rows == scratch.rows_again {
                break;
            }
            std::mem::swap(&mut scratch.rows, &mut scratch.rows_again);
        }
        Ok(())
    }

    /// Who holds each block of a segment: one row a plane on a wanted medium.
    fn read_rows(
        &self,
        segment: &Segment,
        medium: Option<u8>,
        rows: &mut Vec<Row>,
    ) -> Result<(), Stale> {
        rows.clear();
        let mut add = |plane: u32, record: Record<'_>| {
            let (on, group) = medium_and_group(plane);
            if medium.is_none_or(|medium| medium == on) {
                rows.push(read_record(group, record));
            }
        };
        add(
            segment.holders.plane.load(Ordering::Relaxed),
            segment.record(),
        );
        let spills = self.shared.spills.view();
        let mut next = segment.spill.load(Ordering::Acquire);
        // Records hang in a list that only grows while the segment is linked; a list that is
        // used again under this walk ends by the epoch, and here by the number of planes.
        for _ in 0..=MAX_RECORDS {
            if next == NONE {
                return Ok(());
            }
            let spill = spills.get(next).ok_or(Stale)?;
            add(spill.holders.plane.load(Ordering::Relaxed), spill.record());
            next = spill.next.load(Ordering::Acquire);
        }
        Err(Stale)
    }
}

/// One plane's holders of each of a segment's blocks, read together.
fn read_record(group: u32, record: Record<'_>) -> Row {
    loop {
        let version = record.holders.version();
        let held = record.holders.read();
        let mut holders = [held.full; BLOCKS];
        if held.part & !held.full != 0 {
            for (holders, column) in holders.iter_mut().zip(record.columns) {
                *holders |= held.part & column.load(Ordering::Relaxed);
            }
        }
        if record.holders.unchanged(version) {
            return Row {
                group,
                version,
                holders,
            };
        }
    }
}
