//! Compressed bodies: the limit is kept while decoding, so that a small body cannot fill the memory.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use super::IngestError;
use super::limits::DECODED_BYTES;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl FromStr for Encoding {
    type Err = IngestError;

    fn from_str(text: &str) -> Result<Self, IngestError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(IngestError::Encoding(text.to_owned())),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// The body as it was before it was compressed.
pub fn decode(body: Vec<u8>, encoding: Encoding) -> Result<Vec<u8>, IngestError> {
    /// Log2 of the largest window that a zstd frame may ask for: what level 19 uses. The decoder
    /// allocates it before the first byte comes out.
    const WINDOW_LOG: u32 = 23;
    let broken = |source| IngestError::Undecodable { encoding, source };
    match encoding {
        Encoding::Identity if body.len() > DECODED_BYTES => Err(IngestError::DecodedTooLong),
        Encoding::Identity => Ok(body),
        Encoding::Gzip => read(flate2::read::MultiGzDecoder::new(body.as_slice()), broken),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(body.as_slice()).map_err(broken)?;
            decoder.window_log_max(WINDOW_LOG).map_err(broken)?;
            read(decoder, broken)
        }
    }
}

fn read(
    decoder: impl Read,
    broken: impl Fn(io::Error) -> IngestError,
) -> Result<Vec<u8>, IngestError> {
    let mut out = Vec::new();
    let one_too_many = u64::try_from(DECODED_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    decoder
        .take(one_too_many)
        .read_to_end(&mut out)
        .map_err(broken)?;
    if out.len() > DECODED_BYTES {
        return Err(IngestError::DecodedTooLong);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let body = b"{\"format\": 1}".repeat(1000);
        assert_eq!(decode(body.clone(), Encoding::Identity).unwrap(), body);
        assert_eq!(decode(gzip(&body), Encoding::Gzip).unwrap(), body);
        let zstd = zstd::encode_all(body.as_slice(), 19).unwrap();
        assert_eq!(decode(zstd, Encoding::Zstd).unwrap(), body);
    }

    #[test]
    fn a_small_body_that_decodes_to_too_much_is_refused_at_the_limit() {
        let bomb = vec![b' '; DECODED_BYTES + 1];
        for (body, encoding) in [
            (gzip(&bomb), Encoding::Gzip),
            (
                zstd::encode_all(bomb.as_slice(), 1).unwrap(),
                Encoding::Zstd,
            ),
            (bomb, Encoding::Identity),
        ] {
            assert!(matches!(
                decode(body, encoding),
                Err(IngestError::DecodedTooLong)
            ));
        }
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_refused() {
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            let error = decode(b"{}".to_vec(), encoding).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("the body is no {encoding}:"))
            );
        }
        let mut cut = gzip(b"{}");
        cut.truncate(cut.len() - 4);
        assert!(decode(cut, Encoding::Gzip).is_err());
        assert!("br".parse::<Encoding>().is_err());
    }
}
