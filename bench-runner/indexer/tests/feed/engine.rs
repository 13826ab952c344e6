//! Engines that make events, and the plain model of what they hold.

use std::collections::{BTreeMap, HashSet};

use kv_indexer::model::Model;
use kv_indexer::{
    Adapter, EngineHash, Event, ExtraKeys, Index, Matches, Query, Removal, Stored, WireForm,
    encode_batch,
};

pub(crate) const BLOCK_SIZE: usize = 16;
pub(crate) const MODEL: &str = "llama";
const PROMPTS: u64 = 48;
const BLOCKS: u64 = 24;

/// SplitMix64.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0) % bound
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The tokens of one block: four prompts share their first eight blocks.
fn block(prompt: u64, block: u64) -> [u32; BLOCK_SIZE] {
    let origin = if block < 8 { prompt / 4 } else { 1000 + prompt };
    std::array::from_fn(|at| (mix(origin << 20 | block << 8 | at as u64) % 150_000) as u32)
}

fn prompt_tokens(prompt: u64) -> Vec<u32> {
    (0..BLOCKS).flat_map(|at| block(prompt, at)).collect()
}

/// How an engine names blocks on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    Ints,
    Bytes,
}

/// One engine's rank: what it holds by its own account, and how it speaks.
pub(crate) struct Engine {
    rng: Rng,
    pub(crate) worker: usize,
    form: WireForm,
    naming: Naming,
    /// What the batch says its rank is.
    rank: Option<u32>,
    salt: u64,
    held: HashSet<u64>,
    clock: f64,
}

impl Engine {
    pub(crate) fn new(seed: u64, worker: usize, form: WireForm, naming: Naming) -> Engine {
        Engine {
            rng: Rng(seed),
            worker,
            form,
            naming,
            rank: None,
            salt: mix(seed),
            held: HashSet::new(),
            clock: seed as f64,
        }
    }

    pub(crate) fn rank(mut self, rank: u32) -> Engine {
        self.rank = Some(rank);
        self
    }

    /// The engine is killed and starts anew: an empty cache, and another seed for its hashes.
    pub(crate) fn restart(&mut self, truth: &mut Truth) {
        self.held.clear();
        self.salt = mix(self.salt);
        truth.model.apply(self.worker, &Event::Cleared);
    }

    /// The engine's names of a prompt's blocks.
    fn names(&self, prompt: u64) -> Vec<u64> {
        let mut state = self.salt;
        let names = (0..BLOCKS).map(|at| {
            let first = u64::from(block(prompt, at)[0]) << 20 | u64::from(block(prompt, at)[1]);
            state = mix(state ^ first);
            state
        });
        names.collect()
    }

    /// The next batch: its events are applied to the truth and given as a payload.
    pub(crate) fn batch(&mut self, truth: &mut Truth) -> Vec<u8> {
        let mut payload = Vec::new();
        let count = 1 + self.rng.below(3);
        let drawn: Vec<Drawn> = (0..count).map(|_| self.draw()).collect();
        let long: Vec<Vec<[u8; 32]>> = drawn.iter().map(Drawn::long_names).collect();
        let lists: Vec<Vec<EngineHash<'_>>> = drawn
            .iter()
            .zip(&long)
            .map(|(drawn, long)| match self.naming {
                Naming::Ints => drawn.names.iter().copied().map(EngineHash::Int).collect(),
                Naming::Bytes => long.iter().map(|name| EngineHash::Bytes(name)).collect(),
            })
            .collect();
        let events: Vec<Event<'_>> = drawn
            .iter()
            .zip(&lists)
            .map(|(drawn, names)| drawn.event(names))
            .collect();
        for event in &events {
            truth.model.apply(self.worker, event);
        }
        self.clock += 0.001;
        encode_batch(self.form, self.clock, &events, self.rank, &mut payload);
        payload
    }

    fn draw(&mut self) -> Drawn {
        let chance = self.rng.below(1000);
        if chance < 2 {
            self.held.clear();
            return Drawn::default();
        }
        let prompt = self.rng.below(PROMPTS);
        let names = self.names(prompt);
        if chance < 250 {
            let at = self.rng.below(BLOCKS) as usize;
            self.held.remove(&names[at]);
            return Drawn {
                names: vec![names[at]],
                removal: true,
                ..Drawn::default()
            };
        }
        // From a place whose parent is held, as an engine stores.
        let from = (self.rng.below(BLOCKS) as usize..)
            .map(|at| at % BLOCKS as usize)
            .find(|&at| at == 0 || self.held.contains(&names[at - 1]))
            .unwrap();
        let to = (from + 1 + self.rng.below(4) as usize).min(BLOCKS as usize);
        self.held.extend(&names[from..to]);
        // The parent's name comes first, where there is one.
        let skip = from.saturating_sub(1);
        Drawn {
            names: names[skip..to].to_vec(),
            has_parent: from > 0,
            tokens: prompt_tokens(prompt)[from * BLOCK_SIZE..to * BLOCK_SIZE].to_vec(),
            removal: false,
        }
    }
}

