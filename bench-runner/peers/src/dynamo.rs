//! `dynamo-kv-router`: its concurrent compressed radix tree, and its radix tree for one thread.
//!
//! The concurrent tree takes events through a channel only, into a loop that runs until it is told
//! to end. Where one thread stores, the channel is filled first and then drained by the same
//! thread: no waking and no waiting is charged to it.

use crate::measure::{Timer, Took, on_two, thread_cpu};
use crate::peer::{Concurrent, Peer, World};
use crate::workload::{BLOCK_SIZE, StoreEvent};
use dynamo_kv_router::indexer::WorkerTask;
use dynamo_kv_router::protocols::{
    BlockHashOptions, ExternalSequenceBlockHash, KvCacheEvent, KvCacheEventData, KvCacheRemoveData,
    KvCacheStoreData, KvCacheStoredBlockData, LocalBlockHash, OverlapScores, RouterEvent,
    WorkerWithDpRank, compute_block_hash_for_seq,
};
use dynamo_kv_router::zmq_wire::{ZmqEventNormalizer, decode_event_batch};
use dynamo_kv_router::{ConcurrentRadixTreeCompressed, RadixTree, SyncIndexer};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

fn hash(tokens: &[u32]) -> Vec<LocalBlockHash> {
    compute_block_hash_for_seq(tokens, BLOCK_SIZE as u32, BlockHashOptions::default())
}

fn stored(event: StoreEvent<'_>) -> RouterEvent {
    let block = |(name, tokens_hash): (&u64, LocalBlockHash)| KvCacheStoredBlockData {
        block_hash: ExternalSequenceBlockHash(*name),
        tokens_hash,
        mm_extra_info: None,
    };
    let blocks = event.names.iter().zip(hash(event.tokens)).map(block);
    router_event(
        event.worker,
        KvCacheEventData::Stored(KvCacheStoreData {
            parent_hash: event.parent.map(ExternalSequenceBlockHash),
            start_position: None,
            blocks: blocks.collect(),
        }),
    )
}

fn removed(worker: usize, names: &[u64]) -> RouterEvent {
    let names = names.iter().copied().map(ExternalSequenceBlockHash);
    router_event(
        worker,
        KvCacheEventData::Removed(KvCacheRemoveData {
            block_hashes: names.collect(),
        }),
    )
}

fn router_event(worker: usize, data: KvCacheEventData) -> RouterEvent {
    let event = KvCacheEvent {
        event_id: 0,
        data,
        dp_rank: 0,
    };
    RouterEvent::new(worker as u64, event)
}

fn sum(scores: &OverlapScores) -> u64 {
    scores.scores.values().map(|depth| u64::from(*depth)).sum()
}

fn answer(scores: OverlapScores) -> Vec<(usize, u32)> {
    let scores = scores.scores.into_iter();
    scores
        .map(|(worker, depth)| (worker.worker_id as usize, depth))
        .collect()
}

/// Reads payloads as the router's subscriber does.
struct Wire {
    normalizers: Vec<ZmqEventNormalizer>,
}

impl Wire {
    fn new(workers: usize) -> Self {
        let normalizer = || ZmqEventNormalizer::new(BLOCK_SIZE as u32);
        Self {
            normalizers: (0..workers).map(|_| normalizer()).collect(),
        }
    }

    fn events(&mut self, worker: usize, payload: &[u8]) -> impl Iterator<Item = RouterEvent> {
        let batch = decode_event_batch(payload).expect("the encoder's payloads decode");
        let id = WorkerWithDpRank::new(worker as u64, 0);
        let normalizer = &mut self.normalizers[worker];
        batch.events.into_iter().filter_map(move |raw| {
            let event = normalizer.normalize(raw, 0, id)?;
            event.into_router_event()
        })
    }
}

pub struct Single {
    tree: RadixTree,
}

impl Single {
    fn apply(&mut self, event: RouterEvent) {
        // What it refuses (parents, where engines do not name blocks alike) is missing in its answers,
        // which are counted.
        let _ = self.tree.apply_event(event);
    }
}

impl Peer for Single {
    const NAME: &'static str = "dynamo-kv-router RadixTree";
    type Hash = LocalBlockHash;
    type Out = ();

