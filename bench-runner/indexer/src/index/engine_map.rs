//! From an engine's name for a block to the block: one map for the whole fleet, writer only.
//!
//! The map holds 32 bits of the name's hash beside each block, and the caller compares the name
//! itself, which stands with the block. It grows by parts: no growth moves more than a 256th of it.

use super::lanes::{LANES as SLOTS, places};
use super::prefetch::prefetch;
use super::segment::NONE;

const PART_BITS: u32 = 8;
const PARTS: usize = 1 << PART_BITS;
/// Lines of a part that gets its first name.
const SMALLEST: usize = 3;
/// Lines below which a part is small.
const SMALL: usize = 32;

/// Names' hashes to blocks.
#[derive(Debug)]
pub(crate) struct EngineMap {
    parts: Vec<Part>,
}

/// Open addressing by cache lines, as F14 and Swiss tables have it by groups: a probe looks at all of
/// a line at once, and goes on to the next only where the line is full.
#[derive(Debug, Default)]
struct Part {
    lines: Vec<Line>,
    live: usize,
    tombstones: usize,
}

/// One cache line: the upper 32 bits of each hash, which also say where its probe begins, and each
/// block's number plus one.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line {
    tags: [u32; SLOTS],
    blocks: [u32; SLOTS],
}

/// In `Line::blocks`: nothing, and nothing behind.
const EMPTY: u32 = 0;
/// In `Line::blocks`: nothing any more, in a line that was full: probes go on behind it.
const TOMBSTONE: u32 = u32::MAX;

/// The lowest of some places, if there is any.
#[inline(always)]
fn lowest(places: u32) -> Option<usize> {
    (places != 0).then_some(places.trailing_zeros() as usize)
}

impl EngineMap {
    /// A map with room for that many names.
    pub(crate) fn with_capacity(names: usize) -> Self {
        let room = match names {
            0 => 0,
            // A tenth more: parts fill unevenly.
            names => (names * 11 / 10 * 4 / 3 / PARTS).div_ceil(SLOTS) + SMALLEST,
        };
        let part = || Part {
            lines: vec![Line::default(); room],
            ..Part::default()
        };
        Self {
            parts: (0..PARTS).map(|_| part()).collect(),
        }
    }

    /// Has the memory brought near in which a hash is found or put: several at once take little
    /// longer than one, where one after the other each would be waited for.
    #[inline]
    pub(crate) fn foresee(&self, hash: u64) {
        let part = &self.parts[hash as usize & (PARTS - 1)];
        if let Some(line) = part.lines.get(part.home(tag_of(hash))) {
            prefetch(line);
        }
    }

    /// The block under that hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.parts[hash as usize & (PARTS - 1)].find(tag_of(hash), is_it)
    }

    /// Adds a block, unless one for which `is_it` holds is there: gives that one then.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        block: u32,
        is_it: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        debug_assert_ne!(block, NONE);
        let part = &mut self.parts[hash as usize & (PARTS - 1)];
        if (part.live + part.tombstones + 1) * 4 > part.lines.len() * SLOTS * 3 {
            part.rewrite();
        }
        part.insert(tag_of(hash), block, is_it)
    }

    /// Takes a block out.
    #[inline]
    pub(crate) fn remove(&mut self, hash: u64, block: u32) {
        self.parts[hash as usize & (PARTS - 1)].remove(tag_of(hash), block);
    }

    /// Bytes of all slots.
    pub(crate) fn bytes(&self) -> usize {
        let lines: usize = self.parts.iter().map(|part| part.lines.len()).sum();
        lines * size_of::<Line>() + PARTS * size_of::<Part>()
    }
}

#[inline(always)]
fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Line {
    /// The block under that tag for which `is_it` holds.
    #[inline(always)]
    fn find(&self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut left = places(&self.tags, tag);
        while let Some(place) = lowest(left) {
            let block = self.blocks[place];
            if block != EMPTY && block != TOMBSTONE && is_it(block - 1) {
                return Some(block - 1);
            }
            left &= left - 1;
        }
        None
    }
}

