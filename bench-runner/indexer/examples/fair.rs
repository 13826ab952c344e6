//! The fair workload on this index alone: where it stands, in seconds.
//!
//! ```text
//! cargo run --profile measure -p kv-indexer --example fair [ROUNDS]
//! ```
//! 2,000 sequences of 1,024 tokens from 64 workers; groups of 20 share their first half. (a) store
//! all, one thread and two; (b) look all up; (c) live heap; (d) remove all; (e) look up beside a
//! storing writer; (f) msgpack payloads in. Medians over fresh indexes; each round checks answers.

use kv_indexer::{
    Adapter, EngineHash, Event, ExtraKeys, Index, LocalHash, Matches, Options, Query, Removal,
    Stored, WireForm, WorkerId, encode_batch,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const SEQUENCES: usize = 2000;
const WORKERS: usize = 64;
const BLOCKS: usize = 64;
const CHECK: u64 = 0x61b5_a690_297c_aaa3;

/// Counts live bytes.
struct Counting;
static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call goes to the system's allocator unchanged; only sizes are counted.
#[expect(
    unsafe_code,
    reason = "counting live bytes takes an allocator of one's own"
)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn fin(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn tokens(seed: u64, count: usize) -> impl Iterator<Item = u32> {
    let mut state = seed;
    (0..count).map(move |_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (fin(state) % 32000) as u32
    })
}

struct Sequence {
    tokens: Vec<u32>,
    names: Vec<u64>,
}

fn sequences() -> Vec<Sequence> {
    let sequence = |i: usize| {
        let i = i as u64;
        let tokens: Vec<u32> = tokens(1000 + i / 20, 512)
            .chain(tokens(1_000_000 + i, 512))
            .collect();
        let mut acc = 0;
        let name = |block: &[u32]| {
            for &token in block {
                acc = fin((acc ^ u64::from(token)).wrapping_add(0x9E37_79B9_7F4A_7C15));
            }
            acc
        };
        let names = tokens.chunks(16).map(name).collect();
        Sequence { tokens, names }
    };
    (0..SEQUENCES).map(sequence).collect()
}

/// The events of one sequence: eight chained stores of eight blocks.
fn stores(sequence: &Sequence) -> impl Iterator<Item = Event<'_>> {
    (0..BLOCKS / 8).map(|part| {
        let from = part * 8;
        let parent = from
            .checked_sub(1)
            .map(|p| EngineHash::Int(sequence.names[p]));
        let tokens = &sequence.tokens[from * 16..(from + 8) * 16];
        Stored::new(&sequence.names[from..from + 8], parent, tokens).into()
    })
}

fn removals(sequence: &Sequence) -> impl Iterator<Item = Event<'_>> {
    sequence
        .names
        .chunks(8)
        .map(|names| Removal::new(names).into())
}

struct Bench {
    sequences: Vec<Sequence>,
    expected_blocks: usize,
}

impl Bench {
    fn index(&self) -> (Index, Vec<WorkerId>) {
        let index = Index::new(Options {
            seed: Some(42),
            expected_blocks: self.expected_blocks,
            ..Options::default()
        });
        let worker = |w| {
            index
                .worker(&format!("w{w}"), "m", 0)
                .expect("64 workers fit")
        };
        let workers = (0..WORKERS).map(worker).collect();
        (index, workers)
    }

    fn filled(&self) -> (Index, Vec<WorkerId>) {
        let (index, workers) = self.index();
        for (i, sequence) in self.sequences.iter().enumerate() {
            for event in stores(sequence) {
                index.apply(workers[i % WORKERS], &event);
            }
        }
        (index, workers)
    }

    fn events(&self) -> Vec<(usize, Event<'_>)> {
        let sequences = self.sequences.iter().enumerate();
        sequences
            .flat_map(|(i, sequence)| stores(sequence).map(move |event| (i % WORKERS, event)))
            .collect()
    }

    /// ns an event, storing all with so many threads.
    fn store(&self, threads: usize) -> f64 {
        let (index, workers) = self.index();
        let events = self.events();
        let parts: Vec<Vec<_>> = (0..threads)
            .map(|t| {
                events
                    .iter()
                    .filter(|e| e.0 % threads == t)
                    .copied()
                    .collect()
            })
            .collect();
        let start = Instant::now();
        std::thread::scope(|scope| {
            let apply = |part: &Vec<(usize, Event<'_>)>| {
                for (worker, event) in part {
                    index.apply(workers[*worker], event);
                }
            };
            let (index_thread, others) = parts.split_first().expect("at least one thread");
            for part in others {
                scope.spawn(move || apply(part));
            }
            apply(index_thread);
        });
        let elapsed = start.elapsed();
        assert_eq!(index.stats().distinct_blocks, 67_200);
        assert_eq!(index.stats().held_blocks, 128_000);
        elapsed.as_nanos() as f64 / events.len() as f64
    }

    fn remove(&self) -> f64 {
        let (index, workers) = self.filled();
        let start = Instant::now();
        for (i, sequence) in self.sequences.iter().enumerate() {
            for event in removals(sequence) {
                index.apply(workers[i % WORKERS], &event);
            }
        }
        let elapsed = start.elapsed();
        assert_eq!(index.stats().held_blocks, 0);
        elapsed.as_nanos() as f64 / (SEQUENCES * 8) as f64
    }

