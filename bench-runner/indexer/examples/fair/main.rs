//! The fair workload on this index alone: where it stands, in seconds. Beside its peers:
//! `bench-runner/peers`.
//!
//! ```text
//! cargo run --profile measure -p kv-indexer --example fair [ROUNDS]
//! ```
//! 2,000 sequences of 1,024 tokens from 64 workers; groups of 20 share their first half. (a) store
//! all, one thread and two; (b) look all up; (c) live heap; (d) remove all; (e) look up beside a
//! storing writer; (f) msgpack payloads in. Medians over fresh indexes; each round checks answers.
//! On a machine that does other things, a thread's processor time and the least pass tell more.

mod workload;

use kv_indexer::{
    Adapter, EngineHash, Event, ExtraKeys, Index, LocalHash, Matches, Options, Query, Removal,
    Stored, WireForm, WorkerId, encode_batch,
};
use rustix::time::{ClockId, clock_gettime};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use workload::{FAIR, FAIR_CHECK, FAIR_TOKENS, Sequence, StoreEvent};

/// Time on the wall, and on a processor: the second is what it would take undisturbed.
#[derive(Clone, Copy)]
struct Timer {
    wall: Instant,
    cpu: Duration,
}

/// ns of both.
type Times = (f64, f64);

impl Timer {
    fn start() -> Self {
        Self {
            cpu: thread_cpu(),
            wall: Instant::now(),
        }
    }

    fn each(self, count: usize) -> Times {
        let (wall, cpu) = (self.wall.elapsed(), thread_cpu() - self.cpu);
        let each = |time: Duration| time.as_nanos() as f64 / count as f64;
        (each(wall), each(cpu))
    }
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

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
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn event(store: StoreEvent<'_>) -> Event<'_> {
    Stored::new(store.names, store.parent.map(EngineHash::Int), store.tokens).into()
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
        let workers = (0..FAIR.workers).map(worker).collect();
        (index, workers)
    }

    fn filled(&self) -> (Index, Vec<WorkerId>) {
        let (index, workers) = self.index();
        for (worker, event) in self.events() {
            index.apply(workers[worker], &event);
        }
        (index, workers)
    }

    fn events(&self) -> Vec<(usize, Event<'_>)> {
        let sequences = self.sequences.iter().enumerate();
        sequences
            .flat_map(|(i, sequence)| sequence.stores(FAIR.worker(i)))
            .map(|store| (store.worker, event(store)))
            .collect()
    }

    /// ns an event, storing all with so many threads.
    fn store(&self, threads: usize) -> Times {
        let (index, workers) = self.index();
        let events = self.events();
        let parts: Vec<Vec<_>> = (0..threads)
            .map(|t| {
                let own = events.iter().filter(|e| e.0 % threads == t);
                own.copied().collect()
            })
            .collect();
        let timer = Timer::start();
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
        let times = timer.each(events.len());
        assert_eq!(index.stats().distinct_blocks, FAIR.distinct_blocks() as u64);
        assert_eq!(index.stats().held_blocks, FAIR.pairs() as u64);
        times
    }

    fn remove(&self) -> Times {
        let (index, workers) = self.filled();
        let mut events = 0;
        let timer = Timer::start();
        for (i, sequence) in self.sequences.iter().enumerate() {
            for names in sequence.removals() {
                let removal = Removal::new(names);
                index.apply(workers[FAIR.worker(i)], &removal.into());
                events += 1;
            }
        }
        let times = timer.each(events);
        assert_eq!(index.stats().held_blocks, 0);
        times
    }

    fn decode(&self) -> Times {
        let (index, workers) = self.index();
        let payload = |(worker, event)| {
            let mut out = Vec::new();
            encode_batch(WireForm::Array, 1.0, &[event], None, &mut out);
            (worker, out)
        };
        let payloads: Vec<(usize, Vec<u8>)> = self.events().into_iter().map(payload).collect();
        let timer = Timer::start();
        for (worker, payload) in &payloads {
            index
                .apply_payload(workers[*worker], payload)
                .expect("the encoder's payloads decode");
        }
        let times = timer.each(payloads.len());
        assert_eq!(index.stats().held_blocks, FAIR.pairs() as u64);
        times
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
            let answer = FAIR.answer(i).into_iter();
            let mut wanted: Vec<_> = answer.map(|(w, depth)| (workers[w], depth)).collect();
            wanted.sort_unstable();
            right += usize::from(found == wanted);
        }
        assert_eq!(right, FAIR.sequences, "right answers");
    }

