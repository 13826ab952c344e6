//! Blocks in hash maps.

use super::matches::Matches;
use super::types::{Applied, IndexError, MAX_MEDIA, MediumId, Stats, WorkerId};
use crate::events::{DEFAULT_MEDIUM, Event, Removal, Stored};
use crate::hash::{EngineKey, Keys, LocalHash, ScopeId};
use hashbrown::{HashMap, HashSet};

/// A set of media, one bit each.
type Media = u8;

#[derive(Debug)]
pub(crate) struct Plain {
    block_size: u32,
    media: Vec<String>,
    /// (parent or scope, local hash) to the block.
    blocks: HashMap<(Place, u64), u32>,
    workers: HashMap<WorkerId, Worker>,
    stats: Stats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Root(u64),
    Block(u32),
}

#[derive(Debug, Default)]
struct Worker {
    model: String,
    groups: HashMap<u32, Group>,
    skipped_groups: HashSet<u32>,
}

#[derive(Debug, Default)]
struct Group {
    claims: HashMap<EngineKey, (u32, Media)>,
    held: HashMap<u32, [u32; MAX_MEDIA]>,
}

impl Group {
    fn holds(&self, block: u32, media: Media) -> bool {
        self.held.get(&block).is_some_and(|counts| {
            let held = |medium: &usize| counts[*medium] > 0;
            (0..MAX_MEDIA)
                .filter(held)
                .any(|medium| media & (1 << medium) != 0)
        })
    }

    fn claim(&mut self, key: EngineKey, block: u32, medium: u8) {
        if self.claims.get(&key).is_some_and(|claim| claim.0 != block)
            && let Some((old, media)) = self.claims.remove(&key)
        {
            self.release(old, media);
        }
        let claim = self.claims.entry(key).or_insert((block, 0));
        if claim.1 & (1 << medium) == 0 {
            claim.1 |= 1 << medium;
            self.held.entry(block).or_default()[medium as usize] += 1;
        }
    }

    fn unclaim(&mut self, key: EngineKey, medium: u8) -> bool {
        match self.claims.get_mut(&key) {
            Some((block, media)) if *media & (1 << medium) != 0 => {
                *media &= !(1 << medium);
                let (block, gone) = (*block, *media == 0);
                if gone {
                    self.claims.remove(&key);
                }
                self.release(block, 1 << medium);
                true
            }
            _ => false,
        }
    }

    fn release(&mut self, block: u32, media: Media) {
        if let Some(counts) = self.held.get_mut(&block) {
            for (medium, count) in counts.iter_mut().enumerate() {
                *count -= u32::from(media & (1 << medium) != 0);
            }
            if counts.iter().all(|&count| count == 0) {
                self.held.remove(&block);
            }
        }
    }

    fn held_blocks(&self) -> u64 {
        let counts = self.held.values().flatten();
        counts.filter(|&&count| count > 0).count() as u64
    }
}

impl Plain {
    pub(crate) fn new(block_size: u32) -> Self {
        Self {
            block_size,
            media: vec![DEFAULT_MEDIUM.to_owned()],
            blocks: HashMap::new(),
            workers: HashMap::new(),
            stats: Stats::default(),
        }
    }

    pub(crate) fn add_worker(&mut self, id: WorkerId, model: &str) {
        let worker = Worker {
            model: model.to_owned(),
            ..Worker::default()
        };
        self.workers.insert(id, worker);
    }

    pub(crate) fn remove_worker(&mut self, id: WorkerId) -> u64 {
        let groups = self.workers.remove(&id).map(|worker| worker.groups);
        groups.map_or(0, |groups| groups.values().map(Group::held_blocks).sum())
    }

    pub(crate) fn medium(&mut self, name: &str) -> Result<MediumId, IndexError> {
        if let Some(known) = self.medium_number(name) {
            return Ok(MediumId(known));
        }
        if self.media.len() == MAX_MEDIA {
            return Err(IndexError::TooManyMedia { limit: MAX_MEDIA });
        }
        self.media.push(name.to_owned());
        Ok(MediumId(self.media.len() as u8 - 1))
    }

    fn medium_number(&self, name: &str) -> Option<u8> {
        let known = |known: &String| known.eq_ignore_ascii_case(name);
        self.media.iter().position(known).map(|place| place as u8)
    }

    pub(crate) fn apply(&mut self, keys: &Keys, id: WorkerId, event: &Event<'_>) -> Applied {
        let applied = match event {
            Event::Stored(stored) => self.store(keys, id, stored),
            Event::Removed(removal) => self.remove(keys, id, removal),
            Event::Cleared => {
                let worker = self.workers.get_mut(&id);
                let cleared = worker.is_some();
                for group in worker.into_iter().flat_map(|w| w.groups.values_mut()) {
                    *group = Group::default();
                }
                Applied {
                    cleared,
                    ..Applied::default()
                }
            }
        };
        self.stats.stored += u64::from(applied.stored);
        self.stats.removed += u64::from(applied.removed);
        self.stats.unknown += u64::from(applied.unknown);
        self.stats.orphans += u64::from(applied.orphaned);
        self.stats.refused += u64::from(applied.refused);
        self.stats.skipped += u64::from(applied.skipped);
        self.stats.cleared += u64::from(applied.cleared);
        applied
    }

