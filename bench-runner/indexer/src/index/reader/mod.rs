//! The lookup: a walk down the segments that takes no lock and writes nothing shared.

mod planes;

use super::ahead;
use super::arena::{Place, View};
use super::matches::Matches;
use super::meter::Work;
use super::segment::{BLOCKS, Held, NONE, Segment, block_at, tag};
use super::shared::{Parent, Shared};
use super::source::Source;
use crate::hash::{LocalHash, ScopeId};
use crate::sync::Ordering;
use std::cell::Cell;

/// Walks that may be lost to the epoch in a row, before the caller makes the writers wait.
const ATTEMPTS: usize = 64;

/// The walk met something that only a view taken later has.
struct Stale;

/// Fills `out`; false where every attempt was lost to writers.
pub(crate) fn lookup(
    shared: &Shared,
    scope: ScopeId,
    source: &mut impl Source,
    medium: Option<u8>,
    out: &mut Matches,
) -> bool {
    (0..ATTEMPTS).any(|_| attempt(shared, scope, source, medium, out))
}

/// One walk; false where it must be done again.
pub(crate) fn attempt(
    shared: &Shared,
    scope: ScopeId,
    source: &mut impl Source,
    medium: Option<u8>,
    out: &mut Matches,
) -> bool {
    out.clear();
    let begun = shared.epoch.begin();
    let version = shared.board.version();
    if out.table.version != version {
        out.table = shared.board.table();
        if out.table.version != version {
            return false;
        }
    }
    let view = shared.segments.view();
    let done = if view.is_large() {
        Walk::<true>::new(shared, view, scope).all(source, medium, out)
    } else {
        Walk::<false>::new(shared, view, scope).all(source, medium, out)
    };
    if done.is_err() || !shared.epoch.holds(begun) || !shared.board.holds(version) {
        return false;
    }
    if out.table.shared_workers {
        out.combine();
    }
    true
}

/// One walk. `FAR`: segments are likely in no near cache. Known before it begins, since asking at each
/// segment cost lookups in a small index an eighth.
struct Walk<'a, const FAR: bool> {
    shared: &'a Shared,
    view: View<'a, Segment>,
    scope: ScopeId,
    /// How deep the child table led on first.
    parted: Cell<Option<usize>>,
}

impl<'a, const FAR: bool> Walk<'a, FAR> {
    #[inline]
    fn new(shared: &'a Shared, view: View<'a, Segment>, scope: ScopeId) -> Self {
        Self {
            shared,
            view,
            scope,
            parted: Cell::new(None),
        }
    }

    #[inline]
    fn all(
        &self,
        source: &mut impl Source,
        medium: Option<u8>,
        out: &mut Matches,
    ) -> Result<(), Stale> {
        if FAR {
            ahead::ask(self.shared, self.view, self.scope, source, &out.partings);
        }
        if out.table.is_one_plane() && medium.unwrap_or(0) == 0 {
            self.one_plane(source, out)?;
        } else {
            self.all_planes(source, medium, out)?;
        }
        if FAR
            && let Some(depth) = self.parted.get()
            && let Some(first) = source.from(0).first()
        {
            out.partings.note(*first, depth);
        }
        Ok(())
    }

