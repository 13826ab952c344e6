//! kv-indexer.

use crate::measure::{Timer, Took, on_two};
use crate::peer::{Concurrent, Peer, World};
use crate::workload::StoreEvent;
use kv_indexer::{
    Adapter, EngineHash, Event, ExtraKeys, Index, LocalHash, Matches, Options, Query, Removal,
    ScopeId, Stored, WorkerId,
};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub struct Ours {
    index: Index,
    workers: Vec<WorkerId>,
    scope: ScopeId,
}

fn event(event: StoreEvent<'_>) -> Event<'_> {
    Stored::new(event.names, event.parent.map(EngineHash::Int), event.tokens).into()
}

fn sum(matches: &Matches) -> u64 {
    matches.iter().map(|pair| u64::from(pair.1)).sum()
}

impl Peer for Ours {
    const NAME: &'static str = "kv-indexer";
    type Hash = LocalHash;
    type Out = Matches;

    fn new(workers: usize) -> Self {
        let index = Index::new(Options {
            seed: Some(42),
            ..Options::default()
        });
        let worker = |w| {
            let worker = index.worker(&format!("w{w}"), "m", 0);
            worker.expect("fewer workers than an index takes")
        };
        Self {
            workers: (0..workers).map(worker).collect(),
            scope: index.scope("m", Adapter::None),
            index,
        }
    }

    fn store(&mut self, store: StoreEvent<'_>) {
        self.index.apply(self.workers[store.worker], &event(store));
    }

    fn remove(&mut self, worker: usize, names: &[u64]) {
        let removal = Removal::new(names);
        self.index.apply(self.workers[worker], &removal.into());
    }

    fn hash(&self, tokens: &[u32]) -> Vec<LocalHash> {
        let mut out = Vec::new();
        self.index.local_hashes(tokens, ExtraKeys::None, &mut out);
        out
    }

    fn by_tokens(&self, tokens: &[u32], out: &mut Matches) -> u64 {
        self.index.lookup(&Query::new(self.scope, tokens), out);
        sum(out)
    }

    fn by_hashes(&self, hashes: &[LocalHash], out: &mut Matches) -> u64 {
        self.index.lookup_hashes(self.scope, hashes, None, out);
        sum(out)
    }

    fn answer(&self, tokens: &[u32]) -> Vec<(usize, u32)> {
        let mut matches = Matches::new();
        self.index
            .lookup(&Query::new(self.scope, tokens), &mut matches);
        // Workers were registered in order: a worker's slot is its number.
        matches.iter().map(|pair| (pair.0.slot(), pair.1)).collect()
    }

    fn decode_all(world: &World) -> Option<Took> {
        let ours = Self::new(world.shape.workers);
        let timer = Timer::start();
        for (worker, payload) in &world.payloads {
            let applied = ours.index.apply_payload(ours.workers[*worker], payload);
            applied.expect("the encoder's payloads decode");
        }
        let took = timer.stop();
        assert_eq!(ours.index.stats().held_blocks, world.shape.pairs() as u64);
        Some(took)
    }
}

impl Concurrent for Ours {
    fn store_all_on_two(world: &World) -> Took {
        let ours = Self::new(world.shape.workers);
        let all = |parity: usize| -> Vec<_> {
            let events = world.events().filter(|e| e.worker % 2 == parity);
            events.map(|e| (ours.workers[e.worker], event(e))).collect()
        };
        let (even, odd) = (all(0), all(1));
        let apply = |events: &[(WorkerId, Event<'_>)]| {
            for (worker, event) in events {
                ours.index.apply(*worker, event);
            }
        };
        let took = on_two(|| apply(&even), || apply(&odd));
        assert_eq!(ours.index.stats().held_blocks, world.shape.pairs() as u64);
        took
    }

    fn restore(&self, world: &World, stop: &AtomicBool) {
        for store in world.events().collect::<Vec<_>>().iter().cycle() {
            self.index.apply(self.workers[store.worker], &event(*store));
            if stop.load(Relaxed) {
                return;
            }
        }
    }
}
