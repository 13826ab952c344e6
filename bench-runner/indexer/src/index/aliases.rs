//! Names that one worker uses for blocks that the fleet knows under another, or under none.
//!
//! The fleet's name for a block stands with the block. A worker whose engine hashes with another
//! seed, or whose name for a block is the fleet's name for another block, claims it here. Writer
//! only; a worker without such names has none of this.

use crate::hash::EngineKey;
use hashbrown::HashMap;

/// A set of media, a bit each.
pub(crate) type Media = u8;

/// One worker's own names, both ways.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    by_name: HashMap<EngineKey, Claim>,
    by_block: HashMap<u32, Claims>,
}

/// What a name claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) block: u32,
    pub(crate) media: Media,
}

/// How a worker claims a block for which it has a name of its own.
#[derive(Debug, Default)]
struct Claims {
    /// Media claimed under the fleet's name as well.
    by_fleet_name: Media,
    names: Vec<EngineKey>,
}

impl Aliases {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_block.is_empty()
    }

    pub(crate) fn by_name(&self, name: EngineKey) -> Option<Claim> {
        self.by_name.get(&name).copied()
    }

    /// Media on which the worker claims the block under the fleet's name; `None` where it has no
    /// name of its own for the block, and all it holds is under the fleet's name.
    pub(crate) fn by_fleet_name(&self, block: u32) -> Option<Media> {
        self.by_block.get(&block).map(|claims| claims.by_fleet_name)
    }

    /// Adds a claim under the fleet's name, to a block that has a name here.
    pub(crate) fn add_fleet_name(&mut self, block: u32, media: Media) {
        if let Some(claims) = self.by_block.get_mut(&block) {
            claims.by_fleet_name |= media;
        }
    }

    /// Adds a claim under a name of the worker's own. `held` is what the worker holds of the
    /// block so far.
    pub(crate) fn add(&mut self, name: EngineKey, block: u32, media: Media, held: Media) {
        let claims = self.by_block.entry(block).or_insert_with(|| Claims {
            by_fleet_name: held,
            names: Vec::with_capacity(1),
        });
        if !claims.names.contains(&name) {
            claims.names.push(name);
        }
        let claim = self
            .by_name
            .entry(name)
            .or_insert(Claim { block, media: 0 });
        claim.media |= media;
    }

    /// Takes a claim under a name of the worker's own away from some media; gives the media on
    /// which the block is then claimed no more.
    pub(crate) fn take(&mut self, name: EngineKey, media: Media) -> Media {
        let Some(claim) = self.by_name.get_mut(&name) else {
            return 0;
        };
        let taken = claim.media & media;
        claim.media &= !media;
        let block = claim.block;
        if claim.media == 0 {
            self.by_name.remove(&name);
            if let Some(claims) = self.by_block.get_mut(&block) {
                claims.names.retain(|kept| *kept != name);
            }
        }
        let left = self.claimed(block);
        self.settle(block);
        taken & !left
    }

    /// Takes the claim under the fleet's name away from some media; gives the media on which the
    /// block is then claimed no more.
    pub(crate) fn take_fleet_name(&mut self, block: u32, media: Media) -> Media {
        let Some(claims) = self.by_block.get_mut(&block) else {
            return media;
        };
        let taken = claims.by_fleet_name & media;
        claims.by_fleet_name &= !media;
        taken & !self.claimed(block)
    }

    /// Drops all claims to a block on some media: it was evicted.
    pub(crate) fn forget(&mut self, block: u32, media: Media) {
        let Some(claims) = self.by_block.get_mut(&block) else {
            return;
        };
        claims.by_fleet_name &= !media;
        let by_name = &mut self.by_name;
        claims.names.retain(|name| {
            let Some(claim) = by_name.get_mut(name) else {
                return false;
            };
            claim.media &= !media;
            if claim.media == 0 {
                by_name.remove(name);
                return false;
            }
            true
        });
        self.settle(block);
    }

    /// All media on which the block is claimed by any name.
    fn claimed(&self, block: u32) -> Media {
        self.by_block.get(&block).map_or(0, |claims| {
            let own = claims
                .names
                .iter()
                .filter_map(|name| self.by_name.get(name));
            own.fold(claims.by_fleet_name, |media, claim| media | claim.media)
        })
    }

    /// Forgets that the worker had names for the block once it has none.
    fn settle(&mut self, block: u32) {
        if self
            .by_block
            .get(&block)
            .is_some_and(|claims| claims.names.is_empty())
        {
            self.by_block.remove(&block);
        }
    }

    /// Bytes of both maps, from their capacities.
    pub(crate) fn bytes(&self) -> usize {
        let names = self.by_name.capacity() * (size_of::<(EngineKey, Claim)>() + 1);
        let blocks = self.by_block.capacity() * (size_of::<(u32, Claims)>() + 1);
        // Each block's list holds one name in all but odd cases.
        names + blocks + self.by_block.len() * size_of::<EngineKey>()
    }
}