    fn new(_: usize) -> Self {
        Self {
            tree: RadixTree::new(),
        }
    }

    fn store(&mut self, event: StoreEvent<'_>) {
        self.apply(stored(event));
    }

    fn remove(&mut self, worker: usize, names: &[u64]) {
        // A block that went with the one before it is said not to be found: it is gone as it should.
        let _ = self.tree.apply_event(removed(worker, names));
    }

    fn hash(&self, tokens: &[u32]) -> Vec<LocalBlockHash> {
        hash(tokens)
    }

    fn by_tokens(&self, tokens: &[u32], (): &mut ()) -> u64 {
        sum(&self.tree.find_matches(hash(tokens), false))
    }

    fn by_hashes(&self, hashes: &[LocalBlockHash], (): &mut ()) -> u64 {
        sum(&self.tree.find_matches(hashes.to_vec(), false))
    }

    fn answer(&self, tokens: &[u32]) -> Vec<(usize, u32)> {
        answer(self.tree.find_matches(hash(tokens), false))
    }

    fn decode_all(world: &World) -> Option<Took> {
        let mut single = Self::new(world.shape.workers);
        let mut wire = Wire::new(world.shape.workers);
        let timer = Timer::start();
        for (worker, payload) in &world.payloads {
            for event in wire.events(*worker, payload) {
                single.apply(event);
            }
        }
        Some(timer.stop())
    }
}

/// A tree, its channel, and the thread that drains it.
pub struct Shared {
    tree: Arc<ConcurrentRadixTreeCompressed>,
    tasks: flume::Sender<WorkerTask>,
    thread: Option<JoinHandle<()>>,
}

impl Shared {
    fn send(&self, task: WorkerTask) {
        self.tasks.send(task).expect("the draining thread is alive");
    }

    /// Asks for a word when everything before it is done.
    fn mark(&self) -> oneshot::Receiver<()> {
        let (done, told) = oneshot::channel();
        self.send(WorkerTask::Flush(done));
        told
    }
}

fn wait(told: oneshot::Receiver<()>) {
    told.blocking_recv().expect("the draining thread is alive");
}

/// Applies all that a channel gets from `fill`, on this thread.
fn drain(tree: &ConcurrentRadixTreeCompressed, fill: impl FnOnce(&flume::Sender<WorkerTask>)) {
    let (tasks, taken) = flume::unbounded();
    fill(&tasks);
    let sent = tasks.send(WorkerTask::Terminate);
    sent.expect("the other end is held here");
    tree.worker(taken, None)
        .expect("every event can be applied");
}

/// Notes when the draining loop comes by, on its own thread: nobody is woken for it.
#[derive(Default)]
struct Mark {
    time: Arc<Stamp>,
    told: Cell<Option<oneshot::Receiver<()>>>,
}

#[derive(Default)]
struct Stamp(Mutex<Option<(Instant, Duration)>>);

impl Wake for Stamp {
    fn wake(self: Arc<Self>) {
        let now = (Instant::now(), thread_cpu());
        *self.0.lock().expect("nothing panics under it") = Some(now);
    }
}

