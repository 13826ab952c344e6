//! Storing: a walk along what is there, then blocks behind it.

use super::meter::Work;
use super::seats::Target;
use super::segment::{BLOCKS, NONE, Segment, TOUCHED, block_at, place_of, tag};
use super::shared::Parent;
use super::types::{Applied, WorkerId};
use super::writer::{Edit, Prepared};
use crate::events::Stored;
use crate::hash::{EngineKey, LocalHash};
use crate::sync::{Ordering, Own};

impl<'a> Edit<'a> {
    /// Applies a store whose blocks are hashed and whose lists are of equal length. `None` where
    /// it is refused.
    pub(crate) fn store(
        &mut self,
        worker: WorkerId,
        stored: &Stored<'_>,
        prepared: &Prepared,
        scope: impl FnOnce(&str) -> crate::hash::ScopeId,
    ) -> Option<Applied> {
        let count = prepared.locals.len() as u32;
        self.writer.registry.get(worker)?;
        let mut applied = Applied::default();
        let group = stored.group.index.unwrap_or(0);
        if !stored.group.makes_prefix() {
            let state = &mut self.writer.workers[worker.slot as usize];
            if !state.skipped_groups.contains(&group) {
                state.skipped_groups.push(group);
            }
            applied.skipped = count;
            return Some(applied);
        }
        if count == 0 {
            return Some(applied);
        }
        let medium = match self.writer.medium_number(stored.medium) {
            Some(medium) => medium,
            None => self.writer.medium(stored.medium?).ok()?.0,
        };
        let seat = self.seat_or_new(worker, group)?;
        let parent = match stored.parent {
            None => {
                let model = &self.writer.registry.get(worker)?.model;
                Parent::Root(scope(model))
            }
            Some(parent) => match self.resolve(seat, self.shared.keys.engine(parent)) {
                Some(block) => Parent::Block(block),
                None => {
                    applied.orphaned = count;
                    return Some(applied);
                }
            },
        };
        let target = self.target(seat, medium);
        self.store_run(parent, target, prepared, &mut applied);
        self.free_emptied();
        Some(applied)
    }

    fn store_run(
        &mut self,
        mut parent: Parent,
        target: Target,
        prepared: &Prepared,
        applied: &mut Applied,
    ) {
        let mut done = 0;
        while done < prepared.locals.len() {
            let hashes = &prepared.locals[done..];
            let names = &prepared.names[done..];
            let (id, place, run) = match self.child_of(parent, hashes[0]) {
                Some((id, place)) => {
                    let segment = self.segment(id);
                    let run = segment.matching(place, segment.length(), hashes);
                    if self.room_to_hold(id, segment, place, place + run).is_none() {
                        applied.refused += hashes.len() as u32;
                        return;
                    }
                    let newly = self.claim_run(target, id, segment, place, &names[..run]);
                    applied.stored += newly;
                    applied.already_held += run as u32 - newly;
                    (id, place, run)
                }
                None => {
                    let Some(made) = self.add_blocks(parent, target, hashes, names) else {
                        applied.refused += hashes.len() as u32;
                        return;
                    };
                    applied.stored += made.2 as u32;
                    made
                }
            };
            if self.writer.bounds.are_set() {
                let segment = self.segment(id);
                let state = segment.state.own();
                segment.state.store(state | TOUCHED, Ordering::Relaxed);
            }
            done += run;
            let last = block_at(id, place + run - 1);
            self.writer.seats[target.seat as usize].stored_last = last;
            parent = Parent::Block(last);
        }
    }

    /// Makes room for those of the blocks `from..to` that nobody holds: they are there only because
    /// others of their segment are held, and count against the bounds from now on. `None` where
    /// there is no room to be made.
    #[inline]
    fn room_to_hold(&mut self, id: u32, segment: &Segment, from: usize, to: usize) -> Option<()> {
        if !self.writer.bounds.are_set() {
            return Some(());
        }
        let unheld = super::segment::span(from, to) & !segment.held.own();
        self.make_room(unheld.count_ones() as usize, 0, id)
    }

    /// Where the child with that hash is, if there is one.
    #[inline]
    pub(crate) fn child_of(&self, parent: Parent, hash: LocalHash) -> Option<(u32, usize)> {
        if let Parent::Block(block) = parent {
            let (id, place) = place_of(block);
            let segment = self.segment(id);
            let after = place + 1;
            let is_it = |segment: &Segment, place: usize| segment.hashes[place].own() == hash.0;
            let mut children = segment.children.own();
            if after < segment.length() {
                if is_it(segment, after) {
                    return Some((id, after));
                }
            } else if after == BLOCKS {
                let next = segment.next.own();
                if next != NONE {
                    if segment.next_tag.own() == tag(hash) && is_it(self.segment(next), 0) {
                        return Some((next, 0));
                    }
                    children -= 1;
                }
            }
            if children == 0 {
                return None;
            }
        }
        self.shared.meter.add(Work::Probes, 1);
        let chained = (self.chain(parent), parent);
        let id = self.shared.own_child(self.view, chained, hash)?;
        Some((id, 0))
    }

