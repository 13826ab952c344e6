//! The suite's stream of one engine, in any of the dialects that engines speak.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use kv_indexer::{
    Batch, DecodeError, Decoder, EngineHash, Event, Hashes, Removal, Stored, WireForm, encode_batch,
};

/// The msgpack form of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Positional arrays
    Array,
    /// Maps by field name
    Map,
}

/// The form of block hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum HashForm {
    /// 64-bit integers
    Int,
    /// 32-byte strings
    Bytes,
}

/// Puts the suite's batches into a dialect, with the time of now.
pub(super) struct Translator {
    pub(super) form: Form,
    pub(super) hashes: HashForm,
    pub(super) rank: Option<u32>,
    decoder: Decoder,
}

impl Translator {
    pub(super) fn new(form: Form, hashes: HashForm, rank: Option<u32>) -> Translator {
        Translator {
            form,
            hashes,
            rank,
            decoder: Decoder::new(),
        }
    }

    /// One batch in the dialect; also says how many events it has.
    pub(super) fn translate(&mut self, bytes: &[u8]) -> Result<(Vec<u8>, u64), DecodeError> {
        let form = match self.form {
            Form::Array => WireForm::Array,
            Form::Map => WireForm::Map,
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64());
        let batch = self.decoder.decode(bytes)?;
        let mut out = Vec::with_capacity(bytes.len() + 64);
        match self.hashes {
            HashForm::Int => {
                let events: Vec<Event<'_>> = batch.events().collect();
                encode_batch(form, now, &events, self.rank, &mut out);
                Ok((out, events.len() as u64))
            }
            HashForm::Bytes => {
                let long = LongNames::of(&batch);
                let lists = long.lists();
                let mut names = lists.iter();
                let events: Vec<Event<'_>> = batch
                    .events()
                    .map(|event| renamed(event, &mut names))
                    .collect();
                encode_batch(form, now, &events, self.rank, &mut out);
                Ok((out, events.len() as u64))
            }
        }
    }
}

/// Every hash of a batch as 32 bytes; event by event, a stored one's parent first.
struct LongNames(Vec<Vec<[u8; 32]>>);

fn long(hash: EngineHash<'_>) -> [u8; 32] {
    match hash {
        EngineHash::Int(int) => {
            let mut bytes = [0; 32];
            for part in bytes.chunks_exact_mut(8) {
                part.copy_from_slice(&int.to_be_bytes());
            }
            bytes
        }
        EngineHash::Bytes(given) => {
            let mut bytes = [0; 32];
            let length = given.len().min(32);
            bytes[..length].copy_from_slice(&given[..length]);
            bytes
        }
    }
}

impl LongNames {
    fn of(batch: &Batch<'_>) -> LongNames {
        let all = |hashes: Hashes<'_>| hashes.iter().map(long).collect::<Vec<_>>();
        let names = batch.events().map(|event| match event {
            Event::Stored(stored) => {
                let mut names: Vec<_> = stored.parent.into_iter().map(long).collect();
                names.extend(all(stored.block_hashes));
                names
            }
            Event::Removed(removal) => all(removal.block_hashes),
            Event::Cleared => Vec::new(),
        });
        LongNames(names.collect())
    }

    fn lists(&self) -> Vec<Vec<EngineHash<'_>>> {
        let names = self.0.iter();
        names
            .map(|names| names.iter().map(|name| EngineHash::Bytes(name)).collect())
            .collect()
    }
}

fn renamed<'a>(
    event: Event<'a>,
    names: &mut impl Iterator<Item = &'a Vec<EngineHash<'a>>>,
) -> Event<'a> {
    let names: &'a [EngineHash<'a>] = names.next().map_or(&[], Vec::as_slice);
    match event {
        Event::Stored(stored) => {
            let (parent, blocks) = names.split_at(usize::from(stored.parent.is_some()));
            Stored {
                block_hashes: blocks.into(),
                parent: parent.first().copied(),
                ..stored
            }
            .into()
        }
        Event::Removed(removal) => Removal {
            block_hashes: names.into(),
            ..removal
        }
        .into(),
        Event::Cleared => Event::Cleared,
    }
}

#[cfg(test)]
mod tests {
    use kv_indexer::Index;

    use super::*;
    use crate::workload::fleet::{Fleet, FleetShape};

    #[test]
    fn every_dialect_says_the_same() -> anyhow::Result<()> {
        let shape = FleetShape {
            engines: 1,
            lanes: 4,
            ..FleetShape::SUITE
        };
        let fleet = Fleet::new(shape, 7);
        let plain = Index::with_seed(1);
        let worker = plain.worker("a", "m", 0)?;
        for (_, bytes) in fleet.fill() {
            plain.apply_payload(worker, bytes)?;
        }
        for form in [Form::Array, Form::Map] {
            for hashes in [HashForm::Int, HashForm::Bytes] {
                let index = Index::with_seed(1);
                let worker = index.worker("a", "m", 0)?;
                let mut translator = Translator::new(form, hashes, Some(0));
                let mut replay = fleet.share(0, 1);
                for (_, bytes) in fleet.fill() {
                    let (payload, events) = translator.translate(bytes)?;
                    assert_eq!(events, 1);
                    index.apply_payload(worker, &payload)?;
                }
                let held = |index: &Index| {
                    let stats = index.stats();
                    (stats.distinct_blocks, stats.held_blocks)
                };
                assert_eq!(held(&index), held(&plain), "{form:?} {hashes:?}");
                for _ in 0..100 {
                    let (payload, _) = translator.translate(replay.event().1)?;
                    let applied = index.apply_payload(worker, &payload)?.applied;
                    assert_eq!((applied.orphaned, applied.unknown), (0, 0));
                }
            }
        }
        Ok(())
    }
}
