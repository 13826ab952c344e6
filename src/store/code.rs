//! How domain values are written into columns.

use std::collections::BTreeMap;

use bench_verdict::verdict::{Band, Evidence};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::StoreError;

/// The word that the report format has for `value`, such as `nightly`.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("only unit variants are stored as words, not {other:?}"),
    }
}

/// The value behind a stored word.
pub(super) fn from_word<T: DeserializeOwned>(
    word: &str,
    what: &'static str,
    id: i64,
) -> Result<T, StoreError> {
    let deserializer: StrDeserializer<'_, WordError> = word.into_deserializer();
    T::deserialize(deserializer).map_err(|e| StoreError::Damaged {
        what,
        id,
        why: e.to_string(),
    })
}

/// JSON text of a plain value.
pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("maps with text keys, lists and numbers are always JSON")
}

/// The value behind stored JSON text.
pub(super) fn from_json<T: DeserializeOwned>(
    text: &str,
    what: &'static str,
    id: i64,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Damaged {
        what,
        id,
        why: e.to_string(),
    })
}

/// Params as the unique text of a series: a JSON object, keys in order.
pub(super) fn params(params: &BTreeMap<String, String>) -> String {
    json(params)
}

const BANDS: [Band; 7] = [
    Band::None,
    Band::Info,
    Band::Warning,
    Band::Critical,
    Band::Improved,
    Band::Warming,
    Band::Undefined,
];

const EVIDENCE: [Evidence; 6] = [
    Evidence::Inconclusive,
    Evidence::Noise,
    Evidence::Likely,
    Evidence::Confirmed,
    Evidence::Exact,
    Evidence::Incomparable,
];

/// The number of what is said: places in lists that are only ever added to, below 64.
pub(super) fn verdict(band: Band, evidence: Evidence) -> u8 {
    place(&BANDS, &band) << 3 | place(&EVIDENCE, &evidence)
}

/// The band and evidence behind such a number.
pub(super) fn from_verdict(code: u8) -> Option<(Band, Evidence)> {
    let (band, evidence) = (usize::from(code >> 3), usize::from(code & 7));
    Some((*BANDS.get(band)?, *EVIDENCE.get(evidence)?))
}

fn place<T: PartialEq>(list: &[T], value: &T) -> u8 {
    let at = list
        .iter()
        .position(|v| v == value)
        .expect("the lists hold every variant, which a test checks");
    u8::try_from(at).expect("a list of a few words")
}

/// Packs bytes for storing.
pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    /// Level 3: a fifth of the size of a report, at 200 MB/s and more.
    const LEVEL: i32 = 3;
    Ok(zstd::bulk::compress(bytes, LEVEL)?)
}

/// Unpacks stored bytes.
pub(super) fn unpack(bytes: &[u8], what: &'static str, id: i64) -> Result<Vec<u8>, StoreError> {
    zstd::decode_all(bytes).map_err(|e| StoreError::Damaged {
        what,
        id,
        why: e.to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use bench_report::report::RunKind;

    #[test]
    fn every_band_and_evidence_has_a_number_and_comes_back() {
        for word in [
            "critical",
            "warning",
            "info",
            "none",
            "improved",
            "warming",
            "undefined",
        ] {
            let b: Band = from_word(word, "band", 0).unwrap();
            for word in [
                "confirmed",
                "exact",
                "likely",
                "inconclusive",
                "noise",
                "incomparable",
            ] {
                let e: Evidence = from_word(word, "evidence", 0).unwrap();
                let code = verdict(b, e);
                assert!(code < 64);
                assert_eq!(from_verdict(code), Some((b, e)));
            }
        }
    }

    #[test]
    fn unknown_words_and_numbers_are_damage_not_panics() {
        assert_eq!(from_verdict(7 << 3), None);
        assert_eq!(from_verdict(6), None);
        assert!(from_word::<RunKind>("weekly", "run", 1).is_err());
        assert_eq!(word(&RunKind::Aa), "aa");
    }
}