impl Part {
    /// The line where the probe of a tag begins: in the order of the tags, so that growing the part
    /// keeps neighbours together.
    #[inline(always)]
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.lines.len() as u64) >> 32) as usize
    }

    #[inline(always)]
    fn after(&self, line: usize) -> usize {
        let next = line + 1;
        if next == self.lines.len() { 0 } else { next }
    }

    #[inline]
    fn find(&self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        if self.lines.is_empty() {
            return None;
        }
        let mut at = self.home(tag);
        // A quarter of the slots is empty: some line ends the probe.
        loop {
            let line = &self.lines[at];
            if let Some(block) = line.find(tag, &mut is_it) {
                return Some(block);
            }
            if places(&line.blocks, EMPTY) != 0 {
                return None;
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn insert(&mut self, tag: u32, block: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(tag);
        let mut freed = None;
        loop {
            let line = &self.lines[at];
            if let Some(found) = line.find(tag, &mut is_it) {
                return Some(found);
            }
            let empty = lowest(places(&line.blocks, EMPTY)).map(|place| (at, place));
            if empty.is_none() && self.tombstones > 0 && freed.is_none() {
                let tombstone = lowest(places(&line.blocks, TOMBSTONE));
                freed = tombstone.map(|place| (at, place));
            }
            if let Some(empty) = empty {
                let (at, place) = freed.unwrap_or(empty);
                self.tombstones -= usize::from(freed.is_some());
                self.live += 1;
                self.lines[at].tags[place] = tag;
                self.lines[at].blocks[place] = block + 1;
                return None;
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn remove(&mut self, tag: u32, block: u32) {
        if self.lines.is_empty() {
            return;
        }
        let mut at = self.home(tag);
        loop {
            let line = &mut self.lines[at];
            let is_full = places(&line.blocks, EMPTY) == 0;
            if let Some(place) = lowest(places(&line.blocks, block + 1)) {
                // Only from a full line did probes go on.
                line.blocks[place] = if is_full { TOMBSTONE } else { EMPTY };
                self.tombstones += usize::from(is_full);
                self.live -= 1;
                return;
            }
            if !is_full {
                return;
            }
            at = self.after(at);
        }
    }

    /// Puts what there is into lines without tombstones: more of them, unless getting rid of the
    /// tombstones makes room enough. Only one removal in five or so leaves one, so that it does
    /// for a while.
    ///
    /// Small parts grow to four times their size, since each growth has its price; larger ones grow
    /// by half, and are between half and three quarters full.
    #[cold]
    fn rewrite(&mut self) {
        let room = match self.lines.len() {
            0 => SMALLEST,
            enough if self.tombstones * 8 >= self.live => enough,
            small @ ..SMALL => small * 4,
            large => large + large / 2,
        };
        let old = std::mem::replace(&mut self.lines, vec![Line::default(); room]);
        (self.live, self.tombstones) = (0, 0);
        for line in old {
            for (tag, block) in line.tags.into_iter().zip(line.blocks) {
                if block != EMPTY && block != TOMBSTONE {
                    self.insert(tag, block - 1, |_| false);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_map_behaves_like_an_ordered_map(
            steps in proptest::collection::vec((0u32..400, any::<bool>()), 0..3000),
            few_homes: bool,
        ) {
            let mut map = EngineMap::with_capacity(0);
            let mut model = BTreeMap::new();
            // Few homes: everything probes through everything.
            let hash_of = |block: u32| match few_homes {
                true => u64::from(block % 3) << 60,
                false => u64::from(block).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            };
            for (block, add) in steps {
                let hash = hash_of(block);
                if add {
                    let there = map.insert(hash, block, |found| found == block);
                    prop_assert_eq!(there, model.insert(block, ()).map(|()| block));
                } else {
                    model.remove(&block);
                    map.remove(hash, block);
                }
            }
            for part in &map.parts {
                let slots = || part.lines.iter().flat_map(|line| line.blocks);
                let tombstones = slots().filter(|block| *block == TOMBSTONE).count();
                let empty = slots().filter(|block| *block == EMPTY).count();
                prop_assert_eq!(part.tombstones, tombstones);
                prop_assert_eq!(part.live, slots().count() - tombstones - empty);
            }
            for block in 0..400 {
                let found = map.find(hash_of(block), |found| found == block);
                prop_assert_eq!(found.is_some(), model.contains_key(&block));
            }
        }
    }
}