    /// A segment that the child table named. What lies behind it is most likely what comes next (see
    /// [`runs`](super::runs)); where it is far, it is asked for now, and comes while this one is
    /// compared and more of the prompt is hashed.
    #[inline]
    fn segment(&self, id: u32) -> Result<Place<'a, Segment>, Stale> {
        let place = self.view.place(id).ok_or(Stale)?;
        if FAR {
            self.view
                .each_behind(place, ahead::RUN - 1, Segment::prefetch_walk);
        }
        Ok(place)
    }

    #[inline]
    fn child(&self, chained: (u64, Parent), hash: LocalHash) -> Option<u32> {
        self.shared.meter.add(Work::Probes, 1);
        self.shared.child(self.view, chained, hash)
    }

    /// The segment that a prompt begins with.
    #[inline]
    fn first(&self, hash: LocalHash) -> Result<Option<Place<'a, Segment>>, Stale> {
        let root = (self.scope.0, Parent::Root(self.scope));
        self.child(root, hash)
            .map(|id| self.segment(id))
            .transpose()
    }

    /// Where the walk goes on behind the first `matched` blocks of a segment, `depth` blocks down.
    #[inline(always)]
    fn next(
        &self,
        place: Place<'a, Segment>,
        (matched, depth): (usize, usize),
        hash: LocalHash,
    ) -> Result<Option<Place<'a, Segment>>, Stale> {
        let segment = place.item();
        if matched == BLOCKS {
            let next = segment.next.load(Ordering::Acquire);
            // Only one child is the next one: where it is another's, its memory is not waited for.
            if next != NONE && segment.next_tag.load(Ordering::Relaxed) == tag(hash) {
                let next = self.view.step(place, next).ok_or(Stale)?;
                if next.item().hashes[0].load(Ordering::Relaxed) == hash.0 {
                    return Ok(Some(next));
                }
            }
        }
        if segment.children.load(Ordering::Acquire) == 0 {
            return Ok(None);
        }
        self.part(place, (matched, depth), hash)
    }

    /// Where the child table leads from there.
    #[inline(never)]
    fn part(
        &self,
        place: Place<'a, Segment>,
        (matched, depth): (usize, usize),
        hash: LocalHash,
    ) -> Result<Option<Place<'a, Segment>>, Stale> {
        let parent = Parent::Block(block_at(place.number(), matched - 1));
        let chained = (
            place.item().chain_behind(&self.shared.chains, matched),
            parent,
        );
        let child = self.child(chained, hash).map(|id| self.segment(id));
        if FAR && child.is_some() && self.parted.get().is_none() {
            self.parted.set(Some(depth));
        }
        child.transpose()
    }

    /// The walk where one word says who holds what.
    #[inline]
    fn one_plane(&self, source: &mut impl Source, out: &mut Matches) -> Result<(), Stale> {
        let Some(first) = source.from(0).first() else {
            return Ok(());
        };
        let Some(mut place) = self.first(*first)? else {
            return Ok(());
        };
        let mut depth = 0;
        let mut alive = u64::MAX;
        loop {
            let segment = place.item();
            let wanted = source.from(depth);
            let matched = matching(segment, wanted);
            if matched == 0 {
                break;
            }
            // The blocks that match were there before this reading: whoever holds all the segment
            // has now holds them, whatever changes next.
            let holds_all = segment.holders.full.load(Ordering::Acquire);
            if alive & !holds_all != 0 {
                alive = stay_on(segment, matched, depth, alive, out);
            }
            depth += matched;
            if alive == 0 {
                return Ok(());
            }
            let Some(hash) = source.from(depth).first() else {
                break;
            };
            match self.next(place, (matched, depth), *hash)? {
                Some(next) => place = next,
                None => break,
            }
        }
        out.push(depth, 0, alive);
        Ok(())
    }
}

/// Who of the alive holds all of the matched blocks, read as of one moment; notes who drops out.
#[inline]
fn stay_on(segment: &Segment, matched: usize, depth: usize, alive: u64, out: &mut Matches) -> u64 {
    let mark = out.mark();
    loop {
        let version = segment.holders.version();
        let held = segment.holders.read();
        let mut left = alive & held.full;
        if left != alive {
            if alive & !held.full & held.part == 0 {
                out.push(depth, 0, alive & !held.full);
            } else {
                left = drop_out(segment, held, matched, depth, alive, out);
            }
        }
        if segment.holders.unchanged(version) {
            return left;
        }
        out.back_to(mark);
    }
}

/// Notes who drops out at which of the matched blocks, where some hold only some of them; gives
/// who is left.
#[cold]
#[inline(never)]
fn drop_out(
    segment: &Segment,
    held: Held,
    matched: usize,
    depth: usize,
    mut alive: u64,
    out: &mut Matches,
) -> u64 {
    for (place, column) in segment.columns[..matched].iter().enumerate() {
        let stay = held.full | (held.part & column.load(Ordering::Relaxed));
        out.push(depth + place, 0, alive & !stay);
        alive &= stay;
    }
    alive
}

/// How many leading blocks of a segment are the wanted ones.
#[inline]
fn matching(segment: &Segment, wanted: &[LocalHash]) -> usize {
    let length = segment.length.load(Ordering::Acquire) as usize;
    if length == BLOCKS
        && let Some(wanted) = wanted.first_chunk()
        && segment.matches_all(wanted)
    {
        return BLOCKS;
    }
    segment.matching(0, length, wanted)
}
