//! KVEventRoutingDecision: which engine should serve this prompt, how fast it is told, how right it
//! is, and how soon an event is seen in it.

use std::sync::mpsc;
use std::time::Duration;

use bench_report::metric::{Op, Params, Unit};
use kv_indexer::Matches;

use super::counted::{self, CountedSubject};
use super::drive::{Timed, drive};
use super::plant::Operation;
use super::subject::Subject;
use super::{BenchmarkInfo, Context, Goal, MetricInfo, ParamInfo, Sample, SampleError, Variant};
use crate::measure::clock::{Clock as _, Monotonic, reading_cost};
use crate::measure::histogram::Latencies;
use crate::measure::looping::Budget;
use crate::measure::parallel;
use crate::workload::block::{Block, extend, tokens};
use crate::workload::prompts::{Answer, Prompt, Score};
use crate::workload::random::derive;
use crate::workload::wire::Batches;

/// Blocks of a prompt whose arrival is watched.
const WATCHED_BLOCKS: usize = 8;
/// How many arrivals are watched: at least, and at most.
const WATCHED: (u64, u64) = (200, 20_000);
/// The part of the budget for watching arrivals.
const WATCHED_SHARE: f64 = 0.25;
/// What is not visible after this time never will be.
const PATIENCE: Duration = Duration::from_secs(5);

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventRoutingDecision",
    title: "routing decision",
    description: "Prompts are looked up by their tokens and the engine that holds most of each is \
        chosen, while 16 engines hold 32,768 blocks: repeats, further turns of a conversation, new \
        conversations behind a shared system prompt, and one prompt in ten that nobody has seen. \
        Mean in batches of 64 with no clock inside, percentiles one by one with the clock's cost \
        taken off; with cpu=N, N pinned readers at once. Every answer is then compared with an \
        oracle of plain sets: accuracy is the share of answers that name every holder with its \
        exact depth and choose one of the deepest; hit_rate is the share of the prompts' blocks \
        that the chosen engine really holds. visible: an event is handed to a waiting ingest \
        thread, and the time from then until a lookup on another thread finds it is measured, \
        wake-up, decoding and applying included (on one processor, where looking all the time \
        would keep the ingest thread from running, the router looks when that says it is done). \
        Allocations and the work inside the index are counted in passes of their own, in which every \
        prompt is asked once.",
    params: &[ParamInfo {
        name: "cpu",
        about: "processors, with one pinned reader each",
    }],
    variants: &[Variant {
        params: &[],
        per_cpu: true,
    }],
    metrics: &[
        MetricInfo::time(
            "latency_mean",
            "mean time of a decision, without a clock inside",
        )
        .floor(1.0)
        .goals(&[Goal::new(Op::Less, 1e5).reference(8.5e4)]),
        MetricInfo::time("latency_p50", "median time of a decision").floor(1.0),
        MetricInfo::time(
            "latency_p90",
            "time that nine decisions in ten do not exceed",
        )
        .floor(1.0),
        MetricInfo::time("latency_p99", "time that 99 decisions in 100 do not exceed").floor(1.0),
        MetricInfo::rate(
            "decisions_per_second",
            "decisions a second, all readers together",
        ),
        MetricInfo::count(
            "hit_rate",
            Unit::Percent,
            "share of the prompts' blocks that the chosen engine holds",
        )
        .higher(),
        MetricInfo::count(
            "accuracy",
            Unit::Percent,
            "share of answers that an oracle of plain sets gives too",
        )
        .higher()
        .goals(&[Goal::new(Op::Equal, 100.0)]),
        MetricInfo::allocated(
            "bytes_per_op",
            Unit::Bytes,
            "bytes allocated for a decision",
        )
        .floor(1.0),
        MetricInfo::allocated(
            "allocs_per_op",
            Unit::PerOperation,
            "allocations for a decision",
        )
        .floor(0.01),
        counted::hash_operations("hash_operations_per_op"),
        counted::probes("probes_per_op"),
        MetricInfo::instructions(),
        MetricInfo::time(
            "visible_p50",
            "median time from an event's arrival until a lookup sees it",
        )
        .floor(1.0),
        MetricInfo::time(
            "visible_p99",
            "time until a lookup sees an event that 99 in 100 do not exceed",
        )
        .floor(1.0)
        .goals(&[Goal::new(Op::Less, 5e6)]),
    ],
};

