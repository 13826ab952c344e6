//! Staying within bounds: blocks used longest ago make room for new ones.
//!
//! A hand goes around the segments, as in the CLOCK page replacement: a segment without children
//! that was not used for a round loses all its holders. Only leaves are taken, so no prefix is cut in
//! the middle. Marks of use are wiped a few segments an eviction, ahead of the hand, until that is a
//! round ahead: no store waits for a round.
//!
//! Storing is use, and so is [`Index::touch`](super::Index::touch). A lookup by itself is none: it
//! writes nothing that others read, or two of them would be slower than one; and it asks about many
//! workers of which the router takes one. The router says which prompt it sent on its way.

use super::seats::{GROUPS, Target, medium_and_group};
use super::segment::{BLOCKS, NONE, Segment, TOUCHED, block_at};
use super::shared::Parent;
use super::space::MAX_SEGMENTS;
use super::writer::Edit;
use crate::hash::{LocalHash, ScopeId};
use crate::sync::{Ordering, Own};

/// Bytes that a segment in use costs beside its own: its blocks' slots in the engine map at their
/// emptiest, its entry in the child table, and one in a journal.
const SEGMENT_BYTES: usize = size_of::<Segment>() + BLOCKS * 22 + 64;
/// Segments that the hand passes at most, where there is one among them that may go.
const SWEEP: usize = 1024;
/// Marks of use that an eviction wipes, where the hand is not yet a round behind.
const WIPES: usize = 8;
/// Bytes that an index holds whatever is in it: a chunk just begun, the parts of its tables.
const BASE_BYTES: usize = 128 << 10;

impl<'a> Edit<'a> {
    /// Makes room for `blocks` new blocks and `segments` new segments, leaving the segment `kept`
    /// alone. `None` where there is no room to be made.
    #[inline]
    pub(crate) fn make_room(&mut self, blocks: usize, segments: usize, kept: u32) -> Option<()> {
        if self.writer.free.linked + segments > MAX_SEGMENTS {
            return None;
        }
        if !self.writer.bounds.are_set() {
            return Some(());
        }
        let bounds = &self.writer.bounds;
        let most_blocks = bounds.max_blocks;
        // At least one segment, or nothing could be stored at all.
        let for_segments = bounds.max_bytes.saturating_sub(BASE_BYTES);
        let most_segments = (for_segments / SEGMENT_BYTES).max(1);
        let most_bytes = bounds.max_bytes;
        loop {
            let has_blocks = self.writer.stats.distinct_blocks + blocks as u64 <= most_blocks;
            let linked = self.writer.free.linked + segments;
            // Names of workers' own and further planes are not in the segments' price.
            let has_bytes = most_bytes == usize::MAX
                || linked <= most_segments
                    && self.odd_bytes() + linked.saturating_sub(1) * SEGMENT_BYTES <= for_segments;
            if has_blocks && has_bytes {
                return Some(());
            }
            self.evict(kept)?;
        }
    }

    /// Notes that a prompt's blocks are in use; gives how many of them there are.
    pub(crate) fn touch(&mut self, scope: ScopeId, hashes: &[LocalHash]) -> usize {
        let mut parent = Parent::Root(scope);
        let mut done = 0;
        while let Some(&hash) = hashes.get(done)
            && let Some((id, place)) = self.child_of(parent, hash)
        {
            let segment = self.segment(id);
            let run = segment.matching(place, segment.length(), &hashes[done..]);
            if run == 0 {
                break;
            }
            let state = segment.state.own();
            segment.state.store(state | TOUCHED, Ordering::Relaxed);
            done += run;
            parent = Parent::Block(block_at(id, place + run - 1));
        }
        done
    }

    fn odd_bytes(&self) -> usize {
        self.writer.growths.spills.bytes() + self.writer.alias_bytes()
    }

    /// Takes the next segment that may go from all its holders. `None` where there is none.
    fn evict(&mut self, kept: u32) -> Option<()> {
        let items = self.writer.growths.segments.items() as u32;
        for _ in 0..WIPES {
            self.wipe(items);
        }
        let mut used = None;
        for step in 0..items as usize {
            if step >= SWEEP && used.is_some() {
                break;
            }
            let id = self.writer.bounds.hand;
            let segment = self.segment(id);
            let is_used = segment.state.own() & TOUCHED != 0;
            if self.writer.bounds.wiped == 0 {
                // It counts as used, and is wiped for the next round.
                self.wipe(items);
            }
            let bounds = &mut self.writer.bounds;
            bounds.hand = if id + 1 < items { id + 1 } else { 0 };
            bounds.wiped -= 1;
            if id == kept || !segment.is_linked() || segment.children.own() != 0 {
                continue;
            }
            if !is_used {
                self.take_from_all(id, segment, kept);
                return Some(());
            }
            used = used.or(Some((id, segment)));
        }
        let (id, segment) = used?;
        self.take_from_all(id, segment, kept);
        Some(())
    }

    /// Wipes the mark of use from the next segment ahead of the hand.
    fn wipe(&mut self, items: u32) {
        let bounds = &mut self.writer.bounds;
        if bounds.wiped >= items {
            return;
        }
        let id = ((u64::from(bounds.hand) + u64::from(bounds.wiped)) % u64::from(items)) as u32;
        bounds.wiped += 1;
        let segment = self.segment(id);
        let state = segment.state.own();
        segment.state.store(state & !TOUCHED, Ordering::Relaxed);
    }

    fn take_from_all(&mut self, id: u32, segment: &'a Segment, kept: u32) {
        self.drop_holders(id, segment);
        self.free_emptied_but(kept);
    }

    fn drop_holders(&mut self, id: u32, segment: &'a Segment) {
        let held = segment.held.own();
        self.writer.stats.evicted += u64::from(held.count_ones());
        let mut planes = Vec::with_capacity(1);
        self.each_record(segment, |plane, record| {
            planes.push((plane, record.holders.anybody()));
        });
        for (plane, mut bits) in planes {
            let (medium, group) = medium_and_group(plane);
            debug_assert!(group < GROUPS && id != NONE);
            while bits != 0 {
                let seat = group * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                let aliases = &mut self.writer.seats[seat as usize].aliases;
                if !aliases.is_empty() {
                    for place in 0..segment.length() {
                        aliases.forget(block_at(id, place), 1 << medium);
                    }
                }
                self.release(id, segment, Target::new(seat, medium), u8::MAX);
            }
        }
    }
}
