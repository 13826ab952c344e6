//! Profiles of the made-up nights, as the runner's passes take them: where processor time goes, where
//! memory is allocated, who waits for which lock. What happened to a series shows in the stacks that
//! it is made of.

use std::fmt::Write as _;

use bench_report::report::{Artifact, ArtifactKind};

use super::SampleSeries;
use super::random::Random;

/// So many nights, counted back from the newest, have profiles.
pub(super) const NIGHTS: i64 = 14;

/// What a case spends, by call stack.
struct Case {
    /// The outermost frame: benchmark and params.
    name: &'static str,
    benchmark: &'static str,
    /// A param of the series that move its stacks.
    param: Option<(&'static str, &'static str)>,
    /// The suite's frames around the index.
    around: &'static str,
    /// Milliseconds of processor time in the pass.
    spent_ms: f64,
    stacks: &'static [Stack],
}

/// Frames beneath a case's, their part of what it spends, and the metric that moves that part.
type Stack = (&'static str, f64, Option<&'static str>);

const APPLY: &[Stack] = &[
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::hash::chain;kv_indexer::hash::vaes::four",
        0.21,
        Some("latency_mean"),
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::hash::chain",
        0.06,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::store::Writer::store_run;kv_indexer::index::children::Children::find",
        0.15,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::store::Writer::store_run;kv_indexer::index::engine_map::EngineMap::insert",
        0.19,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::store::Writer::store_run;kv_indexer::index::hold::Holds::add",
        0.13,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::store::Writer::store_run;alloc::vec::Vec<T>::push;alloc::raw_vec::RawVec<T>::grow_one",
        0.05,
        Some("allocs_per_op"),
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::remove::Writer::remove_blocks;kv_indexer::index::engine_map::EngineMap::remove",
        0.11,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::remove::Writer::remove_blocks",
        0.04,
        None,
    ),
    ("kv_indexer::index::apply::Index::apply", 0.03, None),
    (
        "bench_runner::measure::histogram::Recorder::record",
        0.03,
        None,
    ),
];

const DECODE_AND_APPLY: &[Stack] = &[
    (
        "kv_indexer::index::apply::Index::apply_payload;kv_indexer::wire::decode::Decoder::decode;kv_indexer::wire::decode::Decoder::array_event",
        0.14,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply_payload;kv_indexer::wire::decode::Decoder::decode;kv_indexer::wire::cursor::Cursor::unsigned",
        0.11,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply_payload;kv_indexer::hash::chain;kv_indexer::hash::vaes::four",
        0.19,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply_payload;kv_indexer::index::store::Writer::store_run;kv_indexer::index::children::Children::find",
        0.17,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply_payload;kv_indexer::index::store::Writer::store_run;kv_indexer::index::engine_map::EngineMap::insert",
        0.2,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply_payload;kv_indexer::index::store::Writer::store_run",
        0.12,
        None,
    ),
    ("bench_runner::measure::looping::batched", 0.07, None),
];

const CONTENDED: &[Stack] = &[
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::writer::Writer::lock;std::sys::sync::mutex::futex::Mutex::lock_contended;std::sys::pal::unix::futex::futex_wait",
        0.17,
        Some("lock_wait_per_op"),
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::writer::Writer::lock;core::hint::spin_loop",
        0.08,
        Some("lock_wait_per_op"),
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::hash::chain;kv_indexer::hash::vaes::four",
        0.18,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::store::Writer::store_run;kv_indexer::index::children::Children::find",
        0.14,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::store::Writer::store_run;kv_indexer::index::engine_map::EngineMap::insert",
        0.18,
        None,
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::remove::Writer::remove_blocks",
        0.12,
        None,
    ),
    (
        "kv_indexer::index::reader::Reader::find;kv_indexer::index::reader::Reader::one_plane",
        0.09,
        None,
    ),
    ("bench_runner::suite::concurrency::next_task", 0.04, None),
];

