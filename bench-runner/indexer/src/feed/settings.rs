//! What a feed is told: its streams, and its bounds and waits.

use std::time::Duration;

use super::tracker::Limits;

/// One stream: the PUB socket of one engine, or of one data-parallel rank of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The engine's name in the index.
    pub worker: String,
    /// The model it serves.
    pub model: String,
    /// The data-parallel rank of batches that name none.
    pub rank: u32,
    /// The endpoint of its PUB socket, `tcp://host:port` or `ipc://path`.
    pub connect: String,
    /// The endpoint of its ROUTER socket for replays. Without it a gap is a loss.
    pub replay: Option<String>,
    /// Batches are taken whose topic begins with this; empty takes all.
    pub topic: String,
}

impl Stream {
    /// A stream of rank 0 with no replay, all topics, and an unnamed model.
    pub fn new(worker: impl Into<String>, connect: impl Into<String>) -> Stream {
        Stream {
            worker: worker.into(),
            model: String::new(),
            rank: 0,
            connect: connect.into(),
            replay: None,
            topic: String::new(),
        }
    }

    /// The same stream with a replay endpoint.
    pub fn replay(mut self, endpoint: impl Into<String>) -> Stream {
        self.replay = Some(endpoint.into());
        self
    }
}

/// Bounds and waits of a feed. The defaults suit engines in one data centre.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bounds on what waits for its turn, and on asking again.
    pub limits: Limits,
    /// Batches that may wait between the socket and the index, a stream.
    pub queue_batches: usize,
    /// Payload bytes that may wait there.
    pub queue_bytes: usize,
    /// The longest message that is taken from an engine, in bytes with all its frames: one that
    /// announces a longer one is disconnected before any memory is asked for. Engines send some 60 bytes
    /// a block of 16 tokens: the default has room for a million blocks in a batch.
    pub longest_message: usize,
    /// How long one attempt to connect may take, the handshake included.
    pub connect_timeout: Duration,
    /// The wait before the second attempt to connect; it doubles from there.
    pub first_retry: Duration,
    /// The longest wait between two attempts to connect.
    pub longest_retry: Duration,
    /// How long a replay may say nothing before it counts as unanswered. Engines answer between
    /// their own batches, so a busy one takes its time.
    pub replay_timeout: Duration,
    /// After this long without a batch, the engine is asked whether there are more.
    pub quiet_after: Duration,
    /// The longest wait between two such questions while nothing comes.
    pub longest_quiet: Duration,
    /// How long an engine may be away before its blocks are dropped; `None` keeps them.
    pub forget_after: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            limits: Limits::default(),
            queue_batches: 65_536,
            queue_bytes: 256 << 20,
            longest_message: 64 << 20,
            connect_timeout: Duration::from_millis(500),
            first_retry: Duration::from_millis(50),
            longest_retry: Duration::from_secs(2),
            replay_timeout: Duration::from_secs(10),
            quiet_after: Duration::from_millis(500),
            longest_quiet: Duration::from_secs(30),
            forget_after: None,
        }
    }
}
