//! The feed: KV-cache events from running engines into an index, over ZeroMQ.
//!
//! # Layout
//! - [`tracker`]: the sequence of one stream as a state machine. It has no socket, no clock and
//!   no index: what arrived goes in, what to do comes out. All judgement lives here.
//! - `subscriber`, `driver`: one task a stream that tells the tracker what came and carries out
//!   its steps; reports of how each stream stands.
//! - `transport`: the sockets of a subscriber.
//! - `sink`: where batches go.
//! - `publisher`: the other side, in vLLM's shape.
//! - [`record`]: streams in files.
//! - [`wire`]: the frames of a message, of a replay request and of its end; endpoints of ranks.
//!
//! # Invariants
//! 1. Batches of one stream reach the index in order, each exactly once an incarnation of the
//!    engine.
//! 2. A stream is called exact only while every batch that is known to exist has been applied;
//!    otherwise [`tracker::Tracker::reasons`] says why it is not.
//! 3. Nothing the feed keeps grows without bound; what a bound drops is counted, and asked for
//!    again.
//!
//! 4. No message longer than [`Settings::longest_message`] is taken: who announces one is disconnected
//!    before memory is asked for it, and a payload over [`MAX_PAYLOAD`](crate::MAX_PAYLOAD) is refused.

mod driver;
mod publisher;
pub mod record;
mod report;
mod settings;
mod sink;
mod subscriber;
pub mod tracker;
mod transport;
pub mod wire;

pub use publisher::{PublishError, Publisher, PublisherSettings};
pub use report::{Counters, StreamReport};
pub use settings::{Settings, Stream};
pub use sink::{Delivered, IndexSink, Sink};
pub use subscriber::{SubscribeError, Subscriber};
pub use transport::{BadEndpoint, check_endpoint};
