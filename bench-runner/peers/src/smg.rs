//! smg's `kv-index`: `ChainIndex`, with a map of block names for each worker, as its gateway keeps
//! them. Its answers go to a callback; the one here fills a list that the caller keeps.

use crate::measure::{Took, on_two};
use crate::peer::{Concurrent, Peer, World};
use crate::workload::{BLOCK_SIZE, StoreEvent};
use kv_index::{
    ChainBlockMap, ChainIndex, ContentHash, SequenceHash, StoredBlock, compute_content_hash,
    compute_request_content_hashes,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub struct Smg {
    index: ChainIndex,
    workers: Vec<u32>,
    /// One writer's at a time; behind a lock only so that readers may share the rest.
    maps: Mutex<Vec<ChainBlockMap>>,
    blocks: Vec<StoredBlock>,
    names: Vec<SequenceHash>,
}

/// What one thread that stores needs of its own.
fn apply(
    index: &ChainIndex,
    worker: u32,
    map: &mut ChainBlockMap,
    blocks: &mut Vec<StoredBlock>,
    event: StoreEvent<'_>,
) {
    blocks.clear();
    let of_tokens = event.tokens.chunks_exact(BLOCK_SIZE);
    blocks.extend(
        event
            .names
            .iter()
            .zip(of_tokens)
            .map(|(name, tokens)| StoredBlock {
                seq_hash: SequenceHash(*name),
                content_hash: compute_content_hash(tokens),
            }),
    );
    let stored = index.apply_stored(worker, blocks, event.parent.map(SequenceHash), map);
    stored.expect("every parent was stored before");
}

impl Peer for Smg {
    const NAME: &'static str = "smg kv-index ChainIndex";
    type Hash = ContentHash;
    type Out = Vec<(u32, u32)>;

    fn new(workers: usize) -> Self {
        let index = ChainIndex::with_max_workers(workers);
        let worker = |w| {
            let worker = index.intern_worker(&format!("w{w}"));
            worker.expect("as many workers as it was made for")
        };
        Self {
            workers: (0..workers).map(worker).collect(),
            maps: Mutex::new((0..workers).map(|_| ChainBlockMap::new()).collect()),
            blocks: Vec::new(),
            names: Vec::new(),
            index,
        }
    }

    fn store(&mut self, event: StoreEvent<'_>) {
        let maps = self.maps.get_mut().expect("no writer has panicked");
        let (worker, map) = (self.workers[event.worker], &mut maps[event.worker]);
        apply(&self.index, worker, map, &mut self.blocks, event);
    }

    fn remove(&mut self, worker: usize, names: &[u64]) {
        self.names.clear();
        self.names
            .extend(names.iter().map(|&name| SequenceHash(name)));
        let map = &mut self.maps.get_mut().expect("no writer has panicked")[worker];
        self.index
            .apply_removed(self.workers[worker], &self.names, map);
    }

    fn hash(&self, tokens: &[u32]) -> Vec<ContentHash> {
        compute_request_content_hashes(tokens, BLOCK_SIZE)
    }

    fn by_tokens(&self, tokens: &[u32], out: &mut Self::Out) -> u64 {
        self.by_hashes(&compute_request_content_hashes(tokens, BLOCK_SIZE), out)
    }

    fn by_hashes(&self, hashes: &[ContentHash], out: &mut Self::Out) -> u64 {
        out.clear();
        let report = |worker, depth| out.push((worker, depth));
        self.index.score_into(hashes, |hash| hash.0, false, report);
        out.iter().map(|pair| u64::from(pair.1)).sum()
    }

    fn answer(&self, tokens: &[u32]) -> Vec<(usize, u32)> {
        let hashes = compute_request_content_hashes(tokens, BLOCK_SIZE);
        let scores = self.index.find_matches(&hashes, false).scores;
        let worker = |id: u32| self.workers.iter().position(|known| *known == id);
        let answer = scores.into_iter();
        answer
            .filter_map(|(id, depth)| Some((worker(id)?, depth)))
            .collect()
    }
}

impl Concurrent for Smg {
    fn store_all_on_two(world: &World) -> Took {
        let smg = Self::new(world.shape.workers);
        let Self {
            index,
            workers,
            maps,
            ..
        } = smg;
        let maps = maps.into_inner().expect("no writer has panicked");
        let mut maps: [Vec<_>; 2] =
            maps.into_iter()
                .enumerate()
                .fold(Default::default(), |mut halves, (worker, map)| {
                    halves[worker % 2].push(map);
                    halves
                });
        let events =
            |parity| -> Vec<_> { world.events().filter(|e| e.worker % 2 == parity).collect() };
        let both = [events(0), events(1)];
        let store = |events: &[StoreEvent<'_>], maps: &mut Vec<ChainBlockMap>| {
            let mut blocks = Vec::new();
            for &event in events {
                let map = &mut maps[event.worker / 2];
                apply(&index, workers[event.worker], map, &mut blocks, event);
            }
        };
        let [even, odd] = &mut maps;
        on_two(|| store(&both[0], even), || store(&both[1], odd))
    }

    fn restore(&self, world: &World, stop: &AtomicBool) {
        let mut maps = self.maps.lock().expect("no writer has panicked");
        let mut blocks = Vec::new();
        for &event in world.events().collect::<Vec<_>>().iter().cycle() {
            let worker = self.workers[event.worker];
            apply(
                &self.index,
                worker,
                &mut maps[event.worker],
                &mut blocks,
                event,
            );
            if stop.load(Relaxed) {
                return;
            }
        }
    }
}
