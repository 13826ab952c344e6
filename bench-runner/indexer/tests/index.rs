//! What the index promises one by one.

use kv_indexer::{
    Adapter, EngineHash, Event, ExtraKey, ExtraKeys, Group, Index, IndexError, MAX_MEDIA, Matches,
    Query, Removal, Stored, WireForm, WorkerId, encode_batch,
};

struct Fixture {
    index: Index,
    a: WorkerId,
    b: WorkerId,
    tokens: Vec<u32>,
}

impl Fixture {
    fn new() -> Self {
        let index = Index::with_seed(7);
        Self {
            a: index.worker("a", "m", 0).unwrap(),
            b: index.worker("b", "m", 0).unwrap(),
            index,
            tokens: (0..64).collect(),
        }
    }

    fn depths(&self) -> (u32, u32) {
        self.depths_of(&Query::new(
            self.index.scope("m", Adapter::None),
            &self.tokens,
        ))
    }

    fn depths_of(&self, query: &Query<'_>) -> (u32, u32) {
        let mut matches = Matches::new();
        self.index.lookup(query, &mut matches);
        (matches.depth_of(self.a), matches.depth_of(self.b))
    }

    fn store(&self, worker: WorkerId, count: usize) {
        let hashes = &[1, 2, 3, 4][..count];
        let event = Stored::new(hashes, None, &self.tokens[..count * 16]).into();
        self.index.apply(worker, &event);
    }
}

#[test]
fn a_removal_hides_what_lies_behind_it_for_that_worker_only() {
    let f = Fixture::new();
    f.store(f.a, 4);
    f.store(f.b, 4);
    f.index.apply(f.a, &Removal::new(&[2]).into());
    assert_eq!(f.depths(), (1, 4));
    // Stored again, the blocks behind it count again.
    let event = Stored::new(&[2], Some(EngineHash::Int(1)), &f.tokens[16..32]).into();
    assert_eq!(f.index.apply(f.a, &event).stored, 1);
    assert_eq!(f.depths(), (4, 4));
}

#[test]
fn stored_twice_is_stored_once() {
    let f = Fixture::new();
    f.store(f.a, 3);
    let event = Stored::new(&[1, 2, 3], None, &f.tokens[..48]).into();
    assert_eq!(f.index.apply(f.a, &event).already_held, 3);
    let applied = f.index.apply(f.a, &Removal::new(&[1, 2, 3]).into());
    assert_eq!((applied.removed, f.depths()), (3, (0, 0)));
    assert_eq!(f.index.stats().distinct_blocks, 0);
}

#[test]
fn clearing_is_for_one_worker_and_one_rank() {
    let f = Fixture::new();
    f.store(f.a, 2);
    f.store(f.b, 2);
    assert!(f.index.apply(f.a, &Event::Cleared).cleared);
    assert_eq!(f.depths(), (0, 2));

    // A batch that names rank 1 goes to that rank of the engine.
    let mut payload = Vec::new();
    encode_batch(
        WireForm::Array,
        0.0,
        &[Event::Cleared],
        Some(1),
        &mut payload,
    );
    let done = f.index.apply_payload(f.b, &payload).unwrap();
    assert_ne!(done.worker, f.b);
    assert_eq!(Ok(done.worker), f.index.worker("b", "m", 1));
    assert_eq!(f.depths(), (0, 2));
}

#[test]
fn media_are_held_apart() {
    let f = Fixture::new();
    let store = |medium, count: usize| {
        let hashes = &[1, 2, 3, 4][..count];
        let event = Stored::new(hashes, None, &f.tokens[..count * 16]).medium(medium);
        f.index.apply(f.a, &event.into())
    };
    store("GPU", 2);
    store("cpu", 3);
    f.index.apply(f.a, &Removal::new(&[2]).into());
    assert_eq!(f.depths().0, 3, "block 2 still lies in the other medium");
    let scope = f.index.scope("m", Adapter::None);
    let on = |medium| {
        let medium = f.index.medium(medium).unwrap();
        f.depths_of(&Query::new(scope, &f.tokens).medium(medium)).0
    };
    assert_eq!((on("gpu"), on("CPU"), on("disk")), (1, 3, 0));
    f.index.apply(f.a, &Removal::new(&[2]).medium("cpu").into());
    assert_eq!(f.depths().0, 1);
}

