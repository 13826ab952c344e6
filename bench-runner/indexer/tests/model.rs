//! The index says what the plain model says, after every kind of history.

use crate::world::{self, ADAPTERS, BLOCK_SIZE, MEDIA, MODELS, Prompt, Step};
use kv_indexer::model::Model;
use kv_indexer::{
    EngineHash, ExtraKeys, Index, Matches, MediumId, Options, Query, Stored, WireForm, WorkerId,
    encode_batch,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An index and its model, side by side.
struct Pair {
    index: Index,
    model: Model,
    /// By the step's worker number: the index's id and the model's number.
    workers: BTreeMap<usize, (WorkerId, usize)>,
    media: BTreeMap<&'static str, MediumId>,
    matches: Matches,
    /// Events go through the wire form.
    wired: bool,
}

fn model_of(worker: usize) -> &'static str {
    MODELS[usize::from(worker % 7 == 3)]
}

impl Pair {
    fn new(options: Options, fleet: usize, wired: bool) -> Self {
        let index = Index::new(Options {
            block_size: BLOCK_SIZE,
            seed: Some(1),
            ..options
        });
        let media = MEDIA.iter().flatten();
        let media = media.map(|&name| (name, index.medium(name).unwrap()));
        let mut pair = Self {
            media: media.collect(),
            index,
            model: Model::new(BLOCK_SIZE),
            workers: BTreeMap::new(),
            matches: Matches::new(),
            wired,
        };
        for worker in 0..fleet {
            pair.add(worker);
        }
        pair
    }

    fn add(&mut self, worker: usize) {
        let model = model_of(worker);
        let id = self.index.worker(&format!("w{worker}"), model, 0).unwrap();
        self.workers
            .insert(worker, (id, self.model.add_worker(model)));
    }

    fn take(&mut self, step: &Step) {
        if let Step::Replace { worker } = step {
            let (id, number) = self.workers[worker];
            let removed = self.index.remove_worker(id);
            assert_eq!(Some(removed.held_blocks), self.model.remove_worker(number));
            assert!(!self.index.remove_worker(id).known, "a removed id is dead");
            self.add(*worker);
        }
        world::with_event(step, model_of, |worker, event| {
            let (id, number) = self.workers[&worker];
            let expected = self.model.apply(number, event);
            let applied = if self.wired {
                let form = [WireForm::Array, WireForm::Map][worker % 2];
                let mut payload = Vec::new();
                encode_batch(form, 1.5, &[*event], Some(0), &mut payload);
                let done = self.index.apply_payload(id, &payload).unwrap();
                assert_eq!((done.worker, done.events), (id, 1));
                done.applied
            } else {
                self.index.apply(id, event)
            };
            assert_eq!(applied, expected, "{event:?}");
        });
    }

    /// Both answer alike about this prompt, in every scope and on every medium.
    fn check(&mut self, prompt: &Prompt) {
        let symbols = prompt.symbols();
        let (tokens, extra) = (world::tokens(&symbols), world::extra(&symbols));
        let extra = ExtraKeys::PerBlock(&extra);
        for model in MODELS {
            for adapter in &ADAPTERS[1..] {
                for medium in [None, Some("gpu"), Some("cpu")] {
                    let expected = self.model.lookup(model, *adapter, &tokens, extra, medium);
                    let mut query =
                        Query::new(self.index.scope(model, *adapter), &tokens).extra(extra);
                    query.medium = medium.map(|name| self.media[name]);
                    self.index.lookup(&query, &mut self.matches);
                    self.same(&expected);
                    let mut hashes = Vec::new();
                    self.index.local_hashes(&tokens, extra, &mut hashes);
                    let matches = &mut self.matches;
                    self.index
                        .lookup_hashes(query.scope, &hashes, query.medium, matches);
                    self.same(&expected);
                }
            }
        }
    }

    #[track_caller]
    fn same(&self, expected: &BTreeMap<usize, u32>) {
        let numbers: BTreeMap<_, _> = self.workers.values().copied().collect();
        let pairs: Vec<_> = self.matches.iter().collect();
        let found: BTreeMap<_, _> = pairs
            .iter()
            .map(|(id, depth)| (numbers[id], *depth))
            .collect();
        assert_eq!(&found, expected);
        assert_eq!(pairs.len(), found.len(), "each worker comes once");
        assert!(pairs.is_sorted_by(|a, b| a.1 >= b.1), "deepest first");
        assert_eq!(self.matches.len(), pairs.len());
        assert_eq!(self.matches.is_empty(), pairs.is_empty());
        assert_eq!(
            self.matches.best().map(|best| best.1),
            expected.values().copied().max()
        );
        for &(id, depth) in &pairs {
            assert_eq!(self.matches.depth_of(id), depth);
        }
    }

    fn check_counts(&self) {
        let stats = self.index.stats();
        let counts = (stats.distinct_blocks, stats.held_blocks);
        assert_eq!(counts, self.model.counts());
        assert_eq!(stats.workers, self.workers.len() as u64);
    }

    fn run(&mut self, steps: &[Step]) {
        for (number, step) in steps.iter().enumerate() {
            self.take(step);
            if let Step::Store { prompt, .. } | Step::Remove { prompt, .. } = step
                && number % 4 == 0
            {
                self.check(prompt);
            }
            if number % 16 == 0 {
                self.check_counts();
            }
        }
        self.check_counts();
        for base in 0..3 {
            let tail = Vec::new();
            self.check(&Prompt {
                base,
                keep: 40,
                tail,
            });
        }
    }

    /// After all workers are gone nothing is held, and nothing is kept for it.
    fn empty(&mut self) {
        for (id, number) in std::mem::take(&mut self.workers).into_values() {
            let removed = self.index.remove_worker(id);
            assert_eq!(Some(removed.held_blocks), self.model.remove_worker(number));
        }
        self.check_counts();
    }
}

proptest! {
    #![proptest_config(crate::config(192))]

    #[test]
    fn plain_histories_answer_as_the_model(steps in world::steps(&[0, 1, 2, 4, 5], false)) {
        let mut pair = Pair::new(Options::default(), 6, false);
        pair.run(&steps);
        pair.empty();
    }

    #[test]
    fn histories_with_everything_answer_as_the_model(
        steps in world::steps(&[0, 1, 2, 3, 10], true),
        wired: bool,
    ) {
        let mut pair = Pair::new(Options::default(), 11, wired);
        pair.run(&steps);
        pair.empty();
    }

    #[test]
    fn fleets_of_more_than_64_workers_answer_as_the_model(
        steps in world::steps(&[0, 1, 63, 64, 65, 129], true),
    ) {
        let mut pair = Pair::new(Options::default(), 130, false);
        pair.run(&steps);
        pair.empty();
    }
}

#[test]
fn an_unknown_parent_creates_nothing() {
    let mut pair = Pair::new(Options::default(), 1, false);
    let (id, number) = pair.workers[&0];
    let tokens = world::tokens(&[1, 1]);
    let event = Stored::new(&[5, 6], Some(EngineHash::Int(4)), &tokens)
        .block_size(BLOCK_SIZE)
        .into();
    let applied = pair.index.apply(id, &event);
    assert_eq!(applied, pair.model.apply(number, &event));
    assert_eq!(applied.orphaned, 2);
    assert_eq!(pair.index.stats().orphans, 2);
    pair.check_counts();
}
