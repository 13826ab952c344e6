//! A peer with its types left behind, so that all can stand in one list.

use crate::measure::{Calls, Timer, Took, live_bytes, thread_cpu};
use crate::peer::{Concurrent, Peer, World, filled};
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// One index in the comparison.
pub struct Entrant {
    pub name: &'static str,
    pub store_all: fn(&World) -> Took,
    pub store_all_on_two: Option<fn(&World) -> Took>,
    pub remove_all: fn(&World) -> Took,
    pub decode_all: fn(&World) -> Option<Took>,
    /// Live bytes of a full index.
    pub heap: fn(&World) -> i64,
    pub fill: fn(&World) -> Box<dyn Full>,
}

/// How a prompt is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Tokens,
    Hashes,
}

/// A full index, to be read.
pub trait Full {
    /// Prompts, in turn, of which the answer is exactly right.
    fn right_answers(&self, world: &World) -> usize;
    /// Looks the prompts up in turn for so long, each call timed by itself.
    fn lookups(&self, world: &World, by: By, time: Duration, clock: f64) -> Calls;
    /// The same by tokens, while another thread stores; `None` for an index of one thread.
    fn beside_a_writer(&self, world: &World, time: Duration, clock: f64) -> Option<Calls>;
    /// Lookups by so many threads in that time: by the clock on the wall, and as each thread would
    /// have done it with a processor to itself; per second.
    fn together(&self, world: &World, threads: usize, time: Duration) -> Option<(f64, f64)>;
}

struct Alone<P>(P);
struct Shared<P>(P);

fn heap<P: Peer>(world: &World) -> i64 {
    let before = live_bytes();
    let full: P = filled(world);
    let bytes = live_bytes() - before;
    drop(full);
    bytes
}

/// An index of one thread.
pub fn alone<P: Peer + 'static>() -> Entrant {
    Entrant {
        name: P::NAME,
        store_all: P::store_all,
        store_all_on_two: None,
        remove_all: P::remove_all,
        decode_all: P::decode_all,
        heap: heap::<P>,
        fill: |world| Box::new(Alone(filled::<P>(world))),
    }
}

/// An index of several threads.
pub fn shared<P: Concurrent + 'static>() -> Entrant {
    Entrant {
        store_all_on_two: Some(P::store_all_on_two),
        fill: |world| Box::new(Shared(filled::<P>(world))),
        ..alone::<P>()
    }
}

fn right_answers<P: Peer>(peer: &P, world: &World) -> usize {
    let prompts = world.sequences.iter().enumerate();
    prompts
        .filter(|(i, sequence)| {
            let mut answer = peer.answer(&sequence.tokens);
            answer.sort_unstable();
            answer == world.shape.answer(*i)
        })
        .count()
}

fn lookups<P: Peer>(peer: &P, world: &World, by: By, time: Duration, clock: f64) -> Calls {
    let hash = |sequence: &crate::workload::Sequence| peer.hash(&sequence.tokens);
    let hashes: Vec<_> = match by {
        By::Tokens => Vec::new(),
        By::Hashes => world.sequences.iter().map(hash).collect(),
    };
    let mut out = P::Out::default();
    let mut call = |i: usize| {
        black_box(match by {
            By::Tokens => peer.by_tokens(&world.sequences[i].tokens, &mut out),
            By::Hashes => peer.by_hashes(&hashes[i], &mut out),
        })
    };
    let mut samples = Vec::with_capacity(1 << 22);
    let (mut calls, mut cpu) = (0, Duration::ZERO);
    let end = Instant::now() + time;
    // A pass for the mean, without a clock in it, and a pass with every call timed.
    while Instant::now() < end && samples.len() < samples.capacity() - world.sequences.len() {
        let timer = Timer::start();
        for i in 0..world.sequences.len() {
            call(i);
        }
        cpu += timer.stop().cpu;
        calls += world.sequences.len();
        for i in 0..world.sequences.len() {
            let start = Instant::now();
            call(i);
            samples.push(start.elapsed().as_nanos() as f64);
        }
    }
    Calls {
        mean: cpu.as_nanos() as f64 / calls as f64,
        ..Calls::of(samples, clock)
    }
}

impl<P: Peer> Full for Alone<P> {
    fn right_answers(&self, world: &World) -> usize {
        right_answers(&self.0, world)
    }

    fn lookups(&self, world: &World, by: By, time: Duration, clock: f64) -> Calls {
        lookups(&self.0, world, by, time, clock)
    }

    fn beside_a_writer(&self, _: &World, _: Duration, _: f64) -> Option<Calls> {
        None
    }

    fn together(&self, _: &World, _: usize, _: Duration) -> Option<(f64, f64)> {
        None
    }
}

impl<P: Concurrent> Full for Shared<P> {
    fn right_answers(&self, world: &World) -> usize {
        right_answers(&self.0, world)
    }

    fn lookups(&self, world: &World, by: By, time: Duration, clock: f64) -> Calls {
        lookups(&self.0, world, by, time, clock)
    }

    fn beside_a_writer(&self, world: &World, time: Duration, clock: f64) -> Option<Calls> {
        let stop = AtomicBool::new(false);
        Some(std::thread::scope(|scope| {
            scope.spawn(|| self.0.restore(world, &stop));
            let calls = lookups(&self.0, world, By::Tokens, time, clock);
            stop.store(true, Relaxed);
            calls
        }))
    }

    fn together(&self, world: &World, threads: usize, time: Duration) -> Option<(f64, f64)> {
        let (done, cpu_ns) = (AtomicU64::new(0), AtomicU64::new(0));
        let begin = Barrier::new(threads);
        let look = || {
            let mut out = P::Out::default();
            begin.wait();
            let (start, before) = (Instant::now(), thread_cpu());
            let mut count = 0;
            while start.elapsed() < time {
                for sequence in &world.sequences {
                    black_box(self.0.by_tokens(&sequence.tokens, &mut out));
                }
                count += world.sequences.len() as u64;
            }
            let (wall, cpu) = (start.elapsed(), thread_cpu() - before);
            // Each thread's own rates, so that one that ends later is not counted for less.
            done.fetch_add((count as f64 / wall.as_secs_f64()) as u64, Relaxed);
            cpu_ns.fetch_add((count as f64 / cpu.as_secs_f64()) as u64, Relaxed);
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(look);
            }
            look();
        });
        Some((done.into_inner() as f64, cpu_ns.into_inner() as f64))
    }
}
