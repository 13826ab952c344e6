//! From engines' names to blocks and back: the fleet's names, and a worker's own beside them.

use super::aliases::Media;
use super::meter::Work;
use super::seats::Target;
use super::segment::{BLOCKS, Segment, block_at, place_of, span};
use super::types::MAX_MEDIA;
use super::writer::Edit;
use crate::hash::EngineKey;
use crate::sync::{Ordering, Own};

/// Blocks whose upper halves of names are kept together.
const UPPER_CHUNK: usize = 256 * BLOCKS;

/// The upper half of a block's name: 0 for integers.
#[inline]
fn upper_half(upper_names: &[Option<Box<[u64]>>], block: u32) -> u64 {
    if upper_names.is_empty() {
        return 0;
    }
    let chunk = upper_names.get(block as usize / UPPER_CHUNK);
    let chunk = chunk.and_then(Option::as_ref);
    chunk.map_or(0, |chunk| chunk[block as usize % UPPER_CHUNK])
}

/// The media on which one block is held, of what is held of its segment on each medium.
#[inline]
fn media_at(held: [u8; MAX_MEDIA], place: usize) -> Media {
    let media = held.into_iter().enumerate();
    media.fold(0, |media, (medium, held)| {
        media | ((held >> place) & 1) << medium
    })
}

impl<'a> Edit<'a> {
    /// The fleet's name for a block, if it has one.
    #[inline]
    fn name(&self, segment: &Segment, block: u32, place: usize) -> Option<EngineKey> {
        if segment.named.own() & (1 << place) == 0 {
            return None;
        }
        Some(EngineKey {
            low: segment.names[place].own(),
            high: self.upper_name(block),
        })
    }

    #[inline]
    fn upper_name(&self, block: u32) -> u64 {
        upper_half(&self.writer.upper_names, block)
    }

    /// Upper halves are only kept where there are any: integers have none.
    fn set_upper_name(&mut self, block: u32, upper: u64) {
        if upper == self.upper_name(block) {
            return;
        }
        let chunks = &mut self.writer.upper_names;
        let place = block as usize / UPPER_CHUNK;
        if chunks.len() <= place {
            chunks.resize(place + 1, None);
        }
        let chunk = chunks[place].get_or_insert_with(|| vec![0; UPPER_CHUNK].into());
        chunk[block as usize % UPPER_CHUNK] = upper;
    }

    /// Whether the fleet's name for a block is this one.
    #[inline]
    pub(crate) fn is_named(
        &self,
        segment: &Segment,
        id: u32,
        place: usize,
        name: EngineKey,
    ) -> bool {
        segment.names[place].own() == name.low
            && segment.named.own() & (1 << place) != 0
            && self.upper_name(block_at(id, place)) == name.high
    }

    /// Whether a block, of which there may be none of that number, has this as the fleet's name.
    #[inline]
    pub(crate) fn is_block(&self, block: u32, name: EngineKey) -> bool {
        let (id, place) = place_of(block);
        let segment = self.view.get(id);
        segment.is_some_and(|segment| self.is_named(segment, id, place, name))
    }

    /// The block that has this as the fleet's name.
    #[inline]
    pub(crate) fn find_name(&self, name: EngineKey) -> Option<u32> {
        self.shared.meter.add(Work::Probes, 1);
        let hash = self.shared.keys.name(name);
        self.writer.map.find(hash, |block| {
            let (id, place) = place_of(block);
            self.is_named(self.segment(id), id, place, name)
        })
    }

    /// Has the memory brought near that naming blocks so will need.
    #[inline]
    pub(crate) fn foresee(&self, names: &[EngineKey]) {
        for name in names {
            self.writer.map.foresee(self.shared.keys.name(*name));
        }
    }