    fn decode(&self) -> f64 {
        let (index, workers) = self.index();
        let payload = |(worker, event)| {
            let mut out = Vec::new();
            encode_batch(WireForm::Array, 1.0, &[event], None, &mut out);
            (worker, out)
        };
        let payloads: Vec<(usize, Vec<u8>)> = self.events().into_iter().map(payload).collect();
        let start = Instant::now();
        for (worker, payload) in &payloads {
            index
                .apply_payload(workers[*worker], payload)
                .expect("the encoder's payloads decode");
        }
        let elapsed = start.elapsed();
        assert_eq!(index.stats().held_blocks, 128_000);
        elapsed.as_nanos() as f64 / payloads.len() as f64
    }

    fn heap(&self) -> (f64, f64) {
        let before = LIVE.load(Relaxed);
        let (index, _workers) = self.filled();
        let bytes = (LIVE.load(Relaxed) - before) as f64;
        let stats = index.stats();
        (
            bytes / stats.held_blocks as f64,
            bytes / stats.distinct_blocks as f64,
        )
    }

    fn check(&self, index: &Index, workers: &[WorkerId]) {
        let scope = index.scope("m", Adapter::None);
        let mut matches = Matches::new();
        let mut right = 0;
        for (i, sequence) in self.sequences.iter().enumerate() {
            index.lookup(&Query::new(scope, &sequence.tokens), &mut matches);
            let mut found: Vec<_> = matches.iter().collect();
            found.sort_unstable();
            let group = i / 20 * 20..i / 20 * 20 + 20;
            let depth = |j: usize| if j == i { 64 } else { 32 };
            let mut wanted: Vec<_> = group.map(|j| (workers[j % WORKERS], depth(j))).collect();
            wanted.sort_unstable();
            right += usize::from(found == wanted);
        }
        assert_eq!(right, SEQUENCES, "right answers");
    }

    /// Mean and p99 ns of one lookup. Each is timed, less what the clock itself takes.
    fn lookups(&self, index: &Index, by_hash: bool, time: Duration) -> (f64, f64) {
        let scope = index.scope("m", Adapter::None);
        let hashes: Vec<Vec<LocalHash>> = self
            .sequences
            .iter()
            .map(|sequence| {
                let mut out = Vec::new();
                index.local_hashes(&sequence.tokens, ExtraKeys::None, &mut out);
                out
            })
            .collect();
        let clock = clock_ns();
        let mut matches = Matches::new();
        let mut samples: Vec<f64> = Vec::with_capacity(1 << 24);
        let end = Instant::now() + time;
        'timed: loop {
            for (i, sequence) in self.sequences.iter().enumerate() {
                let start = Instant::now();
                if by_hash {
                    index.lookup_hashes(scope, &hashes[i], None, &mut matches);
                } else {
                    index.lookup(&Query::new(scope, &sequence.tokens), &mut matches);
                }
                black_box(matches.iter().map(|pair| u64::from(pair.1)).sum::<u64>());
                let now = Instant::now();
                samples.push((now - start).as_nanos() as f64 - clock);
                if now > end || samples.len() == samples.capacity() {
                    break 'timed;
                }
            }
        }
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        samples.sort_unstable_by(f64::total_cmp);
        (mean, samples[samples.len() * 99 / 100])
    }
}

fn clock_ns() -> f64 {
    let start = Instant::now();
    let mut last = start;
    for _ in 0..100_000 {
        last = black_box(Instant::now());
    }
    (last - start).as_nanos() as f64 / 100_000.0
}

fn median(rounds: usize, run: impl FnMut() -> f64) -> f64 {
    let mut values: Vec<f64> = std::iter::repeat_with(run).take(rounds).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let rounds = std::env::args().nth(1);
    let rounds = rounds.and_then(|n| n.parse().ok()).unwrap_or(7);
    let mut bench = Bench {
        sequences: sequences(),
        expected_blocks: 0,
    };
    let mut check = 0;
    for (i, sequence) in bench.sequences.iter().enumerate() {
        check ^= sequence.names[BLOCKS - 1].wrapping_add(i as u64);
    }
    assert_eq!(bench.sequences[0].tokens[..4], [8776, 20655, 23121, 1959]);
    assert_eq!(check, CHECK, "the workload's check value");
    println!("check value         0x{check:016x}");

    let (index, workers) = bench.filled();
    bench.check(&index, &workers);
    println!("right answers       {SEQUENCES}/{SEQUENCES}");
    for hint in [0, 67_200] {
        bench.expected_blocks = hint;
        let (one, two) = (
            median(rounds, || bench.store(1)),
            median(rounds, || bench.store(2)),
        );
        println!("store, hint {hint:6}  {one:7.1} ns/event, 2 threads {two:7.1}");
    }
    bench.expected_blocks = 0;
    println!(
        "remove              {:7.1} ns/event",
        median(rounds, || bench.remove())
    );
    println!(
        "decode+hash+apply   {:7.1} ns/event",
        median(rounds, || bench.decode())
    );
    let (pair, distinct) = bench.heap();
    println!("heap                {pair:7.1} bytes/(worker, block), {distinct:.1} bytes/block");
    let second = Duration::from_secs(1);
    for by_hash in [false, true] {
        let name = if by_hash { "hashes in" } else { "tokens in" };
        let mut best = (0..3).map(|_| bench.lookups(&index, by_hash, second));
        let (mean, p99) = best.next().expect("three rounds");
        let (mean, p99) = best.fold((mean, p99), |a, b| if b.0 < a.0 { b } else { a });
        println!("lookup, {name}   {mean:7.1} ns mean, {p99:.0} p99 (pairs out)");
    }
    let stop = AtomicBool::new(false);
    let events = bench.events();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                for (worker, event) in &events {
                    index.apply(workers[*worker], event);
                }
            }
        });
        let (mean, p99) = bench.lookups(&index, false, second);
        println!("lookup beside store {mean:7.1} ns mean, {p99:.0} p99");
        stop.store(true, Relaxed);
    });
}
