//! Making segments and taking them out: allocation, links, and quarantine.

use super::runs::MOST_KEPT;
use super::segment::{BLOCKS, LINKED, NONE, Record, Segment, TOUCHED, place_of, tag};
use super::shared::{Parent, parent_of};
use super::writer::Edit;
use crate::hash::LocalHash;
use crate::sync::{AtomicU32, Ordering, Own, QUARANTINE};

/// Most segments: block numbers are 32 bits.
pub(crate) const MAX_SEGMENTS: usize = (1 << 29) - 2 * QUARANTINE - MOST_KEPT;

fn get(word: &AtomicU32) -> u32 {
    word.own()
}

fn put(word: &AtomicU32, value: u32) {
    word.store(value, Ordering::Relaxed);
}

impl<'a> Edit<'a> {
    /// A segment with the given blocks that nobody holds yet. It is not linked: readers cannot
    /// reach it.
    pub(crate) fn new_segment(
        &mut self,
        parent: Parent,
        hashes: &[LocalHash],
        plane: u32,
    ) -> (u32, &'a Segment) {
        let id = self.take_segment(parent);
        let segment = self.segment(id);
        for (slot, hash) in segment.hashes.iter().zip(hashes) {
            slot.store(hash.0, Ordering::Relaxed);
        }
        put(&segment.next, NONE);
        put(&segment.spill, NONE);
        put(&segment.holders.plane, plane);
        put(&segment.children, 0);
        let above = match parent {
            Parent::Root(_) => NONE,
            Parent::Block(block) => block,
        };
        put(&segment.parent, above);
        segment.chain.store(self.chain(parent), Ordering::Relaxed);
        segment.set_length(&self.shared.chains, hashes.len());
        segment.held.store(0, Ordering::Relaxed);
        segment.named.store(0, Ordering::Relaxed);
        segment.state.store(LINKED | TOUCHED, Ordering::Relaxed);
        self.writer.free.linked += 1;
        (id, segment)
    }

    /// Makes a new segment reachable.
    pub(crate) fn link(&mut self, id: u32, segment: &'a Segment) {
        let parent = parent_of(segment);
        if let Parent::Block(block) = parent {
            let (parent_id, place) = place_of(block);
            let above = self.segment(parent_id);
            put(&above.children, get(&above.children) + 1);
            if place == BLOCKS - 1 && get(&above.next) == NONE {
                put(&above.next_tag, tag(LocalHash(segment.hashes[0].own())));
                above.next.store(id, Ordering::Release);
                return;
            }
        }
        let hash = self.child_hash(segment);
        let shared = self.shared;
        let growth = &mut self.writer.growths.children;
        let advance = || shared.epoch.advance();
        shared.children.insert(growth, hash, id, advance);
    }

    fn child_hash(&self, segment: &Segment) -> u64 {
        let first = LocalHash(segment.hashes[0].own());
        self.shared.child_hash(segment.chain.own(), first)
    }

    /// Takes out the segments that this event left without holders and children, and those above
    /// them that are left so in turn.
    #[inline]
    pub(crate) fn free_emptied(&mut self) {
        self.free_emptied_but(NONE);
    }

    /// The same, leaving one segment alone that the event at hand still builds on.
    #[inline]
    pub(crate) fn free_emptied_but(&mut self, kept: u32) {
        let mut is_kept_empty = false;
        while let Some(id) = self.writer.emptied.pop() {
            if id == kept {
                is_kept_empty = true;
                continue;
            }
            let segment = self.segment(id);
            let is_empty = segment.held.own() == 0;
            if segment.is_linked() && is_empty && get(&segment.children) == 0 {
                self.unlink(id, segment);
            }
        }
        if is_kept_empty {
            self.writer.emptied.push(kept);
        }
    }

    fn unlink(&mut self, id: u32, segment: &'a Segment) {
        let parent = parent_of(segment);
        let mut in_table = true;
        if let Parent::Block(block) = parent {
            let (parent_id, place) = place_of(block);
            let above = self.segment(parent_id);
            let children = get(&above.children) - 1;
            put(&above.children, children);
            if place == BLOCKS - 1 && get(&above.next) == id {
                above.next.store(NONE, Ordering::Release);
                in_table = false;
            }
            if children == 0 && above.held.own() == 0 {
                self.writer.emptied.push(parent_id);
            }
        }
        if in_table {
            let hash = self.child_hash(segment);
            let growth = &mut self.writer.growths.children;
            self.shared.children.remove(growth, hash, id);
        }
        self.unname_all(id, segment);
        segment.state.store(0, Ordering::Relaxed);
        let mut spill = get(&segment.spill);
        let spills = self.shared.spills.view();
        while let Some(record) = spills.get(spill) {
            self.writer.free.quarantined_spills.push(spill);
            spill = get(&record.next);
        }
        self.writer.free.quarantined_segments.push(id);
        self.writer.free.linked -= 1;
    }

    /// Fills the list of segments that are ready.
    pub(crate) fn ready_segments(&mut self) {
        if !self.writer.free.segments.is_empty() {
            return;
        }
        if self.writer.free.quarantined_segments.len() >= QUARANTINE {
            self.end_quarantine();
            return;
        }
        if self.writer.bounds.are_set() {
            self.give_back_runs();
        }
        if self.writer.free.segments.is_empty() {
            let growth = &mut self.writer.growths.segments;
            let fresh = self.shared.segments.grow(growth);
            self.view = self.shared.segments.view();
            self.writer.free.segments.extend(fresh.rev());
        }
    }

    /// Moves the epoch: what was taken out may be used again.
    pub(crate) fn end_quarantine(&mut self) {
        self.shared.epoch.advance();
        let free = &mut self.writer.free;
        free.segments.append(&mut free.quarantined_segments);
        free.spills.append(&mut free.quarantined_spills);
    }

    /// An empty record of a plane's holders, added to a segment's list.
    #[cold]
    pub(crate) fn add_record(&mut self, segment: &'a Segment, plane: u32) -> Record<'a> {
        if self.writer.free.spills.is_empty() {
            if self.writer.free.quarantined_spills.len() >= QUARANTINE {
                self.end_quarantine();
            } else {
                let fresh = self.shared.spills.grow(&mut self.writer.growths.spills);
                self.writer.free.spills.extend(fresh.rev());
            }
        }
        let id = self.writer.free.spills.pop();
        let id = id.expect("the list was filled just above");
        let spill = self.shared.spills.view().get(id);
        let spill = spill.expect("the number came from the arena");
        spill.holders.full.store(0, Ordering::Relaxed);
        spill.holders.part.store(0, Ordering::Relaxed);
        put(&spill.holders.plane, plane);
        put(&spill.next, get(&segment.spill));
        segment.spill.store(id, Ordering::Release);
        spill.record()
    }
}
