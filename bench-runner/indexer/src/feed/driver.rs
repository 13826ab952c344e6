//! One stream at work: what its sockets tell goes to its tracker, and the tracker's steps to its
//! sink and sockets. One task a stream, so that a worker's events are applied in order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::report::{Counters, StreamReport};
use super::settings::{Settings, Stream};
use super::sink::Sink;
use super::tracker::{Batch, Step, Tracker};
use super::transport::live::{Live, Orders, Reader, Shared};
use super::transport::replay::{self, Replayed, Waits};

/// Live messages taken from the queue in one wake.
const TAKEN_AT_ONCE: usize = 256;

/// Replayed batches that may wait for the driver.
const REPLAY_QUEUE: usize = 1024;

/// A running stream.
#[derive(Debug)]
pub(super) struct Running<S> {
    pub(super) report: watch::Receiver<StreamReport>,
    pub(super) orders: watch::Sender<Orders>,
    pub(super) driver: JoinHandle<S>,
}

/// Starts a stream's reader and driver. Needs a tokio runtime.
pub(super) fn start<S: Sink + 'static>(stream: Stream, settings: &Settings, sink: S) -> Running<S> {
    let (queue, inbox) = mpsc::channel(settings.queue_batches.max(1));
    let (told, answers) = mpsc::channel(REPLAY_QUEUE);
    let (orders, ordered) = watch::channel(Orders::default());
    let shared = Arc::new(Shared::default());
    let first = StreamReport {
        worker: stream.worker.clone(),
        rank: stream.rank,
        ..StreamReport::default()
    };
    let tracker = Tracker::new(settings.limits.clone(), stream.replay.is_some());
    let (publish, report) = watch::channel(StreamReport {
        reasons: tracker.reasons(),
        ..first
    });
    let reader = Reader {
        stream: stream.clone(),
        settings: settings.clone(),
        queue,
        shared: shared.clone(),
        orders: ordered,
    };
    tokio::spawn(reader.run());
    let driver = Driver {
        stream,
        settings: settings.clone(),
        tracker,
        sink,
        counters: Counters::default(),
        lag_seconds: None,
        shared,
        inbox,
        told,
        answers,
        asking: None,
        connection: 0,
        away_since: None,
        quiet: Quiet::new(settings),
        orders: orders.clone(),
        publish,
    };
    Running {
        report,
        orders,
        driver: tokio::spawn(driver.run()),
    }
}

/// When to ask the engine whether there is more than it was heard to say.
#[derive(Debug)]
struct Quiet {
    at: Instant,
    wait: Duration,
    first: Duration,
    longest: Duration,
}

impl Quiet {
    fn new(settings: &Settings) -> Quiet {
        Quiet {
            at: Instant::now() + settings.quiet_after,
            wait: settings.quiet_after,
            first: settings.quiet_after,
            longest: settings.longest_quiet.max(settings.quiet_after),
        }
    }

    fn heard(&mut self) {
        self.wait = self.first;
        self.at = Instant::now() + self.wait;
    }

    fn asked(&mut self) {
        self.wait = (self.wait * 2).min(self.longest);
        self.at = Instant::now() + self.wait;
    }
}

struct Driver<S> {
    stream: Stream,
    settings: Settings,
    tracker: Tracker,
    sink: S,
    counters: Counters,
    lag_seconds: Option<f64>,
    shared: Arc<Shared>,
    inbox: mpsc::Receiver<Live>,
    told: mpsc::Sender<Replayed>,
    answers: mpsc::Receiver<Replayed>,
    asking: Option<(u64, JoinHandle<()>)>,
    /// The connection that was told of last.
    connection: u64,
    away_since: Option<Instant>,
    quiet: Quiet,
    orders: watch::Sender<Orders>,
    publish: watch::Sender<StreamReport>,
}

impl<S: Sink> Driver<S> {
    /// Works until the reader has ended and all it brought is applied; gives the sink back.
    async fn run(mut self) -> S {
        let mut taken = Vec::with_capacity(TAKEN_AT_ONCE);
        loop {
            let gone_at = self.gone_at();
            tokio::select! {
                count = self.inbox.recv_many(&mut taken, TAKEN_AT_ONCE) => {
                    if count == 0 {
                        break;
                    }
                    for live in taken.drain(..) {
                        self.live(live);
                    }
                }
                Some(answer) = self.answers.recv() => {
                    self.replayed(answer);
                    // Replays come in thousands: take what is there before the next report.
                    for _ in 1..TAKEN_AT_ONCE {
                        match self.answers.try_recv() {
                            Ok(answer) => self.replayed(answer),
                            Err(_) => break,
                        }
                    }
                }
                () = sleep_until(self.quiet.at) => {
                    self.quiet.asked();
                    self.tell(Tracker::quiet);
                }
                () = sleep_until(gone_at.unwrap_or(self.quiet.at)), if gone_at.is_some() => {
                    self.away_since = None;
                    self.tell(Tracker::gone);
                }
            }
            self.report();
        }
        self.cancel_replay();
        self.report();
        self.sink
    }