const LOOKUP: &[Stack] = &[
    (
        "kv_indexer::index::reader::Reader::find;kv_indexer::hash::chain;kv_indexer::hash::vaes::four",
        0.36,
        None,
    ),
    (
        "kv_indexer::index::reader::Reader::find;kv_indexer::index::reader::Reader::one_plane;kv_indexer::index::children::Children::find",
        0.31,
        None,
    ),
    (
        "kv_indexer::index::reader::Reader::find;kv_indexer::index::reader::Reader::read_rows",
        0.19,
        None,
    ),
    ("kv_indexer::index::matches::Matches::best", 0.08, None),
    ("bench_runner::suite::routing_decision::choose", 0.06, None),
];

const PREFIX: &[Stack] = &[
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::hash::chain;kv_indexer::hash::vaes::four",
        0.44,
        Some("hash_time"),
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::hash::chain;core::slice::iter::ChunksExact<T>::next",
        0.09,
        Some("hash_time"),
    ),
    (
        "kv_indexer::index::apply::Index::apply;kv_indexer::index::store::Writer::store_run;kv_indexer::index::store::Writer::append",
        0.2,
        None,
    ),
    (
        "kv_indexer::index::reader::Reader::find;kv_indexer::index::reader::Reader::one_plane",
        0.19,
        None,
    ),
    ("bench_runner::workload::prompts::tokens", 0.08, None),
];

const ONE_THREAD: &str =
    "bench_runner::suite::drive::phases::{{closure}};bench_runner::suite::subject::Subject::apply";

const CASES: &[Case] = &[
    Case {
        name: "KVEventProcessingLatency cpu=1",
        benchmark: "KVEventProcessingLatency",
        param: Some(("cpu", "1")),
        around: ONE_THREAD,
        spent_ms: 1_080.0,
        stacks: APPLY,
    },
    Case {
        name: "KVEventThroughput cpu=8 rate=max",
        benchmark: "KVEventThroughput",
        param: Some(("rate", "max")),
        around: "bench_runner::suite::drive::phases::{{closure}};bench_runner::suite::throughput::closed::{{closure}}",
        spent_ms: 7_900.0,
        stacks: DECODE_AND_APPLY,
    },
    Case {
        name: "KVEventConcurrency concurrency=100 cpu=8",
        benchmark: "KVEventConcurrency",
        param: Some(("concurrency", "100")),
        around: "bench_runner::suite::concurrency::serve::{{closure}}",
        spent_ms: 7_600.0,
        stacks: CONTENDED,
    },
    Case {
        name: "KVEventConcurrency concurrency=500 cpu=8",
        benchmark: "KVEventConcurrency",
        param: Some(("concurrency", "500")),
        around: "bench_runner::suite::concurrency::serve::{{closure}}",
        spent_ms: 7_800.0,
        stacks: CONTENDED,
    },
    Case {
        name: "KVEventLargePrefix prefix=50000",
        benchmark: "KVEventLargePrefix",
        param: Some(("prefix", "50000")),
        around: ONE_THREAD,
        spent_ms: 2_050.0,
        stacks: PREFIX,
    },
    Case {
        name: "KVEventRoutingDecision cpu=8",
        benchmark: "KVEventRoutingDecision",
        param: Some(("cpu", "8")),
        around: "bench_runner::suite::drive::phases::{{closure}};bench_runner::suite::subject::Subject::find",
        spent_ms: 7_700.0,
        stacks: LOOKUP,
    },
];

/// A place that allocates, in the memory pass.
struct Allocation {
    /// The outermost frame: benchmark and params.
    case: &'static str,
    frames: &'static str,
    bytes: f64,
    /// Benchmark and metric that move it.
    moves: Option<(&'static str, &'static str)>,
}

const FILL: &str = "bench_runner::suite::memory_usage::fill;kv_indexer::index::apply::Index::apply";

