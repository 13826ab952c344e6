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

/// The number of a band: its place in a list that is only ever added to.
pub(super) fn band(band: Band) -> i64 {
    place(&BANDS, &band)
}

/// The number of a grade of evidence.
pub(super) fn evidence(evidence: Evidence) -> i64 {
    place(&EVIDENCE, &evidence)
}

/// The band and evidence behind two stored numbers.
pub(super) fn from_codes(
    band: i64,
    evidence: i64,
    run: i64,
) -> Result<(Band, Evidence), StoreError> {
    let at = |code: i64| usize::try_from(code).unwrap_or(usize::MAX);
    match (BANDS.get(at(band)), EVIDENCE.get(at(evidence))) {
        (Some(band), Some(evidence)) => Ok((*band, *evidence)),
        _ => Err(StoreError::Damaged {
            what: "verdict of run",
            id: run,
            why: format!("unknown band {band} or evidence {evidence}"),
        }),
    }
}

fn place<T: PartialEq>(list: &[T], value: &T) -> i64 {
    let at = list
        .iter()
        .position(|v| v == value)
        .expect("the lists hold every variant, which a test checks");
    i64::try_from(at).expect("a list of a few words")
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
                assert_eq!(from_codes(band(b), evidence(e), 0).unwrap(), (b, e));
            }
        }
    }

    #[test]
    fn unknown_words_and_numbers_are_damage_not_panics() {
        assert!(from_codes(7, 0, 1).is_err());
        assert!(from_codes(-1, 0, 1).is_err());
        assert!(from_word::<RunKind>("weekly", "run", 1).is_err());
        assert_eq!(word(&RunKind::Aa), "aa");
    }
}
