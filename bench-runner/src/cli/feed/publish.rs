//! `feed publish`: an engine's events, made by the suite's workload.

use std::time::Duration;

use bench_verdict::exit::ExitCode;
use kv_indexer::feed::wire::{EndpointError, REPLAY_BUFFER_BATCHES, endpoint_of_rank};
use kv_indexer::feed::{Publisher, PublisherSettings};
use tokio::time::Instant;

use super::super::failure::{Failure, OrExit as _};
use super::source::{Form, HashForm, Translator};
use crate::collect::plan::parse_duration;
use crate::interrupt::interrupted;
use crate::workload::fleet::{Fleet, FleetShape};

/// Behind its schedule by less than this, a publisher does not sleep: timers are no finer.
const LEAST_SLEEP: Duration = Duration::from_millis(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the PUB socket is bound
    #[arg(long, default_value = "tcp://*:5557", value_name = "ENDPOINT")]
    bind: String,
    /// Where the ROUTER socket for replays is bound [default: beside --bind, at the next
    /// port]
    #[arg(long, value_name = "ENDPOINT")]
    replay: Option<String>,
    /// Data-parallel rank: it stands in every batch and is added to both ports
    #[arg(long)]
    rank: Option<u32>,
    /// Topic of every batch
    #[arg(long, default_value = "kv-events")]
    topic: String,
    /// The msgpack form of batches
    #[arg(long, value_enum, default_value = "array")]
    form: Form,
    /// The form of block hashes
    #[arg(long, value_enum, default_value = "int")]
    hashes: HashForm,
    /// Batches in all; 0: until interrupted
    #[arg(long, default_value_t = 10_000)]
    batches: u64,
    /// Batches a second; 0: as fast as it goes
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Batches kept for replay
    #[arg(long, default_value_t = REPLAY_BUFFER_BATCHES)]
    buffer: usize,
    /// How long to serve replays after the last batch
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    linger: Duration,
    /// Seed of the workload
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// The endpoint for replays beside that for batches, at the same address: whoever binds one to the
/// loopback device means the other, too.
fn beside(bind: &str) -> Result<String, EndpointError> {
    match bind.rsplit_once(':') {
        // Any free port is.
        Some((_, "0")) => Ok(bind.to_owned()),
        _ if bind.starts_with("ipc://") => Ok(format!("{bind}.replay")),
        _ => endpoint_of_rank(bind, 1),
    }
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let rank = args.rank.unwrap_or(0);
    let replay = match &args.replay {
        Some(replay) => replay.clone(),
        None => beside(&args.bind).or_usage()?,
    };
    let settings = PublisherSettings {
        bind: endpoint_of_rank(&args.bind, rank).or_usage()?,
        replay: Some(endpoint_of_rank(&replay, rank).or_usage()?),
        topic: args.topic.clone(),
        buffer_batches: args.buffer,
    };
    let mut publisher = Publisher::bind(&settings).await.or_usage()?;
    eprintln!(
        "bench-runner: publishing at {}, replays at {}",
        publisher.endpoint(),
        publisher.replay_endpoint().unwrap_or("none")
    );
    // What one engine of the suite's fleet publishes: its cache is filled, then goes on for ever.
    let shape = FleetShape {
        engines: 1,
        lanes: FleetShape::SUITE.lanes / FleetShape::SUITE.engines,
        ..FleetShape::SUITE
    };
    let fleet = Fleet::new(shape, args.seed);
    let mut cycle = fleet.share(0, 1);
    let mut stream = fleet
        .fill()
        .map(|(_, bytes)| bytes)
        .chain(std::iter::from_fn(|| Some(cycle.event().1)));
    let mut translator = Translator::new(args.form, args.hashes, args.rank);
    let stop = interrupted();
    tokio::pin!(stop);
    let (start, mut events, mut stopped) = (Instant::now(), 0, false);
    while args.batches == 0 || publisher.next_seq() < args.batches {
        let Some(bytes) = stream.next() else {
            break;
        };
        let (payload, count) = translator.translate(bytes).or_usage()?;
        tokio::select! {
            biased;
            _ = &mut stop => {
                stopped = true;
                break;
            }
            () = due(start, publisher.next_seq(), args.rate) => {}
        }
        publisher.publish(payload).await.or_server()?;
        events += count;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}",
        serde_json::json!({
            "batches": publisher.next_seq(), "events": events, "seconds": seconds,
        })
    );
    if !stopped {
        let _ = tokio::time::timeout(args.linger, stop).await;
    }
    publisher.close().await;
    Ok(ExitCode::Fine)
}

/// Comes back when batch `number` is due at that rate.
async fn due(start: Instant, number: u64, rate: u64) {
    if rate == 0 {
        return;
    }
    let at = start
        + Duration::from_nanos((u128::from(number) * 1_000_000_000 / u128::from(rate)) as u64);
    if at.saturating_duration_since(Instant::now()) >= LEAST_SLEEP {
        tokio::time::sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replays_are_served_where_batches_are() {
        let beside = |bind| beside(bind).ok();
        let next = |text: &str| Some(text.to_owned());
        assert_eq!(beside("tcp://*:5557"), next("tcp://*:5558"));
        assert_eq!(beside("tcp://127.0.0.1:0"), next("tcp://127.0.0.1:0"));
        assert_eq!(beside("ipc:///run/kv"), next("ipc:///run/kv.replay"));
        assert_eq!(beside("nowhere"), None);
    }
}