    fn gone_at(&self) -> Option<Instant> {
        Some(self.away_since? + self.settings.forget_after?)
    }

    fn live(&mut self, live: Live) {
        match live {
            Live::Connected(connection) => {
                self.connection = connection;
                self.counters.connections += 1;
                self.away_since = None;
                self.quiet.heard();
                self.tell(|tracker| tracker.connected(connection));
            }
            Live::Disconnected(connection) => {
                self.away_since = Some(Instant::now());
                self.tell(|tracker| tracker.disconnected(connection));
            }
            Live::Batch {
                connection,
                seq,
                payload,
            } => {
                self.shared
                    .queued_bytes
                    .fetch_sub(payload.len(), Ordering::Relaxed);
                self.quiet.heard();
                self.tell(|tracker| tracker.live(connection, seq, payload));
            }
        }
    }

    fn replayed(&mut self, answer: Replayed) {
        match answer {
            Replayed::Batch { id, seq, payload } => {
                let next = self.tracker.next_seq();
                self.tell(|tracker| tracker.replayed(id, seq, payload));
                if self.tracker.next_seq() > next {
                    self.quiet.heard();
                }
            }
            Replayed::Ended { id } => self.tell(|tracker| tracker.replay_ended(id)),
            Replayed::Failed { id } => self.tell(|tracker| tracker.replay_failed(id)),
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Tracker)) {
        tell(&mut self.tracker);
        while let Some(step) = self.tracker.next_step() {
            match step {
                Step::Apply(batch) => self.apply(&batch),
                Step::Clear => self.sink.clear(),
                Step::Lost(batches) => self.sink.lost(batches),
                Step::Ask(ask) => self.ask(ask),
                Step::Reconnect => {
                    let connection = self.connection;
                    self.orders
                        .send_modify(|orders| orders.close_through = connection);
                }
            }
        }
        let current = self.tracker.replay_id();
        if self
            .asking
            .as_ref()
            .is_some_and(|(id, _)| current != Some(*id))
        {
            self.cancel_replay();
        }
    }

    fn apply(&mut self, batch: &Batch) {
        match self.sink.apply(batch) {
            Ok(delivered) => {
                self.counters.add_delivered(&delivered, batch.payload.len());
                self.lag_seconds = Some(unix_seconds() - delivered.timestamp);
                if delivered.emptied {
                    self.tracker.cleared(batch.seq);
                }
            }
            Err(error) => {
                tracing::warn!(worker = %self.stream.worker, seq = batch.seq, %error, "batch refused");
                self.counters.add_decode_error(error.kind());
                self.tracker.undecoded(batch.seq);
            }
        }
    }

    fn ask(&mut self, ask: super::tracker::Ask) {
        self.cancel_replay();
        // The tracker asks only when it was told that there is an endpoint.
        let Some(endpoint) = self.stream.replay.clone() else {
            return;
        };
        let waits = Waits {
            connect: self.settings.connect_timeout,
            answer: self.settings.replay_timeout,
            longest_message: self.settings.longest_message,
        };
        let told = self.told.clone();
        let task = tokio::spawn(replay::run(endpoint, ask, waits, told));
        self.asking = Some((ask.id, task));
    }

    fn cancel_replay(&mut self) {
        if let Some((_, task)) = self.asking.take() {
            task.abort();
        }
    }

    fn report(&mut self) {
        let sequence = self.tracker.counts();
        for (kind, count) in [
            ("frames", &self.shared.bad_frames),
            ("message_too_long", &self.shared.too_long),
        ] {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                self.counters.decode_errors.insert(kind, count);
            }
        }
        self.counters.sequence = sequence;
        self.counters.dropped = self.shared.dropped.load(Ordering::Relaxed) + sequence.dropped;
        self.publish.send_modify(|report| {
            report.counters.clone_from(&self.counters);
            report.reasons = self.tracker.reasons();
            report.next_seq = self.tracker.next_seq();
            report.waiting_batches = (self.inbox.len() + self.tracker.held_batches()) as u64;
            report.settled_replays = self.tracker.settled_replays();
            report.lag_seconds = self.lag_seconds;
        });
    }
}

fn unix_seconds() -> f64 {
    // A clock before 1970 gives a lag that is plainly wrong rather than a panic.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
