//! The index built a second time, with its work counted: for passes of their own. The build that is
//! timed has no counter in it.
//!
//! Keys are fixed and hashing is the portable one, so that the same seed gives the same counts on
//! every machine: how many slots a probe looks at depends on the hashes.

use bench_report::metric::Unit;
use kv_indexer_counted::{Adapter, Index, Matches, Options, Query, ScopeId, WorkerId};

use super::subject::{KEY, MODEL};
use super::{Context, MetricInfo, Sample, SampleError};
use crate::workload::fleet::Fleet;

const _: () = assert!(
    !kv_indexer::COUNTS_WORK && kv_indexer_counted::COUNTS_WORK,
    "the build that is timed must have no counter, and this one must have them"
);

/// Work done inside the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Blocks hashed.
    pub(super) hash_operations: u64,
    /// Table slots looked at.
    pub(super) probes: u64,
    /// Bytes of payload decoded.
    pub(super) bytes_decoded: u64,
}

/// An index that counts, and its registered engines.
pub(super) struct CountedSubject {
    index: Index,
    workers: Vec<WorkerId>,
    scope: ScopeId,
    matches: Matches,
}

impl CountedSubject {
    /// An empty index with that many engines registered.
    pub(super) fn empty(engines: usize) -> Result<Self, SampleError> {
        let index = Index::new(Options {
            seed: Some(KEY),
            portable: true,
            ..Options::default()
        });
        let workers = (0..engines)
            .map(|engine| index.worker(&Fleet::engine_name(engine), MODEL, 0))
            .collect::<Result<_, _>>()
            .map_err(|error| SampleError::Refused(error.to_string()))?;
        let scope = index.scope(MODEL, Adapter::None);
        Ok(Self {
            index,
            workers,
            scope,
            matches: Matches::new(),
        })
    }

    /// An index that holds what the fleet holds where a cycle begins.
    pub(super) fn filled(fleet: &Fleet) -> Result<Self, SampleError> {
        let mut subject = Self::empty(fleet.shape.engines)?;
        for (engine, bytes) in fleet.fill() {
            subject.apply(engine, bytes)?;
        }
        let (held, stored) = (
            subject.index.stats().held_blocks,
            fleet.held_blocks() as u64,
        );
        if held != stored {
            let what = "(worker, block) pairs";
            return Err(SampleError::Incorrect { what, held, stored });
        }
        Ok(subject)
    }

    /// Decodes, hashes and applies a batch that a correct index takes whole.
    pub(super) fn apply(&mut self, engine: usize, bytes: &[u8]) -> Result<(), SampleError> {
        let outcome = self.index.apply_payload(self.workers[engine], bytes);
        let whole = outcome.as_ref().is_ok_and(|outcome| {
            let applied = &outcome.applied;
            applied.orphaned | applied.refused | applied.unknown == 0
        });
        let refused = || SampleError::Refused(format!("{outcome:?}"));
        if whole { Ok(()) } else { Err(refused()) }
    }

    /// Looks a prompt up.
    pub(super) fn lookup(&mut self, tokens: &[u32]) {
        let query = Query::new(self.scope, tokens);
        self.index.lookup(&query, &mut self.matches);
    }

    /// The work done so far.
    fn work(&self) -> Work {
        let counters = self.index.counters();
        Work {
            hash_operations: counters.hash_operations,
            probes: counters.probes,
            bytes_decoded: counters.bytes_decoded,
        }
    }
}

