//! What is left of the harness in a figure: our mean of an operation beside criterion's estimate of
//! the same operation on the same data, in turn in one process.
//!
//! ```text
//! cargo bench -p bench-runner --bench harness_cost [-- ROUNDS]
//! ```
//! Each round measures every operation by both, the second one first in every other round. The
//! figure is the median over rounds of the quotient; its interval is an order-statistic one. It ends
//! with 1 when more than 2% is left of an operation, as far as the interval can tell.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bench_runner::measure::clock::{Monotonic, reading_cost};
use bench_runner::measure::histogram::Latencies;
use bench_runner::measure::looping::{Budget, batched, each_timed};
use bench_runner::suite::Workloads;
use bench_runner::workload::fleet::Fleet;
use criterion::Criterion;
use kv_indexer::{Adapter, Index, Matches, Query};

/// Most that may be left.
const LIMIT: f64 = 0.02;
/// Rounds where none are asked for: the fewest that give a 95% interval of the median.
const ROUNDS: usize = 6;
/// How long each harness measures an operation, a round.
const TIME: Duration = Duration::from_millis(600);

/// An operation, and the two figures of each round: ours and criterion's, ns.
struct Compared<'a> {
    name: &'static str,
    operation: Box<dyn FnMut() + 'a>,
    rounds: Vec<[f64; 3]>,
}

fn main() -> ExitCode {
    // Cargo adds --bench.
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let rounds: usize = rounds.unwrap_or(ROUNDS).max(1);
    let Ok(folder) = std::env::var("CARGO_TARGET_TMPDIR").or_else(|_| {
        let own = std::env::temp_dir().join(format!("harness-cost-{}", std::process::id()));
        own.into_os_string().into_string()
    }) else {
        eprintln!("the folder for temporary files has no name in UTF-8");
        return ExitCode::from(2);
    };
    let workloads = Workloads::new(7);
    let index = filled(workloads.fleet());
    let mut all = operations(&index, &workloads);
    println!(
        "reading the clock costs {} ns; {rounds} rounds",
        reading_cost()
    );
    for round in 0..rounds {
        for one in &mut all {
            let operation = &mut one.operation;
            let mut figures = [0.0; 3];
            let order: [bool; 2] = if round % 2 == 0 {
                [true, false]
            } else {
                [false, true]
            };
            for is_ours in order {
                if is_ours {
                    (figures[0], figures[1]) = ours(operation);
                } else {
                    figures[2] = criterions(one.name, Path::new(&folder), operation);
                }
            }
            one.rounds.push(figures);
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    let mut is_within = true;
    println!(
        "operation          mean, ours  criterion  quotient  interval              one by one, p50"
    );
    for one in &all {
        is_within &= told(one);
    }
    if is_within {
        println!("less than {}% is left of the harness", LIMIT * 100.0);
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn filled(fleet: &Fleet) -> (Index, Vec<kv_indexer::WorkerId>) {
    let index = Index::with_seed(7);
    let workers: Vec<_> = (0..fleet.shape.engines)
        .map(|engine| index.worker(&Fleet::engine_name(engine), "harness", 0))
        .collect::<Result<_, _>>()
        .expect("an empty index has room for the fleet");
    for (engine, bytes) in fleet.fill() {
        index
            .apply_payload(workers[engine], bytes)
            .expect("the workload is well-formed");
    }
    (index, workers)
}

fn operations<'a>(
    (index, workers): &'a (Index, Vec<kv_indexer::WorkerId>),
    workloads: &'a Workloads,
) -> Vec<Compared<'a>> {
    let mut replay = workloads.fleet().share(0, 1);
    let (prompts, scope) = (workloads.prompts(), index.scope("harness", Adapter::None));
    let (mut matches, mut next) = (Matches::new(), 0);
    let compared = |name, operation: Box<dyn FnMut() + 'a>| Compared {
        name,
        operation,
        rounds: Vec::new(),
    };
    vec![
        compared(
            "64 multiplications",
            Box::new(|| {
                let mut word = black_box(0x9E37_79B9_7F4A_7C15_u64);
                for _ in 0..64 {
                    word = word.wrapping_mul(0xBF58_476D_1CE4_E5B9) ^ (word >> 7);
                }
                black_box(word);
            }),
        ),
        compared(
            "apply an event",
            Box::new(move || {
                let (engine, bytes) = replay.event();
                let _ = black_box(index.apply_payload(workers[engine], bytes));
            }),
        ),
        compared(
            "look a prompt up",
            Box::new(move || {
                index.lookup(&Query::new(scope, &prompts[next].tokens), &mut matches);
                black_box(matches.best());
                next = (next + 1) % prompts.len();
            }),
        ),
    ]
}

/// The mean in batches, and the median one by one with the clock's cost taken off.
fn ours(operation: &mut dyn FnMut()) -> (f64, f64) {
    let clock = Monotonic::new();
    batched(&clock, Budget::Time(TIME / 4), &mut *operation);
    let mean = batched(&clock, Budget::Time(TIME), &mut *operation).mean_ns();
    let mut latencies = Latencies::new();
    each_timed(&clock, Budget::Time(TIME / 2), &mut latencies, operation);
    (
        mean.unwrap_or(f64::NAN),
        latencies.quantile(0.5).unwrap_or(f64::NAN),
    )
}

/// Criterion's mean, as it writes it down.
fn criterions(name: &str, folder: &Path, operation: &mut dyn FnMut()) -> f64 {
    let id = name.replace(' ', "-");
    let mut criterion = Criterion::default()
        .output_directory(folder)
        .warm_up_time(TIME / 4)
        .measurement_time(TIME)
        .sample_size(20)
        .without_plots();
    criterion.bench_function(&id, |bencher| bencher.iter(&mut *operation));
    let path = folder.join(&id).join("new").join("estimates.json");
    let estimate = std::fs::read(path).ok().and_then(|bytes| {
        let json: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        json["mean"]["point_estimate"].as_f64()
    });
    estimate.unwrap_or(f64::NAN)
}

/// Prints an operation's figures; false when more is left than may be.
fn told(one: &Compared<'_>) -> bool {
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let column =
        |place: usize| -> Vec<f64> { one.rounds.iter().map(|round| round[place]).collect() };
    let mut quotients: Vec<f64> = one.rounds.iter().map(|round| round[0] / round[2]).collect();
    let middle = median(&mut quotients);
    // From six rounds on, the whole range holds the median with 95%.
    let (low, high) = (quotients[0], quotients[quotients.len() - 1]);
    println!(
        "{:18} {:7.2} ns {:7.2} ns  {:+7.2}%  [{:+.2}%, {:+.2}%]   {:7.2} ns",
        one.name,
        median(&mut column(0)),
        median(&mut column(2)),
        100.0 * (middle - 1.0),
        100.0 * (low - 1.0),
        100.0 * (high - 1.0),
        median(&mut column(1)),
    );
    // Beyond the limit for certain, or in the middle of all rounds.
    let is_beyond = low > 1.0 + LIMIT || high < 1.0 - LIMIT || (middle - 1.0).abs() > LIMIT;
    if is_beyond {
        println!(
            "  more than {}% is left, or this machine is too restless to tell",
            LIMIT * 100.0
        );
    }
    !is_beyond
}
