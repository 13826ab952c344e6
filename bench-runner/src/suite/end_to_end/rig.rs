//! A publisher, a feed on a thread of its own, and an index that is asked after every event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kv_indexer::feed::tracker::{Batch, Origin};
use kv_indexer::feed::{
    Delivered, IndexSink, Publisher, PublisherSettings, Settings, Sink, Stream, Subscriber,
};
use kv_indexer::{Adapter, DecodeError, Index, Matches, Query, ScopeId, WorkerId};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::stream::EngineStream;
use crate::measure::clock::{Clock as _, Monotonic};
use crate::measure::cpu;
use crate::measure::histogram::Latencies;
use crate::measure::looping::Budget;
use crate::suite::{Context, SampleError};

const ENGINE: &str = "engine-0";
const MODEL: &str = "kvmark-bench";
/// Fixes the hash keys of the index.
const KEY: u64 = 0x6B76_6D61_726B;

/// Events under way at most with rate=max: well below what any queue on the way holds.
const WINDOW: u64 = 4_096;
/// How long a publisher that is ahead gives the processor away.
const AHEAD_PAUSE: Duration = Duration::from_micros(20);
/// How long the feed may take for what takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often what should soon be true is looked at, where nothing is measured.
const GLANCE: Duration = Duration::from_micros(200);

/// A batch without events: `[0.0, []]`.
const EMPTY_BATCH: [u8; 11] = [0x92, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0x90];

/// When events are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// As fast as they are taken.
    Max,
    /// So many a second, at equal distances.
    Steady(u64),
}

/// What was measured.
pub(super) struct Measured {
    pub(super) events: u64,
    /// From the first event being due until the last was applied.
    pub(super) ns: u64,
    pub(super) cpu_ns: u64,
    pub(super) wire_bytes: u64,
    pub(super) replayed: u64,
    pub(super) latencies: Latencies,
}

/// What publisher and sink tell each other.
#[derive(Debug)]
struct Shared {
    /// The batch with which the cycle begins.
    first: AtomicU64,
    /// The first measured batch; `u64::MAX` until it is known.
    base: AtomicU64,
    /// When it is due.
    start: AtomicU64,
    /// ns between two events; 0 where latency is not measured.
    distance: AtomicU64,
    /// One past the last batch applied, and when that was.
    applied: AtomicU64,
    applied_at: AtomicU64,
    /// A batch has come live: the subscription stands.
    live: AtomicBool,
}

/// Applies, looks up what was stored, and notes how long all of it took.
struct SeeingSink {
    inner: IndexSink,
    index: Arc<Index>,
    scope: ScopeId,
    worker: WorkerId,
    stream: Arc<EngineStream>,
    clock: Monotonic,
    shared: Arc<Shared>,
    matches: Matches,
    latencies: Latencies,
    wire_bytes: u64,
    replayed: u64,
    not_whole: u64,
    not_seen: u64,
}

impl Sink for SeeingSink {
    fn apply(&mut self, batch: &Batch) -> Result<Delivered, DecodeError> {
        let delivered = self.inner.apply(batch)?;
        if batch.origin == Origin::Live {
            self.shared.live.store(true, Ordering::Relaxed);
        }
        let base = self.shared.base.load(Ordering::Acquire);
        if batch.seq >= base {
            let applied = &delivered.applied;
            self.not_whole += u64::from(applied.orphaned | applied.refused | applied.unknown > 0);
            self.replayed += u64::from(batch.origin == Origin::Replay);
            self.wire_bytes += wire_length(batch.payload.len());
            let distance = self.shared.distance.load(Ordering::Relaxed);
            if distance > 0 {
                self.see(batch.seq);
                let due = self.shared.start.load(Ordering::Relaxed) + (batch.seq - base) * distance;
                self.latencies.record(self.clock.now().saturating_sub(due));
            }
        }
        self.shared
            .applied_at
            .store(self.clock.now(), Ordering::Relaxed);
        self.shared.applied.store(batch.seq + 1, Ordering::Release);
        Ok(delivered)
    }

    fn clear(&mut self) {
        self.inner.clear();
    }
}

impl SeeingSink {
    /// Looks up the prompt that this batch completed.
    fn see(&mut self, seq: u64) {
        let first = self.shared.first.load(Ordering::Relaxed);
        if let Some((tokens, depth)) = &self.stream.event(seq - first).prompt {
            let query = Query::new(self.scope, tokens);
            self.index.lookup(&query, &mut self.matches);
            self.not_seen += u64::from(self.matches.depth_of(self.worker) < *depth);
        }
    }
}

