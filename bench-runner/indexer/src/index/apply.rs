//! Events in: hashed before the lock is taken, applied under it.

use super::Index;
use super::meter::Work;
use super::types::{Applied, BatchApplied, Removed, WorkerId};
use super::writer::{Edit, Prepared, Writer};
use crate::events::{Event, Stored};
use crate::hash::LocalHash;
use crate::wire::decode::{Batch, Decoder};
use crate::wire::error::DecodeError;
use std::cell::RefCell;

/// A thread's buffers.
#[derive(Debug, Default)]
struct Scratch {
    decoder: Decoder,
    prepared: Vec<Prepared>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Index {
    /// Applies one event of a worker. Events of one worker must come in its order.
    pub fn apply(&self, worker: WorkerId, event: &Event<'_>) -> Applied {
        if let Event::Cleared = event {
            return self.clear(worker);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            if scratch.prepared.is_empty() {
                scratch.prepared.push(Prepared::default());
            }
            let prepared = &mut scratch.prepared[0];
            let is_sound = self.prepare(event, prepared);
            let mut writer = self.write();
            self.apply_prepared(&mut writer, worker, event, is_sound.then_some(prepared))
        })
    }

    /// Decodes and applies one msgpack `KVEventBatch`, of either generation.
    ///
    /// A batch that names a data-parallel rank goes to that rank of the worker's engine, which is
    /// registered if it is new. On an error nothing was applied.
    pub fn apply_payload(
        &self,
        worker: WorkerId,
        payload: &[u8],
    ) -> Result<BatchApplied, DecodeError> {
        SCRATCH.with_borrow_mut(|scratch| {
            let batch = scratch.decoder.decode(payload)?;
            self.shared
                .meter
                .add(Work::BytesDecoded, payload.len() as u64);
            Ok(self.apply_batch(worker, &batch, &mut scratch.prepared))
        })
    }

    fn apply_batch(
        &self,
        worker: WorkerId,
        batch: &Batch<'_>,
        prepared: &mut Vec<Prepared>,
    ) -> BatchApplied {
        let events = batch.events().len();
        if prepared.len() < events {
            prepared.resize_with(events, Prepared::default);
        }
        let mut done = BatchApplied {
            worker,
            events: events as u32,
            unknown_events: batch.unknown_events(),
            timestamp: batch.timestamp(),
            applied: Applied::default(),
        };
        let rank = batch.data_parallel_rank();
        if events == 1
            && let Some(event) = batch.events().next()
            && !matches!(event, Event::Cleared)
        {
            // Most batches of a busy engine: read out of the buffers once.
            let is_sound = self.prepare(&event, &mut prepared[0]);
            let mut writer = self.write();
            done.worker = rank_of(&mut writer, worker, rank);
            let prepared = is_sound.then_some(&prepared[0]);
            done.applied = self.apply_prepared(&mut writer, done.worker, &event, prepared);
            return done;
        }
        // Refused events are rare: a list of them is only made where there are any.
        let mut unsound = Vec::new();
        for (place, (event, prepared)) in batch.events().zip(prepared.iter_mut()).enumerate() {
            if !self.prepare(&event, prepared) {
                unsound.push(place);
            }
        }
        let mut writer = self.write();
        done.worker = rank_of(&mut writer, worker, rank);
        for (place, event) in batch.events().enumerate() {
            let applied = if let Event::Cleared = event {
                // Clearing takes the lock in slices.
                drop(writer);
                let applied = self.clear(done.worker);
                writer = self.write();
                applied
            } else {
                let prepared = (!unsound.contains(&place)).then_some(&prepared[place]);
                self.apply_prepared(&mut writer, done.worker, &event, prepared)
            };
            done.applied.add(&applied);
        }
        done
    }

    /// Hashes what an event names; false where the event is malformed.
    fn prepare(&self, event: &Event<'_>, prepared: &mut Prepared) -> bool {
        let keys = &self.shared.keys;
        prepared.names.clear();
        prepared.locals.clear();
        let hashes = match event {
            Event::Stored(stored) => {
                if !self.prepare_tokens(stored, prepared) {
                    return false;
                }
                &stored.block_hashes
            }
            Event::Removed(removal) => &removal.block_hashes,
            Event::Cleared => return true,
        };
        match hashes.as_ints() {
            Some(ints) => prepared.names.extend(ints.iter().map(|&int| keys.int(int))),
            None => prepared
                .names
                .extend(hashes.iter().map(|hash| keys.engine(hash))),
        }
        prepared.names.len() == hashes.len()
    }

