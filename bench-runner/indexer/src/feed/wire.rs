//! The frames on the wire, and the endpoints of data-parallel ranks.
//!
//! Source: vLLM `vllm/distributed/kv_events.py`, `ZmqEventPublisher`. A published message is
//! `[topic, seq, payload]`; a replay request is `["", seq]` and is answered by `["", seq, payload]`
//! for each buffered batch, then by the end marker `["", -1, ""]`. Sequence numbers are 8 bytes,
//! big-endian.

use bytes::Bytes;
use thiserror::Error;

/// The sequence number that ends a replay: −1 as a signed 64-bit number.
pub const END_OF_REPLAY: u64 = u64::MAX;

/// The port of the PUB socket when an engine is not told another one.
pub const DEFAULT_PUB_PORT: u16 = 5557;

/// The port of the ROUTER socket for replays when an engine is not told another one.
pub const DEFAULT_REPLAY_PORT: u16 = 5558;

/// Batches that an engine keeps for replay.
pub const REPLAY_BUFFER_BATCHES: usize = 10_000;

/// A message whose frames are not those of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The number of frames is wrong.
    #[error("a message has {0} frames; a batch has 3: topic, sequence number, payload")]
    Count(usize),
    /// The sequence number has the wrong length.
    #[error("a sequence number of {0} bytes; it has 8, big-endian")]
    SequenceLength(usize),
    /// A published batch has the number that ends a replay.
    #[error("a batch numbered -1, which is the end marker of a replay")]
    ReservedSequence,
}

/// One message, split into what the feed needs of it. The topic is not looked at: the SUB socket
/// has filtered by it already, and in a replay it is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    /// The sequence number; [`END_OF_REPLAY`] ends a replay.
    pub seq: u64,
    /// The msgpack payload, not yet looked at.
    pub payload: Bytes,
}

/// Reads the frames of a published batch or of one replayed batch.
///
/// # Errors
/// When there are not three frames, or the second is not 8 bytes long.
pub fn read_frames<'a>(
    mut frames: impl ExactSizeIterator<Item = &'a Bytes>,
) -> Result<Frames, FrameError> {
    let count = frames.len();
    let (Some(_topic), Some(seq), Some(payload), 3) =
        (frames.next(), frames.next(), frames.next(), count)
    else {
        return Err(FrameError::Count(count));
    };
    Ok(Frames {
        seq: read_seq(seq)?,
        payload: payload.clone(),
    })
}

/// Reads a sequence number.
///
/// # Errors
/// When it is not 8 bytes long.
pub fn read_seq(frame: &[u8]) -> Result<u64, FrameError> {
    let bytes = <[u8; 8]>::try_from(frame).map_err(|_| FrameError::SequenceLength(frame.len()))?;
    Ok(u64::from_be_bytes(bytes))
}

/// A sequence number as a frame.
pub fn seq_frame(seq: u64) -> Bytes {
    Bytes::copy_from_slice(&seq.to_be_bytes())
}

/// An endpoint that cannot be given to a data-parallel rank.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// The endpoint is not `tcp://host:port`.
    #[error(
        "endpoint {0:?}: a data-parallel rank adds its number to the port, so the endpoint must \
         read tcp://HOST:PORT"
    )]
    NoPort(String),
    /// Port and rank together pass the last port.
    #[error("endpoint {endpoint:?} with rank {rank}: the port would be {port}; the last is 65535")]
    PortTooLarge {
        /// The endpoint of rank 0.
        endpoint: String,
        /// The rank asked for.
        rank: u32,
        /// The port it would have.
        port: u64,
    },
}

/// The endpoint of data-parallel rank `rank`, given that of rank 0: the rank is added to the port.
/// Rank 0 keeps any endpoint as it is.
///
/// # Errors
/// When the rank is not 0 and the endpoint has no port, or the port would pass 65535.
pub fn endpoint_of_rank(endpoint: &str, rank: u32) -> Result<String, EndpointError> {
    if rank == 0 {
        return Ok(endpoint.to_owned());
    }
    let no_port = || EndpointError::NoPort(endpoint.to_owned());
    let address = endpoint.strip_prefix("tcp://").ok_or_else(no_port)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(no_port)?;
    let port: u16 = port.parse().map_err(|_| no_port())?;
    let moved = u64::from(port) + u64::from(rank);
    if moved > u64::from(u16::MAX) {
        return Err(EndpointError::PortTooLarge {
            endpoint: endpoint.to_owned(),
            rank,
            port: moved,
        });
    }
    Ok(format!("tcp://{host}:{moved}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_topic_sequence_payload() {
        let frames = [
            Bytes::from_static(b"kv-events"),
            seq_frame(258),
            Bytes::from_static(b"\x92"),
        ];
        let read = read_frames(frames.iter()).unwrap();
        assert_eq!(read.seq, 258);
        assert_eq!(&read.payload[..], b"\x92");
    }

    #[test]
    fn messages_of_another_shape_are_refused_with_what_is_wrong() {
        let short = [Bytes::new(), Bytes::new()];
        assert_eq!(read_frames(short.iter()), Err(FrameError::Count(2)));
        let long = [Bytes::new(), seq_frame(1), Bytes::new(), Bytes::new()];
        assert_eq!(read_frames(long.iter()), Err(FrameError::Count(4)));
        let seq = [Bytes::new(), Bytes::from_static(&[0; 4]), Bytes::new()];
        assert_eq!(read_frames(seq.iter()), Err(FrameError::SequenceLength(4)));
    }

    #[test]
    fn the_end_marker_is_minus_one() {
        assert_eq!(read_seq(&(-1_i64).to_be_bytes()), Ok(END_OF_REPLAY));
    }

    #[test]
    fn a_rank_is_added_to_the_port() {
        let check = |endpoint, rank| endpoint_of_rank(endpoint, rank).map_err(|e| e.to_string());
        assert_eq!(check("tcp://*:5557", 2).unwrap(), "tcp://*:5559");
        assert_eq!(check("tcp://[::1]:5557", 1).unwrap(), "tcp://[::1]:5558");
        assert_eq!(check("ipc:///tmp/kv", 0).unwrap(), "ipc:///tmp/kv");
        assert!(
            check("ipc:///tmp/kv", 1)
                .unwrap_err()
                .contains("tcp://HOST:PORT")
        );
        assert!(check("tcp://host:65535", 1).unwrap_err().contains("65536"));
    }
}
