//! Sizes and shapes that the fair workload has not: more than the cache holds, large fleets, short
//! chains, engines that hash with seeds of their own.

use crate::measure::{Calls, Timer, clock_ns, live_bytes, thread_cpu};
use crate::peer::Peer;
use crate::table::{Among, Row, Table};
use crate::workload::{FAIR, Sequence, Workload};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Lookups of a full index, of prompts spread over all of it.
const LOOKUPS: usize = 200_000;
/// Prompts made at a time, outside the clock: no more than a cache holds beside what is looked up.
const AT_ONCE: usize = 500;
/// Lookups whose answer is compared.
const CHECKED: usize = 2_000;

/// What one index made of one workload.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// ns an event: single calls where they can be timed, the whole where not.
    store_mean: f64,
    store_calls: Option<Calls>,
    /// The most processor time one store took, in ns: a pause without what other programs took.
    longest_cpu: Option<f64>,
    lookup: Calls,
    bytes_a_pair: f64,
    bytes_a_block: f64,
    right: usize,
}

/// The workloads, by name.
pub fn shapes(distinct_blocks: usize) -> Vec<(String, Workload)> {
    let a_group = FAIR.shared + FAIR.group * FAIR.own;
    vec![
        (
            format!("{distinct_blocks} blocks, 64 workers, interleaved"),
            Workload {
                sequences: distinct_blocks.div_ceil(a_group) * FAIR.group,
                ..FAIR
            },
        ),
        (
            "256 workers, groups of 40, 8,000 sequences".to_owned(),
            Workload {
                sequences: 8_000,
                workers: 256,
                group: 40,
                ..FAIR
            },
        ),
        (
            "short chains: 200,000 sequences of 2 blocks, the first shared by 20".to_owned(),
            Workload {
                sequences: 200_000,
                shared: 1,
                own: 1,
                ..FAIR
            },
        ),
        (
            "every engine hashes with a seed of its own".to_owned(),
            Workload {
                seeded: true,
                ..FAIR
            },
        ),
    ]
}

/// Stores a workload, the events of as many sequences as there are workers taking turns; then looks
/// prompts up. Sequences are made as they are needed, outside the clock.
pub fn figures<P: Peer>(shape: &Workload) -> Figures {
    let clock = clock_ns();
    let before = live_bytes();
    let mut index = P::new(shape.workers);
    let mut at_once = vec![Sequence::default(); shape.workers];
    let buffers = |at_once: &[Sequence]| -> i64 {
        let bytes = |s: &Sequence| s.tokens.capacity() * 4 + s.names.capacity() * 8 + 48;
        at_once.iter().map(|s| bytes(s) as i64).sum()
    };
    let (mut samples, mut longest_cpu, mut stored) = (Vec::new(), 0.0_f64, 0.0);
    let mut events = 0_u64;
    let mut first = 0;
    while first < shape.sequences {
        let count = shape.workers.min(shape.sequences - first);
        for (i, sequence) in at_once[..count].iter_mut().enumerate() {
            shape.write(first + i, sequence);
        }
        let stores = |i: usize| at_once[i].stores(shape.worker(first + i));
        let mut turns: Vec<_> = (0..count).map(stores).collect();
        let start = Instant::now();
        let mut left = true;
        while left {
            left = false;
            for turn in &mut turns {
                let Some(event) = turn.next() else {
                    continue;
                };
                left = true;
                events += 1;
                if P::IS_DIRECT {
                    let cpu = thread_cpu();
                    let start = Instant::now();
                    index.store(event);
                    let wall = start.elapsed();
                    longest_cpu = longest_cpu.max((thread_cpu() - cpu).as_nanos() as f64);
                    // Behind both clocks: the list of samples moves as it grows, for milliseconds.
                    samples.push(wall.as_nanos() as f32);
                } else {
                    index.store(event);
                }
            }
        }
        index.settle();
        stored += start.elapsed().as_nanos() as f64;
        first += count;
    }
    let of_samples = samples.capacity() * size_of::<f32>();
    let bytes = (live_bytes() - before - buffers(&at_once) - of_samples as i64) as f64;
    let store_calls =
        P::IS_DIRECT.then(|| Calls::of(samples.iter().map(|&ns| f64::from(ns)).collect(), clock));
    drop(samples);
    let (lookup, right) = lookups(&index, shape, clock);
    Figures {
        store_mean: store_calls.map_or(stored / events as f64, |calls| calls.mean),
        store_calls,
        longest_cpu: P::IS_DIRECT.then_some(longest_cpu),
        lookup,
        bytes_a_pair: bytes / shape.pairs() as f64,
        bytes_a_block: bytes / shape.distinct_blocks() as f64,
        right,
    }
}

