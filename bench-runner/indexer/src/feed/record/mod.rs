//! A stream in a file: what was applied, when, so that real traffic can be replayed.
//!
//! # Format, version 1
//! The file begins with the 8 bytes [`MAGIC`]; records follow to its end. All numbers are
//! little-endian; a text is a 2-byte length and that many bytes of UTF-8.
//! ```text
//! record   length of the body  u32      1 ..= MAX_BODY
//!          CRC-32 (IEEE) of the body  u32
//!          body: kind  u8, then by kind
//! 1 start    version  u16, time  u64 (ns since the Unix epoch); the first record, once
//! 2 stream   stream  u16, rank  u32, worker  text, model  text; before the stream is named
//! 3 batch    stream  u16, at  u64 (ns since the start), seq  u64, origin  u8 (0 live, 1 replay),
//!            payload: the rest (msgpack KVEventBatch, as it came)
//! 4 clear    stream  u16, at  u64: the engine restarted, or was forgotten
//! 5 lost     stream  u16, at  u64, first  u64, end  u64: batches first..end were given up
//! 6 end      records before this one  u64; the last record of a recording that was closed
//! ```
//! Batches are in the order in which they were applied, so a replay into an empty index gives what
//! the recorded one held. Records of unknown kinds are passed over. A file that ends inside a
//! record, or whose last record has a wrong checksum, was cut off: what is before is good, and the
//! reader says what is missing. A wrong checksum anywhere else is an error.

mod apply;
mod crc;
mod reader;
mod writer;

use std::io;
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use super::tracker::Origin;

pub use apply::apply_all;
pub use reader::{Reader, Tail};
pub use writer::{Recorder, RecordingSink};

/// The first bytes of a recording. The line ending breaks when a file is taken for text.
pub const MAGIC: [u8; 8] = *b"KVFEED\r\n";

/// The version that is written, and the newest that is read.
pub const VERSION: u16 = 1;

/// The longest body of a record: a batch is never longer than a payload may be.
pub const MAX_BODY: u32 = (crate::MAX_PAYLOAD as u32) + 64;

/// The most streams of a recording.
pub const MAX_STREAMS: usize = 4096;

/// A stream of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedStream {
    /// The engine's name.
    pub worker: String,
    /// The model it serves.
    pub model: String,
    /// The rank of batches that name none.
    pub rank: u32,
}

/// What happened on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A batch was applied.
    Batch {
        /// Its sequence number.
        seq: u64,
        /// How it came.
        origin: Origin,
        /// Its msgpack payload.
        payload: Bytes,
    },
    /// Everything that came by the stream was forgotten.
    Clear,
    /// These batches were given up.
    Lost(Range<u64>),
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// On which stream, by its place in [`Reader::streams`].
    pub stream: usize,
    /// When, in ns since the recording began.
    pub at_ns: u64,
    /// What.
    pub what: What,
}

/// A recording that cannot be written or read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file system said no.
    #[error("recording: {0}")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("not a recording of events: it does not begin with {:?}", String::from_utf8_lossy(&MAGIC))]
    NotARecording,
    /// A newer program wrote it.
    #[error("a recording of version {0}; this program reads up to {VERSION}")]
    Version(u16),
    /// A checksum is wrong, and not at the end.
    #[error("damaged at byte {at}: {what}")]
    Damaged {
        /// Where the record begins.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The index takes no more workers.
    #[error("recording: {0}")]
    Index(#[from] crate::IndexError),
    /// Too many streams for one file.
    #[error("more than {MAX_STREAMS} streams; record fewer engines in one file")]
    TooManyStreams,
}

const KIND_START: u8 = 1;
const KIND_STREAM: u8 = 2;
const KIND_BATCH: u8 = 3;
const KIND_CLEAR: u8 = 4;
const KIND_LOST: u8 = 5;
const KIND_END: u8 = 6;

#[cfg(test)]
mod tests;
