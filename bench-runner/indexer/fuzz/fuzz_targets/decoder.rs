//! Any bytes as a payload: the decoder and the readable reference decoder must judge them alike, and
//! read the same where they read at all.
#![no_main]

use kv_indexer::Decoder;
use kv_indexer::reference::{self, OwnedEvent};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    let mut decoder = Decoder::new();
    match (decoder.decode(payload), reference::decode(payload)) {
        (Ok(fast), Ok(plain)) => {
            assert_eq!(fast.timestamp().to_bits(), plain.timestamp.to_bits());
            assert_eq!(fast.data_parallel_rank(), plain.data_parallel_rank);
            assert_eq!(fast.unknown_events(), plain.unknown_events);
            assert_eq!(fast.events().len(), plain.events.len());
            for (fast, plain) in fast.events().zip(&plain.events) {
                assert_eq!(&OwnedEvent::from(&fast), plain);
            }
        }
        (Err(_), Err(_)) => {}
        (fast, plain) => panic!("decoder {fast:?}, reference {plain:?}"),
    }
});