/// Bytes of a message on the wire: three ZMTP frames (topic "kv-events", sequence number, payload),
/// each behind a flag byte and a length of 1 byte, or of 8 where it is above 255.
fn wire_length(payload: usize) -> u64 {
    let header = if payload > 255 { 9 } else { 2 };
    (2 + 9) + (2 + 8) + header + payload as u64
}

/// What the feed's thread gives back.
struct Ended {
    sink: SeeingSink,
    lost: u64,
}

/// Everything in place, the index filled, the subscription standing.
pub(super) struct Rig {
    stream: Arc<EngineStream>,
    publishing: Runtime,
    publisher: Publisher,
    shared: Arc<Shared>,
    clock: Monotonic,
    /// Asks the feed's thread for its processor time; dropped, it ends the thread.
    marks: mpsc::Sender<oneshot::Sender<u64>>,
    feed: std::thread::JoinHandle<Result<Ended, SampleError>>,
    /// Where in the cycle publishing goes on.
    next: u64,
}

fn broken(error: impl std::fmt::Display) -> SampleError {
    SampleError::Feed(error.to_string())
}

impl Rig {
    pub(super) fn start(
        stream: &Arc<EngineStream>,
        context: &Context<'_>,
    ) -> Result<Self, SampleError> {
        let publishing = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(broken)?;
        let anywhere = "tcp://127.0.0.1:0".to_owned();
        let settings = PublisherSettings::new(anywhere.clone(), Some(anywhere));
        let mut publisher = publishing
            .block_on(Publisher::bind(&settings))
            .map_err(broken)?;
        for payload in &stream.fill {
            publishing
                .block_on(publisher.publish(payload.clone()))
                .map_err(broken)?;
        }
        let shared = Arc::new(Shared {
            first: AtomicU64::new(0),
            base: AtomicU64::new(u64::MAX),
            start: AtomicU64::new(0),
            distance: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            applied_at: AtomicU64::new(0),
            live: AtomicBool::new(false),
        });
        let clock = Monotonic::new();
        let connect = Stream {
            model: MODEL.to_owned(),
            replay: publisher.replay_endpoint().map(str::to_owned),
            ..Stream::new(ENGINE, publisher.endpoint())
        };
        let (marks, asked) = mpsc::channel(1);
        let pin = context.cpus.first().copied();
        let sink = sink(stream.clone(), clock, &shared)?;
        let feed = std::thread::Builder::new()
            .name("feed".to_owned())
            .spawn(move || feed(connect, sink, pin, asked))
            .map_err(broken)?;
        let mut rig = Rig {
            stream: stream.clone(),
            publishing,
            publisher,
            shared,
            clock,
            marks,
            feed,
            next: 0,
        };
        rig.wait_for_subscription(context)?;
        let first = rig.publisher.next_seq();
        rig.shared.first.store(first, Ordering::Relaxed);
        Ok(rig)
    }

    /// Publishes empty batches until one comes live; the cycle comes after them.
    fn wait_for_subscription(&mut self, context: &Context<'_>) -> Result<(), SampleError> {
        let until = self.clock.now() + PATIENCE.as_nanos() as u64;
        while !self.shared.live.load(Ordering::Relaxed) {
            context.go_on()?;
            if self.clock.now() > until {
                return Err(broken("no batch came live within 30 s"));
            }
            self.send(EMPTY_BATCH.to_vec())?;
            std::thread::sleep(GLANCE);
        }
        self.drain(context)
    }

