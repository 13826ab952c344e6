//! Why a payload was refused.

use super::decode::MAX_PAYLOAD;
use thiserror::Error;

/// A payload that is not a `KVEventBatch`. Offsets are bytes from the payload's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The payload ends inside a value, or a length runs past its end.
    #[error("payload ends at byte {at}, inside {field}; the message is cut short")]
    Truncated {
        /// Where the value that does not fit begins.
        at: usize,
        /// What was being read.
        field: &'static str,
    },
    /// A value of a type that the field cannot have.
    #[error("{field} at byte {at} has msgpack type 0x{marker:02x}; the format does not allow it")]
    UnexpectedType {
        /// Where the value begins.
        at: usize,
        /// What was being read.
        field: &'static str,
        /// The msgpack marker found.
        marker: u8,
    },
    /// A number that the field cannot hold.
    #[error("{field} at byte {at} is out of range")]
    OutOfRange {
        /// Where the value begins.
        at: usize,
        /// What was being read.
        field: &'static str,
    },
    /// Text that is not UTF-8.
    #[error("{field} at byte {at} is not UTF-8")]
    NotUtf8 {
        /// Where the text begins.
        at: usize,
        /// What was being read.
        field: &'static str,
    },
    /// A field that every such event must have.
    #[error("{field} is missing in the message at byte {at}")]
    Missing {
        /// Where the message or event begins.
        at: usize,
        /// The absent field.
        field: &'static str,
    },
    /// Values nested deeper than any engine nests them.
    #[error("values nested too deep at byte {at}")]
    TooDeep {
        /// Where the value begins.
        at: usize,
    },
    /// Bytes behind the batch.
    #[error("the batch ends at byte {at} but the payload goes on")]
    TrailingBytes {
        /// Where the batch ends.
        at: usize,
    },
    /// A payload longer than [`MAX_PAYLOAD`].
    #[error("payload of {length} bytes is over the limit of {} bytes", MAX_PAYLOAD)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl DecodeError {
    /// The error's kind as a short stable word, for counting errors by kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::UnexpectedType { .. } => "unexpected_type",
            Self::OutOfRange { .. } => "out_of_range",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Missing { .. } => "missing_field",
            Self::TooDeep { .. } => "too_deep",
            Self::TrailingBytes { .. } => "trailing_bytes",
            Self::TooLong { .. } => "too_long",
        }
    }
}
