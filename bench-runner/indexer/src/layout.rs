//! Where the segments of chains lie. Beside the index rather than in it, whose files are compiled
//! again for the model checker.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use crate::{Adapter, EngineHash, Event, ExtraKeys, Index, Matches, Query, Stored, WorkerId};

const BLOCK: usize = 16;

fn prompt(chain: usize, blocks: usize) -> (Vec<u32>, Vec<u64>) {
    let tokens = (0..blocks * BLOCK).map(|place| (chain * 100_000 + place) as u32);
    let names = (0..blocks).map(|place| (chain * 1_000 + place + 1) as u64);
    (tokens.collect(), names.collect())
}

/// Stores blocks `from..from + 8` of a chain.
fn store(index: &Index, worker: WorkerId, chain: usize, from: usize) {
    let (tokens, names) = prompt(chain, from + 8);
    let parent = from
        .checked_sub(1)
        .map(|before| EngineHash::Int(names[before]));
    let tokens = &tokens[from * BLOCK..];
    let event: Event<'_> = Stored::new(&names[from..], parent, tokens).into();
    assert_eq!(index.apply(worker, &event).stored, 8);
}

fn layout(index: &Index, chain: usize) -> (Vec<u32>, usize) {
    let mut hashes = Vec::new();
    index.local_hashes(&prompt(chain, 1).0, ExtraKeys::None, &mut hashes);
    index.layout(index.scope("m", Adapter::None), hashes[0])
}

#[test]
fn chains_stored_in_turn_lie_in_a_row_each() {
    let index = Index::with_seed(1);
    let worker = index.worker("w", "m", 0).unwrap();
    for from in (0..64).step_by(8) {
        for chain in 0..50 {
            store(&index, worker, chain, from);
        }
    }
    for chain in 0..50 {
        let (ids, _) = layout(&index, chain);
        assert_eq!(ids.len(), 8);
        let breaks = ids.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        assert!(breaks <= 2, "chain {chain}: {ids:?}");
    }
}

#[test]
fn what_short_chains_do_not_use_goes_back() {
    let index = Index::with_seed(1);
    let worker = index.worker("w", "m", 0).unwrap();
    for chain in 0..4_000 {
        store(&index, worker, chain, 0);
    }
    // A ninth and the newest chunk may be unused.
    let most = 4_000 + 4_000 / 9 + 2 * 256;
    let (_, items) = layout(&index, 0);
    assert!(items <= most, "{items} segments for 4,000");
    let (tokens, _) = prompt(3_999, 8);
    let mut out = Matches::new();
    let query = Query::new(index.scope("m", Adapter::None), &tokens);
    index.lookup(&query, &mut out);
    assert_eq!(out.iter().collect::<Vec<_>>(), [(worker, 8)]);
}