    fn prepare_tokens(&self, stored: &Stored<'_>, prepared: &mut Prepared) -> bool {
        let count = stored.block_hashes.len();
        let is_even = stored.block_size as usize == self.block_size
            && Some(stored.tokens.len()) == count.checked_mul(self.block_size);
        let of_keys = stored.extra_keys.blocks();
        if !is_even || !of_keys.is_ok_and(|blocks| blocks.is_none_or(|blocks| blocks == count)) {
            return false;
        }
        let Ok(mut extra) = stored.extra_keys.read() else {
            return false;
        };
        self.shared.meter.add(Work::Hashes, count as u64);
        let keys = &self.shared.keys;
        let (tokens, size) = (stored.tokens, self.block_size);
        prepared.locals.resize(count, LocalHash(0));
        let hashed = keys.blocks(tokens, size, &mut extra, &mut prepared.locals);
        hashed.is_ok()
    }

    /// Applies a store or removal; `prepared` is `None` for a malformed one.
    fn apply_prepared(
        &self,
        writer: &mut Writer,
        worker: WorkerId,
        event: &Event<'_>,
        prepared: Option<&Prepared>,
    ) -> Applied {
        let mut edit = Edit::new(&self.shared, writer);
        let keys = &self.shared.keys;
        let applied = match (event, prepared) {
            (Event::Stored(stored), Some(prepared)) => {
                let scope = |model: &str| keys.scope(model, stored.adapter);
                edit.store(worker, stored, prepared, scope)
            }
            (Event::Removed(removal), Some(prepared)) => {
                edit.remove(worker, removal, &prepared.names)
            }
            _ => None,
        };
        let applied = applied.unwrap_or_else(|| Applied {
            refused: blocks_of(event).max(1) as u32,
            ..Applied::default()
        });
        writer.count(&applied);
        applied
    }

    fn clear(&self, worker: WorkerId) -> Applied {
        let seats = {
            let mut writer = self.write();
            if writer.registry.get(worker).is_none() {
                return Applied::default();
            }
            let applied = Applied {
                cleared: true,
                ..Applied::default()
            };
            writer.count(&applied);
            writer.workers[worker.slot as usize].seats.clone()
        };
        self.clear_seats(&seats);
        Applied {
            cleared: true,
            ..Applied::default()
        }
    }

    /// Clears seats, a few segments under each hold of the lock; gives what they held.
    fn clear_seats(&self, seats: &[(u32, u32)]) -> u64 {
        let mut released = 0;
        for &(_, seat) in seats {
            loop {
                let mut writer = self.write();
                let mut edit = Edit::new(&self.shared, &mut writer);
                let (blocks, more) = edit.clear_slice(seat);
                released += blocks;
                if !more {
                    break;
                }
            }
        }
        released
    }

    /// Drops a worker and all it holds. Its id is invalid from then on.
    ///
    /// The cost follows what it held; other writers get their turn in between.
    pub fn remove_worker(&self, worker: WorkerId) -> Removed {
        let seats = {
            let mut writer = self.write();
            if writer.registry.forget(worker).is_none() {
                return Removed::default();
            }
            std::mem::take(&mut writer.workers[worker.slot as usize].seats)
        };
        let held_blocks = self.clear_seats(&seats);
        let mut writer = self.write();
        for (_, seat) in seats {
            writer.seats[seat as usize] = Default::default();
            writer.free_seats.push(seat);
            self.shared.board.seat(seat, None, false);
        }
        Removed {
            known: true,
            held_blocks,
        }
    }
}

fn blocks_of(event: &Event<'_>) -> usize {
    match event {
        Event::Stored(stored) => stored.block_hashes.len(),
        Event::Removed(removal) => removal.block_hashes.len(),
        Event::Cleared => 0,
    }
}

/// The worker of that rank beside the given one; the given one where no other can be had.
fn rank_of(writer: &mut Writer, worker: WorkerId, rank: Option<u32>) -> WorkerId {
    let Some(rank) = rank else {
        return worker;
    };
    let Some(known) = writer.registry.get(worker) else {
        return worker;
    };
    if known.rank == rank {
        return worker;
    }
    let (name, model) = (known.name.clone(), known.model.clone());
    writer.register(&name, &model, rank).unwrap_or(worker)
}
