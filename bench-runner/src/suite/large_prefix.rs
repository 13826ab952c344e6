//! KVEventLargePrefix: very long prompts.

use std::time::Duration;

use bench_report::metric::{Params, Unit};
use kv_indexer::Matches;

use super::counted::{self, CountedSubject};
use super::sample::number;
use super::subject::Subject;
use super::{BenchmarkInfo, Context, MetricInfo, ParamInfo, Sample, SampleError, Variant};
use crate::measure::clock::{Clock as _, Monotonic, reading_cost};
use crate::measure::histogram::Latencies;
use crate::measure::looping::{Budget, batched};
use crate::measure::parallel;
use crate::measure::steady::warm_up;
use crate::workload::block::{BLOCK_SIZE, extend, tokens};
use crate::workload::random::derive;
use crate::workload::wire::Batches;

/// Blocks of all prompts of a sample together: enough prompts that one is not found in the fastest
/// cache because it was the last one used, few enough for the longest to fit.
const BLOCKS: usize = 32_768;
/// Prompts of a sample: at least, and at most.
const PROMPTS: (usize, usize) = (8, 256);
/// The part of the budget for hashing alone.
const HASH_SHARE: f64 = 0.2;
/// How long a batch of hashing is, at least: a timer interrupt does not decide it, and what does is
/// one batch among many.
const HASH_BATCH: Duration = Duration::from_micros(200);

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventLargePrefix",
    title: "large prefixes",
    description: "Prompts of so many tokens, one thread, on an index that already holds 32,768 blocks. \
        In turn: an event that stores the whole prompt is applied from its msgpack bytes \
        (store_latency); the prompt is looked up by its tokens and must be found whole \
        (lookup_latency); the prompt is removed again, untimed, so that the index does not grow. \
        Each is timed by itself, with the clock's own cost taken off; prompts take turns, so that \
        none is in the fastest cache merely because it was the last. Then the prompts' tokens are \
        hashed alone, in batches with no clock inside (hash_time). Tokens behind the last whole \
        block of 16 are part of the query and of no block. memory is the heap of an index that \
        holds so many such prompts that they have 1,500 blocks or more, less that of an empty one, \
        a prompt, counted in a pass of its own. The \
        work inside the index is counted in another: for storing a prompt, and for looking it up.",
    params: &[ParamInfo {
        name: "prefix",
        about: "tokens of a prompt",
    }],
    variants: &[
        Variant {
            params: &[("prefix", "100")],
            per_cpu: false,
        },
        Variant {
            params: &[("prefix", "1000")],
            per_cpu: false,
        },
        Variant {
            params: &[("prefix", "5000")],
            per_cpu: false,
        },
        Variant {
            params: &[("prefix", "10000")],
            per_cpu: false,
        },
        Variant {
            params: &[("prefix", "50000")],
            per_cpu: false,
        },
    ],
    metrics: &[
        MetricInfo::time("store_latency_mean", "mean time to store a whole prompt").floor(1.0),
        MetricInfo::time("store_latency_p50", "median time to store a whole prompt").floor(1.0),
        MetricInfo::time(
            "store_latency_p99",
            "time to store that 99 prompts in 100 do not exceed",
        )
        .floor(1.0),
        MetricInfo::time("lookup_latency_mean", "mean time to look a whole prompt up").floor(1.0),
        MetricInfo::time(
            "lookup_latency_p50",
            "median time to look a whole prompt up",
        )
        .floor(1.0),
        MetricInfo::time(
            "lookup_latency_p99",
            "time of a lookup that 99 in 100 do not exceed",
        )
        .floor(1.0),
        MetricInfo::time(
            "hash_time",
            "median over batches of the mean time to hash all tokens of a prompt",
        )
        .floor(1.0),
        MetricInfo::allocated("memory", Unit::Bytes, "heap that a stored prompt takes").floor(16.0),
        counted::hash_operations("store_hash_operations"),
        counted::probes("store_probes"),
        counted::bytes_decoded("store_bytes_decoded"),
        counted::hash_operations("lookup_hash_operations"),
        counted::probes("lookup_probes"),
    ],
};

/// One prompt: the tokens asked for, and the events that store and remove its blocks.
struct Prompt {
    tokens: Vec<u32>,
    events: Batches,
}

/// Takes one sample.
pub fn sample(params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let length = number(INFO.name, "prefix", params)?;
    let blocks = length / BLOCK_SIZE;
    let count = (BLOCKS / blocks.max(1)).clamp(PROMPTS.0, PROMPTS.1);
    let prompts = prompts(
        context.workloads.seed(0x6C61_7267_6500 + length as u64),
        length,
        count,
    );
    let subject = Subject::filled(context.workloads.fleet())?;
    let mut sample = parallel::run_one(context.cpus, || time(context, &subject, &prompts))??;
    context.go_on()?;
    let counted = parallel::run_one(context.cpus, || {
        let prepare = || {
            // What a thread allocates once, for its first event, belongs to no prompt.
            Subject::portable(1)?.must_apply(0, prompts[0].events.get(0))?;
            Subject::portable(1)
        };
        context.count_allocations(prepare, |subject| {
            for prompt in &prompts {
                subject.must_apply(0, prompt.events.get(0))?;
            }
            Ok(subject)
        })
    })??;
    if let Some(counted) = counted {
        let each = counted.seen.live as f64 / prompts.len() as f64;
        sample.put_counts(&counted, &[("memory", each)]);
    }
    count_work(context, &prompts, &mut sample)?;
    Ok(sample)
}

