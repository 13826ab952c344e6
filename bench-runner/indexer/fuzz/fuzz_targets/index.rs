//! Payloads of several engines, as bytes, into the index and into the model: every count and every
//! answer must be the same.
//!
//! The input is a list of frames: one byte that says which of four engines sends it, two bytes
//! (little end first) for its length, and so many bytes of payload; the last may be cut short.
#![no_main]

use kv_indexer::model::Model;
use kv_indexer::{
    Adapter, Decoder, Event, ExtraKeys, Index, Matches, Options, Query, Stored, WorkerId,
};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

/// Tokens in a block: small, so that short inputs hold many blocks.
const BLOCK_SIZE: u32 = 2;
const ENGINES: u8 = 4;
/// The last engine serves another model than the others.
const MODELS: [&str; ENGINES as usize] = ["m", "m", "m", "n"];
/// Events and frames past these are left out: the model is slow by design.
const MAX_EVENTS: usize = 64;
const MAX_FRAMES: usize = 64;

fn frames(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let [engine, low, high, rest @ ..] = input else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (payload, after) = rest.split_at(length);
        input = after;
        Some((engine % ENGINES, payload))
    })
}

struct Pair {
    index: Index,
    model: Model,
    /// The model's number of each of the index's workers.
    numbers: BTreeMap<WorkerId, usize>,
    matches: Matches,
}

impl Pair {
    fn worker(&mut self, engine: u8, rank: u32) -> WorkerId {
        let model = MODELS[usize::from(engine)];
        let worker = self.index.worker(&format!("e{engine}"), model, rank);
        let worker = worker.expect("fewer than 64 frames name fewer ranks than an index takes");
        let numbers = &mut self.numbers;
        let number = || self.model.add_worker(model);
        numbers.entry(worker).or_insert_with(number);
        worker
    }

    fn take(&mut self, engine: u8, payload: &[u8]) {
        let worker = self.worker(engine, 0);
        let mut decoder = Decoder::new();
        let Ok(batch) = decoder.decode(payload) else {
            assert!(self.index.apply_payload(worker, payload).is_err());
            return;
        };
        if batch.events().len() > MAX_EVENTS {
            return;
        }
        let addressed = self.worker(engine, batch.data_parallel_rank().unwrap_or(0));
        let number = self.numbers[&addressed];
        let mut expected = kv_indexer::Applied::default();
        for event in batch.events() {
            expected.add(&self.model.apply(number, &event));
        }
        let done = self.index.apply_payload(worker, payload);
        let done = done.expect("it was decoded a moment ago");
        assert_eq!((done.worker, done.applied), (addressed, expected));
        for event in batch.events() {
            if let Event::Stored(stored) = event {
                self.look(&stored);
            }
        }
        let stats = self.index.stats();
        assert_eq!(
            (stats.distinct_blocks, stats.held_blocks),
            self.model.counts()
        );
    }

    /// Asks both for the event's tokens, as if they began a prompt.
    fn look(&mut self, stored: &Stored<'_>) {
        for (adapter, extra) in [
            (stored.adapter, stored.extra_keys),
            (Adapter::None, ExtraKeys::None),
        ] {
            for (model, medium) in [("m", None), ("n", None), ("m", Some("gpu"))] {
                let expected = self
                    .model
                    .lookup(model, adapter, stored.tokens, extra, medium);
                let scope = self.index.scope(model, adapter);
                let mut query = Query::new(scope, stored.tokens).extra(extra);
                if let Some(name) = medium {
                    let medium = self.index.medium(name);
                    query = query.medium(medium.expect("it is there from the start"));
                }
                self.index.lookup(&query, &mut self.matches);
                let numbers = &self.numbers;
                let found = self.matches.iter();
                let found: BTreeMap<_, _> = found.map(|(w, depth)| (numbers[&w], depth)).collect();
                assert_eq!(found, expected);
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let options = Options {
        block_size: BLOCK_SIZE,
        seed: Some(1),
        ..Options::default()
    };
    let mut pair = Pair {
        index: Index::new(options),
        model: Model::new(BLOCK_SIZE),
        numbers: BTreeMap::new(),
        matches: Matches::new(),
    };
    for (engine, payload) in frames(input).take(MAX_FRAMES) {
        pair.take(engine, payload);
    }
    for (worker, number) in std::mem::take(&mut pair.numbers) {
        let removed = pair.index.remove_worker(worker);
        assert_eq!(Some(removed.held_blocks), pair.model.remove_worker(number));
    }
    assert_eq!(pair.index.stats().held_blocks, 0);
});