    /// Makes these the fleet's names for blocks that have none, in a row; false where one is another
    /// block's, and the rest left without.
    #[inline]
    pub(crate) fn give_names(
        &mut self,
        segment: &Segment,
        id: u32,
        place: usize,
        names: &[EngineKey],
    ) -> bool {
        self.shared.meter.add(Work::Probes, names.len() as u64);
        let (view, writer) = (self.view, &mut *self.writer);
        let (map, upper) = (&mut writer.map, &writer.upper_names);
        let mut named = segment.named.own();
        let mut given = 0;
        let first = block_at(id, place);
        for (slot, name) in segment.names[place..].iter().zip(names) {
            let taken = map.insert(
                self.shared.keys.name(*name),
                block_at(id, place + given),
                |other| {
                    // The upper halves of those before it in the row are not kept yet.
                    let step = other.wrapping_sub(first) as usize;
                    let high = match names[..given].get(step) {
                        Some(before) => before.high,
                        None => upper_half(upper, other),
                    };
                    let (id, place) = place_of(other);
                    let is_low = |segment: &Segment| segment.names[place].own() == name.low;
                    high == name.high && view.get(id).is_some_and(is_low)
                },
            );
            if taken.is_some() {
                break;
            }
            slot.store(name.low, Ordering::Relaxed);
            named |= 1 << (place + given);
            given += 1;
        }
        segment.named.store(named, Ordering::Relaxed);
        // Integers have no upper halves, and where there never were any there is nothing to set.
        if !self.writer.upper_names.is_empty() || names.iter().any(|name| name.high != 0) {
            for (step, name) in names[..given].iter().enumerate() {
                self.set_upper_name(block_at(id, place + step), name.high);
            }
        }
        given == names.len()
    }

    /// Takes the fleet's name from a block.
    pub(crate) fn unname(&mut self, id: u32, segment: &Segment, place: usize) {
        let block = block_at(id, place);
        if let Some(name) = self.name(segment, block, place) {
            let hash = self.shared.keys.name(name);
            self.writer.map.remove(hash, block);
            let named = segment.named.own() & !(1 << place);
            segment.named.store(named, Ordering::Relaxed);
        }
    }

    /// Takes the fleet's names from all blocks of a segment.
    pub(crate) fn unname_all(&mut self, id: u32, segment: &Segment) {
        let mut hashes = [None; BLOCKS];
        for (place, hash) in hashes.iter_mut().enumerate().take(segment.length()) {
            *hash = self
                .name(segment, block_at(id, place), place)
                .map(|name| self.shared.keys.name(name));
            if let Some(hash) = *hash {
                self.writer.map.foresee(hash);
            }
        }
        for (place, hash) in hashes.into_iter().enumerate() {
            if let Some(hash) = hash {
                self.writer.map.remove(hash, block_at(id, place));
            }
        }
        segment.named.store(0, Ordering::Relaxed);
    }

    /// The media on which a seat holds a block.
    #[inline]
    pub(crate) fn held_media(&self, seat: u32, block: u32) -> Media {
        let (id, place) = place_of(block);
        media_at(self.held_by_medium(self.segment(id), seat), place)
    }

    /// The blocks of a segment that a seat holds on each medium, a bit each.
    #[inline]
    fn held_by_medium(&self, segment: &'a Segment, seat: u32) -> [u8; MAX_MEDIA] {
        let mut held = [0; MAX_MEDIA];
        for (medium, held) in held.iter_mut().enumerate().take(self.writer.media.len()) {
            if self.writer.used_media & (1 << medium) != 0 {
                *held = self.held_by(segment, Target::new(seat, medium as u8));
            }
        }
        held
    }

    /// The media on which a seat holds a block under the fleet's name.
    fn held_by_fleet_name(&self, seat: u32, block: u32) -> Media {
        let aliases = &self.writer.seats[seat as usize].aliases;
        match aliases.by_fleet_name(block) {
            Some(media) => media,
            None => self.held_media(seat, block),
        }
    }

    /// The block that a seat holds under this name, on any medium.
    #[inline]
    pub(crate) fn resolve(&self, seat: u32, name: EngineKey) -> Option<u32> {
        let aliases = &self.writer.seats[seat as usize].aliases;
        if !aliases.is_empty()
            && let Some(claim) = aliases.by_name(name)
        {
            return Some(claim.block);
        }
        let block = match self.is_block(self.writer.seats[seat as usize].stored_last, name) {
            true => self.writer.seats[seat as usize].stored_last,
            false => self.find_name(name)?,
        };
        (self.held_by_fleet_name(seat, block) != 0).then_some(block)
    }

