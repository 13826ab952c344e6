//! kv-indexer beside the published indexes: the fair workload on all of them in one process run.
//!
//! ```text
//! cd bench-runner/peers
//! cargo run --release -- [--rounds N] [--large] [--blocks N] [--json FILE]
//! ```
//! Every figure is the median of at least seven rounds (`--rounds`), and in each round every index
//! takes its turn, so that what else the machine does hits all of them alike: absolute figures move
//! from machine to machine, the ratios are what counts. Work of one thread is measured by its
//! processor time, so that other programs' turns are not charged to it; work of two by the wall too.
//! Two threads by the wall need two processors to themselves: how many other programs kept busy, and
//! how many the host took, in the same windows, stands below; near 0 the wall's figure decides, else a
//! quieter run must. The last two columns are the best peer's figure over ours, and what must hold.
//! The exit code is 0 where all of it does, else 1.
//!
//! Who takes part: `dynamo-kv-router`'s concurrent compressed radix tree and its radix tree for one
//! thread (not `Sync`: it has no figures for two), and `ChainIndex` of smg's `kv-index`. Each is
//! fed in the way that costs it least: see `dynamo` and `smg`. All are built with the same flags.
//!
//! - (a) all 16,000 events are stored in a fresh index: tokens are hashed, blocks stored. Two
//!   threads take the workers by parity.
//! - (b) 2,000 prompts of 1,024 tokens are looked up in turn; each call is timed by itself, less
//!   what the clock takes (the mean: by processor time over whole passes). A prompt's owner holds 64 blocks, the 19 others of its group 32, nobody
//!   else any: each index must say so for all 2,000.
//! - (c) bytes by an allocator that counts, after (a). smg's arena grows by 8 MiB at a time, which
//!   at this size is a good part of what it holds; `--large` shows it without.
//! - (d) everything is removed, in the order it was stored.
//! - (e) (b) while another thread stores everything again and again.
//! - (f) the events as vLLM batches of one event: decode, hash, apply.
//!
//! `--large` adds what does not fit a cache (10 million blocks or `--blocks`, 64 workers, events
//! taking turns: a few gigabytes and some minutes), a fleet of 256, short chains, and engines that
//! hash with seeds of their own; there each index runs once, with every store timed.

mod dynamo;
mod entrant;
mod fair;
mod large;
mod measure;
mod ours;
mod peer;
mod smg;
mod table;
#[path = "../../indexer/examples/fair/workload.rs"]
mod workload;

use entrant::Entrant;
use kv_indexer::{EngineHash, Stored, WireForm, encode_batch};
use large::Figures;
use peer::{Peer, World};
use std::process::ExitCode;
use table::Table;
use workload::{FAIR, FAIR_CHECK, FAIR_TOKENS, Workload};

#[global_allocator]
static ALLOCATOR: measure::Counting = measure::Counting;

/// What the command line asks for.
struct Options {
    rounds: usize,
    large: bool,
    blocks: usize,
    json: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        rounds: 7,
        large: false,
        blocks: 10_000_000,
        json: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| {
            let number = text.parse().ok().filter(|&number| number > 0);
            number.ok_or(format!("{text:?} is not a number above 0"))
        };
        match word.as_str() {
            "--rounds" => options.rounds = number(value()?)?,
            "--blocks" => options.blocks = number(value()?)?,
            "--json" => options.json = Some(value()?),
            "--large" => options.large = true,
            _ => {
                return Err(format!(
                    "{word:?} is unknown: --rounds N, --large, --blocks N, --json FILE"
                ));
            }
        }
    }
    Ok(options)
}

fn world() -> World {
    let sequences = FAIR.all();
    let check = FAIR.check_value(&sequences);
    assert_eq!(sequences[0].tokens[..4], FAIR_TOKENS);
    assert_eq!(check, FAIR_CHECK, "the workload's check value");
    println!("check value 0x{check:016x}: as it must be");
    let mut world = World {
        shape: FAIR,
        sequences,
        payloads: Vec::new(),
    };
    let payload = |store: workload::StoreEvent<'_>| {
        let parent = store.parent.map(EngineHash::Int);
        let event = Stored::new(store.names, parent, store.tokens).into();
        let mut out = Vec::new();
        // dynamo-kv-router reads batches that name a rank only.
        encode_batch(WireForm::Array, 1.0, &[event], Some(0), &mut out);
        (store.worker, out)
    };
    world.payloads = world.events().map(payload).collect();
    world
}

/// One index on one of the large workloads.
type OnLarge = fn(&Workload) -> Figures;

fn on_large<P: Peer>() -> OnLarge {
    large::figures::<P>
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("peers: {error}");
            return ExitCode::from(2);
        }
    };
    let world = world();
    let entrants: [Entrant; 4] = [
        entrant::shared::<ours::Ours>(),
        entrant::shared::<dynamo::Shared>(),
        entrant::alone::<dynamo::Single>(),
        entrant::shared::<smg::Smg>(),
    ];
    let mut tables = vec![fair::run(&entrants, &world, options.rounds)];
    println!("{}", tables[0].text());
    if options.large {
        let each: [OnLarge; 4] = [
            on_large::<ours::Ours>(),
            on_large::<dynamo::Shared>(),
            on_large::<dynamo::Single>(),
            on_large::<smg::Smg>(),
        ];
        for (title, shape) in large::shapes(options.blocks) {
            let run = |(on_large, entrant): (&OnLarge, &Entrant)| {
                eprintln!("{title}: {}", entrant.name);
                on_large(&shape)
            };
            let figures: Vec<_> = each.iter().zip(&entrants).map(run).collect();
            let (peers, is_concurrent) = (tables[0].peers.clone(), tables[0].is_concurrent.clone());
            let table = large::table(title, peers, is_concurrent, &figures);
            println!("{}", table.text());
            tables.push(table);
        }
    }
    if let Some(path) = &options.json {
        let json = serde_json::Value::from_iter(tables.iter().map(Table::json));
        if let Err(error) = std::fs::write(path, format!("{json:#}\n")) {
            eprintln!("peers: cannot write {path}: {error}");
            return ExitCode::FAILURE;
        }
    }
    match tables.iter().all(Table::holds) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