#[test]
fn one_medium_too_many_is_refused_and_counted() {
    let f = Fixture::new();
    for number in 1..MAX_MEDIA {
        f.index.medium(&format!("tier-{number}")).unwrap();
    }
    let limit = MAX_MEDIA;
    assert_eq!(
        f.index.medium("one-more"),
        Err(IndexError::TooManyMedia { limit })
    );
    let event = Stored::new(&[1], None, &f.tokens[..16]).medium("one-more");
    assert_eq!(f.index.apply(f.a, &event.into()).refused, 1);
    assert_eq!(f.index.stats().refused, 1);
}

#[test]
fn adapters_never_match_each_other() {
    let f = Fixture::new();
    let event = Stored::new(&[1], None, &f.tokens[..16]).adapter(Adapter::Name("7"));
    f.index.apply(f.a, &event.into());
    let event = Stored::new(&[1], None, &f.tokens[..16]).adapter(Adapter::Id(7));
    f.index.apply(f.b, &event.into());
    let depths = |adapter| f.depths_of(&Query::new(f.index.scope("m", adapter), &f.tokens));
    assert_eq!(depths(Adapter::None), (0, 0));
    assert_eq!(depths(Adapter::Name("7")), (1, 0));
    assert_eq!(depths(Adapter::Id(7)), (0, 1));
    let other_model = f.index.scope("n", Adapter::Name("7"));
    assert_eq!(f.depths_of(&Query::new(other_model, &f.tokens)), (0, 0));
}

