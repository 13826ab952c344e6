//! Which series a run measured, and how each was judged in a word: where its rows are found, and
//! what lists of runs count.
//!
//! Layout before packing: how many, 7 bits a byte; of each series how far its number lies above the
//! one before, likewise; of each the code of band and evidence, a byte. Both repeat, so that of a
//! usual run little is left.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqliteExecutor};

use bench_verdict::verdict::{Band, Evidence};

use crate::domain::{RunId, SeriesId};

use super::packed::{push_count, split_count};
use super::{StoreError, code};

/// The series of a run, in the order of their numbers, each with the code of its verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listed(Vec<(SeriesId, u8)>);

impl Listed {
    /// What a run measured; empty too where it is not there.
    pub(super) async fn of(db: impl SqliteExecutor<'_>, run: RunId) -> Result<Self, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("select data from run_series where run_id = $1")
                .bind(run.0)
                .fetch_optional(db)
                .await?;
        row.map_or(Ok(Self::default()), |(data,)| Self::unpack(&data, run))
    }

    pub(super) async fn save(
        &self,
        db: &mut SqliteConnection,
        run: RunId,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into run_series (run_id, data)
             values ($1, $2)
             on conflict (run_id) do update set data = excluded.data",
        )
        .bind(run.0)
        .bind(self.pack()?)
        .execute(db)
        .await?;
        Ok(())
    }

    /// Adds a series, or says something else of one that is there.
    pub(super) fn put(&mut self, series: SeriesId, band: Band, evidence: Evidence) {
        let code = code::verdict(band, evidence);
        match self.0.binary_search_by_key(&series, |(id, _)| *id) {
            Ok(at) => self.0[at].1 = code,
            Err(at) => self.0.insert(at, (series, code)),
        }
    }

    pub(super) fn ids(&self) -> Vec<SeriesId> {
        self.0.iter().map(|(id, _)| *id).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many have which band and evidence, in the order of their codes.
    pub(super) fn counts(&self) -> Vec<(Band, Evidence, u32)> {
        let mut counts: BTreeMap<u8, u32> = BTreeMap::new();
        for (_, code) in &self.0 {
            *counts.entry(*code).or_default() += 1;
        }
        let said = |(code, count)| {
            let (band, evidence) = code::from_verdict(code)?;
            Some((band, evidence, count))
        };
        counts.into_iter().filter_map(said).collect()
    }

    fn pack(&self) -> Result<Vec<u8>, StoreError> {
        code::pack(&self.write())
    }

    fn unpack(data: &[u8], run: RunId) -> Result<Self, StoreError> {
        const WHAT: &str = "the list of series of run";
        let bytes = code::unpack(data, WHAT, run.0)?;
        Self::read(&bytes).ok_or_else(|| StoreError::Damaged {
            what: WHAT,
            id: run.0,
            why: format!("{} bytes that are no list", bytes.len()),
        })
    }

    fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.0.len() * 3);
        push_count(&mut out, self.0.len() as u64);
        let mut before = 0;
        for (id, _) in &self.0 {
            push_count(&mut out, (id.0 - before).unsigned_abs());
            before = id.0;
        }
        out.extend(self.0.iter().map(|(_, code)| code));
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (count, mut rest) = split_count(bytes)?;
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count <= rest.len())?;
        let mut listed = Vec::with_capacity(count);
        let mut before = 0_i64;
        for _ in 0..count {
            let step;
            (step, rest) = split_count(rest)?;
            before = before
                .checked_add_unsigned(step)
                .filter(|id| *id > before)?;
            listed.push((SeriesId(before), 0));
        }
        if rest.len() != count {
            return None;
        }
        for ((_, own), &code) in listed.iter_mut().zip(rest) {
            code::from_verdict(code)?;
            *own = code;
        }
        Some(Self(listed))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    fn said() -> impl Strategy<Value = (Band, Evidence)> {
        (0..7_u8, 0..6_u8)
            .prop_map(|(band, evidence)| code::from_verdict(band << 3 | evidence).unwrap())
    }

    proptest! {
        #[test]
        fn what_is_listed_comes_back_and_is_counted(
            all in proptest::collection::vec((1..i64::MAX, said()), 0..60)
        ) {
            let mut listed = Listed::default();
            for (id, (band, evidence)) in &all {
                listed.put(SeriesId(*id), *band, *evidence);
            }
            let model: BTreeMap<i64, (Band, Evidence)> = all.into_iter().collect();
            let back = Listed::unpack(&listed.pack().unwrap(), RunId(1)).unwrap();
            prop_assert_eq!(&back, &listed);
            let ids: Vec<i64> = back.ids().iter().map(|id| id.0).collect();
            prop_assert_eq!(ids, model.keys().copied().collect::<Vec<_>>());
            for (band, evidence, count) in back.counts() {
                let same = model.values().filter(|said| **said == (band, evidence));
                prop_assert_eq!(same.count(), count as usize);
            }
            let counted: u32 = back.counts().iter().map(|count| count.2).sum();
            prop_assert_eq!(counted as usize, model.len());
        }

        #[test]
        fn any_bytes_are_a_list_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(listed) = Listed::read(&bytes) {
                prop_assert_eq!(Listed::read(&listed.write()), Some(listed));
            }
            prop_assert!(Listed::unpack(&bytes, RunId(1)).is_err());
        }
    }

    #[test]
    fn a_usual_run_takes_little() {
        let mut listed = Listed::default();
        for id in 100..600 {
            listed.put(SeriesId(id), Band::None, Evidence::Noise);
        }
        let bytes = listed.pack().unwrap().len();
        assert!(bytes < 60, "{bytes} bytes");
    }
}
