//! The plain model: the index's meaning in maps of sets, with no hash taken for what it stands
//! for. It is the oracle of the property tests, and slow.
//!
//! What it defines:
//! 1. A block is its tokens and extra keys behind a parent block, under a root for each model and
//!    adapter.
//! 2. A worker holds a block on a medium while at least one of its engine hashes claims it. One
//!    engine hash of one worker names one block: a store under another meaning takes the name away
//!    from the older block.
//! 3. A store hangs from its parent only if the worker holds the parent on some medium. Else all
//!    its blocks are orphans and dropped.
//! 4. A worker's depth in a prompt is its number of leading blocks held on any medium (or on the
//!    one asked for); with several full-attention cache groups, the least of theirs. A group
//!    counts from its first event on.

use crate::events::{Adapter, DEFAULT_MEDIUM, Event, Removal, Stored};
use crate::extra::{ExtraReader, Item};
use crate::hashes::EngineHash;
use crate::index::types::{Applied, MAX_MEDIA};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The plain model of an index.
#[derive(Debug)]
pub struct Model {
    block_size: u32,
    media: Vec<String>,
    /// Every block ever named, found by its meaning.
    blocks: HashMap<(Place, Content), usize>,
    workers: BTreeMap<usize, Worker>,
    next_worker: usize,
}