    /// What leads to the children of a parent.
    #[inline]
    pub(crate) fn chain(&self, parent: Parent) -> u64 {
        match parent {
            Parent::Root(scope) => scope.0,
            Parent::Block(block) => {
                let (id, place) = place_of(block);
                self.segment(id)
                    .chain_behind(&self.shared.chains, place + 1)
            }
        }
    }

    /// The target claims blocks that are there, under the given names; gives how many it did not
    /// hold.
    #[inline]
    fn claim_run(
        &mut self,
        target: Target,
        id: u32,
        segment: &'a Segment,
        place: usize,
        names: &[EngineKey],
    ) -> u32 {
        let is_plain = self.writer.seats[target.seat as usize].aliases.is_empty();
        let by_fleet_name =
            |(step, name): (usize, &EngineKey)| self.is_named(segment, id, place + step, *name);
        if is_plain && names.iter().enumerate().all(by_fleet_name) {
            let to = place + names.len();
            return self.hold(id, segment, target, place, to, segment.length());
        }
        if let Some(newly) = self.claim_by_new_names(target, id, segment, place, names) {
            return newly;
        }
        let mut newly = 0;
        for (step, name) in names.iter().enumerate() {
            newly += self.claim(target, id, place + step, *name);
        }
        newly
    }

    /// Adds blocks behind `parent`, as many as one segment takes, held by the target. Gives their
    /// segment, first place and number; `None` where the bounds leave no room.
    fn add_blocks(
        &mut self,
        parent: Parent,
        target: Target,
        hashes: &[LocalHash],
        names: &[EngineKey],
    ) -> Option<(u32, usize, usize)> {
        self.foresee(&names[..names.len().min(BLOCKS)]);
        if let Parent::Block(block) = parent {
            let (id, place) = place_of(block);
            let segment = self.segment(id);
            let old = segment.length();
            if place + 1 == old && old < BLOCKS {
                let count = hashes.len().min(BLOCKS - old);
                self.make_room(count, 0, id)?;
                self.append(id, segment, target, &hashes[..count], &names[..count]);
                return Some((id, old, count));
            }
            self.make_room(hashes.len().min(BLOCKS), 1, id)?;
        } else {
            self.make_room(hashes.len().min(BLOCKS), 1, NONE)?;
        }
        let count = hashes.len().min(BLOCKS);
        let (id, segment) = self.new_segment(parent, &hashes[..count], target.plane);
        self.claim_new(target, id, segment, 0, &names[..count]);
        self.link(id, segment);
        Some((id, 0, count))
    }

    fn append(
        &mut self,
        id: u32,
        segment: &'a Segment,
        target: Target,
        hashes: &[LocalHash],
        names: &[EngineKey],
    ) {
        let old = segment.length();
        let new = old + hashes.len();
        self.make_way(segment, target, old, new);
        for (slot, hash) in segment.hashes[old..].iter().zip(hashes) {
            slot.store(hash.0, Ordering::Relaxed);
        }
        let record = self.record(segment, target.plane);
        let holds_all = record.is_some_and(|record| record.holders.full.own() & target.bit != 0);
        let is_plain = self.writer.seats[target.seat as usize].aliases.is_empty();
        if holds_all && is_plain && self.give_names(segment, id, old, names) {
            // Still a holder of everything: there is nothing to mark.
            self.count_held(segment, super::segment::span(old, new));
            segment.set_length(&self.shared.chains, new);
            return;
        }
        // The exact way marks block by block, and readers may see each as it comes.
        if holds_all {
            self.open(segment, target, old);
        }
        segment.set_length(&self.shared.chains, new);
        self.claim_new(target, id, segment, old, names);
    }

    /// Names and marks new blocks.
    fn claim_new(
        &mut self,
        target: Target,
        id: u32,
        segment: &'a Segment,
        place: usize,
        names: &[EngineKey],
    ) {
        // Names that the worker has for nothing else, and that nobody has for anything.
        let aliases = &self.writer.seats[target.seat as usize].aliases;
        let are_new =
            aliases.is_empty() || names.iter().all(|name| aliases.by_name(*name).is_none());
        if are_new && self.give_names(segment, id, place, names) {
            let to = place + names.len();
            self.hold(id, segment, target, place, to, segment.length());
            return;
        }
        for (step, name) in names.iter().enumerate() {
            self.claim(target, id, place + step, *name);
        }
    }
}
