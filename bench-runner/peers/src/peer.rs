//! What an index must do to take part.

use crate::measure::{Timer, Took};
use crate::workload::{Sequence, StoreEvent, Workload};
use std::sync::atomic::AtomicBool;

/// What is fed to every index: made once, before any clock starts.
pub struct World {
    pub shape: Workload,
    pub sequences: Vec<Sequence>,
    /// Each store event as a vLLM batch of one event, with its worker.
    pub payloads: Vec<(usize, Vec<u8>)>,
}

impl World {
    /// All store events, sequences in order.
    pub fn events(&self) -> impl Iterator<Item = StoreEvent<'_>> {
        let sequences = self.sequences.iter().enumerate();
        sequences.flat_map(|(i, sequence)| sequence.stores(self.shape.worker(i)))
    }

    /// How many events there are.
    pub fn event_count(&self) -> usize {
        self.payloads.len()
    }
}

/// An index under comparison.
pub trait Peer: Sized {
    /// Crate and type.
    const NAME: &'static str;
    /// Whether a call has done its work when it returns, so that calls can be timed one by one.
    const IS_DIRECT: bool = true;

    /// The hash by which the index knows a block's content.
    type Hash;
    /// A buffer for answers that the caller keeps, where the index can fill one.
    type Out: Default;

    /// An empty index for so many workers.
    fn new(workers: usize) -> Self;
    /// Hashes and stores the blocks of one event.
    fn store(&mut self, event: StoreEvent<'_>);
    /// Removes the blocks of one event.
    fn remove(&mut self, worker: usize, names: &[u64]);
    /// Waits until all that was asked for is done.
    fn settle(&mut self) {}

    /// The hash of each block of a prompt.
    fn hash(&self, tokens: &[u32]) -> Vec<Self::Hash>;
    /// Looks a prompt up; gives the sum of all depths, so that nothing can be left out.
    fn by_tokens(&self, tokens: &[u32], out: &mut Self::Out) -> u64;
    /// The same for a prompt that is hashed already.
    fn by_hashes(&self, hashes: &[Self::Hash], out: &mut Self::Out) -> u64;
    /// Who holds how many leading blocks, by worker.
    fn answer(&self, tokens: &[u32]) -> Vec<(usize, u32)>;

    /// Stores all events in a fresh index on one thread.
    fn store_all(world: &World) -> Took {
        let mut index = Self::new(world.shape.workers);
        let events: Vec<_> = world.events().collect();
        let timer = Timer::start();
        for event in events {
            index.store(event);
        }
        timer.stop()
    }

    /// Removes all from a full index, in the order it was stored in.
    fn remove_all(world: &World) -> Took {
        let mut index = filled::<Self>(world);
        let timer = Timer::start();
        for (i, sequence) in world.sequences.iter().enumerate() {
            for names in sequence.removals() {
                index.remove(world.shape.worker(i), names);
            }
        }
        timer.stop()
    }

    /// Decodes and applies all payloads in a fresh index; `None` for an index without a decoder.
    fn decode_all(_: &World) -> Option<Took> {
        None
    }
}

/// An index that several threads may use.
pub trait Concurrent: Peer + Sync {
    /// Stores all events in a fresh index, on two threads by the parity of the worker; wall time.
    fn store_all_on_two(world: &World) -> Took;
    /// Stores all events again and again, until it is told to stop.
    fn restore(&self, world: &World, stop: &AtomicBool);
}

/// A full index.
pub fn filled<P: Peer>(world: &World) -> P {
    let mut index = P::new(world.shape.workers);
    for (i, event) in world.events().enumerate() {
        index.store(event);
        if i % 64 == 63 {
            index.settle();
        }
    }
    index.settle();
    index
}
