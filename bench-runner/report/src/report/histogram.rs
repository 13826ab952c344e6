//! Distributions in and out of HdrHistogram's V2 encoding.
//!
//! The encoding names its own size: a few hostile bytes can ask a decoder for gigabytes. So the
//! header is read first, everything it asks for is held against a limit, the counts are walked once,
//! and only then the bytes go to the decoder. Layout of the encoding:
//! <https://github.com/HdrHistogram/HdrHistogram/blob/master/src/main/java/org/HdrHistogram/AbstractHistogram.java>
//! (`encodeIntoByteBuffer`).

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use thiserror::Error;

use super::Histogram;
use super::limits::HISTOGRAM_BYTES;

/// Significant digits that a histogram may keep.
const MAX_DIGITS: u32 = 3;
/// The highest value that a histogram may cover: 2^53, 104 days in nanoseconds.
const MAX_VALUE: u64 = 1 << 53;
/// Cells of a histogram at [`MAX_DIGITS`] and [`MAX_VALUE`]: 2,048 in the first bucket, 1,024 for
/// each doubling up to 2^53.
const MAX_CELLS: u64 = 2_048 + 1_024 * (53 - 11);
/// Bytes of the uncompressed encoding: the header, and 9 bytes a cell at most.
const MAX_ENCODED_BYTES: u64 = HEADER_BYTES as u64 + 9 * MAX_CELLS;

const HEADER_BYTES: usize = 40;
/// The low byte of a cookie says how counts are encoded; 0x10 is the only one in use.
const COOKIE: u32 = 0x1c84_9303 | 0x10;
const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;

/// A distribution that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistogramError {
    /// Too long.
    #[error(
        "it has {bytes} bytes and the limit is {HISTOGRAM_BYTES}: record fewer digits or a smaller range"
    )]
    Size {
        /// Its length, without base64.
        bytes: usize,
    },
    /// Not base64.
    #[error("it is not base64 with padding: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Another encoding.
    #[error("it is not HdrHistogram's V2 encoding (compressed or not)")]
    Encoding,
    /// Its range or digits are beyond the limits.
    #[error(
        "its range {low}..{high} with {digits} digits is beyond the limits: from at least 1, \
         to at least twice that and at most {MAX_VALUE}, {MAX_DIGITS} digits at most"
    )]
    Range {
        /// Lowest value that it tells apart.
        low: u64,
        /// Highest value that it can hold.
        high: u64,
        /// Significant digits.
        digits: u32,
    },
    /// Counts that its range has no place for, or that end too early.
    #[error("its counts do not fit its range, or end too early")]
    Counts,
}

impl Histogram {
    /// A distribution under its name; `unit` is that of the recorded values.
    ///
    /// Refused when it is beyond the limits of the format.
    pub fn encode(
        name: &str,
        unit: &str,
        values: &hdrhistogram::Histogram<u64>,
    ) -> Result<Histogram, HistogramError> {
        let (low, high, digits) = (values.low(), values.high(), u32::from(values.sigfig()));
        check_range(low, high, digits)?;
        let mut bytes = Vec::new();
        // Writing to memory does not fail.
        V2DeflateSerializer::new()
            .serialize(values, &mut bytes)
            .map_err(|_| HistogramError::Encoding)?;
        if bytes.len() > HISTOGRAM_BYTES {
            return Err(HistogramError::Size { bytes: bytes.len() });
        }
        Ok(Histogram {
            name: name.to_owned(),
            unit: unit.to_owned(),
            hdr_base64: STANDARD.encode(bytes),
        })
    }

    /// The distribution. Nothing larger than the limits allow is ever allocated.
    pub fn decode(&self) -> Result<hdrhistogram::Histogram<u64>, HistogramError> {
        let length = self.hdr_base64.len() / 4 * 3;
        if length > HISTOGRAM_BYTES + 2 {
            return Err(HistogramError::Size { bytes: length });
        }
        let bytes = STANDARD.decode(&self.hdr_base64)?;
        if bytes.len() > HISTOGRAM_BYTES {
            return Err(HistogramError::Size { bytes: bytes.len() });
        }
        let plain = inflated(bytes)?;
        check(&plain)?;
        Deserializer::new()
            .deserialize(&mut plain.as_slice())
            .map_err(|_| HistogramError::Encoding)
    }
}

