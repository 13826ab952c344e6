//! Bounds: what was stored longest ago makes room, and nobody is given more than it holds.

use crate::world::{self, ADAPTERS, BLOCK_SIZE, MODELS};
use kv_indexer::model::Model;
use kv_indexer::{ExtraKeys, Index, Matches, Options, Query, Stored};
use proptest::prelude::*;

fn bounded(max_blocks: Option<usize>, max_bytes: Option<usize>) -> Index {
    Index::new(Options {
        block_size: BLOCK_SIZE,
        seed: Some(1),
        max_blocks,
        max_bytes,
        ..Options::default()
    })
}

proptest! {
    #![proptest_config(crate::config(96))]

    #[test]
    fn a_full_index_never_gives_more_than_the_model(
        steps in world::steps(&[0, 1, 2, 70], true),
        max_blocks in 1usize..60,
    ) {
        within_the_model(&steps, max_blocks)?;
    }
}

/// Follows the steps: the bound holds after each, and no answer exceeds the model's.
fn within_the_model(steps: &[world::Step], max_blocks: usize) -> Result<(), TestCaseError> {
    let index = bounded(Some(max_blocks), None);
    let mut model = Model::new(BLOCK_SIZE);
    let ids: Vec<_> = (0..71)
        .map(|w| index.worker(&format!("w{w}"), MODELS[0], 0).unwrap())
        .collect();
    let numbers: Vec<_> = (0..71).map(|_| model.add_worker(MODELS[0])).collect();
    let mut matches = Matches::new();
    for step in steps {
        // An engine whose names clash says by a store that an older block is gone; a store
        // that finds no room, or whose parent was evicted, cannot tell.
        if let world::Step::Store { naming, .. } = step
            && naming.clashes()
        {
            continue;
        }
        world::with_event(
            step,
            |_| MODELS[0],
            |worker, event| {
                model.apply(numbers[worker], event);
                index.apply(ids[worker], event);
            },
        );
        let stats = index.stats();
        prop_assert!(stats.distinct_blocks <= max_blocks as u64);
        let (world::Step::Store { prompt, .. } | world::Step::Remove { prompt, .. }) = step else {
            continue;
        };
        let symbols = prompt.symbols();
        let (tokens, extra) = (world::tokens(&symbols), world::extra(&symbols));
        let extra = ExtraKeys::PerBlock(&extra);
        for adapter in &ADAPTERS[1..] {
            let most = model.lookup(MODELS[0], *adapter, &tokens, extra, None);
            let query = Query::new(index.scope(MODELS[0], *adapter), &tokens).extra(extra);
            index.lookup(&query, &mut matches);
            for (id, depth) in matches.iter() {
                prop_assert!(depth <= most.get(&id.slot()).copied().unwrap_or(0));
            }
        }
    }
    for id in ids {
        index.remove_worker(id);
    }
    prop_assert_eq!(index.stats().held_blocks, 0);
    prop_assert_eq!(index.stats().distinct_blocks, 0);
    Ok(())
}

#[test]
fn what_was_stored_longest_ago_makes_room() {
    let index = bounded(Some(64), None);
    let worker = index.worker("w", "m", 0).unwrap();
    let prompts: Vec<Vec<u32>> = (0..20).map(|p| vec![p; 8 * BLOCK_SIZE as usize]).collect();
    for (place, tokens) in prompts.iter().enumerate() {
        let names: Vec<u64> = (0..8).map(|n| place as u64 * 8 + n).collect();
        let event = Stored::new(&names, None, tokens)
            .block_size(BLOCK_SIZE)
            .into();
        assert_eq!(index.apply(worker, &event).stored, 8);
    }
    let stats = index.stats();
    assert_eq!(
        (stats.distinct_blocks, stats.evicted, stats.refused),
        (64, 96, 0)
    );
    let scope = index.scope("m", kv_indexer::Adapter::None);
    let mut matches = Matches::new();
    let mut depth = |place: usize| {
        index.lookup(&Query::new(scope, &prompts[place]), &mut matches);
        matches.depth_of(worker)
    };
    assert_eq!((depth(0), depth(19)), (0, 8));
}

#[test]
fn what_a_router_uses_stays_and_what_it_only_asked_about_goes() {
    let index = bounded(Some(64), None);
    let worker = index.worker("w", "m", 0).unwrap();
    let scope = index.scope("m", kv_indexer::Adapter::None);
    let prompt = |p: u32| vec![p; 8 * BLOCK_SIZE as usize];
    let hashes = |p: u32| {
        let mut hashes = Vec::new();
        index.local_hashes(&prompt(p), ExtraKeys::None, &mut hashes);
        hashes
    };
    let mut matches = Matches::new();
    let mut depth = |p: u32| {
        index.lookup(&Query::new(scope, &prompt(p)), &mut matches);
        matches.depth_of(worker)
    };
    for p in 0..60 {
        let names: Vec<u64> = (0..8).map(|n| u64::from(p) * 8 + n).collect();
        let tokens = prompt(p);
        let event = Stored::new(&names, None, &tokens)
            .block_size(BLOCK_SIZE)
            .into();
        assert_eq!(index.apply(worker, &event).stored, 8);
        // Once the index is full, one prompt is routed again and again, another only looked up.
        if p >= 8 {
            assert_eq!(index.touch(scope, &hashes(4)), 8);
        }
        depth(5);
    }
    assert_eq!((depth(4), depth(5), depth(59)), (8, 0, 8));
    assert_eq!(
        index.touch(scope, &hashes(5)),
        0,
        "what is gone is not in use"
    );
    assert_eq!(index.touch(scope, &hashes(4)[..3]), 3);
}

#[test]
fn memory_stays_within_its_bound() {
    const BOUND: usize = 1 << 20;
    let index = bounded(None, Some(BOUND));
    let worker = index.worker("w", "m", 0).unwrap();
    for place in 0..20_000u32 {
        let tokens = vec![place; 8 * BLOCK_SIZE as usize];
        let names: Vec<u64> = (0..8).map(|n| u64::from(place) * 8 + n + 1).collect();
        let event = Stored::new(&names, None, &tokens)
            .block_size(BLOCK_SIZE)
            .into();
        index.apply(worker, &event);
    }
    let stats = index.stats();
    assert!(stats.evicted > 0 && stats.refused == 0);
    assert!(
        stats.memory_bytes <= BOUND as u64,
        "{} bytes",
        stats.memory_bytes
    );
    // And the bound is used: a block costs some 50 bytes.
    assert!(stats.distinct_blocks as usize > BOUND / 100);
}

/// Blocks that a clear left without a holder, in a segment that another worker still holds, count
/// against the bound when they are stored again.
#[test]
fn blocks_held_again_count_against_the_bound() {
    let store = |worker, base, keep, tail: &[u8]| world::Step::Store {
        worker,
        adapter: 0,
        prompt: world::Prompt {
            base,
            keep,
            tail: tail.to_vec(),
        },
        from: 0,
        count: 64,
        medium: 0,
        group: 0,
        naming: world::Naming::Ints,
    };
    let steps = [
        store(2, 2, 8, &[]),
        store(2, 0, 10, &[2]),
        store(0, 0, 7, &[]),
        world::Step::Clear { worker: 2 },
        store(0, 0, 24, &[0, 0]),
        store(0, 2, 8, &[]),
    ];
    within_the_model(&steps, 26).unwrap();
}
