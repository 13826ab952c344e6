//! What one engine of the fleet publishes, and what a lookup must find after each event.

use ahash::AHashMap;
use kv_indexer::{Decoder, EngineHash, Event};

use crate::suite::SampleError;
use crate::workload::fleet::Fleet;

/// A prompt's tokens, and the number of its blocks.
pub(super) type Prompt = (Vec<u32>, u32);

/// One event, and the prompt that it completes.
pub(super) struct Published {
    pub(super) payload: Vec<u8>,
    /// The whole prompt up to the last block of a store.
    pub(super) prompt: Option<Prompt>,
}

/// The stream of engine 0.
pub(super) struct EngineStream {
    /// Fills an empty index.
    pub(super) fill: Vec<Vec<u8>>,
    /// The cycle of each lane; one event of each in turn, each from its beginning again.
    pub(super) lanes: Vec<Vec<Published>>,
}

/// A block by the engine's name: the one before it, and its tokens.
type Blocks = AHashMap<u64, (Option<u64>, Vec<u32>)>;

impl EngineStream {
    pub(super) fn of(fleet: &Fleet) -> Result<Self, SampleError> {
        let mut blocks = Blocks::default();
        let mut decoder = Decoder::new();
        let own = fleet.fill().filter(|(engine, _)| *engine == 0);
        let fill: Vec<Vec<u8>> = own.map(|(_, bytes)| bytes.to_vec()).collect();
        for payload in &fill {
            learn(&mut decoder, payload, &mut blocks)?;
        }
        // Every `engines`-th lane belongs to engine 0.
        let own = fleet.lanes.iter().step_by(fleet.shape.engines.max(1));
        let mut lanes = Vec::new();
        for lane in own.filter(|lane| !lane.cycle.is_empty()) {
            let mut cycle = Vec::with_capacity(lane.cycle.len());
            for bytes in lane.cycle.iter() {
                let last = learn(&mut decoder, bytes, &mut blocks)?;
                cycle.push(Published {
                    payload: bytes.to_vec(),
                    prompt: last.map(|last| prompt(&blocks, last)),
                });
            }
            lanes.push(cycle);
        }
        Ok(EngineStream { fill, lanes })
    }

    /// Event `number` of the endless stream.
    pub(super) fn event(&self, number: u64) -> &Published {
        let lane = &self.lanes[(number % self.lanes.len() as u64) as usize];
        let round = number / self.lanes.len() as u64;
        &lane[(round % lane.len() as u64) as usize]
    }
}

/// Notes the blocks of a batch; gives the name of the last one stored.
fn learn(
    decoder: &mut Decoder,
    payload: &[u8],
    blocks: &mut Blocks,
) -> Result<Option<u64>, SampleError> {
    let unreadable = |why: String| SampleError::Feed(format!("the workload is unreadable: {why}"));
    let batch = decoder
        .decode(payload)
        .map_err(|error| unreadable(error.to_string()))?;
    let mut last = None;
    for event in batch.events() {
        let Event::Stored(stored) = event else {
            continue;
        };
        let mut parent = stored.parent.and_then(integer);
        let tokens = stored
            .tokens
            .chunks_exact(stored.block_size.max(1) as usize);
        for (hash, tokens) in stored.block_hashes.iter().zip(tokens) {
            let Some(hash) = integer(hash) else {
                return Err(unreadable("its block hashes are no integers".to_owned()));
            };
            blocks.insert(hash, (parent, tokens.to_vec()));
            parent = Some(hash);
            last = Some(hash);
        }
    }
    Ok(last)
}

fn integer(hash: EngineHash<'_>) -> Option<u64> {
    match hash {
        EngineHash::Int(int) => Some(int),
        EngineHash::Bytes(_) => None,
    }
}

/// The tokens of a prompt that ends with this block.
fn prompt(blocks: &Blocks, last: u64) -> Prompt {
    let mut path = Vec::new();
    let mut at = Some(last);
    while let Some((parent, tokens)) = at.and_then(|hash| blocks.get(&hash)) {
        path.push(tokens);
        at = *parent;
    }
    let depth = path.len() as u32;
    (path.into_iter().rev().flatten().copied().collect(), depth)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::suite::subject::{Errors, Subject};
    use crate::workload::fleet::FleetShape;
    use crate::workload::lane::LaneShape;

    /// Lanes of unequal length show only where each begins again by itself, so the stream is
    /// followed for several cycles of the longest.
    #[test]
    fn a_stream_longer_than_its_cycles_is_taken_whole() {
        let shape = FleetShape {
            engines: 4,
            lanes: 16,
            lane: LaneShape {
                capacity: 48,
                requests: 12,
                prefixes: 3,
            },
        };
        let stream = EngineStream::of(&Fleet::new(shape, 7)).unwrap();
        let lengths: Vec<usize> = stream.lanes.iter().map(Vec::len).collect();
        assert!(
            lengths.iter().any(|&length| length != lengths[0]),
            "{lengths:?}"
        );
        let longest = lengths.iter().max().copied().unwrap_or(0);

        let subject = Subject::empty(1).unwrap();
        let mut errors = Errors::default();
        for payload in &stream.fill {
            errors.note(&subject.apply(0, payload));
        }
        for number in 0..(4 * longest * lengths.len()) as u64 {
            errors.note(&subject.apply(0, &stream.event(number).payload));
        }
        assert_eq!(errors.total(), 0, "{errors:?}");
    }
}
