//! A small world of prompts, engines and events, drawn by proptest.
//!
//! Prompts follow one of a few long bases and leave it somewhere, so that they share prefixes of
//! every length. Engines name blocks by hashes of their own making: integers, byte strings,
//! integers with another seed, or integers of so few bits that they clash.

use kv_indexer::{Adapter, EngineHash, Event, ExtraKey, ExtraKeys, Group, Removal, Stored};
use proptest::prelude::*;

pub(crate) const BLOCK_SIZE: u32 = 4;
pub(crate) const MEDIA: [Option<&str>; 4] = [None, Some("gpu"), Some("cpu"), Some("disk")];
pub(crate) const MODELS: [&str; 2] = ["alpha", "beta"];
pub(crate) const ADAPTERS: [Adapter<'static>; 4] = [
    Adapter::None,
    Adapter::None,
    Adapter::Name("sql"),
    Adapter::Id(7),
];

/// What one block holds: a symbol below 6. Its upper half has an extra key.
pub(crate) type Symbol = u8;

/// A prompt: a base followed for some blocks, then a tail of its own.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) base: u8,
    pub(crate) keep: usize,
    pub(crate) tail: Vec<Symbol>,
}

impl Prompt {
    pub(crate) fn symbols(&self) -> Vec<Symbol> {
        let base = self.base;
        let on_base = (0..self.keep).map(|place| {
            let mixed = (place as u32 + 1) * (u32::from(base) * 7 + 5);
            // The three bases share their first five blocks.
            if place < 5 { 1 } else { (mixed % 6) as u8 }
        });
        on_base.chain(self.tail.iter().copied()).collect()
    }
}

/// How an engine names its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    Ints,
    OtherInts,
    Bytes,
    /// A few names for many blocks, so that one event gives a name twice.
    Clashing,
    ClashingBytes,
}

impl Naming {
    pub(crate) fn clashes(self) -> bool {
        matches!(self, Naming::Clashing | Naming::ClashingBytes)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Store {
        worker: usize,
        adapter: usize,
        prompt: Prompt,
        /// The event's blocks: from here, so many.
        from: usize,
        count: usize,
        medium: usize,
        group: u32,
        naming: Naming,
    },
    Remove {
        worker: usize,
        adapter: usize,
        prompt: Prompt,
        from: usize,
        count: usize,
        medium: usize,
        group: u32,
        naming: Naming,
    },
    Clear {
        worker: usize,
    },
    /// The worker goes away; its place is taken by a new one of the same name.
    Replace {
        worker: usize,
    },
}

pub(crate) fn prompt() -> impl Strategy<Value = Prompt> {
    let tail = prop_oneof![
        2 => Just(Vec::new()),
        2 => prop::collection::vec(0u8..6, 1..4),
        1 => prop::collection::vec(0u8..6, 1..20),
    ];
    (0u8..3, 0usize..40, tail).prop_map(|(base, keep, tail)| Prompt { base, keep, tail })
}

/// Steps of a fleet; `mixed` brings in media, groups, adapters and clashing names.
pub(crate) fn steps(workers: &'static [usize], mixed: bool) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(workers, mixed), 1..120)
}

fn step(workers: &'static [usize], mixed: bool) -> impl Strategy<Value = Step> {
    let worker = || prop::sample::select(workers);
    let range = || {
        let whole = (Just(0usize), Just(64usize));
        prop_oneof![2 => whole, 3 => (0usize..40, 1usize..12)]
    };
    let odd = if mixed { 1 } else { 0 };
    let medium = || prop_oneof![4 => Just(0usize), odd => 0usize..4];
    let group = || prop_oneof![6 => Just(0u32), odd => 0u32..4];
    let adapter = || prop_oneof![3 => Just(0usize), odd => 0usize..4];
    let naming = || {
        prop_oneof![
            6 => Just(Naming::Ints),
            odd => Just(Naming::OtherInts),
            odd => Just(Naming::Bytes),
            odd => Just(Naming::Clashing),
            odd => Just(Naming::ClashingBytes),
        ]
    };
    let parts = || (adapter(), prompt(), range(), medium(), group(), naming());
    prop_oneof![
        12 => (worker(), parts()).prop_map(
            |(worker, (adapter, prompt, (from, count), medium, group, naming))| Step::Store {
                worker, adapter, prompt, from, count, medium, group, naming
            }
        ),
        5 => (worker(), parts()).prop_map(
            |(worker, (adapter, prompt, (from, count), medium, group, naming))| Step::Remove {
                worker, adapter, prompt, from, count, medium, group, naming
            }
        ),
        1 => worker().prop_map(|worker| Step::Clear { worker }),
        1 => worker().prop_map(|worker| Step::Replace { worker }),
    ]
}

/// A prompt's tokens.
pub(crate) fn tokens(symbols: &[Symbol]) -> Vec<u32> {
    let block = |symbol: &Symbol| {
        let symbol = u32::from(*symbol % 3);
        [symbol, symbol + 1, 70_000, symbol * 300]
    };
    symbols.iter().flat_map(block).collect()
}

/// A prompt's extra keys, one list a block.
pub(crate) fn extra(symbols: &[Symbol]) -> Vec<&'static [ExtraKey<'static>]> {
    const IMAGE: &[ExtraKey<'static>] = &[ExtraKey::Str("image-1"), ExtraKey::Int(12)];
    let keys = |symbol: &Symbol| if *symbol < 3 { &[][..] } else { IMAGE };
    symbols.iter().map(keys).collect()
}

/// The engine's names of a prompt's blocks.
#[derive(Debug)]
pub(crate) struct Names {
    ints: Vec<u64>,
    bytes: Option<Vec<[u8; 32]>>,
}

impl Names {
    pub(crate) fn new(naming: Naming, model: &str, adapter: usize, symbols: &[Symbol]) -> Self {
        let mut state = model.len() as u64 * 31 + adapter.max(1) as u64;
        let ints: Vec<u64> = symbols
            .iter()
            .map(|&symbol| {
                state = (state ^ u64::from(symbol) ^ 0x5bd1)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    .rotate_left(31);
                match naming {
                    Naming::OtherInts => state ^ 0x1234_5678_9abc_def0,
                    _ if naming.clashes() => state % 40,
                    _ => state,
                }
            })
            .collect();
        let long = |int: &u64| {
            let mut bytes = [7u8; 32];
            bytes[16..24].copy_from_slice(&int.to_be_bytes());
            bytes
        };
        let is_bytes = matches!(naming, Naming::Bytes | Naming::ClashingBytes);
        let bytes = is_bytes.then(|| ints.iter().map(long).collect());
        Self { ints, bytes }
    }

    pub(crate) fn list(&self) -> Vec<EngineHash<'_>> {
        match &self.bytes {
            Some(bytes) => bytes.iter().map(|b| EngineHash::Bytes(b)).collect(),
            None => self.ints.iter().copied().map(EngineHash::Int).collect(),
        }
    }
}

