//! Readers beside writers, on real threads. `tests/protocol` goes through every interleaving of small
//! cases; this is the whole index, for the sanitizers and Miri too (`scripts/long/sanitizers.sh`).

use kv_indexer::{Adapter, EngineHash, Index, Matches, Query, Removal, Stored, WorkerId};
use std::sync::atomic::{AtomicBool, Ordering};

/// Blocks in an event.
const RUN: usize = 8;
/// Events of the prompt that everybody asks about.
const RUNS: usize = 4;
/// Prompts that come and go, one segment each: enough that memory is used again.
const PASSING: u32 = 300;
/// Miri interprets: a round takes it minutes.
const ROUNDS: usize = if cfg!(miri) { 1 } else { 40 };
/// Lookups of a reader at most; without a limit it reads as long as there are writers.
const READS: usize = if cfg!(miri) { 50 } else { usize::MAX };

fn tokens(prompt: u32) -> Vec<u32> {
    let blocks = if prompt == 0 { RUN * RUNS } else { RUN };
    (0..blocks as u32 * 16)
        .map(|at| prompt * 1000 + at)
        .collect()
}

fn names(prompt: u32) -> Vec<u64> {
    let blocks = tokens(prompt).len() as u64 / 16;
    (1..=blocks)
        .map(|at| u64::from(prompt) << 32 | at)
        .collect()
}

fn store(index: &Index, worker: WorkerId, prompt: u32) {
    let (tokens, names) = (tokens(prompt), names(prompt));
    for (run, part) in names.chunks(RUN).enumerate() {
        let parent = (run * RUN)
            .checked_sub(1)
            .map(|at| EngineHash::Int(names[at]));
        let of_run = &tokens[run * RUN * 16..][..part.len() * 16];
        index.apply(worker, &Stored::new(part, parent, of_run).into());
    }
}

fn remove(index: &Index, worker: WorkerId, prompt: u32) {
    // Engines let go of the end first.
    for part in names(prompt).chunks(RUN).rev() {
        index.apply(worker, &Removal::new(part).into());
    }
}

#[test]
fn readers_beside_writers_see_nothing_that_was_never_so() {
    let index = Index::with_seed(5);
    let worker = |name| index.worker(name, "m", 0).unwrap();
    let (stays, comes, passes) = (worker("stays"), worker("comes"), worker("passes"));
    store(&index, stays, 0);
    let scope = index.scope("m", Adapter::None);
    let prompts: Vec<_> = (0..=PASSING).map(tokens).collect();
    let is_over = AtomicBool::new(false);
    let read = || {
        let mut matches = Matches::new();
        let mut passing = 1;
        for _ in 0..READS {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            index.lookup(&Query::new(scope, &prompts[0]), &mut matches);
            assert_eq!(matches.depth_of(stays), (RUN * RUNS) as u32);
            assert_eq!(matches.depth_of(comes) % RUN as u32, 0);
            assert_eq!(matches.depth_of(passes), 0);
            index.lookup(&Query::new(scope, &prompts[passing]), &mut matches);
            let whole = |pair: (WorkerId, u32)| pair == (passes, RUN as u32);
            assert!(matches.iter().all(whole), "{matches:?}");
            passing = passing % PASSING as usize + 1;
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(read);
        scope.spawn(read);
        let coming = scope.spawn(|| {
            for _ in 0..ROUNDS * 20 {
                store(&index, comes, 0);
                remove(&index, comes, 0);
            }
        });
        for _ in 0..ROUNDS {
            for prompt in 1..=PASSING {
                store(&index, passes, prompt);
            }
            for prompt in 1..=PASSING {
                remove(&index, passes, prompt);
            }
        }
        let came = coming.join();
        is_over.store(true, Ordering::Relaxed);
        came.unwrap();
    });
    assert_eq!(index.stats().held_blocks, (RUN * RUNS) as u64);
}
