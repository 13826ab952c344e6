//! `feed subscribe`: engines into an index, with everything lost on the way fetched again.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bench_verdict::exit::ExitCode;
use kv_indexer::feed::record::{RecordedStream, Recorder, RecordingSink};
use kv_indexer::feed::tracker::Reason;
use kv_indexer::feed::wire::endpoint_of_rank;
use kv_indexer::feed::{IndexSink, Settings, Sink, Stream, StreamReport, Subscriber};
use kv_indexer::{DEFAULT_BLOCK_SIZE, Index, Options};
use tokio::time::Instant;

use super::super::failure::{Failure, OrExit as _, usage};
use super::counts::{Counts, warn};
use crate::collect::plan::parse_duration;
use crate::interrupt::interrupted;

/// Before the first batch, and while something is still being fetched, patience is so many times
/// that of `--idle-exit`.
const PATIENCE: u32 = 10;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// PUB socket of an engine; may be given several times
    #[arg(long, required = true, value_name = "ENDPOINT")]
    connect: Vec<String>,
    /// ROUTER socket for replays, one for each --connect; without it, what is lost stays lost
    #[arg(long, value_name = "ENDPOINT")]
    replay: Vec<String>,
    /// Name of the engine, one for each --connect [default: its endpoint]
    #[arg(long, value_name = "NAME")]
    worker: Vec<String>,
    /// Model that the engines serve
    #[arg(long, default_value = "", value_name = "NAME")]
    model: String,
    /// Data-parallel ranks of each engine: rank r is at the port + r
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    ranks: u32,
    /// Take batches whose topic begins with this
    #[arg(long, default_value = "")]
    topic: String,
    /// Tokens in a block
    #[arg(long, default_value_t = DEFAULT_BLOCK_SIZE, value_parser = clap::value_parser!(u32).range(1..))]
    block_size: u32,
    /// End when nothing has come for so long; ten times as long before the first batch, and while
    /// missing batches are being fetched [default: go on until interrupted]
    #[arg(long, value_parser = parse_duration)]
    idle_exit: Option<Duration>,
    /// Record the streams in this file, for `feed replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
}

type SharedRecorder = Arc<Mutex<Recorder<BufWriter<File>>>>;

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let index = Arc::new(Index::new(Options {
        block_size: args.block_size,
        ..Options::default()
    }));
    let recorder = args.record.as_ref().map(create).transpose()?;
    let streams = streams(args)?
        .into_iter()
        .map(|stream| Ok((stream.clone(), sink(&index, &stream, recorder.as_ref())?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let subscriber = Subscriber::start(streams, &Settings::default()).or_usage()?;
    tokio::select! {
        _ = interrupted() => {}
        () = idle(&subscriber, args.idle_exit) => {}
    }
    let reports: Vec<StreamReport> = subscriber
        .stop()
        .await
        .or_server()?
        .into_iter()
        .map(|(_, report)| report)
        .collect();
    if let Some(recorder) = recorder {
        let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.finish().or_usage()?;
    }
    let mut counters = kv_indexer::feed::Counters::default();
    reports
        .iter()
        .for_each(|report| counters += &report.counters);
    Counts::new(&counters, &index).print(args.json);
    warn(&counters, args.block_size);
    let mut exit = ExitCode::Fine;
    for report in &reports {
        // That the connection is down at the end is how a feed ends.
        let stale = report
            .reasons
            .iter()
            .filter(|reason| **reason != Reason::Disconnected);
        for reason in stale {
            eprintln!(
                "bench-runner: {} rank {}: {reason}",
                report.worker, report.rank
            );
            if *reason == Reason::NeverConnected {
                exit = ExitCode::Incomplete;
            }
        }
    }
    Ok(exit)
}

fn create(path: &PathBuf) -> Result<SharedRecorder, Failure> {
    let file = File::create(path).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    let recorder = Recorder::new(BufWriter::new(file)).or_usage()?;
    Ok(Arc::new(Mutex::new(recorder)))
}

/// One stream for each engine and rank.
fn streams(args: &Args) -> Result<Vec<Stream>, Failure> {
    let engines = args.connect.len();
    for (flag, count) in [
        ("--replay", args.replay.len()),
        ("--worker", args.worker.len()),
    ] {
        if count != 0 && count != engines {
            return Err(usage(format!(
                "{engines} times --connect and {count} times {flag}: give it once for each engine, \
                 in the same order"
            )));
        }
    }
    let mut streams = Vec::new();
    for (number, connect) in args.connect.iter().enumerate() {
        for rank in 0..args.ranks {
            let replay = args.replay.get(number);
            streams.push(Stream {
                worker: args.worker.get(number).unwrap_or(connect).clone(),
                model: args.model.clone(),
                rank,
                connect: endpoint_of_rank(connect, rank).or_usage()?,
                replay: replay
                    .map(|replay| endpoint_of_rank(replay, rank))
                    .transpose()
                    .or_usage()?,
                topic: args.topic.clone(),
            });
        }
    }
    Ok(streams)
}

fn sink(
    index: &Arc<Index>,
    stream: &Stream,
    recorder: Option<&SharedRecorder>,
) -> Result<Box<dyn Sink>, Failure> {
    let sink =
        IndexSink::new(index.clone(), &stream.worker, &stream.model, stream.rank).or_usage()?;
    let Some(recorder) = recorder else {
        return Ok(Box::new(sink));
    };
    let recorded = RecordedStream {
        worker: stream.worker.clone(),
        model: stream.model.clone(),
        rank: stream.rank,
    };
    Ok(Box::new(
        RecordingSink::new(sink, recorder, &recorded).or_usage()?,
    ))
}

/// Comes back when nothing has come for `patience`; never without one.
async fn idle<S: Sink + 'static>(subscriber: &Subscriber<S>, patience: Option<Duration>) {
    let Some(patience) = patience else {
        return std::future::pending().await;
    };
    let mut seen = Activity::of(&subscriber.reports());
    let mut since = Instant::now();
    loop {
        let limit = if seen.is_settled {
            patience
        } else {
            patience * PATIENCE
        };
        let left = limit.saturating_sub(since.elapsed());
        let changed = |reports: &[StreamReport]| Activity::of(reports) != seen;
        if !subscriber.wait_until(left, changed).await && since.elapsed() >= limit {
            return;
        }
        let now = Activity::of(&subscriber.reports());
        if now.progress != seen.progress {
            since = Instant::now();
        }
        seen = now;
    }
}

/// What shows that something still comes.
#[derive(Debug, PartialEq, Eq)]
struct Activity {
    progress: [u64; 4],
    /// Something has come, and nothing is being fetched.
    is_settled: bool,
}

impl Activity {
    fn of(reports: &[StreamReport]) -> Activity {
        let mut progress = [0; 4];
        for report in reports {
            let counters = &report.counters;
            progress[0] += counters.batches;
            progress[1] += counters.connections;
            progress[2] += counters.decode_error_count();
            progress[3] = counters.sequence.lost_batches.saturating_add(progress[3]);
        }
        let fetching = |reason: &Reason| {
            matches!(
                reason,
                Reason::Missing(_) | Reason::CatchingUp | Reason::Unverified
            )
        };
        let is_fetching = reports
            .iter()
            .flat_map(|report| &report.reasons)
            .any(fetching);
        Activity {
            is_settled: progress[0] + progress[2] > 0 && !is_fetching,
            progress,
        }
    }
}
