//! The fair workload, (a) to (f), on every index in turn, round after round.

use crate::entrant::{By, Entrant};
use crate::measure::{Calls, Took, Window, clock_ns, median};
use crate::peer::World;
use crate::table::{Among, Row, Table};
use std::time::Duration;

/// How long each index looks up in each round.
const LOOKUPS: Duration = Duration::from_millis(300);
/// And how long on each number of threads.
const TOGETHER: Duration = Duration::from_millis(250);

/// One figure's samples, a list for each index.
type Samples = Vec<Vec<f64>>;

pub fn run(entrants: &[Entrant], world: &World, rounds: usize) -> Table {
    let mut rows = stores(entrants, world, rounds);
    rows.extend(reads(entrants, world, rounds));
    Table {
        title: "fair workload".to_owned(),
        peers: entrants.iter().map(|e| e.name.to_owned()).collect(),
        is_concurrent: entrants
            .iter()
            .map(|e| e.store_all_on_two.is_some())
            .collect(),
        rows,
    }
}

fn stores(entrants: &[Entrant], world: &World, rounds: usize) -> Vec<Row> {
    let empty = || vec![Vec::new(); entrants.len()];
    let [
        mut one,
        mut two,
        mut wall,
        mut remove,
        mut decode,
        mut pair,
        mut distinct,
    ]: [Samples; 7] = std::array::from_fn(|_| empty());
    let each = |time: Duration| time.as_nanos() as f64 / world.event_count() as f64;
    let cpu = |took: Took| each(took.cpu);
    for round in 0..rounds {
        eprintln!("store, remove, decode: round {} of {rounds}", round + 1);
        for (place, entrant) in entrants.iter().enumerate() {
            one[place].push(cpu((entrant.store_all)(world)));
            if let Some(store) = entrant.store_all_on_two {
                let took = store(world);
                wall[place].push(each(took.wall));
                two[place].push(cpu(took) / 2.0);
            }
            remove[place].push(cpu((entrant.remove_all)(world)));
            decode[place].extend((entrant.decode_all)(world).map(cpu));
            let bytes = (entrant.heap)(world) as f64;
            pair[place].push(bytes / world.shape.pairs() as f64);
            distinct[place].push(bytes / world.shape.distinct_blocks() as f64);
        }
    }
    let ns = |name, samples| Row::new(name, "ns/event", samples);
    let bytes = |name, samples| Row::new(name, "bytes", samples);
    vec![
        ns("(a) store, tokens in, 1 thread", one).at_least(2.0, Among::Concurrent),
        ns("(a) store, 2 threads, wall", wall).at_least(1.0, Among::All),
        ns("(a) the same, processor of a thread", two).at_least(1.0, Among::All),
        bytes("(c) heap per (worker, block)", pair).at_least(2.0, Among::All),
        bytes("(c) heap per distinct block", distinct).at_least(2.0, Among::All),
        ns("(d) remove", remove).at_least(1.0, Among::All),
        ns("(f) msgpack decode + hash + apply", decode).at_least(10.0, Among::All),
    ]
}

fn reads(entrants: &[Entrant], world: &World, rounds: usize) -> Vec<Row> {
    let clock = clock_ns();
    let full: Vec<_> = entrants
        .iter()
        .map(|entrant| (entrant.fill)(world))
        .collect();
    let right = full
        .iter()
        .map(|full| vec![full.right_answers(world) as f64]);
    let right = Row::new("right answers, of 2,000", "answers", right.collect())
        .exactly(world.shape.sequences as f64);
    let empty = || vec![Vec::new(); entrants.len()];
    let [
        mut mean,
        mut p99,
        mut by_hash,
        mut beside,
        mut slower,
        mut wall,
        mut cpu,
        mut others,
        mut stolen,
    ]: [Samples; 9] = std::array::from_fn(|_| empty());
    for round in 0..rounds {
        eprintln!("lookups: round {} of {rounds}", round + 1);
        for (place, full) in full.iter().enumerate() {
            let Calls {
                mean: ns,
                p99: slow,
                ..
            } = full.lookups(world, By::Tokens, LOOKUPS, clock);
            mean[place].push(ns);
            p99[place].push(slow);
            by_hash[place].push(full.lookups(world, By::Hashes, LOOKUPS, clock).mean);
            if let Some(calls) = full.beside_a_writer(world, LOOKUPS, clock) {
                beside[place].push(calls.p99);
                slower[place].push(calls.p99 / slow);
            }
            let window = Window::begin();
            let one = full.together(world, 1, TOGETHER);
            if let (Some(one), Some(two)) = (one, full.together(world, 2, TOGETHER)) {
                wall[place].push(two.0 / one.0);
                cpu[place].push(two.1 / one.1);
                let load = window.end();
                others[place].extend(load.map(|load| load.0));
                stolen[place].extend(load.map(|load| load.1));
            }
        }
    }
    let ns = |name, samples| Row::new(name, "ns", samples);
    let times = |name, samples| Row::new(name, "times", samples);
    vec![
        ns("(b) lookup, tokens in, mean", mean).at_least(2.0, Among::All),
        ns("(b) lookup, tokens in, p99", p99).at_least(2.0, Among::All),
        ns("(b) lookup, block hashes in, mean", by_hash).at_least(1.0, Among::All),
        ns("(e) lookup beside a storing thread, p99", beside).at_least(1.0, Among::All),
        times("(e) that p99 over p99 alone", slower).at_most(2.0),
        times("(b) lookups of 2 threads over 1, wall", wall).no_less(1.8),
        times("(b) the same, a second of processor each", cpu).no_less(1.8),
        Row::new("    busy with other programs meanwhile", "cpus", others),
        Row::new("    taken by the host meanwhile", "cpus", stolen),
        right,
    ]
}

/// The middle of a list of samples; `None` of none.
pub fn middle(samples: &[f64]) -> Option<f64> {
    (!samples.is_empty()).then(|| median(samples.to_vec()))
}