/// The uncompressed encoding.
fn inflated(bytes: Vec<u8>) -> Result<Vec<u8>, HistogramError> {
    match u32_at(&bytes, 0) {
        Some(COOKIE) => Ok(bytes),
        Some(COMPRESSED_COOKIE) => {
            let mut plain = Vec::new();
            let compressed = bytes.get(8..).unwrap_or_default();
            ZlibDecoder::new(compressed)
                .take(MAX_ENCODED_BYTES + 1)
                .read_to_end(&mut plain)
                .map_err(|_| HistogramError::Encoding)?;
            Ok(plain)
        }
        _ => Err(HistogramError::Encoding),
    }
}

/// That the header asks for no more than the limits allow, and that the counts fit what it says.
fn check(plain: &[u8]) -> Result<(), HistogramError> {
    let header = plain.get(..HEADER_BYTES).ok_or(HistogramError::Encoding)?;
    let (cookie, length, digits) = (u32_at(header, 0), u32_at(header, 4), u32_at(header, 12));
    let (low, high) = (u64_at(header, 16), u64_at(header, 24));
    let (Some(COOKIE), Some(length), Some(digits), Some(low), Some(high)) =
        (cookie, length, digits, low, high)
    else {
        return Err(HistogramError::Encoding);
    };
    check_range(low, high, digits)?;
    let payload = &plain[HEADER_BYTES..];
    if u64::from(length) != payload.len() as u64 {
        return Err(HistogramError::Counts);
    }
    let cells = cells(low, high, digits);
    let mut rest = payload;
    let mut index: u64 = 0;
    while !rest.is_empty() {
        let number;
        (number, rest) = varint(rest).ok_or(HistogramError::Counts)?;
        // Zigzag: odd numbers are negative, and stand for a row of zeros.
        let step = if number & 1 == 1 {
            (number >> 1).checked_add(1)
        } else {
            Some(1)
        };
        index = step
            .and_then(|step| index.checked_add(step))
            .filter(|index| *index <= cells)
            .ok_or(HistogramError::Counts)?;
    }
    Ok(())
}

fn check_range(low: u64, high: u64, digits: u32) -> Result<(), HistogramError> {
    let fits = low >= 1 && high <= MAX_VALUE && high / 2 >= low && digits <= MAX_DIGITS;
    if fits {
        Ok(())
    } else {
        Err(HistogramError::Range { low, high, digits })
    }
}

/// How many cells a histogram of this range has: a first bucket that resolves `2 * 10^digits`
/// values, and half a bucket for each doubling beyond it.
fn cells(low: u64, high: u64, digits: u32) -> u64 {
    let first = (2 * 10_u64.pow(digits)).next_power_of_two();
    let mut buckets = 1;
    let mut beyond = first.saturating_mul(1 << low.ilog2());
    while beyond <= high {
        beyond = beyond.saturating_mul(2);
        buckets += 1;
    }
    (buckets + 1) * (first / 2)
}

