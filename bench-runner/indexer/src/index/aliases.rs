//! Names that one worker uses for blocks that the fleet knows under another, or under none.
//!
//! The fleet's name for a block stands with the block. A worker whose engine hashes with another
//! seed, or whose name for a block is the fleet's name for another block, claims it here. Writer
//! only; a worker without such names has none of this.

use super::segment::{BLOCKS, place_of};
use crate::hash::EngineKey;
use hashbrown::hash_table::{Entry, HashTable};
use hashbrown::{DefaultHashBuilder, HashMap};
use std::hash::BuildHasher;

/// A set of media, a bit each.
pub(crate) type Media = u8;

/// One worker's own names, both ways: a list of claims, and their places in it by name and, for the
/// first of each block's claims, by block.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    claims: Vec<Claimed>,
    /// Places in the list that are free.
    free: Vec<u32>,
    by_name: HashTable<Named>,
    /// By segment: engines name blocks in a row.
    by_block: HashMap<u32, [u32; BLOCKS]>,
    hasher: DefaultHashBuilder,
}

/// A claim's place, with half of its name's hash: most other names are told from it, and the table
/// grows, without a look at the list.
#[derive(Clone, Copy, Debug)]
struct Named {
    hash: u32,
    place: u32,
}

impl Named {
    /// The hash as the table takes it, which looks at both ends of it.
    #[inline]
    fn hash(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

/// What a name claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) block: u32,
    pub(crate) media: Media,
}

/// A claim in the list.
#[derive(Clone, Copy, Debug)]
struct Claimed {
    name: EngineKey,
    claim: Claim,
    /// Media on which the block is claimed under the fleet's name as well; kept with the first of
    /// the block's claims.
    by_fleet_name: Media,
    /// The place of the block's next claim: no worker but an odd one has two names for a block.
    next: u32,
}

/// No place.
const END: u32 = u32::MAX;

impl Aliases {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_block.is_empty()
    }

    #[inline]
    pub(crate) fn by_name(&self, name: EngineKey) -> Option<Claim> {
        self.place(name)
            .map(|place| self.claims[place as usize].claim)
    }

    #[inline]
    fn place(&self, name: EngineKey) -> Option<u32> {
        let wanted = self.named(name, END);
        let is_it = |found: &Named| {
            found.hash == wanted.hash && self.claims[found.place as usize].name == name
        };
        let found = self.by_name.find(wanted.hash(), is_it)?;
        Some(found.place)
    }

    #[inline]
    fn named(&self, name: EngineKey, place: u32) -> Named {
        let hash = self.hasher.hash_one(name) as u32;
        Named { hash, place }
    }

    /// The first of a block's claims.
    #[inline]
    fn first(&self, block: u32) -> Option<u32> {
        let (segment, place) = place_of(block);
        let first = self.by_block.get(&segment)?[place];
        (first != END).then_some(first)
    }

    /// Media on which the worker claims the block under the fleet's name; `None` where it has no
    /// name of its own for the block, and all it holds is under the fleet's name.
    pub(crate) fn by_fleet_name(&self, block: u32) -> Option<Media> {
        let first = self.first(block)?;
        Some(self.claims[first as usize].by_fleet_name)
    }

    /// Adds a claim under the fleet's name, to a block that has a name here.
    pub(crate) fn add_fleet_name(&mut self, block: u32, media: Media) {
        if let Some(first) = self.first(block) {
            self.claims[first as usize].by_fleet_name |= media;
        }
    }

    /// Adds a claim under a name of the worker's own, which names no other block. `held` is what
    /// the worker holds of the block so far.
    pub(crate) fn add(&mut self, name: EngineKey, block: u32, media: Media, held: Media) {
        if !self.add_new(name, block, media, held)
            && let Some(place) = self.place(name)
        {
            self.claims[place as usize].claim.media |= media;
        }
    }