/// What a block hangs from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Root(String, OwnedAdapter),
    Block(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum OwnedAdapter {
    None,
    Name(String),
    Id(u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Content {
    tokens: Vec<u32>,
    extra: Vec<String>,
}

#[derive(Debug, Default)]
struct Worker {
    model: String,
    groups: BTreeMap<u32, Group>,
    skipped_groups: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Group {
    /// Engine hash to the block it claims and the media it claims it on.
    claims: BTreeMap<Hash, (usize, BTreeSet<usize>)>,
    /// (block, medium) to the number of claims: what is held, without a walk over all claims.
    held: BTreeMap<(usize, usize), usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hash {
    Int(u64),
    Bytes(Vec<u8>),
}

impl From<EngineHash<'_>> for Hash {
    fn from(hash: EngineHash<'_>) -> Self {
        match hash {
            EngineHash::Int(bits) => Self::Int(bits),
            EngineHash::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl From<Adapter<'_>> for OwnedAdapter {
    fn from(adapter: Adapter<'_>) -> Self {
        match adapter {
            Adapter::None => Self::None,
            Adapter::Name(name) => Self::Name(name.to_owned()),
            Adapter::Id(id) => Self::Id(id),
        }
    }
}

impl Group {
    fn holds(&self, block: usize, medium: Option<usize>) -> bool {
        match medium {
            Some(medium) => self.held.contains_key(&(block, medium)),
            None => self.held.range((block, 0)..(block + 1, 0)).next().is_some(),
        }
    }

    fn claim(&mut self, hash: Hash, block: usize, medium: usize) {
        if self.claims.get(&hash).is_some_and(|claim| claim.0 != block) {
            let (old, media) = self.claims.remove(&hash).unwrap_or_default();
            for medium in media {
                self.release(old, medium);
            }
        }
        let claim = self.claims.entry(hash).or_default();
        claim.0 = block;
        if claim.1.insert(medium) {
            *self.held.entry((block, medium)).or_default() += 1;
        }
    }

    /// Whether the hash had a claim on that medium.
    fn unclaim(&mut self, hash: &Hash, medium: usize) -> bool {
        let Some((block, media)) = self.claims.get_mut(hash) else {
            return false;
        };
        if !media.remove(&medium) {
            return false;
        }
        let (block, gone) = (*block, media.is_empty());
        if gone {
            self.claims.remove(hash);
        }
        self.release(block, medium);
        true
    }

    fn release(&mut self, block: usize, medium: usize) {
        if let Some(claims) = self.held.get_mut(&(block, medium)) {
            *claims -= 1;
            if *claims == 0 {
                self.held.remove(&(block, medium));
            }
        }
    }
}

/// The next block's extra keys as text: an exact form, for comparing.
fn extra_of(reader: &mut ExtraReader<'_>) -> Option<Vec<String>> {
    let mut items = Vec::new();
    reader
        .next(&mut |item: Item<'_>| items.push(format!("{item:?}")))
        .ok()?;
    Some(items)
}

impl Model {
    /// An empty model for blocks of `block_size` tokens.
    pub fn new(block_size: u32) -> Self {
        Self {
            block_size: block_size.max(1),
            media: vec![DEFAULT_MEDIUM.to_owned()],
            blocks: HashMap::new(),
            workers: BTreeMap::new(),
            next_worker: 0,
        }
    }

    /// Adds a worker that serves a model; gives its number.
    pub fn add_worker(&mut self, model: &str) -> usize {
        let number = self.next_worker;
        self.next_worker += 1;
        let worker = Worker {
            model: model.to_owned(),
            ..Worker::default()
        };
        self.workers.insert(number, worker);
        number
    }

    /// Drops a worker; gives how many (group, block, medium) it held.
    pub fn remove_worker(&mut self, worker: usize) -> Option<u64> {
        let worker = self.workers.remove(&worker)?;
        Some(worker.groups.values().map(|g| g.held.len() as u64).sum())
    }

    /// Applies one event.
    pub fn apply(&mut self, worker: usize, event: &Event<'_>) -> Applied {
        match event {
            Event::Stored(stored) => self.store(worker, stored),
            Event::Removed(removal) => self.remove(worker, removal),
            Event::Cleared => match self.workers.get_mut(&worker) {
                Some(worker) => {
                    for group in worker.groups.values_mut() {
                        *group = Group::default();
                    }
                    Applied {
                        cleared: true,
                        ..Applied::default()
                    }
                }
                None => Applied::default(),
            },
        }
    }

    fn medium(&mut self, name: Option<&str>) -> Option<usize> {
        let name = name.unwrap_or(DEFAULT_MEDIUM);
        if let Some(known) = self.medium_number(name) {
            return Some(known);
        }
        (self.media.len() < MAX_MEDIA).then(|| {
            self.media.push(name.to_owned());
            self.media.len() - 1
        })
    }

    fn medium_number(&self, name: &str) -> Option<usize> {
        self.media
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))
    }

    fn store(&mut self, worker: usize, stored: &Stored<'_>) -> Applied {
        let count = stored.block_hashes.len();
        let refused = Applied {
            refused: count.max(1) as u32,
            ..Applied::default()
        };
        let Some(mut state) = self.workers.remove(&worker) else {
            return refused;
        };
        let applied = self
            .store_into(&mut state, stored, count)
            .unwrap_or(refused);
        self.workers.insert(worker, state);
        applied
    }

    /// `None` where the event is refused.
    fn store_into(
        &mut self,
        worker: &mut Worker,
        stored: &Stored<'_>,
        count: usize,
    ) -> Option<Applied> {
        let mut applied = Applied::default();
        let size = self.block_size as usize;
        if stored.block_size != self.block_size || stored.tokens.len() != size * count {
            return None;
        }
        if stored.extra_keys.blocks().ok()?.is_some_and(|b| b != count) {
            return None;
        }
        let mut reader = stored.extra_keys.read().ok()?;
        let extras: Vec<_> = (0..count)
            .map(|_| extra_of(&mut reader))
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
        let medium = self.medium(stored.medium)?;
        let group = worker.groups.entry(group_index).or_default();
        let mut place = match stored.parent {
            None => Place::Root(worker.model.clone(), stored.adapter.into()),
            Some(parent) => match group.claims.get(&parent.into()) {
                Some(&(block, _)) => Place::Block(block),
                None => {
                    applied.orphaned = count as u32;
                    return Some(applied);
                }
            },
        };
        let blocks = stored.tokens.chunks_exact(size).zip(extras);
        for (hash, (tokens, extra)) in stored.block_hashes.iter().zip(blocks) {
            let tokens = tokens.to_vec();
            let next = self.blocks.len();
            let block = *self
                .blocks
                .entry((place, Content { tokens, extra }))
                .or_insert(next);
            if group.holds(block, Some(medium)) {
                applied.already_held += 1;
            } else {
                applied.stored += 1;
            }
            group.claim(hash.into(), block, medium);
            place = Place::Block(block);
        }
        Some(applied)
    }

    fn remove(&mut self, worker: usize, removal: &Removal<'_>) -> Applied {
        let mut applied = Applied::default();
        let count = removal.block_hashes.len() as u32;
        let medium = self.medium_number(removal.medium.unwrap_or(DEFAULT_MEDIUM));
        let Some(worker) = self.workers.get_mut(&worker) else {
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
            if medium.is_some_and(|medium| group.unclaim(&hash.into(), medium)) {
                applied.removed += 1;
            } else {
                applied.unknown += 1;
            }
        }
        applied
    }

    /// Each worker that holds at least one leading block, with how many it holds.
    pub fn lookup(
        &self,
        model: &str,
        adapter: Adapter<'_>,
        tokens: &[u32],
        extra: crate::extra::ExtraKeys<'_>,
        medium: Option<&str>,
    ) -> BTreeMap<usize, u32> {
        let medium = match medium.map(|name| self.medium_number(name)) {
            Some(None) => return BTreeMap::new(),
            Some(known) => known,
            None => None,
        };
        let path = self.path(model, adapter, tokens, extra);
        let depth = |group: &Group| {
            let held = path.iter().take_while(|&&b| group.holds(b, medium));
            held.count() as u32
        };
        self.workers
            .iter()
            .filter_map(|(&number, worker)| {
                let least = worker.groups.values().map(depth).min()?;
                (least > 0).then_some((number, least))
            })
            .collect()
    }

    /// The known blocks of a prompt, from its first.
    fn path(
        &self,
        model: &str,
        adapter: Adapter<'_>,
        tokens: &[u32],
        extra: crate::extra::ExtraKeys<'_>,
    ) -> Vec<usize> {
        let mut path = Vec::new();
        let mut place = Place::Root(model.to_owned(), adapter.into());
        let Ok(mut reader) = extra.read() else {
            return path;
        };
        for tokens in tokens.chunks_exact(self.block_size as usize) {
            let Some(extra) = extra_of(&mut reader) else {
                break;
            };
            let tokens = tokens.to_vec();
            match self.blocks.get(&(place, Content { tokens, extra })) {
                Some(&block) => path.push(block),
                None => break,
            }
            place = Place::Block(path[path.len() - 1]);
        }
        path
    }

    /// `(distinct blocks, held blocks)` as an index counts them.
    pub fn counts(&self) -> (u64, u64) {
        let held: Vec<_> = self
            .workers
            .values()
            .flat_map(|worker| worker.groups.values().map(|group| &group.held))
            .collect();
        let pairs = held.iter().map(|group| group.len() as u64).sum();
        let blocks = held.iter().flat_map(|group| group.keys());
        let distinct: BTreeSet<_> = blocks.map(|&(block, _)| block).collect();
        (distinct.len() as u64, pairs)
    }
}
