//! Who is registered: workers by slot, and by name, model and rank.

use super::types::{IndexError, MAX_WORKERS, WorkerId};
use hashbrown::HashMap;

/// The workers of an index.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    by_name: HashMap<String, Vec<WorkerId>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    worker: Option<Worker>,
}

#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) rank: u32,
}

impl Registry {
    /// The worker's id, and whether it was registered by this call.
    pub(crate) fn register(
        &mut self,
        name: &str,
        model: &str,
        rank: u32,
    ) -> Result<(WorkerId, bool), IndexError> {
        if let Some(id) = self.find(name, model, rank) {
            return Ok((id, false));
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < MAX_WORKERS => {
                self.slots.push(Slot::default());
                self.slots.len() as u32 - 1
            }
            None => return Err(IndexError::TooManyWorkers { limit: MAX_WORKERS }),
        };
        let entry = &mut self.slots[slot as usize];
        entry.worker = Some(Worker {
            name: name.to_owned(),
            model: model.to_owned(),
            rank,
        });
        let id = WorkerId {
            slot,
            generation: entry.generation,
        };
        self.by_name.entry_ref(name).or_default().push(id);
        Ok((id, true))
    }

    /// Forgets a worker; its id is never given again.
    pub(crate) fn forget(&mut self, id: WorkerId) -> Option<Worker> {
        self.get(id)?;
        let slot = self.slots.get_mut(id.slot as usize)?;
        let worker = slot.worker.take()?;
        // A slot whose generations are used up is left unused.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(id.slot);
        }
        if let Some(ids) = self.by_name.get_mut(&worker.name) {
            ids.retain(|known| *known != id);
            if ids.is_empty() {
                self.by_name.remove(&worker.name);
            }
        }
        Some(worker)
    }

    pub(crate) fn get(&self, id: WorkerId) -> Option<&Worker> {
        let slot = self.slots.get(id.slot as usize)?;
        slot.worker
            .as_ref()
            .filter(|_| slot.generation == id.generation)
    }

    pub(crate) fn find(&self, name: &str, model: &str, rank: u32) -> Option<WorkerId> {
        let ids = self.by_name.get(name)?;
        ids.iter().copied().find(|&id| {
            self.get(id)
                .is_some_and(|worker| worker.rank == rank && worker.model == model)
        })
    }

    /// The number of registered workers.
    pub(crate) fn len(&self) -> usize {
        self.by_name.values().map(Vec::len).sum()
    }
}