/// Takes one sample.
pub fn sample(_params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let prompts = context.workloads.prompts();
    let subject = Subject::filled(context.workloads.fleet())?;
    let (score, differs) = score(context, prompts, |prompt, matches| {
        subject.lookup(&prompt.tokens, matches);
        subject.answer(matches)
    });
    let lookups = Context {
        budget: context.budget.part(1.0 - WATCHED_SHARE),
        ..*context
    };
    let threads = context.cpus.len().max(1);
    let mut readers: Vec<(usize, Matches)> = (0..threads)
        .map(|thread| (thread * prompts.len() / threads, Matches::new()))
        .collect();
    let driven = drive(
        &lookups,
        Operation::Lookup,
        Timed::Half,
        &mut readers,
        |(next, matches)| {
            subject.lookup(&prompts[*next].tokens, matches);
            std::hint::black_box(matches.best());
            *next += 1;
            if *next == prompts.len() {
                *next = 0;
            }
        },
    )?;
    let mut sample = Sample {
        iterations: driven.batched.operations + driven.latencies.len(),
        steady: Some(driven.steady),
        ..Sample::default()
    };
    sample.put("latency_mean", driven.batched.mean_ns());
    sample.put("decisions_per_second", driven.per_second);
    let names = [
        ("latency_p50", 0.5),
        ("latency_p90", 0.9),
        ("latency_p99", 0.99),
    ];
    sample.put_latencies("latency", driven.latencies, &names);
    sample.put("hit_rate", score.hit_rate().map(|rate| 100.0 * rate));
    sample.put("accuracy", score.accuracy().map(|rate| 100.0 * rate));
    if differs {
        sample.differing.extend(["hit_rate", "accuracy"]);
    }
    count(context, &mut sample)?;
    let visible = visible(context, &subject)?;
    sample.put_latencies(
        "visible",
        visible,
        &[("visible_p50", 0.5), ("visible_p99", 0.99)],
    );
    Ok(sample)
}

/// Counts allocations and work while every prompt is asked once, on one thread each.
fn count(context: &Context<'_>, sample: &mut Sample) -> Result<(), SampleError> {
    let (fleet, prompts) = (context.workloads.fleet(), context.workloads.prompts());
    let counted = parallel::run_one(context.cpus, || {
        let prepare = || {
            // What a reader allocates once is not what a decision costs.
            let (subject, mut matches) = (Subject::portable_filled(fleet)?, Matches::new());
            for prompt in prompts {
                subject.lookup(&prompt.tokens, &mut matches);
            }
            Ok((subject, matches))
        };
        context.count_allocations(prepare, |(subject, mut matches)| {
            for prompt in prompts {
                subject.lookup(&prompt.tokens, &mut matches);
                std::hint::black_box(matches.best());
            }
            Ok((subject, matches))
        })
    })??;
    if let Some(counted) = counted {
        let per_op = |amount: u64| amount as f64 / prompts.len() as f64;
        let (bytes, count) = (per_op(counted.seen.bytes), per_op(counted.seen.count));
        sample.put_counts(
            &counted,
            &[("bytes_per_op", bytes), ("allocs_per_op", count)],
        );
    }
    let work = parallel::run_one(context.cpus, || {
        context.count_work(
            || CountedSubject::filled(fleet),
            |subject| {
                prompts
                    .iter()
                    .for_each(|prompt| subject.lookup(&prompt.tokens));
                Ok(())
            },
        )
    })??;
    let names = ["hash_operations_per_op", "probes_per_op", ""];
    sample.put_work(work, prompts.len(), names);
    Ok(())
}

/// Asks every prompt once and judges the answers; twice where counts are compared.
fn score(
    context: &Context<'_>,
    prompts: &[Prompt],
    mut ask: impl FnMut(&Prompt, &mut Matches) -> Answer,
) -> (Score, bool) {
    let mut matches = Matches::new();
    let mut pass = || {
        let mut score = Score::default();
        for prompt in prompts {
            score.add(prompt, &ask(prompt, &mut matches));
        }
        score
    };
    let score = pass();
    (score, context.verify_counts && pass() != score)
}

/// A prompt that nobody holds, and the events that store and remove it.
struct Watched {
    tokens: Vec<u32>,
    events: Batches,
}

