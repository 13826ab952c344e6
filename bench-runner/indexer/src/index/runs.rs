//! Room kept behind a chain, so that its next segments lie one behind the other.
//!
//! Engines store their prompts at the same time, a few blocks of each in turn. Were each segment the
//! next one that is free, a chain's segments would lie far apart, and a lookup would wait for memory
//! at each of them: only a segment tells where the next one is. So a chain that opens a segment is
//! kept the ones behind it; a lookup then [steps](super::arena::View::step) to what it guesses.
//!
//! What is kept is not lost: runs kept longest ago go back first where there are many, and all do
//! where an index with bounds has nothing else that is free.

use super::segment::{BLOCKS, KEPT, place_of};
use super::shared::Parent;
use super::writer::Edit;
use crate::sync::{Ordering, Own};
use std::collections::VecDeque;

/// Segments in a row for a chain that begins.
const FIRST_RUN: u32 = 4;
/// Segments in a row for one that has filled those: it is likely to go on.
const LATER_RUN: u32 = 8;
/// Runs kept at least: as many chains as a small fleet has under way.
const FEW_RUNS: usize = 64;
/// Runs kept at most.
const MANY_RUNS: usize = 1024;
/// There is one run for so many segments in use, between those limits: what is kept stays below a
/// ninth of what is used.
const SEGMENTS_A_RUN: usize = 64;
/// Segments kept at most.
pub(crate) const MOST_KEPT: usize = (MANY_RUNS + 1) * LATER_RUN as usize;

/// The runs kept, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Runs(VecDeque<Run>);

/// Segments in a row, some of which may have been taken since.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u32,
    end: u32,
}

impl Runs {
    /// Bytes of the list, from its capacity.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Run>()
    }
}

impl Edit<'_> {
    /// A segment that is ready, for blocks behind `parent`: the one that was kept for the chain, if
    /// there is one.
    pub(crate) fn take_segment(&mut self, parent: Parent) -> u32 {
        let before = match parent {
            Parent::Block(block) => Some(place_of(block)),
            Parent::Root(_) => None,
        };
        let before = before.filter(|(_, place)| *place == BLOCKS - 1);
        if let Some((id, _)) = before
            && let Some(next) = self.view.get(id + 1)
            && next.state.own() & KEPT != 0
        {
            return id + 1;
        }
        self.ready_segments();
        let ready = self.writer.free.segments.pop();
        let id = ready.expect("the list was filled just above");
        let length = if before.is_some() {
            LATER_RUN
        } else {
            FIRST_RUN
        };
        self.keep_behind(id, length);
        id
    }

    /// Keeps what lies behind a segment, as far as it is ready and next in the list anyway.
    fn keep_behind(&mut self, id: u32, length: u32) {
        let ready = &self.writer.free.segments;
        let in_a_row = ready.iter().rev().zip(id + 1..id + length);
        let count = in_a_row
            .take_while(|(ready, next)| **ready == *next)
            .count();
        if count == 0 {
            return;
        }
        let run = Run {
            first: id + 1,
            end: id + 1 + count as u32,
        };
        for kept in run.first..run.end {
            let state = &self.segment(kept).state;
            state.store(state.own() | KEPT, Ordering::Relaxed);
        }
        let free = &mut self.writer.free;
        free.segments.truncate(free.segments.len() - count);
        free.runs.0.push_back(run);
        let most = (free.linked / SEGMENTS_A_RUN).clamp(FEW_RUNS, MANY_RUNS);
        if free.runs.0.len() > most {
            self.give_back_oldest();
        }
    }

    /// Gives back what is left of the run kept longest ago; false where there is none.
    fn give_back_oldest(&mut self) -> bool {
        let Some(run) = self.writer.free.runs.0.pop_front() else {
            return false;
        };
        for id in (run.first..run.end).rev() {
            let state = &self.segment(id).state;
            if state.own() & KEPT != 0 {
                state.store(state.own() & !KEPT, Ordering::Relaxed);
                self.writer.free.segments.push(id);
            }
        }
        true
    }

    /// Gives back runs until something is ready, or none is left.
    #[cold]
    pub(crate) fn give_back_runs(&mut self) {
        while self.writer.free.segments.is_empty() && self.give_back_oldest() {}
    }
}

#[cfg(test)]
impl super::Index {
    /// The numbers of the segments of a chain that nothing branches off, and of all that there are.
    pub(crate) fn layout(
        &self,
        scope: crate::hash::ScopeId,
        first: crate::hash::LocalHash,
    ) -> (Vec<u32>, usize) {
        let view = self.shared.segments.view();
        let mut next = self
            .shared
            .child(view, (scope.0, Parent::Root(scope)), first);
        let mut ids = Vec::new();
        while let Some((id, segment)) = next.and_then(|id| Some((id, view.get(id)?))) {
            ids.push(id);
            next = Some(segment.next.own());
        }
        (ids, self.write().growths.segments.items())
    }
}
