//! The seeded streams of a run, each made when it is first needed and kept.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ahash::AHashMap;

use super::recorded::Recording;
use crate::workload::catalogue::Catalogue;
use crate::workload::fleet::{Fleet, FleetShape};
use crate::workload::prompts::{Prompt, prompts};
use crate::workload::random::derive;

/// Prompts that the routing benchmark asks about, round and round.
const PROMPTS: usize = 2_000;

/// The streams of one seed.
#[derive(Debug)]
pub struct Workloads {
    seed: u64,
    shape: FleetShape,
    fleet: OnceLock<Fleet>,
    prompts: OnceLock<Vec<Prompt>>,
    catalogues: Mutex<AHashMap<usize, Arc<Catalogue>>>,
    recording: Option<Arc<Recording>>,
}

impl Workloads {
    /// The streams of the suite.
    pub fn new(seed: u64) -> Self {
        Self::with_shape(seed, FleetShape::SUITE)
    }

    /// The streams of a fleet of another shape, for tests.
    pub fn with_shape(seed: u64, shape: FleetShape) -> Self {
        Self {
            seed,
            shape,
            fleet: OnceLock::new(),
            prompts: OnceLock::new(),
            catalogues: Mutex::default(),
            recording: None,
        }
    }

    /// The seed that they were all made from.
    pub fn run_seed(&self) -> u64 {
        self.seed
    }

    /// The same streams, and a recording beside them.
    pub fn beside(self, recording: Option<Arc<Recording>>) -> Self {
        Self { recording, ..self }
    }

    /// The recording, where there is one.
    pub fn recording(&self) -> Option<&Recording> {
        self.recording.as_deref()
    }

    /// A seed for a purpose of its own.
    pub(super) fn seed(&self, purpose: u64) -> u64 {
        derive(self.seed, purpose)
    }

    /// The fleet of engines.
    pub fn fleet(&self) -> &Fleet {
        self.fleet.get_or_init(|| Fleet::new(self.shape, self.seed))
    }

    /// The prompts to route.
    pub fn prompts(&self) -> &[Prompt] {
        self.prompts
            .get_or_init(|| prompts(self.fleet(), PROMPTS, self.seed))
    }

    /// Stores of exactly `items` distinct blocks.
    pub fn catalogue(&self, items: usize) -> Arc<Catalogue> {
        let mut catalogues = self
            .catalogues
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let made = catalogues.entry(items);
        Arc::clone(made.or_insert_with(|| Arc::new(Catalogue::new(items, self.seed))))
    }
}