impl Context<'_> {
    /// Counts the work of `measured` on what `prepare` made; once, or twice for comparison: then it
    /// is said whether the second pass counted something else. `None` in a pass for a profile.
    pub(super) fn count_work(
        &self,
        prepare: impl Fn() -> Result<CountedSubject, SampleError>,
        measured: impl Fn(&mut CountedSubject) -> Result<(), SampleError>,
    ) -> Result<Option<(Work, bool)>, SampleError> {
        if self.profiled {
            return Ok(None);
        }
        let pass = || -> Result<Work, SampleError> {
            let mut subject = prepare()?;
            let before = subject.work();
            measured(&mut subject)?;
            let after = subject.work();
            Ok(Work {
                hash_operations: after.hash_operations - before.hash_operations,
                probes: after.probes - before.probes,
                bytes_decoded: after.bytes_decoded - before.bytes_decoded,
            })
        };
        let work = pass()?;
        let differs = self.verify_counts && pass()? != work;
        Ok(Some((work, differs)))
    }
}

impl Sample {
    /// Adds what each of so many operations took, under these names of the hashes, probes and
    /// bytes; an empty name leaves one out.
    pub(super) fn put_work(
        &mut self,
        counted: Option<(Work, bool)>,
        operations: usize,
        [hashes, probes, bytes]: [&'static str; 3],
    ) {
        let Some((work, differs)) = counted else {
            return;
        };
        let amounts = [
            (hashes, work.hash_operations),
            (probes, work.probes),
            (bytes, work.bytes_decoded),
        ];
        for (name, amount) in amounts.into_iter().filter(|(name, _)| !name.is_empty()) {
            self.put(name, amount as f64 / operations.max(1) as f64);
            if differs {
                self.differing.push(name);
            }
        }
    }
}

/// Blocks hashed for an operation.
pub(super) const fn hash_operations(name: &'static str) -> MetricInfo {
    MetricInfo::count(
        name,
        Unit::PerOperation,
        "blocks hashed for one, counted inside the index",
    )
    .floor(0.01)
}

/// Slots looked at for an operation.
pub(super) const fn probes(name: &'static str) -> MetricInfo {
    MetricInfo::count(
        name,
        Unit::PerOperation,
        "table slots looked at for one, counted inside the index",
    )
    .floor(0.01)
}

/// Bytes decoded for an operation.
pub(super) const fn bytes_decoded(name: &'static str) -> MetricInfo {
    MetricInfo::count(
        name,
        Unit::Bytes,
        "bytes of msgpack decoded for one, counted inside the index",
    )
    .floor(1.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Stop, Workloads};
    use super::*;
    use crate::measure::looping::Budget;
    use crate::workload::fleet::tests::SMALL;

    fn work_of(seed: u64, events: usize) -> (Work, bool) {
        let workloads = Workloads::with_shape(seed, SMALL);
        let context = Context {
            workloads: &workloads,
            budget: Budget::Count(1),
            warmup: Duration::ZERO,
            cpus: &[],
            verify_counts: true,
            profiled: false,
            plant: None,
            stop: &Stop::default(),
        };
        let fleet = workloads.fleet();
        context
            .count_work(
                || CountedSubject::filled(fleet),
                |subject| {
                    let mut replay = fleet.share(0, 1);
                    for _ in 0..events {
                        let (engine, bytes) = replay.event();
                        subject.apply(engine, bytes)?;
                    }
                    subject.lookup(&workloads.prompts()[0].tokens);
                    Ok(())
                },
            )
            .expect("a correct index")
            .expect("it is no pass for a profile")
    }

    #[test]
    fn the_same_seed_gives_the_same_counts_on_every_machine() {
        // These figures hold wherever this runs: with vector instructions or without, on any number
        // of processors. A change of the index that moves one is a real change: write it down.
        let (work, differs) = work_of(7, 500);
        assert!(!differs);
        insta::assert_debug_snapshot!(work, @r"
        Work {
            hash_operations: 1029,
            probes: 1568,
            bytes_decoded: 83147,
        }
        ");
        assert_ne!(work_of(8, 500).0, work);
    }

    #[test]
    fn more_work_counts_more() {
        let (few, many) = (work_of(7, 100).0, work_of(7, 200).0);
        assert!(
            few.hash_operations < many.hash_operations,
            "{few:?} {many:?}"
        );
        assert!(few.probes < many.probes && few.bytes_decoded < many.bytes_decoded);
    }
}
