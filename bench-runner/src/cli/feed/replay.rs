//! `feed replay`: a recording as a workload, or published again.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bench_verdict::exit::ExitCode;
use kv_indexer::feed::record::{Reader, RecordError, Tail, What, apply_all};
use kv_indexer::feed::wire::endpoint_of_rank;
use kv_indexer::feed::{Publisher, PublisherSettings};
use kv_indexer::{DEFAULT_BLOCK_SIZE, Event, Index, Options, WireForm, encode_batch};
use tokio::time::Instant;

use super::super::failure::{Failure, OrExit as _, usage};
use super::counts::{Counts, warn};
use crate::collect::plan::parse_duration;
use crate::interrupt::interrupted;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The recording, from `feed subscribe --record`
    file: PathBuf,
    /// Tokens in a block
    #[arg(long, default_value_t = DEFAULT_BLOCK_SIZE, value_parser = clap::value_parser!(u32).range(1..))]
    block_size: u32,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
    /// Publish the recording here instead; its stream number s is at the port + s
    #[arg(long, value_name = "ENDPOINT")]
    bind: Option<String>,
    /// Where replays are served while it is published; stream number s at the port + s
    #[arg(long, value_name = "ENDPOINT", requires = "bind")]
    replay: Option<String>,
    /// How much faster than recorded it is published; 0: as fast as it goes
    #[arg(long, default_value_t = 1.0, requires = "bind")]
    speed: f64,
    /// How long to serve replays after the last batch
    #[arg(long, default_value = "10s", value_parser = parse_duration, requires = "bind")]
    linger: Duration,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    if !(args.speed >= 0.0 && args.speed.is_finite()) {
        return Err(usage(format!("--speed is {}; it is 0 or more", args.speed)));
    }
    let read = |error: RecordError| usage(format!("{}: {error}", args.file.display()));
    let file = File::open(&args.file)
        .map_err(RecordError::from)
        .map_err(read)?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(read)?;
    match &args.bind {
        Some(bind) => publish(args, bind, &mut reader).await?,
        None => {
            let index = Arc::new(Index::new(Options {
                block_size: args.block_size,
                ..Options::default()
            }));
            let start = Instant::now();
            let counters = apply_all(&mut reader, &index).map_err(read)?;
            let seconds = start.elapsed().as_secs_f64();
            Counts::new(&counters, &index).print(args.json);
            warn(&counters, args.block_size);
            eprintln!(
                "bench-runner: {} events in {seconds:.3} s, reading the file included",
                counters.events
            );
        }
    }
    match reader.tail() {
        Some(Tail::Closed) | None => {}
        Some(Tail::Open) => {
            eprintln!("bench-runner: the recording was not closed; its last second may be missing");
        }
        Some(Tail::CutOff { at }) => {
            eprintln!(
                "bench-runner: the recording is cut off at byte {at}; what is before is whole"
            );
        }
    }
    Ok(ExitCode::Fine)
}

async fn publish(
    args: &Args,
    bind: &str,
    reader: &mut Reader<BufReader<File>>,
) -> Result<(), Failure> {
    let mut publishers: Vec<Publisher> = Vec::new();
    let (start, mut first_at, mut batches) = (Instant::now(), None, 0_u64);
    let stop = interrupted();
    tokio::pin!(stop);
    while let Some(record) = reader.next() {
        let record = record.or_usage()?;
        for number in publishers.len()..reader.streams().len() {
            publishers.push(start_stream(args, bind, number as u32).await?);
        }
        let rank = reader.streams()[record.stream].rank;
        let payload: Vec<u8> = match record.what {
            What::Batch { payload, .. } => payload.into(),
            // A restart cannot be published; that the cache is empty can.
            What::Clear => {
                let mut payload = Vec::new();
                let rank = (rank > 0).then_some(rank);
                encode_batch(WireForm::Array, 0.0, &[Event::Cleared], rank, &mut payload);
                payload
            }
            // Nobody has them.
            What::Lost(_) => continue,
        };
        if args.speed > 0.0 {
            let offset = record.at_ns - *first_at.get_or_insert(record.at_ns);
            let at = start + Duration::from_nanos((offset as f64 / args.speed) as u64);
            tokio::select! {
                _ = &mut stop => return Ok(()),
                () = tokio::time::sleep_until(at) => {}
            }
        }
        publishers[record.stream]
            .publish(payload)
            .await
            .or_server()?;
        batches += 1;
    }
    eprintln!(
        "bench-runner: {batches} batches of {} streams in {:.3} s",
        publishers.len(),
        start.elapsed().as_secs_f64()
    );
    let _ = tokio::time::timeout(args.linger, stop).await;
    for publisher in publishers {
        publisher.close().await;
    }
    Ok(())
}

async fn start_stream(args: &Args, bind: &str, number: u32) -> Result<Publisher, Failure> {
    let replay = args
        .replay
        .as_ref()
        .map(|replay| endpoint_of_rank(replay, number));
    let settings = PublisherSettings::new(
        endpoint_of_rank(bind, number).or_usage()?,
        replay.transpose().or_usage()?,
    );
    let publisher = Publisher::bind(&settings).await.or_usage()?;
    eprintln!("bench-runner: stream {number} at {}", publisher.endpoint());
    Ok(publisher)
}
