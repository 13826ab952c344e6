//! The index under test, through its public API: the only file of the suite that calls it.

use kv_indexer::{
    Adapter, BatchApplied, DecodeError, ExtraKeys, Index, LocalHash, Matches, Options, Query,
    ScopeId, Stored, WorkerId,
};

use super::SampleError;
use crate::measure::sites::settle;
use crate::measure::spans::within;
use crate::workload::fleet::Fleet;
use crate::workload::prompts::Answer;

/// Model of all engines and queries.
pub(super) const MODEL: &str = "kvmark-bench";
/// Fixes the hash keys of the index, so that the same seed gives the same counts.
pub(super) const KEY: u64 = 0x6B76_6D61_726B;

/// An index and its registered engines.
pub(super) struct Subject {
    index: Index,
    workers: Vec<WorkerId>,
    scope: ScopeId,
}

impl Subject {
    /// An empty index with that many engines registered.
    pub(super) fn empty(engines: usize) -> Result<Self, SampleError> {
        Self::with(engines, false)
    }

    /// The same, hashed as on every machine: for counts that must be the same everywhere.
    pub(super) fn portable(engines: usize) -> Result<Self, SampleError> {
        Self::with(engines, true)
    }

    fn with(engines: usize, portable: bool) -> Result<Self, SampleError> {
        let index = Index::new(Options {
            seed: Some(KEY),
            portable,
            ..Options::default()
        });
        let workers = (0..engines)
            .map(|engine| index.worker(&Fleet::engine_name(engine), MODEL, 0))
            .collect::<Result<_, _>>()?;
        let scope = index.scope(MODEL, Adapter::None);
        Ok(Self {
            index,
            workers,
            scope,
        })
    }

    /// An index that holds what the fleet holds where a cycle begins.
    pub(super) fn filled(fleet: &Fleet) -> Result<Self, SampleError> {
        Self::empty(fleet.shape.engines)?.fill(fleet)
    }

    /// The same, hashed as on every machine.
    pub(super) fn portable_filled(fleet: &Fleet) -> Result<Self, SampleError> {
        Self::portable(fleet.shape.engines)?.fill(fleet)
    }

    fn fill(self, fleet: &Fleet) -> Result<Self, SampleError> {
        let subject = self;
        within("fill the index", || {
            fleet
                .fill()
                .try_for_each(|(engine, bytes)| subject.must_apply(engine, bytes))
        })?;
        subject.must_hold(fleet.held_blocks() as u64)?;
        Ok(subject)
    }

    /// Decodes, hashes and applies one batch of an engine.
    #[inline]
    pub(super) fn apply(&self, engine: usize, bytes: &[u8]) -> Result<BatchApplied, DecodeError> {
        let outcome = self.index.apply_payload(self.workers[engine], bytes);
        settle();
        outcome
    }

    /// Applies a batch that a correct index takes whole.
    pub(super) fn must_apply(&self, engine: usize, bytes: &[u8]) -> Result<(), SampleError> {
        let mut errors = Errors::default();
        let outcome = self.apply(engine, bytes);
        if errors.note(&outcome) {
            return Ok(());
        }
        Err(SampleError::Refused(format!("{outcome:?}")))
    }

    /// Checks how many (worker, block) pairs it holds.
    pub(super) fn must_hold(&self, pairs: u64) -> Result<(), SampleError> {
        let held = self.index.stats().held_blocks;
        let right = held == pairs;
        let error = SampleError::Incorrect {
            what: "(worker, block) pairs",
            held,
            stored: pairs,
        };
        if right { Ok(()) } else { Err(error) }
    }

    /// Checks how many distinct blocks it holds.
    pub(super) fn must_hold_distinct(&self, blocks: u64) -> Result<(), SampleError> {
        let held = self.index.stats().distinct_blocks;
        let right = held == blocks;
        let error = SampleError::Incorrect {
            what: "distinct blocks",
            held,
            stored: blocks,
        };
        if right { Ok(()) } else { Err(error) }
    }

    /// Looks a prompt up.
    #[inline]
    pub(super) fn lookup(&self, tokens: &[u32], out: &mut Matches) {
        self.index.lookup(&Query::new(self.scope, tokens), out);
    }

    /// How many leading blocks of a prompt an engine holds.
    pub(super) fn depth(&self, engine: usize, tokens: &[u32], out: &mut Matches) -> u32 {
        self.lookup(tokens, out);
        out.depth_of(self.workers[engine])
    }

