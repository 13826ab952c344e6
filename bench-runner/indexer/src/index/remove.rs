//! Removing: single blocks, a worker's whole cache, a worker.

use super::aliases::Aliases;
use super::seats::Target;
use super::segment::{BLOCKS, NONE, block_at, place_of};
use super::types::{Applied, WorkerId};
use super::writer::Edit;
use crate::events::Removal;
use crate::hash::EngineKey;
use crate::sync::Own;

/// Segments of a cleared worker that are handled under one hold of the lock.
const SLICE: usize = 64;

/// Blocks of one segment on their way out.
#[derive(Clone, Copy)]
struct Run {
    id: u32,
    blocks: u8,
    last: usize,
}

impl Edit<'_> {
    /// Applies a removal event; `None` where it is refused.
    pub(crate) fn remove(
        &mut self,
        worker: WorkerId,
        removal: &Removal<'_>,
        names: &[EngineKey],
    ) -> Option<Applied> {
        self.writer.registry.get(worker)?;
        let mut applied = Applied::default();
        let count = names.len() as u32;
        let group = removal.group.unwrap_or(0);
        let Some(seat) = self.seat(worker, group) else {
            let state = &self.writer.workers[worker.slot as usize];
            match state.skipped_groups.contains(&group) {
                true => applied.skipped = count,
                false => applied.unknown = count,
            }
            return Some(applied);
        };
        let Some(medium) = self.writer.medium_number(removal.medium) else {
            applied.unknown = count;
            return Some(applied);
        };
        let target = Target::new(seat, medium);
        applied.removed = if self.writer.seats[seat as usize].aliases.is_empty() {
            self.remove_plain(target, names)
        } else {
            let media = 1 << medium;
            let taken = names.iter().filter(|&&name| {
                let block = self.resolve(seat, name);
                block.is_some_and(|block| self.disclaim(seat, block, name, media) != 0)
            });
            taken.count() as u32
        };
        applied.unknown = count - applied.removed;
        self.free_emptied();
        Some(applied)
    }

    /// Removal for a worker that goes by the fleet's names: the blocks of an event mostly follow
    /// each other, so the next is guessed before the map is asked. Gives how many were held.
    fn remove_plain(&mut self, target: Target, names: &[EngineKey]) -> u32 {
        let mut removed = 0;
        let (id, last) = place_of(self.writer.seats[target.seat as usize].removed_last);
        let mut run = Run {
            id,
            blocks: 0,
            last,
        };
        for &name in names {
            let found = match self.guess(run, name) {
                Some(found) => Some(found),
                None => self.find_name(name).map(place_of),
            };
            let Some((id, place)) = found else {
                continue;
            };
            if id != run.id {
                removed += self.remove_blocks(target, run);
                run = Run {
                    id,
                    blocks: 0,
                    last: place,
                };
            }
            run.blocks |= 1 << place;
            run.last = place;
        }
        // What the worker's next event most likely names is fetched while this one's are let go.
        let next = self.view.get(run.id).map(|segment| segment.next.own());
        if let Some(next) = next.and_then(|next| self.view.get(next)) {
            next.prefetch();
        }
        removed += self.remove_blocks(target, run);
        self.writer.seats[target.seat as usize].removed_last = block_at(run.id, run.last);
        removed
    }

    fn remove_blocks(&mut self, target: Target, run: Run) -> u32 {
        if run.blocks == 0 {
            return 0;
        }
        let segment = self.segment(run.id);
        let removed = self.release(run.id, segment, target, run.blocks);
        removed.count_ones()
    }

    /// The block behind or before the last one, if the name is its.
    #[inline]
    fn guess(&self, run: Run, name: EngineKey) -> Option<(u32, usize)> {
        let segment = self.view.get(run.id)?;
        let after = run.last + 1;
        if after < segment.length() && self.is_named(segment, run.id, after, name) {
            return Some((run.id, after));
        }
        if after == BLOCKS {
            let next = segment.next.own();
            if next != NONE && self.is_named(self.segment(next), next, 0, name) {
                return Some((next, 0));
            }
        }
        let before = run.last.checked_sub(1)?;
        let is_it = self.is_named(segment, run.id, before, name);
        is_it.then_some((run.id, before))
    }

    /// Clears some segments of a seat; gives how many (block, medium) it held there, and whether
    /// more may be left.
    pub(crate) fn clear_slice(&mut self, seat: u32) -> (u64, bool) {
        let mut released = 0;
        self.writer.seats[seat as usize].aliases = Aliases::default();
        for medium in 0..self.writer.seats[seat as usize].journals.len() as u8 {
            let target = Target::new(seat, medium);
            for _ in 0..SLICE {
                let journal = self.writer.seats[seat as usize].journal(medium);
                let Some(id) = journal.pop() else {
                    break;
                };
                let segment = self.segment(id);
                // An entry of a segment that was left, or freed and used again, finds nothing.
                if segment.is_linked() {
                    let blocks = self.release(id, segment, target, u8::MAX);
                    released += u64::from(blocks.count_ones());
                }
                self.free_emptied();
            }
        }
        let journals = &mut self.writer.seats[seat as usize].journals;
        let more = journals.iter_mut().any(|journal| !journal.is_done());
        (released, more)
    }
}