    /// ns a lookup in the pass over all prompts that took least: what it takes undisturbed, whatever
    /// else the machine does.
    fn least(&self, index: &Index, by_hash: bool, passes: usize) -> f64 {
        let scope = index.scope("m", Adapter::None);
        let mut hashes = vec![Vec::new(); FAIR.sequences];
        for (sequence, out) in self.sequences.iter().zip(&mut hashes) {
            index.local_hashes(&sequence.tokens, ExtraKeys::None, out);
        }
        let mut matches = Matches::new();
        let mut pass = || {
            let start = Instant::now();
            for (sequence, hashes) in self.sequences.iter().zip(&hashes) {
                if by_hash {
                    index.lookup_hashes(scope, hashes, None, &mut matches);
                } else {
                    index.lookup(&Query::new(scope, &sequence.tokens), &mut matches);
                }
                black_box(matches.iter().map(|pair| u64::from(pair.1)).sum::<u64>());
            }
            start.elapsed().as_nanos() as f64 / FAIR.sequences as f64
        };
        (0..passes).map(|_| pass()).fold(f64::MAX, f64::min)
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

/// The medians of so many rounds.
fn of(rounds: usize, mut run: impl FnMut() -> Times) -> String {
    let times: Vec<Times> = (0..rounds).map(|_| run()).collect();
    let median = |of: fn(&Times) -> f64| {
        let mut values: Vec<f64> = times.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (wall, cpu) = (median(|times| times.0), median(|times| times.1));
    format!("{wall:7.1} ns/event, {cpu:7.1} of processor")
}

fn main() {
    let rounds = std::env::args().nth(1);
    let rounds = rounds.and_then(|n| n.parse().ok()).unwrap_or(7);
    let mut bench = Bench {
        sequences: FAIR.all(),
        expected_blocks: 0,
    };
    let check = FAIR.check_value(&bench.sequences);
    assert_eq!(bench.sequences[0].tokens[..4], FAIR_TOKENS);
    assert_eq!(check, FAIR_CHECK, "the workload's check value");
    println!("check value         0x{check:016x}");

    let (index, workers) = bench.filled();
    bench.check(&index, &workers);
    println!("right answers       {0}/{0}", FAIR.sequences);
    for hint in [0, FAIR.distinct_blocks()] {
        bench.expected_blocks = hint;
        println!("store, hint {hint:6}  {}", of(rounds, || bench.store(1)));
        println!("      on 2 threads  {}", of(rounds, || bench.store(2)));
    }
    bench.expected_blocks = 0;
    println!("remove              {}", of(rounds, || bench.remove()));
    println!("decode+hash+apply   {}", of(rounds, || bench.decode()));
    let (pair, distinct) = bench.heap();
    println!("heap                {pair:7.1} bytes/(worker, block), {distinct:.1} bytes/block");
    let second = Duration::from_secs(1);
    for by_hash in [false, true] {
        let name = if by_hash { "hashes in" } else { "tokens in" };
        let mut best = (0..3).map(|_| bench.lookups(&index, by_hash, second));
        let (mean, p99) = best.next().expect("three rounds");
        let (mean, p99) = best.fold((mean, p99), |a, b| if b.0 < a.0 { b } else { a });
        let least = bench.least(&index, by_hash, 2000);
        println!(
            "lookup, {name}   {mean:7.1} ns mean, {p99:.0} p99 (pairs out; least {least:.1} a call)"
        );
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
