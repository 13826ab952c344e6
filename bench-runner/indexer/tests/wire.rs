//! Both decoders read alike what engines send, and refuse alike what they do not.

use crate::world::{self, Naming, Step};
use kv_indexer::reference::{self, OwnedBatch, OwnedEvent};
use kv_indexer::{DecodeError, Decoder, Event, WireForm, encode_batch};
use proptest::prelude::*;

/// The payload through the cursor decoder, in owned values. NaN timestamps become 0, to compare.
fn by_cursor(decoder: &mut Decoder, payload: &[u8]) -> Result<OwnedBatch, DecodeError> {
    let batch = decoder.decode(payload)?;
    Ok(OwnedBatch {
        timestamp: batch.timestamp(),
        events: batch
            .events()
            .map(|event| OwnedEvent::from(&event))
            .collect(),
        data_parallel_rank: batch.data_parallel_rank(),
        unknown_events: batch.unknown_events(),
    })
}

#[track_caller]
fn same(decoder: &mut Decoder, payload: &[u8]) -> Option<OwnedBatch> {
    let (fast, plain) = (by_cursor(decoder, payload), reference::decode(payload));
    match (fast, plain) {
        (Ok(mut fast), Ok(mut plain)) => {
            assert_eq!(fast.timestamp.to_bits(), plain.timestamp.to_bits());
            (fast.timestamp, plain.timestamp) = (0.0, 0.0);
            assert_eq!(fast, plain, "{payload:02x?}");
            Some(fast)
        }
        (Err(_), Err(_)) => None,
        (fast, plain) => panic!("cursor {fast:?}, reference {plain:?}, payload {payload:02x?}"),
    }
}

/// The steps' events as one payload.
fn payload(form: WireForm, steps: &[Step], rank: Option<u32>) -> (Vec<u8>, Vec<OwnedEvent>) {
    // Each event is written alone and the batch put together by hand, since the events of one
    // step borrow from it.
    let mut events = Vec::new();
    let mut owned = Vec::new();
    for step in steps {
        world::with_event(
            step,
            |_| "alpha",
            |_, event| {
                let mut one = Vec::new();
                encode_batch(form, 0.0, &[*event], None, &mut one);
                let head = match form {
                    WireForm::Array => 1 + 9 + 1,
                    WireForm::Map => 1 + 3 + 9 + 7 + 1,
                };
                events.extend_from_slice(&one[head..]);
                owned.push(OwnedEvent::from(event));
            },
        );
    }
    let mut out = Vec::new();
    encode_batch(form, 12.25, &[], rank, &mut out);
    // The empty list of events becomes a list of 32-bit length.
    let at = match form {
        WireForm::Array => 10,
        WireForm::Map => 1 + 3 + 9 + 7,
    };
    assert_eq!(out[at], 0x90);
    let mut list = vec![0xdd];
    list.extend_from_slice(&(owned.len() as u32).to_be_bytes());
    list.extend_from_slice(&events);
    out.splice(at..=at, list);
    (out, owned)
}

proptest! {
    #![proptest_config(crate::config(96))]

    #[test]
    fn decoders_give_back_what_was_encoded(
        steps in world::steps(&[0, 1], true),
        rank in prop::option::of(0u32..300),
        map: bool,
    ) {
        let form = if map { WireForm::Map } else { WireForm::Array };
        let (payload, events) = payload(form, &steps, rank);
        let batch = same(&mut Decoder::new(), &payload).unwrap();
        prop_assert_eq!(batch.data_parallel_rank, rank);
        prop_assert_eq!(batch.unknown_events, 0);
        prop_assert_eq!(batch.events, events);
    }

    #[test]
    fn every_truncation_is_refused_by_both(steps in world::steps(&[0], true), map: bool) {
        let form = if map { WireForm::Map } else { WireForm::Array };
        let (payload, _) = payload(form, &steps[..steps.len().min(3)], Some(1));
        let decoder = &mut Decoder::new();
        for length in 0..payload.len() {
            prop_assert!(same(decoder, &payload[..length]).is_none());
        }
        prop_assert!(same(decoder, &payload).is_some());
    }

    #[test]
    fn damaged_payloads_are_judged_alike(
        steps in world::steps(&[0], true),
        map: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let form = if map { WireForm::Map } else { WireForm::Array };
        let (mut payload, _) = payload(form, &steps[..steps.len().min(3)], Some(1));
        for (place, byte) in damage {
            let place = place.index(payload.len());
            payload[place] = byte;
        }
        same(&mut Decoder::new(), &payload);
    }

    #[test]
    fn random_bytes_are_judged_alike(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        same(&mut Decoder::new(), &bytes);
    }
}