    /// Waits until everything published is applied.
    fn drain(&self, context: &Context<'_>) -> Result<(), SampleError> {
        let until = self.clock.now() + PATIENCE.as_nanos() as u64;
        while self.shared.applied.load(Ordering::Acquire) < self.publisher.next_seq() {
            context.go_on()?;
            if self.clock.now() > until {
                return Err(broken("what was published was not applied within 30 s"));
            }
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }

    fn send(&mut self, payload: Vec<u8>) -> Result<(), SampleError> {
        self.publishing
            .block_on(self.publisher.publish(payload))
            .map_err(broken)?;
        Ok(())
    }

    /// Publishes the cycle on, from now; gives how many events that were.
    fn publish(
        &mut self,
        pace: Pace,
        budget: Budget,
        context: &Context<'_>,
        start: u64,
    ) -> Result<u64, SampleError> {
        let (limit, end) = match budget {
            Budget::Count(count) => (count, u64::MAX),
            Budget::Time(time) => (u64::MAX, start + time.as_nanos() as u64),
        };
        let mut events = 0;
        while events < limit {
            match pace {
                Pace::Steady(rate) => {
                    let due = start + events * (1_000_000_000 / rate.max(1));
                    if due >= end {
                        break;
                    }
                    self.clock.sleep_until(due);
                }
                Pace::Max => {
                    if self.clock.now() >= end {
                        break;
                    }
                    let under_way = |rig: &Self| {
                        rig.publisher.next_seq() - rig.shared.applied.load(Ordering::Acquire)
                    };
                    while under_way(self) >= WINDOW {
                        context.go_on()?;
                        std::thread::sleep(AHEAD_PAUSE);
                    }
                }
            }
            if events % 64 == 0 {
                context.go_on()?;
            }
            let payload = self.stream.event(self.next).payload.clone();
            self.send(payload)?;
            self.next += 1;
            events += 1;
        }
        Ok(events)
    }

    /// Processor time of the feed's thread so far.
    fn feed_time(&self) -> Result<u64, SampleError> {
        let (reply, time) = oneshot::channel();
        self.marks.blocking_send(reply).map_err(broken)?;
        time.blocking_recv().map_err(broken)
    }

    pub(super) fn measure(
        mut self,
        pace: Pace,
        budget: Budget,
        context: &Context<'_>,
    ) -> Result<Measured, SampleError> {
        cpu::sleep_exactly();
        if !context.warmup.is_zero() {
            let start = self.clock.now();
            self.publish(pace, Budget::Time(context.warmup), context, start)?;
            self.drain(context)?;
        }
        let distance = match pace {
            Pace::Max => 0,
            Pace::Steady(rate) => 1_000_000_000 / rate.max(1),
        };
        let before = self.feed_time()?;
        let start = self.clock.now();
        self.shared.distance.store(distance, Ordering::Relaxed);
        self.shared.start.store(start, Ordering::Relaxed);
        self.shared
            .base
            .store(self.publisher.next_seq(), Ordering::Release);
        let events = self.publish(pace, budget, context, start)?;
        self.drain(context)?;
        let ns = self
            .shared
            .applied_at
            .load(Ordering::Relaxed)
            .saturating_sub(start);
        let cpu_ns = self.feed_time()? - before;
        drop(self.marks);
        let ended = self
            .feed
            .join()
            .map_err(|_| broken("the feed's thread panicked"))??;
        self.publishing.block_on(self.publisher.close());
        let sink = ended.sink;
        if ended.lost + sink.not_whole + sink.not_seen > 0 {
            return Err(SampleError::Feed(format!(
                "{} batches were lost, {} not taken whole, {} not seen by a lookup",
                ended.lost, sink.not_whole, sink.not_seen
            )));
        }
        Ok(Measured {
            events,
            ns,
            cpu_ns,
            wire_bytes: sink.wire_bytes,
            replayed: sink.replayed,
            latencies: sink.latencies,
        })
    }
}

fn sink(
    stream: Arc<EngineStream>,
    clock: Monotonic,
    shared: &Arc<Shared>,
) -> Result<SeeingSink, SampleError> {
    let index = Arc::new(Index::with_seed(KEY));
    Ok(SeeingSink {
        inner: IndexSink::new(index.clone(), ENGINE, MODEL, 0)?,
        scope: index.scope(MODEL, Adapter::None),
        worker: index.worker(ENGINE, MODEL, 0)?,
        index,
        stream,
        clock,
        shared: shared.clone(),
        matches: Matches::new(),
        latencies: Latencies::new(),
        wire_bytes: 0,
        replayed: 0,
        not_whole: 0,
        not_seen: 0,
    })
}

/// The feed's thread: it reads until nobody asks for its processor time any more.
fn feed(
    stream: Stream,
    sink: SeeingSink,
    pin: Option<usize>,
    mut asked: mpsc::Receiver<oneshot::Sender<u64>>,
) -> Result<Ended, SampleError> {
    if let Some(processor) = pin {
        cpu::pin(processor);
    }
    cpu::sleep_exactly();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(broken)?;
    runtime.block_on(async {
        let subscriber =
            Subscriber::start(vec![(stream, sink)], &Settings::default()).map_err(broken)?;
        while let Some(reply) = asked.recv().await {
            // Whoever asked may have given up meanwhile.
            let _ = reply.send(cpu::thread_time());
        }
        let ended = subscriber.stop().await.map_err(broken)?.pop();
        let (sink, report) = ended.ok_or_else(|| broken("the feed had no stream"))?;
        Ok(Ended {
            sink,
            lost: report.counters.sequence.lost_batches + report.counters.decode_error_count(),
        })
    })
}
