//! An index larger than the caches, where lookups ask for memory ahead by guesses: where prompts part,
//! and what lies where. Wrong guesses may cost time and nothing else.

use kv_indexer::{Adapter, EngineHash, ExtraKeys, Index, Matches, Query, Stored, WorkerId};

const BLOCK: usize = 16;
/// Chains of one block, which fill more than 64 chunks of 256 segments.
const FILLING: usize = 17_000;
const GROUPS: usize = 150;
/// Prompts of a group, each on a worker of its own.
const MEMBERS: usize = 3;
const TAIL: usize = 19;

/// Blocks that a group's prompts share: all lengths up to beyond what is guessed, in any order.
fn shared(group: usize) -> usize {
    1 + group * 31 % 83
}

fn tokens(seed: usize, blocks: usize) -> impl Iterator<Item = u32> {
    (0..blocks * BLOCK).map(move |place| (seed * 2_003 + place) as u32)
}

fn prompt(group: usize, member: usize) -> Vec<u32> {
    let own = tokens(1_000_000 + group * MEMBERS + member, TAIL);
    tokens(500_000 + group, shared(group)).chain(own).collect()
}

fn store(index: &Index, worker: WorkerId, tokens: &[u32], names: impl Fn(usize) -> u64) {
    let names: Vec<u64> = (0..tokens.len() / BLOCK).map(names).collect();
    for (part, run) in names.chunks(8).enumerate() {
        let from = part * 8;
        let parent = from
            .checked_sub(1)
            .map(|before| EngineHash::Int(names[before]));
        let tokens = &tokens[from * BLOCK..][..run.len() * BLOCK];
        let event = Stored::new(run, parent, tokens).into();
        assert_eq!(index.apply(worker, &event).stored as usize, run.len());
    }
}

fn filled(workers: usize) -> (Index, Vec<WorkerId>) {
    let index = Index::with_seed(5);
    let worker = |w| index.worker(&format!("w{w}"), "m", 0).unwrap();
    let workers: Vec<_> = (0..workers).map(worker).collect();
    for chain in 0..FILLING {
        let tokens: Vec<u32> = tokens(chain, 1).collect();
        // Each worker has stored something: seats are given with the first.
        let worker = workers[chain % workers.len()];
        store(&index, worker, &tokens, |_| chain as u64 + 1);
    }
    for group in 0..GROUPS {
        for (member, worker) in workers[..MEMBERS].iter().enumerate() {
            let name = |place: usize| {
                let of = match place < shared(group) {
                    true => group * (MEMBERS + 1),
                    false => group * (MEMBERS + 1) + 1 + member,
                };
                (100_000 + of * 1_000 + place) as u64
            };
            store(&index, *worker, &prompt(group, member), name);
        }
    }
    (index, workers)
}

#[track_caller]
fn check(out: &Matches, workers: &[WorkerId], depth: impl Fn(usize) -> usize) {
    for (member, worker) in workers[..MEMBERS].iter().enumerate() {
        assert_eq!(out.depth_of(*worker) as usize, depth(member));
    }
    assert_eq!(out.len(), MEMBERS);
}

fn every_guess_is_only_a_guess(workers: usize) {
    let (index, workers) = filled(workers);
    let scope = index.scope("m", Adapter::None);
    let mut out = Matches::new();
    let mut hashes = Vec::new();
    for round in 0..2 {
        for group in 0..GROUPS {
            let (shared, member) = (shared(group), (group + round) % MEMBERS);
            let whole = prompt(group, member);
            let depth = |other| shared + if other == member { TAIL } else { 0 };
            index.lookup(&Query::new(scope, &whole), &mut out);
            check(&out, &workers, depth);
            hashes.clear();
            index.local_hashes(&whole, ExtraKeys::None, &mut hashes);
            index.lookup_hashes(scope, &hashes, None, &mut out);
            check(&out, &workers, depth);
            // One that ends before the others part, and one that parts from all of them there.
            let short = shared.div_ceil(2);
            index.lookup(&Query::new(scope, &whole[..short * BLOCK]), &mut out);
            check(&out, &workers, |_| short);
            let strange = tokens(9_000_000, TAIL);
            let strange: Vec<u32> = whole[..shared * BLOCK]
                .iter()
                .copied()
                .chain(strange)
                .collect();
            index.lookup(&Query::new(scope, &strange), &mut out);
            check(&out, &workers, |_| shared);
        }
    }
    let strange: Vec<u32> = tokens(9_000_000, TAIL).collect();
    index.lookup(&Query::new(scope, &strange), &mut out);
    assert!(out.is_empty());
}

#[test]
fn where_one_word_says_who_holds_what_every_guess_is_only_a_guess() {
    every_guess_is_only_a_guess(MEMBERS);
}

#[test]
fn where_several_words_do_every_guess_is_only_a_guess() {
    every_guess_is_only_a_guess(70);
}
