//! What readers and the writer share.

use super::arena::{Arena, Growth, View};
use super::chain::Chains;
use super::children::{Children, ChildrenGrowth};
use super::epoch::Epoch;
use super::meter::Meter;
use super::seats::Board;
use super::segment::{NONE, Segment, Spill};
use crate::hash::{Keys, LocalHash, ScopeId};
use crate::sync::Ordering;

/// The structures that readers walk.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) keys: Keys,
    pub(crate) chains: Chains,
    pub(crate) epoch: Epoch,
    pub(crate) segments: Arena<Segment>,
    pub(crate) spills: Arena<Spill>,
    pub(crate) children: Children,
    pub(crate) board: Board,
    pub(crate) meter: Meter,
}

/// The writer's side of the shared structures' growth.
#[derive(Debug)]
pub(crate) struct Growths {
    pub(crate) segments: Growth<Segment>,
    pub(crate) spills: Growth<Spill>,
    pub(crate) children: ChildrenGrowth,
}

/// What a block hangs from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    Root(ScopeId),
    Block(u32),
}

impl Shared {
    pub(crate) fn new(keys: Keys) -> (Self, Growths) {
        let (segments, segments_growth) = Arena::new();
        let (spills, spills_growth) = Arena::new();
        let (children, children_growth) = Children::new();
        let shared = Self {
            chains: Chains::new(&keys),
            keys,
            epoch: Epoch::default(),
            segments,
            spills,
            children,
            board: Board::default(),
            meter: Meter::default(),
        };
        let growths = Growths {
            segments: segments_growth,
            spills: spills_growth,
            children: children_growth,
        };
        (shared, growths)
    }

    /// Frees what was kept for readers. The caller has the whole to itself.
    pub(crate) fn drop_retired(&mut self, growths: &mut Growths) {
        self.segments.drop_retired(&mut growths.segments);
        self.spills.drop_retired(&mut growths.spills);
        self.children.drop_retired(&mut growths.children);
    }

    /// The segment that begins with `hash` under `parent`, to which `chain` leads, in the child table.
    #[inline]
    pub(crate) fn child(
        &self,
        view: View<'_, Segment>,
        (chain, parent): (u64, Parent),
        hash: LocalHash,
    ) -> Option<u32> {
        self.children.find(self.child_hash(chain, hash), |id| {
            view.get(id)
                .is_some_and(|segment| begins(segment, parent, hash))
        })
    }

    /// The same for the writer.
    #[inline]
    pub(crate) fn own_child(
        &self,
        view: View<'_, Segment>,
        (chain, parent): (u64, Parent),
        hash: LocalHash,
    ) -> Option<u32> {
        self.children.find_own(self.child_hash(chain, hash), |id| {
            view.get(id)
                .is_some_and(|segment| begins(segment, parent, hash))
        })
    }

    /// The hash of an entry in the child table.
    #[inline]
    pub(crate) fn child_hash(&self, chain: u64, hash: LocalHash) -> u64 {
        self.keys.pair(chain, hash.0)
    }
}

#[inline]
fn begins(segment: &Segment, parent: Parent, hash: LocalHash) -> bool {
    segment.hashes[0].load(Ordering::Relaxed) == hash.0 && parent_of(segment) == parent
}

/// What a segment hangs from.
#[inline]
pub(crate) fn parent_of(segment: &Segment) -> Parent {
    match segment.parent.load(Ordering::Relaxed) {
        NONE => Parent::Root(ScopeId(segment.chain.load(Ordering::Relaxed))),
        block => Parent::Block(block),
    }
}