/// Each prompt is looked up once. Batches take turns: the mean by processor time over whole ones, and
/// every call timed by itself.
fn lookups<P: Peer>(index: &P, shape: &Workload, clock: f64) -> (Calls, usize) {
    let mut out = P::Out::default();
    let mut prompts = vec![Vec::new(); AT_ONCE];
    let mut samples = Vec::with_capacity(LOOKUPS);
    let mut whole = Duration::ZERO;
    // A step that shares no divisor with the number of sequences visits them all in a far order.
    let step = (shape.sequences as f64 * 0.618_034) as usize | 1;
    let prompt = |i: usize| i.wrapping_mul(step) % shape.sequences;
    for batch in 0..LOOKUPS / AT_ONCE {
        for (i, tokens) in prompts.iter_mut().enumerate() {
            shape.write_tokens(prompt(batch * AT_ONCE + i), tokens);
        }
        if batch % 2 == 0 {
            let timer = Timer::start();
            for tokens in &prompts {
                black_box(index.by_tokens(tokens, &mut out));
            }
            whole += timer.stop().cpu;
            continue;
        }
        for tokens in &prompts {
            let start = Instant::now();
            black_box(index.by_tokens(tokens, &mut out));
            samples.push(start.elapsed().as_nanos() as f64);
        }
    }
    let calls = Calls {
        mean: whole.as_nanos() as f64 / (LOOKUPS / 2) as f64,
        ..Calls::of(samples, clock)
    };
    let is_right = |i: &usize| {
        let sequence = prompt(*i);
        let mut answer = index.answer(&shape.sequence(sequence).tokens);
        answer.sort_unstable();
        answer == shape.answer(sequence)
    };
    let right = (0..CHECKED).filter(is_right).count();
    (calls, right)
}

/// The figures of one workload, index by index. An index that gave a wrong answer has none: speed at
/// another task is no speed at this one.
pub fn table(
    title: String,
    peers: Vec<String>,
    is_concurrent: Vec<bool>,
    all: &[Figures],
) -> Table {
    let of = |figure: fn(&Figures) -> Option<f64>| -> Vec<Vec<f64>> {
        all.iter()
            .map(|figures| {
                let counts = figures.right == CHECKED;
                figure(figures).filter(|_| counts).into_iter().collect()
            })
            .collect()
    };
    Table {
        title,
        peers,
        is_concurrent,
        rows: vec![
            Row::new("store, mean", "ns/event", of(|f| Some(f.store_mean)))
                .at_least(1.0, Among::Concurrent),
            Row::new("store, p99", "ns", of(|f| Some(f.store_calls?.p99))),
            Row::new(
                "longest store, wall",
                "ms",
                of(|f| Some(f.store_calls?.longest / 1e6)),
            ),
            Row::new(
                "longest store, processor",
                "ms",
                of(|f| Some(f.longest_cpu? / 1e6)),
            )
            .at_most(5.0),
            Row::new("lookup, tokens in, mean", "ns", of(|f| Some(f.lookup.mean)))
                .at_least(1.0, Among::All),
            Row::new("lookup, tokens in, p99", "ns", of(|f| Some(f.lookup.p99))).at_most(1500.0),
            Row::new(
                "heap per (worker, block)",
                "bytes",
                of(|f| Some(f.bytes_a_pair)),
            )
            .at_least(1.0, Among::All),
            Row::new(
                "heap per distinct block",
                "bytes",
                of(|f| Some(f.bytes_a_block)),
            )
            .at_least(1.0, Among::All),
            Row::new(
                "right answers, of 2,000",
                "answers",
                all.iter().map(|f| vec![f.right as f64]).collect(),
            )
            .exactly(CHECKED as f64),
        ],
    }
}
