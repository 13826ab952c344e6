//! A mixed workload without an end, for soaking: events, lookups, and engines that come and go.

use kv_indexer::Matches;

use super::subject::{Errors, Subject};
use super::{SampleError, Workloads};
use crate::workload::fleet::Replay;
use crate::workload::prompts::Prompt;

/// Turns after which an engine comes, stores a prompt and goes.
const VISIT: u64 = 4_096;
/// Names of engines that come and go: they come back, as restarted ones do.
const VISITORS: u64 = 8;

/// The index that is soaked, in steady state.
pub struct Mixed<'a> {
    subject: Subject,
    workloads: &'a Workloads,
}

/// One thread's part of the work.
pub struct Worker<'a> {
    subject: &'a Subject,
    replay: Replay<'a>,
    prompts: &'a [Prompt],
    number: usize,
    turns: u64,
    matches: Matches,
    errors: Errors,
    failure: Option<SampleError>,
}

impl<'a> Mixed<'a> {
    /// An index that holds what the fleet holds.
    pub fn new(workloads: &'a Workloads) -> Result<Self, SampleError> {
        Ok(Self {
            subject: Subject::filled(workloads.fleet())?,
            workloads,
        })
    }

    /// The work of thread `number` of `threads`.
    pub fn worker(&'a self, number: usize, threads: usize) -> Worker<'a> {
        Worker {
            subject: &self.subject,
            replay: self.workloads.fleet().share(number, threads),
            prompts: self.workloads.prompts(),
            number,
            turns: 0,
            matches: Matches::new(),
            errors: Errors::default(),
            failure: None,
        }
    }

    /// Bytes that the index says it holds.
    pub fn index_bytes(&self) -> u64 {
        self.subject.memory_bytes()
    }
}

impl Worker<'_> {
    /// One event, and one lookup; now and then an engine comes and goes.
    pub fn turn(&mut self) {
        let (engine, bytes) = self.replay.event();
        self.errors.note(&self.subject.apply(engine, bytes));
        let prompt = &self.prompts[self.turns as usize % self.prompts.len()];
        self.subject.lookup(&prompt.tokens, &mut self.matches);
        std::hint::black_box(self.matches.best());
        self.turns += 1;
        if self.turns.is_multiple_of(VISIT) {
            let visitor = self.turns / VISIT % VISITORS;
            let name = format!("visitor-{}-{visitor}", self.number);
            let visited = self.subject.visit(&name, &prompt.tokens);
            self.failure = self.failure.take().or(visited.err());
        }
    }

    /// What went wrong: an index that does not do its work is not worth soaking.
    pub fn outcome(self) -> Result<(), SampleError> {
        match (self.failure, self.errors.total()) {
            (Some(failure), _) => Err(failure),
            (None, 0) => Ok(()),
            (None, _) => Err(SampleError::Refused(format!("{:?}", self.errors))),
        }
    }
}
