//! The raw samples of a run as one blob: by column, because equal columns pack well.
//!
//! Layout before packing, numbers little-endian: version `u8`, series count `u32`, then all series
//! ids `i64`, all sample counts `u32`, then all samples `f64` as eight planes (all first bytes, all
//! second bytes, …): exponents repeat, so their planes almost vanish.

use crate::domain::SeriesId;

use super::{StoreError, code};

const VERSION: u8 = 1;

/// Packs samples.
pub(super) fn pack(series: &[(SeriesId, &[f64])]) -> Result<Vec<u8>, StoreError> {
    let total: usize = series.iter().map(|(_, samples)| samples.len()).sum();
    let count = u32::try_from(series.len()).expect("a report has fewer than 200,001 series");
    let mut out = Vec::with_capacity(5 + series.len() * 12 + total * 8);
    out.push(VERSION);
    out.extend(count.to_le_bytes());
    for (id, _) in series {
        out.extend(id.0.to_le_bytes());
    }
    for (_, samples) in series {
        let len = u32::try_from(samples.len()).expect("a metric has fewer than 10,001 samples");
        out.extend(len.to_le_bytes());
    }
    let start = out.len();
    out.resize(start + total * 8, 0);
    for (i, sample) in series.iter().flat_map(|(_, s)| s.iter()).enumerate() {
        for (plane, byte) in sample.to_le_bytes().into_iter().enumerate() {
            out[start + plane * total + i] = byte;
        }
    }
    code::pack(&out)
}

/// Unpacks all samples of run `run`, in the order of the report.
pub(super) fn unpack(blob: &[u8], run: i64) -> Result<Vec<(SeriesId, Vec<f64>)>, StoreError> {
    let bytes = code::unpack(blob, "samples of run", run)?;
    read(&bytes).ok_or_else(|| StoreError::Damaged {
        what: "samples of run",
        id: run,
        why: format!(
            "{} bytes that are not samples of version {VERSION}",
            bytes.len()
        ),
    })
}

fn read(bytes: &[u8]) -> Option<Vec<(SeriesId, Vec<f64>)>> {
    let (&version, rest) = bytes.split_first()?;
    if version != VERSION {
        return None;
    }
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let (ids, rest) = rest.split_at_checked(count.checked_mul(8)?)?;
    let (lens, planes) = rest.split_at_checked(count.checked_mul(4)?)?;
    let total = planes.len() / 8;
    let mut next = 0;
    let mut out = Vec::with_capacity(count);
    for (id, len) in ids.chunks_exact(8).zip(lens.chunks_exact(4)) {
        let id = SeriesId(i64::from_le_bytes(id.try_into().ok()?));
        let len = usize::try_from(u32::from_le_bytes(len.try_into().ok()?)).ok()?;
        let end = next + len;
        if end > total {
            return None;
        }
        let samples = (next..end)
            .map(|i| f64::from_le_bytes(std::array::from_fn(|p| planes[p * total + i])))
            .collect();
        next = end;
        out.push((id, samples));
    }
    (next * 8 == planes.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn samples_come_back_bit_for_bit(
            samples in proptest::collection::vec(proptest::collection::vec(any::<u64>(), 0..40), 0..20)
        ) {
            let samples: Vec<Vec<f64>> = samples
                .into_iter()
                .map(|s| s.into_iter().map(f64::from_bits).collect())
                .collect();
            let series: Vec<(SeriesId, &[f64])> =
                (3..).map(SeriesId).zip(samples.iter().map(Vec::as_slice)).collect();
            let back = unpack(&pack(&series).unwrap(), 1).unwrap();
            prop_assert_eq!(back.len(), series.len());
            for ((id, was), (back_id, is)) in series.iter().zip(&back) {
                prop_assert_eq!(id, back_id);
                let bits = |s: &[f64]| s.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(was), bits(is));
            }
        }

        #[test]
        fn damaged_samples_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            prop_assert!(unpack(&bytes, 1).is_err());
        }
    }
}