/// `["ts", events]` around the given events, as msgpack.
fn batch_of(events: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0x92, 0x01, 0x90 | events.len() as u8];
    for event in events {
        out.extend_from_slice(event);
    }
    out
}

#[test]
fn old_engines_stop_early_and_new_ones_go_on() {
    let decoder = &mut Decoder::new();
    // BlockStored, [1], nil, [9], 1 – and nothing behind block_size.
    let short = b"\x95\xabBlockStored\x91\x01\xc0\x91\x09\x01";
    let batch = same(decoder, &batch_of(&[short])).unwrap();
    assert_eq!(batch.events[0].block_size, 1);
    assert_eq!(batch.events[0].medium, None);

    // AllBlocksCleared with a field that is not known, of any shape.
    let long = b"\x92\xb0AllBlocksCleared\x93\x01\x81\xa1k\xc4\x01\x00\xc3";
    let batch = same(decoder, &batch_of(&[long])).unwrap();
    assert_eq!(batch.events[0].kind, "AllBlocksCleared");
}

#[test]
fn events_of_unknown_kinds_are_counted_and_skipped() {
    let unknown = b"\x92\xadBlockMigrated\x91\x01";
    let unknown_map = b"\x82\xa4type\xa1X\xa1y\x91\xc0";
    let cleared = b"\x91\xb0AllBlocksCleared";
    let payload = batch_of(&[unknown, cleared, unknown_map]);
    let batch = same(&mut Decoder::new(), &payload).unwrap();
    assert_eq!((batch.unknown_events, batch.events.len()), (2, 1));
}

#[test]
fn the_tag_of_a_map_may_come_last() {
    let removed =
        b"\x83\xacblock_hashes\x92\xff\xc4\x02ab\xa6medium\xa3cpu\xa4type\xacBlockRemoved";
    let batch = same(&mut Decoder::new(), &batch_of(&[removed])).unwrap();
    assert_eq!(batch.events[0].medium.as_deref(), Some("cpu"));
    assert_eq!(
        batch.events[0].block_hashes,
        [
            reference::OwnedHash::Int(u64::MAX),
            reference::OwnedHash::Bytes(b"ab".to_vec())
        ]
    );
}

#[track_caller]
fn refused(payload: &[u8], kind: &str) {
    let error = by_cursor(&mut Decoder::new(), payload).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(reference::decode(payload).is_err());
}

#[test]
fn hostile_lengths_are_refused_before_memory_is_asked_for() {
    // A list of 4 billion events, tokens or hashes in a payload of a few bytes.
    refused(b"\x92\x01\xdd\xff\xff\xff\xff", "truncated");
    refused(
        &batch_of(&[b"\x95\xabBlockStored\xdd\xff\xff\xff\xff\x01\x01"]),
        "truncated",
    );
    refused(
        &batch_of(&[b"\x95\xabBlockStored\x91\x01\xc0\xdd\xff\xff\xff\xff\x01\x01"]),
        "truncated",
    );
}

#[test]
fn refusals_name_their_kind() {
    refused(b"", "truncated");
    refused(b"\x92\x01\x90\x00", "trailing_bytes");
    refused(b"\x91\x01", "missing_field");
    refused(b"\x92\xa1x\x90", "unexpected_type");
    refused(
        &batch_of(&[b"\x92\xacBlockRemoved\x91\xc3"]),
        "unexpected_type",
    );
    refused(&batch_of(&[b"\x91\xacBlockRemoved"]), "missing_field");
    refused(&batch_of(&[b"\x91\xa1\xff"]), "not_utf8");
    refused(
        &batch_of(&[b"\x95\xabBlockStored\x91\x01\xc0\x91\xff\x01"]),
        "out_of_range",
    );
    let deep = [
        &[0x92, 0x01, 0x91, 0x92, 0xa1, b'x'][..],
        &[0x91; 60],
        &[0xc0],
    ]
    .concat();
    refused(&deep, "too_deep");
}

#[test]
fn byte_and_integer_names_can_share_a_list() {
    let names = world::Names::new(Naming::Bytes, "alpha", 0, &[1]);
    let mut list = names.list();
    list.push(kv_indexer::EngineHash::Int(3));
    let event = Event::Removed(kv_indexer::Removal::new(&list));
    for form in [WireForm::Array, WireForm::Map] {
        let mut payload = Vec::new();
        encode_batch(form, 0.0, &[event], None, &mut payload);
        let batch = same(&mut Decoder::new(), &payload).unwrap();
        assert_eq!(batch.events, [OwnedEvent::from(&event)]);
    }
}