    /// The same for a name that is new to the worker; false, and nothing done, for one that is not.
    #[inline]
    pub(crate) fn add_new(
        &mut self,
        name: EngineKey,
        block: u32,
        media: Media,
        held: Media,
    ) -> bool {
        let place = self.free.last().copied();
        let place = place.unwrap_or(self.claims.len() as u32);
        let named = self.named(name, place);
        let claims = &mut self.claims;
        let entry = self.by_name.entry(
            named.hash(),
            |found| found.hash == named.hash && claims[found.place as usize].name == name,
            Named::hash,
        );
        let Entry::Vacant(vacant) = entry else {
            return false;
        };
        vacant.insert(named);
        self.free.pop();
        let (segment, at) = place_of(block);
        let firsts = self.by_block.entry(segment).or_insert([END; BLOCKS]);
        let mut claimed = Claimed {
            name,
            claim: Claim { block, media },
            by_fleet_name: held,
            next: END,
        };
        match claims.get_mut(firsts[at] as usize) {
            None => firsts[at] = place,
            // Behind the first, which keeps what is said of the block.
            Some(first) => claimed.next = std::mem::replace(&mut first.next, place),
        }
        match claims.get_mut(place as usize) {
            Some(free) => *free = claimed,
            None => claims.push(claimed),
        }
        true
    }

    /// Takes a claim under a name of the worker's own away from some media; gives the media on
    /// which the block is then claimed no more.
    pub(crate) fn take(&mut self, name: EngineKey, media: Media) -> Media {
        let Some(place) = self.place(name) else {
            return 0;
        };
        let claim = &mut self.claims[place as usize].claim;
        let (block, taken) = (claim.block, claim.media & media);
        claim.media &= !media;
        let is_over = claim.media == 0;
        let left = self.claimed(block);
        if is_over {
            self.drop_claim(place);
        }
        taken & !left
    }

    /// Takes the claim under the fleet's name away from some media; gives the media on which the
    /// block is then claimed no more.
    pub(crate) fn take_fleet_name(&mut self, block: u32, media: Media) -> Media {
        let Some(first) = self.first(block) else {
            return media;
        };
        let by_fleet_name = &mut self.claims[first as usize].by_fleet_name;
        let taken = *by_fleet_name & media;
        *by_fleet_name &= !media;
        taken & !self.claimed(block)
    }

    /// Drops all claims to a block on some media: it was evicted.
    pub(crate) fn forget(&mut self, block: u32, media: Media) {
        let Some(first) = self.first(block) else {
            return;
        };
        self.claims[first as usize].by_fleet_name &= !media;
        let mut place = first;
        while place != END {
            let claimed = &mut self.claims[place as usize];
            claimed.claim.media &= !media;
            let (is_over, next) = (claimed.claim.media == 0, claimed.next);
            if is_over {
                self.drop_claim(place);
            }
            place = next;
        }
    }

    /// All media on which the block is claimed by any name.
    fn claimed(&self, block: u32) -> Media {
        let Some(first) = self.first(block) else {
            return 0;
        };
        let mut media = self.claims[first as usize].by_fleet_name;
        let mut place = first;
        while let Some(claimed) = self.claims.get(place as usize) {
            media |= claimed.claim.media;
            place = claimed.next;
        }
        media
    }

    /// Takes a claim out of the list. The block's last one takes with it what is known of the block:
    /// all that the worker holds of it is under the fleet's name then.
    fn drop_claim(&mut self, place: u32) {
        let Claimed {
            name,
            claim: Claim { block, .. },
            by_fleet_name,
            next,
        } = self.claims[place as usize];
        let hash = self.named(name, place).hash();
        if let Ok(entry) = self.by_name.find_entry(hash, |found| found.place == place) {
            entry.remove();
        }
        self.free.push(place);
        let (segment, at) = place_of(block);
        let Some(firsts) = self.by_block.get_mut(&segment) else {
            return;
        };
        if firsts[at] != place {
            let mut before = firsts[at];
            while self.claims[before as usize].next != place {
                before = self.claims[before as usize].next;
            }
            self.claims[before as usize].next = next;
            return;
        }
        firsts[at] = next;
        if let Some(second) = self.claims.get_mut(next as usize) {
            second.by_fleet_name = by_fleet_name;
        } else if firsts.iter().all(|first| *first == END) {
            self.by_block.remove(&segment);
        }
    }

    /// Bytes of the list and both maps, from their capacities.
    pub(crate) fn bytes(&self) -> usize {
        self.claims.capacity() * size_of::<Claimed>()
            + self.free.capacity() * size_of::<u32>()
            + self.by_name.allocation_size()
            + self.by_block.allocation_size()
    }
}
