//! Writes the seeds of the fuzz targets, from the encoder: payloads as engines send them, of both
//! generations and with every field.
//!
//! ```text
//! cargo run -p kv-indexer --example fuzz_seeds -- DIRECTORY
//! ```
//! Fills `DIRECTORY/decoder` (a payload a file) and `DIRECTORY/index` (frames, as
//! `fuzz/fuzz_targets/index.rs` reads them).

use kv_indexer::{
    Adapter, EngineHash, Event, ExtraKey, ExtraKeys, Group, Removal, Stored, WireForm, encode_batch,
};
use std::io;
use std::path::Path;

/// As in the index target.
const BLOCK_SIZE: u32 = 2;

fn main() -> io::Result<()> {
    let Some(directory) = std::env::args().nth(1) else {
        eprintln!("fuzz_seeds: name the directory to fill");
        std::process::exit(2);
    };
    let directory = Path::new(&directory);
    let mut written = 0;
    for part in ["decoder", "index"] {
        std::fs::create_dir_all(directory.join(part))?;
    }
    for (form, name) in [(WireForm::Array, "array"), (WireForm::Map, "map")] {
        let mut all = Vec::new();
        for (place, payload) in payloads(form).iter().enumerate() {
            let path = directory.join("decoder").join(format!("{name}-{place}"));
            std::fs::write(path, payload)?;
            all.extend_from_slice(&[place as u8]);
            all.extend_from_slice(&(payload.len() as u16).to_le_bytes());
            all.extend_from_slice(payload);
            // A history that ends here, too.
            let path = directory.join("index").join(format!("{name}-{place}"));
            std::fs::write(path, &all)?;
            written += 2;
        }
    }
    println!("{written} seeds in {}", directory.display());
    Ok(())
}

/// A history of batches: prompts that share prefixes, on several media and adapters, in groups, with
/// keys of their own; removed in part, and cleared.
fn payloads(form: WireForm) -> Vec<Vec<u8>> {
    let tokens: Vec<u32> = (0..40).map(|token| token * 1_700 % 70_000).collect();
    let names: Vec<u64> = (1..21).map(|name| name << 58 | name).collect();
    let long: Vec<[u8; 32]> = (0..20).map(|name| [name; 32]).collect();
    let bytes: Vec<EngineHash<'_>> = long.iter().map(|name| EngineHash::Bytes(name)).collect();
    let store = |from: usize, to: usize| {
        let parent = from.checked_sub(1).map(|at| EngineHash::Int(names[at]));
        Stored::new(&names[from..to], parent, &tokens[from * 2..to * 2]).block_size(BLOCK_SIZE)
    };
    let keys: [&[ExtraKey<'_>]; 4] = [
        &[ExtraKey::Str("image"), ExtraKey::Int(-5)],
        &[],
        &[
            ExtraKey::Bytes(b"salt"),
            ExtraKey::List(&[ExtraKey::Nil, ExtraKey::Bool(true)]),
        ],
        &[ExtraKey::Float(0.5), ExtraKey::Uint(u64::MAX)],
    ];
    let window = Group {
        index: Some(1),
        kind: Some("sliding_window"),
        sliding_window: Some(4096),
    };
    let full = Group {
        index: Some(2),
        kind: Some("full_attention"),
        sliding_window: None,
    };
    let in_bytes = Stored::new(&bytes[..4], None, &tokens[..8]).block_size(BLOCK_SIZE);
    let behind = Stored::new(&bytes[4..6], Some(bytes[3]), &tokens[8..12]).block_size(BLOCK_SIZE);
    let batches: [(&[Event<'_>], Option<u32>); 12] = [
        (&[store(0, 8).into()], None),
        (&[store(8, 16).into(), store(16, 20).into()], Some(0)),
        (&[store(0, 12).into()], Some(1)),
        (
            &[
                store(0, 3).medium("cpu").into(),
                Removal::new(&names[1..2]).into(),
            ],
            None,
        ),
        (&[store(0, 4).adapter(Adapter::Name("sql")).into()], None),
        (&[store(0, 4).adapter(Adapter::Id(7)).into()], None),
        (
            &[store(0, 4).extra_keys(ExtraKeys::PerBlock(&keys)).into()],
            None,
        ),
        (
            &[
                store(0, 4).group(full).into(),
                store(0, 4).group(window).into(),
            ],
            None,
        ),
        (&[in_bytes.into(), behind.into()], None),
        (
            &[
                Removal::new(&bytes[2..5]).into(),
                Removal::new(&names[..1]).medium("CPU").into(),
            ],
            None,
        ),
        (
            &[Removal::new(&names[..]).group(2).into(), store(5, 9).into()],
            None,
        ),
        (&[Event::Cleared, store(0, 2).into()], None),
    ];
    let encode = |(events, rank): &(&[Event<'_>], Option<u32>)| {
        let mut out = Vec::new();
        encode_batch(form, 1_700_000_000.25, events, *rank, &mut out);
        out
    };
    batches.iter().map(encode).collect()
}