#[test]
fn extra_keys_are_part_of_a_block_and_equal_in_every_encoding() {
    let f = Fixture::new();
    // [["salt", 5]] with 5 in nine bytes.
    let wide = b"\x91\x92\xa4salt\xcf\x00\x00\x00\x00\x00\x00\x00\x05";
    let event = Stored::new(&[1], None, &f.tokens[..16]).extra_keys(ExtraKeys::Encoded(wide));
    f.index.apply(f.a, &event.into());
    let scope = f.index.scope("m", Adapter::None);
    let depth = |extra: ExtraKeys<'_>| f.depths_of(&Query::new(scope, &f.tokens).extra(extra)).0;
    assert_eq!(depth(ExtraKeys::None), 0);
    let same: &[ExtraKey<'_>] = &[ExtraKey::Str("salt"), ExtraKey::Int(5)];
    assert_eq!(depth(ExtraKeys::PerBlock(&[same])), 1);
    assert_eq!(depth(ExtraKeys::Encoded(b"\x91\x92\xa4salt\x05")), 1);
    let other: &[ExtraKey<'_>] = &[ExtraKey::Bytes(b"salt"), ExtraKey::Int(5)];
    assert_eq!(depth(ExtraKeys::PerBlock(&[other])), 0);
}

#[test]
fn malformed_events_are_refused_whole() {
    let f = Fixture::new();
    let refused = |stored: Stored<'_>| f.index.apply(f.a, &stored.into()).refused;
    assert_eq!(refused(Stored::new(&[1, 2], None, &f.tokens[..31])), 2);
    let wrong_size = Stored::new(&[1, 2], None, &f.tokens[..16]).block_size(8);
    assert_eq!(refused(wrong_size), 2);
    let keys = ExtraKeys::PerBlock(&[]);
    let too_few = Stored::new(&[1], None, &f.tokens[..16]).extra_keys(keys);
    assert_eq!(refused(too_few), 1);
    let broken = Stored::new(&[1], None, &f.tokens[..16]).extra_keys(ExtraKeys::Encoded(b"\x91"));
    assert_eq!(refused(broken), 1);
    assert_eq!(f.index.stats().held_blocks, 0);
    f.index.remove_worker(f.a);
    assert_eq!(refused(Stored::new(&[1], None, &f.tokens[..16])), 1);
    assert_eq!(f.index.stats().refused, 7);
}

#[test]
fn a_prefix_needs_every_full_attention_group_and_no_other() {
    let f = Fixture::new();
    let store = |group: u32, kind, count: usize| {
        let hashes = &[1, 2, 3, 4][..count];
        let group = Group {
            index: Some(group),
            kind: Some(kind),
            sliding_window: None,
        };
        let event = Stored::new(hashes, None, &f.tokens[..count * 16]).group(group);
        f.index.apply(f.a, &event.into())
    };
    store(0, "full_attention", 4);
    assert_eq!(store(1, "sliding_window", 2).skipped, 2);
    assert_eq!(f.depths().0, 4);
    store(2, "mla_attention", 3);
    assert_eq!(f.depths().0, 3);
    let gone = |group| f.index.apply(f.a, &Removal::new(&[2]).group(group).into());
    assert_eq!(gone(1).skipped, 1);
    assert_eq!(gone(9).unknown, 1);
    assert_eq!(gone(2).removed, 1);
    assert_eq!(f.depths().0, 1);
}

#[test]
fn a_removed_worker_takes_all_it_held_and_its_id_is_dead() {
    let f = Fixture::new();
    f.store(f.a, 3);
    f.store(f.b, 2);
    let removed = f.index.remove_worker(f.a);
    assert_eq!((removed.known, removed.held_blocks), (true, 3));
    assert_eq!(f.depths(), (0, 2));
    let again = f.index.worker("a", "m", 0).unwrap();
    assert_ne!(again, f.a);
    assert!(!f.index.remove_worker(f.a).known);
    assert_eq!(f.index.stats().workers, 2);
}

#[test]
fn an_empty_prompt_and_a_short_one_match_nobody() {
    let f = Fixture::new();
    f.store(f.a, 1);
    let scope = f.index.scope("m", Adapter::None);
    assert_eq!(f.depths_of(&Query::new(scope, &[])), (0, 0));
    assert_eq!(f.depths_of(&Query::new(scope, &f.tokens[..15])), (0, 0));
    assert_eq!(f.depths_of(&Query::new(scope, &f.tokens[..31])), (1, 0));
}

#[test]
fn a_name_of_ones_own_that_the_fleet_takes_up_is_given_back_once() {
    let f = Fixture::new();
    let store = |worker, first: usize| {
        let event = Stored::new(&[5], None, &f.tokens[first..first + 16]).into();
        f.index.apply(worker, &event)
    };
    store(f.b, 16);
    // To the fleet 5 is the other block: here it is a name of a's own.
    store(f.a, 0);
    // Now b means the same block by it, and a says so again.
    store(f.b, 0);
    assert_eq!(store(f.a, 0).already_held, 1);
    f.index.apply(f.a, &Removal::new(&[5]).into());
    assert_eq!(f.depths(), (0, 1));
    f.index.apply(f.b, &Removal::new(&[5]).into());
    assert_eq!(f.index.stats().distinct_blocks, 0);
}

#[test]
fn a_name_given_twice_in_one_event_names_the_last_of_its_blocks() {
    for [first, twice] in [
        [EngineHash::Int(1), EngineHash::Int(5)],
        // Both halves of the names that are kept have bits.
        [EngineHash::Bytes(&[1; 32]), EngineHash::Bytes(&[5; 32])],
    ] {
        let f = Fixture::new();
        let names = [first, twice, twice];
        let event = Stored::new(&names[..], None, &f.tokens[..48]).into();
        assert_eq!(f.index.apply(f.a, &event).stored, 3);
        // The middle one is nobody's any more, and hides what lies behind it.
        assert_eq!(f.index.stats().held_blocks, 2, "{twice:?}");
        assert_eq!(f.depths(), (1, 0), "{twice:?}");
        let removed = f.index.apply(f.a, &Removal::new(&names[..]).into());
        assert_eq!((removed.removed, removed.unknown), (2, 1), "{twice:?}");
        assert_eq!(f.index.stats().distinct_blocks, 0, "{twice:?}");
    }
}