/// How long after its arrival an event is seen by a lookup on another thread.
fn visible(context: &Context<'_>, subject: &Subject) -> Result<Latencies, SampleError> {
    let seed = context.workloads.seed(0x0077_6174_6368);
    let watched: Vec<Watched> = (0..64)
        .map(|number| {
            let mut prompt: Vec<Block> = Vec::new();
            extend(&mut prompt, derive(seed, number), WATCHED_BLOCKS);
            let mut events = Batches::default();
            events.stored(&prompt);
            events.removed(
                &prompt
                    .iter()
                    .rev()
                    .map(|block| block.hash)
                    .collect::<Vec<_>>(),
            );
            Watched {
                tokens: tokens(&prompt),
                events,
            }
        })
        .collect();
    let (send, receive) = mpsc::channel::<(usize, usize)>();
    let (say_done, done) = mpsc::channel::<()>();
    let mut roles = [Role::Ingest(receive, say_done), Role::Route(send, done)];
    let results = parallel::run(context.cpus, &mut roles, |_, role| match std::mem::replace(
        role,
        Role::Done,
    ) {
        Role::Ingest(receive, say_done) => {
            while let Ok((number, event)) = receive.recv() {
                subject.must_apply(0, watched[number].events.get(event))?;
                // A router that has gone has failed: its own error is the one to tell.
                let _ = say_done.send(());
            }
            Ok(None)
        }
        Role::Route(send, done) => route(context, subject, &watched, (&send, &done)).map(Some),
        Role::Done => Ok(None),
    })?;
    let mut latencies = Latencies::new();
    for result in results {
        if let Some(own) = result? {
            latencies.merge(&own);
        }
    }
    context.go_on()?;
    Ok(latencies)
}

enum Role {
    Ingest(mpsc::Receiver<(usize, usize)>, mpsc::Sender<()>),
    Route(mpsc::Sender<(usize, usize)>, mpsc::Receiver<()>),
    Done,
}

/// Hands an event over and looks until it is seen; then the same for its removal, unmeasured.
fn route(
    context: &Context<'_>,
    subject: &Subject,
    watched: &[Watched],
    (send, done): (&mpsc::Sender<(usize, usize)>, &mpsc::Receiver<()>),
) -> Result<Latencies, SampleError> {
    let (clock, cost) = (Monotonic::new(), reading_cost());
    let (mut latencies, mut matches) = (Latencies::new(), Matches::new());
    let waits = context.cpus.len() < 2;
    let mut until = |number: usize, event: usize, depth: u32| -> Result<u64, SampleError> {
        let start = clock.now();
        // The ingest thread is gone only if an event was refused: its own error is the one to tell.
        if send.send((number, event)).is_err() {
            return Ok(0);
        }
        if waits {
            // On one processor the ingest thread runs only while this one waits.
            done.recv_timeout(PATIENCE)
                .map_err(|_| SampleError::NeverVisible(PATIENCE.as_secs()))?;
        }
        while subject.depth(0, &watched[number].tokens, &mut matches) != depth {
            if clock.now() - start > PATIENCE.as_nanos() as u64 {
                return Err(SampleError::NeverVisible(PATIENCE.as_secs()));
            }
        }
        Ok(clock.now() - start)
    };
    let (deadline, most) = match context.budget.part(WATCHED_SHARE) {
        Budget::Time(time) => (clock.now() + time.as_nanos() as u64, WATCHED.1),
        Budget::Count(count) => (u64::MAX, count.clamp(1, WATCHED.1)),
    };
    let least = WATCHED.0.min(most);
    for done in 0..most {
        if context.stop.is_asked() || (done >= least && clock.now() >= deadline) {
            break;
        }
        let number = done as usize % watched.len();
        latencies.record(until(number, 0, WATCHED_BLOCKS as u32)?.saturating_sub(cost));
        until(number, 1, 0)?;
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::super::{Stop, Workloads};
    use super::*;
    use crate::workload::fleet::tests::SMALL;

    fn scored(break_it: impl Fn(&mut Answer)) -> Score {
        let workloads = Workloads::with_shape(7, SMALL);
        let subject = Subject::filled(workloads.fleet()).expect("a correct index");
        let context = Context {
            workloads: &workloads,
            budget: Budget::Count(1),
            warmup: Duration::ZERO,
            cpus: &[],
            verify_counts: true,
            profiled: false,
            stop: &Stop::default(),
            plant: None,
        };
        let (score, differs) = score(&context, workloads.prompts(), |prompt, matches| {
            subject.lookup(&prompt.tokens, matches);
            let mut answer = subject.answer(matches);
            break_it(&mut answer);
            answer
        });
        assert!(!differs);
        score
    }

    #[test]
    fn the_index_answers_as_the_oracle_does() {
        assert_eq!(scored(|_| ()).accuracy(), Some(1.0));
    }

    #[test]
    fn an_index_that_credits_one_block_too_many_is_found_out() {
        let broken = scored(|answer| {
            if let Some(holder) = answer.holders.first_mut() {
                holder.1 += 1;
            }
        });
        assert!(broken.accuracy() < Some(0.5), "{broken:?}");
    }

    #[test]
    fn an_index_that_forgets_a_holder_is_found_out() {
        let broken = scored(|answer| answer.holders.truncate(1));
        assert!(broken.accuracy() < Some(1.0), "{broken:?}");
    }
}