#[derive(Default)]
struct Drawn {
    names: Vec<u64>,
    has_parent: bool,
    tokens: Vec<u32>,
    removal: bool,
}

impl Drawn {
    fn long_names(&self) -> Vec<[u8; 32]> {
        let long = |name: &u64| {
            let mut bytes = [0xA5; 32];
            bytes[4..12].copy_from_slice(&name.to_be_bytes());
            bytes
        };
        self.names.iter().map(long).collect()
    }

    fn event<'a>(&'a self, names: &'a [EngineHash<'a>]) -> Event<'a> {
        if self.removal {
            Removal::new(names).into()
        } else if self.tokens.is_empty() {
            Event::Cleared
        } else if self.has_parent {
            Stored::new(&names[1..], Some(names[0]), &self.tokens).into()
        } else {
            Stored::new(names, None, &self.tokens).into()
        }
    }
}

/// What every engine holds, by the plain model.
pub(crate) struct Truth {
    pub(crate) model: Model,
    /// Name and rank of each worker, by the model's number.
    workers: Vec<(String, u32)>,
    pub(crate) prompts: Vec<Vec<u32>>,
    pub(crate) adapters: Vec<Option<&'static str>>,
}

impl Truth {
    pub(crate) fn new() -> Truth {
        Truth {
            model: Model::new(BLOCK_SIZE as u32),
            workers: Vec::new(),
            prompts: (0..PROMPTS).map(prompt_tokens).collect(),
            adapters: vec![None],
        }
    }

    pub(crate) fn add(&mut self, name: &str, rank: u32) -> usize {
        self.workers.push((name.to_owned(), rank));
        self.model.add_worker(MODEL)
    }

    /// Index and model hold the same blocks for the same workers.
    #[track_caller]
    pub(crate) fn assert_same(&self, index: &Index) {
        let stats = index.stats();
        assert_eq!(
            (stats.distinct_blocks, stats.held_blocks),
            self.model.counts()
        );
        let all: Vec<usize> = (0..self.workers.len()).collect();
        self.assert_same_for(index, &all);
    }

    /// Index and model give these workers the same depth in every prompt.
    #[track_caller]
    pub(crate) fn assert_same_for(&self, index: &Index, workers: &[usize]) {
        let id = |&number: &usize| {
            let (name, rank) = &self.workers[number];
            (index.worker(name, MODEL, *rank).unwrap(), number)
        };
        let numbers: BTreeMap<_, _> = workers.iter().map(id).collect();
        let mut matches = Matches::new();
        for adapter in &self.adapters {
            let adapter = Adapter::from_fields(None, *adapter);
            let scope = index.scope(MODEL, adapter);
            for tokens in &self.prompts {
                index.lookup(&Query::new(scope, tokens), &mut matches);
                let found: BTreeMap<usize, u32> = matches
                    .iter()
                    .filter_map(|(id, depth)| Some((*numbers.get(&id)?, depth)))
                    .collect();
                let mut expected = self
                    .model
                    .lookup(MODEL, adapter, tokens, ExtraKeys::None, None);
                expected.retain(|worker, _| workers.contains(worker));
                assert_eq!(found, expected);
            }
        }
    }

    /// The same as [`Truth::assert_same`], and of every block by itself, also behind a hole, where no
    /// lookup comes: each is stored again for each worker, and both say whether it was held already.
    /// After that both hold everything.
    #[track_caller]
    pub(crate) fn assert_same_block_for_block(&mut self, index: &Index) {
        self.assert_same(index);
        let mut name = 1 << 63;
        for (number, (worker, rank)) in self.workers.iter().enumerate() {
            let id = index.worker(worker, MODEL, *rank).unwrap();
            for (adapter, medium) in self.adapters.iter().flat_map(|&a| [(a, "GPU"), (a, "CPU")]) {
                for (prompt, tokens) in self.prompts.iter().enumerate() {
                    for end in (BLOCK_SIZE..=tokens.len()).step_by(BLOCK_SIZE) {
                        let names = 0..(end / BLOCK_SIZE) as u64;
                        let names: Vec<_> = names.map(|at| EngineHash::Int(name + at)).collect();
                        name += names.len() as u64;
                        let adapter = Adapter::from_fields(None, adapter);
                        let mut stored =
                            Stored::new(&names[..], None, &tokens[..end]).adapter(adapter);
                        stored.medium = Some(medium);
                        let event: Event<'_> = stored.into();
                        assert_eq!(
                            index.apply(id, &event),
                            self.model.apply(number, &event),
                            "{worker} {rank}, {medium}, prompt {prompt}, block {}",
                            end / BLOCK_SIZE
                        );
                    }
                }
            }
        }
        self.assert_same(index);
    }
}