/// Counts the work inside the index: storing every prompt on a filled index, then looking each up.
fn count_work(
    context: &Context<'_>,
    prompts: &[Prompt],
    sample: &mut Sample,
) -> Result<(), SampleError> {
    let fleet = context.workloads.fleet();
    let store = |subject: &mut CountedSubject| {
        prompts
            .iter()
            .try_for_each(|prompt| subject.apply(0, prompt.events.get(0)))
    };
    let (stores, lookups) = parallel::run_one(context.cpus, || {
        let stores = context.count_work(|| CountedSubject::filled(fleet), store)?;
        let filled = || {
            let mut subject = CountedSubject::filled(fleet)?;
            store(&mut subject)?;
            Ok(subject)
        };
        let lookups = context.count_work(filled, |subject| {
            prompts
                .iter()
                .for_each(|prompt| subject.lookup(&prompt.tokens));
            Ok(())
        })?;
        Ok::<_, SampleError>((stores, lookups))
    })??;
    let names = [
        "store_hash_operations",
        "store_probes",
        "store_bytes_decoded",
    ];
    sample.put_work(stores, prompts.len(), names);
    let names = ["lookup_hash_operations", "lookup_probes", ""];
    sample.put_work(lookups, prompts.len(), names);
    Ok(())
}

fn prompts(seed: u64, length: usize, count: usize) -> Vec<Prompt> {
    (0..count)
        .map(|number| {
            // One block more than is stored: the query's tail behind the last whole block.
            let mut prompt = Vec::new();
            extend(
                &mut prompt,
                derive(seed, number as u64),
                length / BLOCK_SIZE + 1,
            );
            let mut tokens = tokens(&prompt);
            tokens.truncate(length);
            prompt.truncate(length / BLOCK_SIZE);
            let mut events = Batches::default();
            events.stored(&prompt);
            // The last block first, as an engine frees a prompt.
            events.removed(
                &prompt
                    .iter()
                    .rev()
                    .map(|block| block.hash)
                    .collect::<Vec<_>>(),
            );
            Prompt { tokens, events }
        })
        .collect()
}

/// Times stores, lookups and hashing.
fn time(
    context: &Context<'_>,
    subject: &Subject,
    prompts: &[Prompt],
) -> Result<Sample, SampleError> {
    let (clock, cost) = (Monotonic::new(), reading_cost());
    let (mut stores, mut lookups) = (Latencies::new(), Latencies::new());
    let mut matches = Matches::new();
    let mut failure = None;
    let mut turn = 0;
    let mut once = |record: Option<(&mut Latencies, &mut Latencies)>| {
        let prompt = &prompts[turn % prompts.len()];
        turn += 1;
        let start = clock.now();
        let stored = subject.must_apply(0, prompt.events.get(0));
        let stored_at = clock.now();
        subject.lookup(&prompt.tokens, &mut matches);
        let found_at = clock.now();
        let depth = subject.depth(0, &prompt.tokens, &mut matches);
        let removed = subject.must_apply(0, prompt.events.get(1));
        if let Some((stores, lookups)) = record {
            stores.record((stored_at - start).saturating_sub(cost));
            lookups.record((found_at - stored_at).saturating_sub(cost));
        }
        let incomplete = incomplete(prompt, depth);
        failure = failure
            .take()
            .or(stored.err())
            .or(incomplete)
            .or(removed.err());
    };
    let warm = warm_up(&clock, context.warmup, || once(None));
    let (deadline, most) = match context.budget.part(1.0 - HASH_SHARE) {
        Budget::Time(time) => (clock.now() + time.as_nanos() as u64, u64::MAX),
        Budget::Count(count) => (u64::MAX, count),
    };
    let mut done = 0;
    while done < most && (done == 0 || clock.now() < deadline) && !context.stop.is_asked() {
        once(Some((&mut stores, &mut lookups)));
        done += 1;
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut sample = Sample {
        iterations: done,
        steady: Some(warm.steady),
        ..Sample::default()
    };
    sample.put("store_latency_mean", stores.mean());
    sample.put("lookup_latency_mean", lookups.mean());
    let names = [("store_latency_p50", 0.5), ("store_latency_p99", 0.99)];
    sample.put_latencies("store_latency", stores, &names);
    let names = [("lookup_latency_p50", 0.5), ("lookup_latency_p99", 0.99)];
    sample.put_latencies("lookup_latency", lookups, &names);
    sample.put("hash_time", hash_time(context, subject, prompts));
    Ok(sample)
}

/// The error of a prompt that was stored and is not found whole.
fn incomplete(prompt: &Prompt, depth: u32) -> Option<SampleError> {
    let (held, stored) = (u64::from(depth), (prompt.tokens.len() / BLOCK_SIZE) as u64);
    let what = "leading blocks of a prompt";
    (held != stored).then_some(SampleError::Incorrect { what, held, stored })
}

/// The median over batches of the mean time to hash a prompt, ns.
fn hash_time(context: &Context<'_>, subject: &Subject, prompts: &[Prompt]) -> Option<f64> {
    let clock = Monotonic::new();
    let (mut hashes, mut turn) = (Vec::new(), 0);
    let mut hash = || {
        subject.hash(&prompts[turn % prompts.len()].tokens, &mut hashes);
        std::hint::black_box(&hashes);
        turn += 1;
    };
    let budget = context.budget.part(HASH_SHARE);
    let deadline = clock.now() + budget.time_or(Duration::ZERO).as_nanos() as u64;
    let mut means = Vec::new();
    loop {
        means.extend(batched(&clock, Budget::Time(HASH_BATCH), &mut hash).mean_ns());
        if clock.now() >= deadline {
            break;
        }
    }
    means.sort_by(f64::total_cmp);
    means.get(means.len() / 2).copied()
}