    /// Hashes the whole blocks of a prompt, as a lookup does.
    #[inline]
    pub(super) fn hash(&self, tokens: &[u32], out: &mut Vec<LocalHash>) {
        out.clear();
        self.index.local_hashes(tokens, ExtraKeys::None, out);
    }

    /// Bytes that the index says it holds.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.index.stats().memory_bytes
    }

    /// An engine of that name comes, stores the whole blocks of a prompt, and goes.
    pub(super) fn visit(&self, name: &str, tokens: &[u32]) -> Result<(), SampleError> {
        let worker = self.index.worker(name, MODEL, 0)?;
        let blocks = tokens.len() / self.index.block_size() as usize;
        let names: Vec<u64> = (0..blocks as u64).collect();
        let tokens = &tokens[..blocks * self.index.block_size() as usize];
        let stored = self
            .index
            .apply(worker, &Stored::new(&names, None, tokens).into());
        self.index.remove_worker(worker);
        let (held, wanted) = (u64::from(stored.stored), blocks as u64);
        let error = SampleError::Incorrect {
            what: "blocks of an engine that came",
            held,
            stored: wanted,
        };
        if held == wanted { Ok(()) } else { Err(error) }
    }

    /// How long writers waited for the index's lock so far, all together, ns.
    pub(super) fn lock_wait_ns(&self) -> u64 {
        self.index.lock_waits().ns
    }

    /// What a router decides on a lookup's result.
    pub(super) fn answer(&self, matches: &Matches) -> Answer {
        let engine = |worker: WorkerId| self.workers.iter().position(|own| *own == worker);
        Answer {
            holders: matches
                .iter()
                // A worker that was never registered is an answer that no oracle gives.
                .map(|(worker, depth)| (engine(worker).unwrap_or(usize::MAX), depth))
                .collect(),
            chosen: matches.best().and_then(|(worker, _)| engine(worker)),
        }
    }
}

/// Events that the index did not take whole, by type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Errors {
    /// Batches that could not be read.
    pub(super) decode: u64,
    /// Events with blocks whose parent is not held.
    pub(super) orphaned: u64,
    /// Events with blocks that were refused.
    pub(super) refused: u64,
    /// Removals of what is not held.
    pub(super) unknown: u64,
}

impl Errors {
    /// Notes what became of an event; true when all is well.
    #[inline]
    pub(super) fn note(&mut self, outcome: &Result<BatchApplied, DecodeError>) -> bool {
        let Ok(outcome) = outcome else {
            self.decode += 1;
            return false;
        };
        let applied = &outcome.applied;
        if applied.orphaned | applied.refused | applied.unknown == 0 {
            return true;
        }
        self.orphaned += u64::from(applied.orphaned > 0);
        self.refused += u64::from(applied.refused > 0);
        self.unknown += u64::from(applied.unknown > 0);
        false
    }

    /// Adds another tally.
    pub(super) fn add(&mut self, other: Errors) {
        self.decode += other.decode;
        self.orphaned += other.orphaned;
        self.refused += other.refused;
        self.unknown += other.unknown;
    }

    /// All together. An event that failed in two ways counts twice.
    pub(super) fn total(self) -> u64 {
        self.decode + self.orphaned + self.refused + self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::fleet::tests::SMALL;

    #[test]
    fn a_cycle_of_every_lane_leaves_the_index_as_it_found_it() {
        let fleet = Fleet::new(SMALL, 7);
        let subject = Subject::filled(&fleet).expect("a correct index");
        let mut replay = fleet.share(0, 1);
        let longest = fleet
            .lanes
            .iter()
            .map(|lane| lane.cycle.len())
            .max()
            .unwrap_or(0);
        for _ in 0..2 * longest * fleet.lanes.len() {
            let (engine, bytes) = replay.event();
            subject
                .must_apply(engine, bytes)
                .expect("every event applies");
        }
        // Lanes of unequal length are now at different places of their cycles; none holds more
        // than its capacity.
        let most = (fleet.lanes.len() * SMALL.lane.capacity) as u64;
        assert!(subject.index.stats().held_blocks <= most);
    }

    #[test]
    fn what_is_not_whole_is_tallied_by_type() {
        let subject = Subject::empty(1).expect("one engine");
        let mut errors = Errors::default();
        assert!(!errors.note(&subject.apply(0, &[0xc1])));
        let mut removal = crate::workload::wire::Batches::default();
        removal.removed(&[42]);
        assert!(!errors.note(&subject.apply(0, removal.get(0))));
        assert_eq!(
            errors,
            Errors {
                decode: 1,
                unknown: 1,
                ..Errors::default()
            }
        );
        assert_eq!(errors.total(), 2);
    }
}