/// One LEB128-64b9B number: seven bits a byte, and all eight of the ninth.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        let is_ninth = index == 8;
        let bits = if is_ninth { *byte } else { byte & 0x7f };
        value |= u64::from(bits) << (7 * index);
        if is_ninth || byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .try_into()
        .ok()
        .map(u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..at + 8)?
        .try_into()
        .ok()
        .map(u64::from_be_bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hdrhistogram::serialization::V2Serializer;
    use proptest::prelude::*;

    use super::*;

    fn of_bytes(bytes: &[u8]) -> Histogram {
        Histogram {
            name: "latency".into(),
            unit: "ns".into(),
            hdr_base64: STANDARD.encode(bytes),
        }
    }

    fn plain(values: &hdrhistogram::Histogram<u64>) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(values, &mut bytes).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn what_was_recorded_is_read_back_from_both_encodings(
            values in prop::collection::vec(1_u64..3_600_000_000_000, 0..200),
            low in 1_u64..1_000, digits in 0_u8..=3,
        ) {
            let mut given = hdrhistogram::Histogram::new_with_bounds(low, 3_600_000_000_000, digits).unwrap();
            for value in values {
                given.record(value).unwrap();
            }
            prop_assert_eq!(&of_bytes(&plain(&given)).decode().unwrap(), &given);
            prop_assert_eq!(&Histogram::encode("latency", "ns", &given).unwrap().decode().unwrap(), &given);
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(
            position in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200,
        ) {
            let mut given = hdrhistogram::Histogram::new_with_bounds(1, 1_000_000, 2).unwrap();
            for value in 1..100 {
                given.record(value * value).unwrap();
            }
            let mut bytes = plain(&given);
            if let Some(place) = bytes.get_mut(position) {
                *place = byte;
            }
            let _ = of_bytes(&bytes).decode();
            let _ = of_bytes(&bytes[..cut.min(bytes.len())]).decode();
        }
    }

    fn header(length: u32, digits: u32, low: u64, high: u64) -> Vec<u8> {
        let mut bytes = COOKIE.to_be_bytes().to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend(0_u32.to_be_bytes());
        bytes.extend(digits.to_be_bytes());
        bytes.extend(low.to_be_bytes());
        bytes.extend(high.to_be_bytes());
        bytes.extend(1.0_f64.to_be_bytes());
        bytes
    }

    #[test]
    fn a_header_that_asks_for_too_much_is_refused_before_anything_is_allocated() {
        let refusal = |digits, low, high| {
            of_bytes(&header(0, digits, low, high))
                .decode()
                .unwrap_err()
        };
        assert_eq!(
            refusal(5, 1, 1_000),
            HistogramError::Range {
                low: 1,
                high: 1_000,
                digits: 5
            }
        );
        assert_eq!(
            refusal(3, 0, 1_000),
            HistogramError::Range {
                low: 0,
                high: 1_000,
                digits: 3
            }
        );
        assert_eq!(
            refusal(3, 1, u64::MAX),
            HistogramError::Range {
                low: 1,
                high: u64::MAX,
                digits: 3
            }
        );
        assert_eq!(
            refusal(3, 900, 1_000),
            HistogramError::Range {
                low: 900,
                high: 1_000,
                digits: 3
            }
        );
        assert_eq!(
            of_bytes(&header(u32::MAX, 3, 1, 1_000))
                .decode()
                .unwrap_err(),
            HistogramError::Counts
        );
    }

    #[test]
    fn counts_that_leave_the_range_are_refused() {
        let with_counts = |counts: &[u8]| {
            let mut bytes = header(u32::try_from(counts.len()).unwrap(), 3, 1, 10_000);
            bytes.extend(counts);
            of_bytes(&bytes).decode()
        };
        // The most negative number: its negation does not fit the decoder's integer.
        assert_eq!(with_counts(&[0xff; 9]).unwrap_err(), HistogramError::Counts);
        assert_eq!(with_counts(&[0x80]).unwrap_err(), HistogramError::Counts);
        assert_eq!(
            with_counts(&[2; 6_000]).unwrap_err(),
            HistogramError::Counts
        );
        assert_eq!(with_counts(&[2; 10]).unwrap().len(), 10);
    }

    #[test]
    fn a_small_text_that_inflates_without_end_is_refused() {
        use std::io::Write;
        let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let mut payload = header(50_000_000, 3, 1, MAX_VALUE);
        payload.resize(50_000_040, 0);
        deflated.write_all(&payload).unwrap();
        let mut bytes = COMPRESSED_COOKIE.to_be_bytes().to_vec();
        let body = deflated.finish().unwrap();
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        assert!(bytes.len() < HISTOGRAM_BYTES);
        assert_eq!(
            of_bytes(&bytes).decode().unwrap_err(),
            HistogramError::Counts
        );
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        let text = |text: &str| Histogram {
            hdr_base64: text.into(),
            ..of_bytes(&[])
        };
        assert_eq!(text("").decode().unwrap_err(), HistogramError::Encoding);
        assert_eq!(text("AAAA").decode().unwrap_err(), HistogramError::Encoding);
        assert!(matches!(
            text("not base64!").decode().unwrap_err(),
            HistogramError::Base64(_)
        ));
        assert!(matches!(
            text(&"A".repeat(90_000)).decode().unwrap_err(),
            HistogramError::Size { .. }
        ));
    }
}