const ALLOCATED: &[Allocation] = &[
    Allocation {
        case: "KVEventMemoryUsage items=100000",
        frames: "kv_indexer::index::store::Writer::append;kv_indexer::index::arena::Arena::grow",
        bytes: 15.4e6,
        moves: Some(("KVEventMemoryUsage", "bytes_per_item")),
    },
    Allocation {
        case: "KVEventMemoryUsage items=100000",
        frames: "kv_indexer::index::store::Writer::store_run;kv_indexer::index::engine_map::EngineMap::grow",
        bytes: 6.3e6,
        moves: Some(("KVEventMemoryUsage", "bytes_per_item")),
    },
    Allocation {
        case: "KVEventMemoryUsage items=100000",
        frames: "kv_indexer::index::names::Names::insert;hashbrown::raw::RawTable<T>::reserve_rehash",
        bytes: 0.9e6,
        moves: None,
    },
    Allocation {
        case: "KVEventProcessingLatency cpu=1",
        frames: "kv_indexer::index::store::Writer::store_run;alloc::vec::Vec<T>::push;alloc::raw_vec::RawVec<T>::grow_one",
        bytes: 4.1e6,
        moves: Some(("KVEventProcessingLatency", "allocs_per_op")),
    },
    Allocation {
        case: "KVEventProcessingLatency cpu=1",
        frames: "kv_indexer::index::arena::Arena::grow",
        bytes: 7.8e6,
        moves: None,
    },
];

/// The profiles of a run; `moved` says by what each series is multiplied in it.
pub(super) fn profiles(
    series: &[SampleSeries],
    moved: &dyn Fn(&SampleSeries) -> f64,
    random: &mut Random,
) -> Vec<Artifact> {
    let factor = |benchmark: &str, metric: &str, param: Option<(&str, &str)>| {
        let mut of = series.iter().filter(|one| {
            one.benchmark == benchmark
                && one.metric == metric
                && param.is_none_or(|(name, value)| {
                    one.params.get(name).is_some_and(|own| own == value)
                })
        });
        of.next().map_or(1.0, moved)
    };
    let mut near = |weight: f64| (weight * (1.0 + 0.025 * random.normal())).max(1.0) as u64;
    let (mut cpu, mut locks, mut heap) = (String::new(), String::new(), String::new());
    for case in CASES {
        for (frames, part, metric) in case.stacks {
            let factor = metric.map_or(1.0, |metric| factor(case.benchmark, metric, case.param));
            let weight = near(case.spent_ms * 1e6 * part * factor);
            let _ = writeln!(cpu, "{};{};{frames} {weight}", case.name, case.around);
            if *metric == Some("lock_wait_per_op") {
                let waited = near(case.spent_ms * 1e6 * part * factor * 1.4);
                let place = if frames.ends_with("spin_loop") {
                    "index/apply.rs:83"
                } else {
                    "index/remove.rs:65"
                };
                let _ = writeln!(
                    locks,
                    "{};{};bench_runner::suite::subject::Subject::apply;kv_indexer writer lock, {place} {waited}",
                    case.name, case.around
                );
            }
        }
    }
    for one in ALLOCATED {
        let moved = one.moves;
        let factor = moved.map_or(1.0, |(benchmark, metric)| factor(benchmark, metric, None));
        let around = if one.case.starts_with("KVEventMemoryUsage") {
            FILL
        } else {
            ONE_THREAD
        };
        let weight = near(one.bytes * factor);
        let _ = writeln!(heap, "{};{around};{} {weight}", one.case, one.frames);
    }
    vec![
        Artifact::new("cpu", ArtifactKind::CpuStacks, None, cpu.as_bytes()),
        Artifact::new("heap", ArtifactKind::HeapStacks, None, heap.as_bytes()),
        Artifact::new("lock", ArtifactKind::LockStacks, None, locks.as_bytes()),
    ]
}