impl Mark {
    fn task(&self) -> WorkerTask {
        let (done, mut told) = oneshot::channel();
        let waker = Waker::from(Arc::clone(&self.time));
        // Polled once, the receiver passes the sender's word on to the waker; so it is kept.
        let polled = Pin::new(&mut told).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending(), "nobody has sent a word yet");
        self.told.set(Some(told));
        WorkerTask::Flush(done)
    }

    fn passed(&self) -> (Instant, Duration) {
        let time = self.time.0.lock().expect("nothing panics under it");
        time.expect("the loop ended, and the mark lay before its end")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A thread that is gone already took the channel's other end with it.
        let _ = self.tasks.send(WorkerTask::Terminate);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Peer for Shared {
    const NAME: &'static str = "dynamo-kv-router ConcurrentRadixTreeCompressed";
    const IS_DIRECT: bool = false;
    type Hash = LocalBlockHash;
    type Out = ();

    fn new(_: usize) -> Self {
        let tree = Arc::new(ConcurrentRadixTreeCompressed::new());
        let (tasks, taken) = flume::unbounded();
        let drained = Arc::clone(&tree);
        let thread = std::thread::spawn(move || {
            let done = drained.worker(taken, None);
            done.expect("every event can be applied");
        });
        Self {
            tree,
            tasks,
            thread: Some(thread),
        }
    }

    fn store(&mut self, event: StoreEvent<'_>) {
        self.send(WorkerTask::Event(stored(event)));
    }

    fn remove(&mut self, worker: usize, names: &[u64]) {
        self.send(WorkerTask::Event(removed(worker, names)));
    }

    fn settle(&mut self) {
        wait(self.mark());
    }

    fn hash(&self, tokens: &[u32]) -> Vec<LocalBlockHash> {
        hash(tokens)
    }

    fn by_tokens(&self, tokens: &[u32], (): &mut ()) -> u64 {
        sum(&self.tree.find_matches(&hash(tokens), false))
    }

    fn by_hashes(&self, hashes: &[LocalBlockHash], (): &mut ()) -> u64 {
        sum(&self.tree.find_matches(hashes, false))
    }

    fn answer(&self, tokens: &[u32]) -> Vec<(usize, u32)> {
        answer(self.tree.find_matches(&hash(tokens), false))
    }

    fn store_all(world: &World) -> Took {
        let tree = ConcurrentRadixTreeCompressed::new();
        let events: Vec<_> = world.events().collect();
        let timer = Timer::start();
        drain(&tree, |tasks| {
            for event in events {
                let sent = tasks.send(WorkerTask::Event(stored(event)));
                sent.expect("the other end is held by the caller");
            }
        });
        timer.stop()
    }

    /// The removals lie ready in the channel between two marks; their making is not timed.
    fn remove_all(world: &World) -> Took {
        let tree = ConcurrentRadixTreeCompressed::new();
        let (full, empty) = (Mark::default(), Mark::default());
        drain(&tree, |tasks| {
            let send = |task| {
                let sent = tasks.send(task);
                sent.expect("the other end is held by the caller");
            };
            for event in world.events() {
                send(WorkerTask::Event(stored(event)));
            }
            send(full.task());
            for (i, sequence) in world.sequences.iter().enumerate() {
                for names in sequence.removals() {
                    send(WorkerTask::Event(removed(world.shape.worker(i), names)));
                }
            }
            send(empty.task());
        });
        let ((from, from_cpu), (to, to_cpu)) = (full.passed(), empty.passed());
        Took {
            wall: to - from,
            cpu: to_cpu - from_cpu,
        }
    }

    fn decode_all(world: &World) -> Option<Took> {
        let tree = ConcurrentRadixTreeCompressed::new();
        let mut wire = Wire::new(world.shape.workers);
        let timer = Timer::start();
        drain(&tree, |tasks| {
            for (worker, payload) in &world.payloads {
                for event in wire.events(*worker, payload) {
                    let sent = tasks.send(WorkerTask::Event(event));
                    sent.expect("the other end is held by the caller");
                }
            }
        });
        Some(timer.stop())
    }
}

impl Concurrent for Shared {
    fn store_all_on_two(world: &World) -> Took {
        let tree = ConcurrentRadixTreeCompressed::new();
        let events =
            |parity| -> Vec<_> { world.events().filter(|e| e.worker % 2 == parity).collect() };
        let both = [events(0), events(1)];
        let store = |events: &[StoreEvent<'_>]| {
            drain(&tree, |tasks| {
                for &event in events {
                    let sent = tasks.send(WorkerTask::Event(stored(event)));
                    sent.expect("the other end is held by the caller");
                }
            });
        };
        on_two(|| store(&both[0]), || store(&both[1]))
    }

    fn restore(&self, world: &World, stop: &AtomicBool) {
        // Each pass begins at the roots: a loop that ends forgets where its workers' blocks are.
        while !stop.load(Relaxed) {
            drain(&self.tree, |tasks| {
                for event in world.events() {
                    let sent = tasks.send(WorkerTask::Event(stored(event)));
                    sent.expect("the other end is held by the caller");
                }
            });
        }
    }
}