    fn store(&mut self, keys: &Keys, id: WorkerId, stored: &Stored<'_>) -> Applied {
        let refused = Applied {
            refused: stored.block_hashes.len().max(1) as u32,
            ..Applied::default()
        };
        let Some(mut worker) = self.workers.remove(&id) else {
            return refused;
        };
        let applied = self.store_into(keys, &mut worker, stored);
        self.workers.insert(id, worker);
        applied.unwrap_or(refused)
    }

    /// `None` where the event is refused.
    fn store_into(
        &mut self,
        keys: &Keys,
        worker: &mut Worker,
        stored: &Stored<'_>,
    ) -> Option<Applied> {
        let mut applied = Applied::default();
        let count = stored.block_hashes.len();
        let size = self.block_size as usize;
        if stored.block_size != self.block_size || stored.tokens.len() != size * count {
            return None;
        }
        if stored.extra_keys.blocks().ok()?.is_some_and(|b| b != count) {
            return None;
        }
        let mut extra = stored.extra_keys.read().ok()?;
        let blocks = stored.tokens.chunks_exact(size);
        let hashes: Vec<LocalHash> = blocks
            .map(|tokens| keys.block(tokens, &mut extra).ok())
            .collect::<Option<_>>()?;
        let group_index = stored.group.index.unwrap_or(0);
        if !stored.group.makes_prefix() {
            worker.skipped_groups.insert(group_index);
            applied.skipped = count as u32;
            return Some(applied);
        }
        if count == 0 {
            return Some(applied);
        }
        let medium = self.medium(stored.medium.unwrap_or(DEFAULT_MEDIUM)).ok()?.0;
        let group = worker.groups.entry(group_index).or_default();
        let mut place = match stored.parent {
            None => Place::Root(keys.scope(&worker.model, stored.adapter).0),
            Some(parent) => match group.claims.get(&keys.engine(parent)) {
                Some(&(block, _)) => Place::Block(block),
                None => {
                    applied.orphaned = count as u32;
                    return Some(applied);
                }
            },
        };
        for (hash, local) in stored.block_hashes.iter().zip(hashes) {
            let next = self.blocks.len() as u32;
            let block = *self.blocks.entry((place, local.0)).or_insert(next);
            if group.holds(block, 1 << medium) {
                applied.already_held += 1;
            } else {
                applied.stored += 1;
            }
            group.claim(keys.engine(hash), block, medium);
            place = Place::Block(block);
        }
        Some(applied)
    }

    fn remove(&mut self, keys: &Keys, id: WorkerId, removal: &Removal<'_>) -> Applied {
        let mut applied = Applied::default();
        let count = removal.block_hashes.len() as u32;
        let medium = self.medium_number(removal.medium.unwrap_or(DEFAULT_MEDIUM));
        let Some(worker) = self.workers.get_mut(&id) else {
            applied.refused = count.max(1);
            return applied;
        };
        let group_index = removal.group.unwrap_or(0);
        let Some(group) = worker.groups.get_mut(&group_index) else {
            if worker.skipped_groups.contains(&group_index) {
                applied.skipped = count;
            } else {
                applied.unknown = count;
            }
            return applied;
        };
        for hash in removal.block_hashes.iter() {
            if medium.is_some_and(|medium| group.unclaim(keys.engine(hash), medium)) {
                applied.removed += 1;
            } else {
                applied.unknown += 1;
            }
        }
        applied
    }

    pub(crate) fn lookup(
        &self,
        scope: ScopeId,
        hashes: impl Iterator<Item = LocalHash>,
        medium: Option<MediumId>,
        out: &mut Matches,
    ) {
        let media = medium.map_or(Media::MAX, |medium| 1 << medium.0);
        let mut place = Place::Root(scope.0);
        let mut path = Vec::new();
        for hash in hashes {
            let Some(&block) = self.blocks.get(&(place, hash.0)) else {
                break;
            };
            path.push(block);
            place = Place::Block(block);
        }
        out.fill(self.workers.iter().filter_map(|(&id, worker)| {
            let depth = |group: &Group| {
                let held = path.iter().take_while(|&&b| group.holds(b, media));
                held.count() as u32
            };
            let least = worker.groups.values().map(depth).min()?;
            (least > 0).then_some((id, least))
        }));
    }

    pub(crate) fn stats(&self) -> Stats {
        let groups = || self.workers.values().flat_map(|w| w.groups.values());
        let distinct: HashSet<u32> = groups().flat_map(|g| g.held.keys().copied()).collect();
        Stats {
            distinct_blocks: distinct.len() as u64,
            held_blocks: groups().map(Group::held_blocks).sum(),
            memory_bytes: (self.blocks.capacity() * 32) as u64,
            ..self.stats
        }
    }
}
