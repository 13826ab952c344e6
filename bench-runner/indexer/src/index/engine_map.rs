//! From an engine's name for a block to the block: one map for the whole fleet, writer only.
//!
//! The map holds 32 bits of the name's hash beside each block, and the caller compares the name
//! itself, which stands with the block. It grows by parts: no growth moves more than a 256th of it.

use super::prefetch::prefetch;
use super::segment::NONE;

const PART_BITS: u32 = 8;
const PARTS: usize = 1 << PART_BITS;
const SMALLEST: usize = 24;
const SMALL: usize = 256;

/// Names' hashes to blocks.
#[derive(Debug)]
pub(crate) struct EngineMap {
    parts: Vec<Part>,
}

/// Open addressing with linear probing. A slot is the hash's upper 32 bits, which also say where
/// its probe begins, and the block's number plus one; 0 is empty.
#[derive(Debug, Default)]
struct Part {
    slots: Vec<u64>,
    used: usize,
}

impl EngineMap {
    /// A map with room for that many names.
    pub(crate) fn with_capacity(names: usize) -> Self {
        let room = match names {
            0 => 0,
            // A tenth more: parts fill unevenly.
            names => names * 11 / 10 * 4 / 3 / PARTS + SMALLEST,
        };
        let part = || Part {
            slots: vec![0; room],
            used: 0,
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
        if let Some(slot) = part.slots.get(part.home(hash)) {
            prefetch(slot);
        }
    }

    /// The block under that hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.parts[hash as usize & (PARTS - 1)].find(hash, is_it)
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
        if (part.used + 1) * 4 > part.slots.len() * 3 {
            part.grow();
        }
        part.insert(hash, block, is_it)
    }

    /// Takes a block out.
    #[inline]
    pub(crate) fn remove(&mut self, hash: u64, block: u32) {
        self.parts[hash as usize & (PARTS - 1)].remove(hash, block);
    }

    /// Bytes of all slots.
    pub(crate) fn bytes(&self) -> usize {
        let slots: usize = self.parts.iter().map(|part| part.slots.len()).sum();
        slots * size_of::<u64>() + PARTS * size_of::<Part>()
    }
}

#[inline]
fn slot_of(hash: u64, block: u32) -> u64 {
    (hash & 0xffff_ffff_0000_0000) | (u64::from(block) + 1)
}

impl Part {
    /// Where the probe of a slot's content begins: in the order of the upper bits, so that
    /// growing the part keeps neighbours together.
    #[inline]
    fn home(&self, slot: u64) -> usize {
        (((slot >> 32) * self.slots.len() as u64) >> 32) as usize
    }

    #[inline]
    fn after(&self, place: usize) -> usize {
        let next = place + 1;
        if next == self.slots.len() { 0 } else { next }
    }

    #[inline]
    fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mut place = self.home(hash);
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                return None;
            }
            if slot >> 32 == hash >> 32 {
                let block = (slot as u32).wrapping_sub(1);
                if is_it(block) {
                    return Some(block);
                }
            }
            place = self.after(place);
        }
    }

    #[inline]
    fn insert(&mut self, hash: u64, block: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut place = self.home(hash);
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                self.slots[place] = slot_of(hash, block);
                self.used += 1;
                return None;
            }
            if slot >> 32 == hash >> 32 {
                let found = (slot as u32).wrapping_sub(1);
                if is_it(found) {
                    return Some(found);
                }
            }
            place = self.after(place);
        }
    }

    /// Takes a slot out and moves back those behind it that probed past it.
    fn remove(&mut self, hash: u64, block: u32) {
        if self.slots.is_empty() {
            return;
        }
        let wanted = slot_of(hash, block);
        let mut hole = self.home(hash);
        while self.slots[hole] != wanted {
            if self.slots[hole] == 0 {
                return;
            }
            hole = self.after(hole);
        }
        self.used -= 1;
        let mut place = hole;
        loop {
            place = self.after(place);
            let slot = self.slots[place];
            if slot == 0 {
                break;
            }
            // The slot may move back if its home is not between the hole and its place.
            let home = self.home(slot);
            let stays = if hole <= place {
                hole < home && home <= place
            } else {
                hole < home || home <= place
            };
            if !stays {
                self.slots[hole] = slot;
                hole = place;
            }
        }
        self.slots[hole] = 0;
    }

    /// Small parts grow to four times their size, since each growth has its price; larger ones grow
    /// by half, and are between half and three quarters full.
    #[cold]
    fn grow(&mut self) {
        let room = match self.slots.len() {
            0 => SMALLEST,
            small @ ..SMALL => small * 4,
            large => large + large / 2,
        };
        let old = std::mem::replace(&mut self.slots, vec![0; room]);
        for slot in old {
            if slot != 0 {
                let mut place = self.home(slot);
                while self.slots[place] != 0 {
                    place = self.after(place);
                }
                self.slots[place] = slot;
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
            for block in 0..400 {
                let found = map.find(hash_of(block), |found| found == block);
                prop_assert_eq!(found.is_some(), model.contains_key(&block));
            }
        }
    }
}