    fn is_own_name(&self, seat: u32, name: EngineKey) -> bool {
        let aliases = &self.writer.seats[seat as usize].aliases;
        aliases.by_name(name).is_some()
    }

    /// The seat claims one block under one name on one medium; gives 1 if it did not hold it
    /// there. For names that may be the seat's own: the exact, slow way.
    pub(crate) fn claim(&mut self, target: Target, id: u32, place: usize, name: EngineKey) -> u32 {
        let (seat, block, segment) = (target.seat, block_at(id, place), self.segment(id));
        // One name of a worker names one block: the newest.
        let aliases = &self.writer.seats[seat as usize].aliases;
        let older = match aliases.by_name(name) {
            Some(claim) => Some(claim.block),
            None => self.find_name(name),
        };
        if let Some(older) = older
            && older != block
        {
            self.disclaim(seat, older, name, Media::MAX);
        }
        let is_held = segment.held.own() & (1 << place) != 0;
        if !is_held {
            // Nobody goes by the old name: the block takes the new one.
            self.unname(id, segment, place);
        }
        if segment.named.own() & (1 << place) == 0 {
            self.give_names(segment, id, place, &[name]);
        }
        let medium = 1 << target.medium;
        // A name of the seat's own stays that, even if the fleet took it up since: never both.
        let is_own = older == Some(block) && self.is_own_name(seat, name);
        if self.is_named(segment, id, place, name) && !is_own {
            let aliases = &mut self.writer.seats[seat as usize].aliases;
            aliases.add_fleet_name(block, medium);
        } else {
            let held = self.held_media(seat, block);
            let aliases = &mut self.writer.seats[seat as usize].aliases;
            aliases.add(name, block, medium, held);
        }
        self.hold(id, segment, target, place, place + 1, segment.length())
    }

    /// The seat claims blocks in a row that others hold, on one medium, under names that nobody has
    /// used for anything: what an engine with a hash seed of its own does to each prefix that others
    /// have stored. Gives how many it did not hold there; `None` where one of them is otherwise: each
    /// is then to be claimed the exact way, which takes note of those that are claimed already.
    pub(crate) fn claim_by_new_names(
        &mut self,
        target: Target,
        id: u32,
        segment: &'a Segment,
        place: usize,
        names: &[EngineKey],
    ) -> Option<u32> {
        let span = span(place, place + names.len());
        if segment.held.own() & segment.named.own() & span != span {
            return None;
        }
        self.foresee(names);
        let held = self.held_by_medium(segment, target.seat);
        for (step, name) in names.iter().enumerate() {
            let place = place + step;
            let (block, medium) = (block_at(id, place), 1 << target.medium);
            let is_known = self.find_name(*name).is_some();
            let aliases = &mut self.writer.seats[target.seat as usize].aliases;
            if is_known || !aliases.add_new(*name, block, medium, media_at(held, place)) {
                return None;
            }
        }
        let to = place + names.len();
        Some(self.hold(id, segment, target, place, to, segment.length()))
    }

    /// Takes back a seat's claim to a block under one name on some media; gives the media it had
    /// the claim on.
    pub(crate) fn disclaim(
        &mut self,
        seat: u32,
        block: u32,
        name: EngineKey,
        media: Media,
    ) -> Media {
        let aliases = &self.writer.seats[seat as usize].aliases;
        let (claimed, released) = match aliases.by_name(name) {
            Some(claim) => {
                let aliases = &mut self.writer.seats[seat as usize].aliases;
                (claim.media & media, aliases.take(name, media))
            }
            None => {
                let claimed = self.held_by_fleet_name(seat, block) & media;
                let aliases = &mut self.writer.seats[seat as usize].aliases;
                (claimed, aliases.take_fleet_name(block, claimed))
            }
        };
        let (id, place) = place_of(block);
        for medium in 0..u8::BITS as u8 {
            if released & (1 << medium) != 0 {
                let segment = self.segment(id);
                self.release(id, segment, Target::new(seat, medium), 1 << place);
            }
        }
        claimed
    }
}
