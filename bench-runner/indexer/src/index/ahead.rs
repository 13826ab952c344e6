//! Asking for memory ahead of a walk: where an index is larger than the caches, waiting for memory
//! takes most of a lookup.
//!
//! A walk learns where to go on from what it has read: the child table, a prompt's first segments, the
//! table again where prompts part, the segments behind that, each waited for in turn. But what leads to
//! a block follows from the prompt (see [`chain`](super::chain)), prompts that begin alike mostly part where others
//! did before, and segments lie behind one another (see [`runs`](super::runs)). So both lines of the
//! table are asked for at once, then both runs of segments, and more of the prompt is hashed
//! meanwhile. All of it is hints: the walk that follows believes none of them.

use super::arena::View;
use super::segment::{BLOCKS, Segment};
use super::shared::Shared;
use super::source::Source;
use crate::hash::{LocalHash, ScopeId};

/// Segments asked for together: a first run.
pub(crate) const RUN: usize = 4;
/// Where prompts part is remembered up to that depth: hashing so many blocks takes about as long as
/// memory takes to come.
const DEEPEST: usize = 64;
/// First blocks that are told apart.
const FIRSTS: usize = 64;

/// Where prompts that begin alike parted last, by their first block; 0 where that is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partings([u8; FIRSTS]);

impl Default for Partings {
    fn default() -> Self {
        Self([0; FIRSTS])
    }
}

impl Partings {
    #[inline]
    fn of(&self, first: LocalHash) -> usize {
        usize::from(self.0[first.0 as usize % FIRSTS])
    }

    /// Remembers the depth of a parting.
    #[inline]
    pub(crate) fn note(&mut self, first: LocalHash, depth: usize) {
        if depth <= DEEPEST {
            self.0[first.0 as usize % FIRSTS] = depth as u8;
        }
    }
}

/// Asks for what a walk along the prompt will most likely read.
#[inline]
pub(crate) fn ask(
    shared: &Shared,
    view: View<'_, Segment>,
    scope: ScopeId,
    source: &mut impl Source,
    partings: &Partings,
) {
    let Some(&first) = source.from(0).first() else {
        return;
    };
    let root = shared.child_hash(scope.0, first);
    shared.children.foresee(root);
    let depth = partings.of(first);
    let hashes = source.ready(depth + BLOCKS);
    let parted = hashes.get(depth).filter(|_| depth > 0).map(|hash| {
        let parted = shared.child_hash(shared.chains.of(scope, &hashes[..depth]), *hash);
        shared.children.foresee(parted);
        parted
    });
    let is_known = ask_for_run(shared, view, root);
    if let Some(parted) = parted.filter(|_| is_known) {
        ask_for_run(shared, view, parted);
    }
    if is_known {
        source.ready(depth + RUN * BLOCKS);
    }
}

/// Asks for the segment that the child table has under a hash, and for those that lie behind it.
#[inline]
fn ask_for_run(shared: &Shared, view: View<'_, Segment>, hash: u64) -> bool {
    let id = shared.children.find(hash, |_| true);
    let place = id.and_then(|id| view.place(id));
    if let Some(place) = place {
        place.item().prefetch_walk();
        view.each_behind(place, RUN - 1, Segment::prefetch_walk);
    }
    place.is_some()
}