/// Group 3 is a sliding window; the others are full attention.
fn group(index: u32) -> Group<'static> {
    match index {
        0 => Group::default(),
        3 => Group {
            index: Some(3),
            kind: Some("sliding_window"),
            sliding_window: Some(128),
        },
        index => Group {
            index: Some(index),
            kind: Some("full_attention"),
            sliding_window: None,
        },
    }
}

/// Hands the step's event, if it is one, to `apply` as `(worker, event)`.
pub(crate) fn with_event(
    step: &Step,
    model_of: impl Fn(usize) -> &'static str,
    apply: impl FnOnce(usize, &Event<'_>),
) {
    match step {
        Step::Store {
            worker,
            adapter,
            prompt,
            from,
            count,
            medium,
            group: g,
            naming,
        } => {
            let symbols = prompt.symbols();
            let names = Names::new(*naming, model_of(*worker), *adapter, &symbols);
            let names = names.list();
            let from = (*from).min(symbols.len());
            let to = (from + count).min(symbols.len());
            let tokens = tokens(&symbols);
            let extra = extra(&symbols);
            let size = BLOCK_SIZE as usize;
            let mut stored = Stored::new(
                &names[from..to],
                from.checked_sub(1).map(|parent| names[parent]),
                &tokens[from * size..to * size],
            )
            .block_size(BLOCK_SIZE)
            .adapter(ADAPTERS[*adapter])
            .extra_keys(ExtraKeys::PerBlock(&extra[from..to]))
            .group(group(*g));
            stored.medium = MEDIA[*medium];
            apply(*worker, &stored.into());
        }
        Step::Remove {
            worker,
            adapter,
            prompt,
            from,
            count,
            medium,
            group,
            naming,
        } => {
            let symbols = prompt.symbols();
            let names = Names::new(*naming, model_of(*worker), *adapter, &symbols);
            let names = names.list();
            let from = (*from).min(symbols.len());
            let to = (from + count).min(symbols.len());
            let mut removal = Removal::new(&names[from..to]);
            removal.medium = MEDIA[*medium];
            removal.group = (*group > 0).then_some(*group);
            apply(*worker, &removal.into());
        }
        Step::Clear { worker } => apply(*worker, &Event::Cleared),
        Step::Replace { .. } => {}
    }
}
