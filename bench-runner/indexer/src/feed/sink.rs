//! Where the batches of a stream go: into an index.

use std::ops::Range;
use std::sync::Arc;

use super::tracker::Batch;
use crate::{Applied, DecodeError, Event, Index, IndexError, WorkerId};

/// What one batch did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivered {
    /// Events of known kinds.
    pub events: u32,
    /// Events of kinds not known here.
    pub unknown_events: u32,
    /// When the engine made the batch, in seconds since the Unix epoch.
    pub timestamp: f64,
    /// What its events did, in blocks.
    pub applied: Applied,
    /// Nothing that came by this stream before is left.
    pub emptied: bool,
}

/// Takes the batches of one stream, in their order.
pub trait Sink: Send {
    /// Applies one batch.
    ///
    /// # Errors
    /// When the batch cannot be decoded; nothing of it has been applied then.
    fn apply(&mut self, batch: &Batch) -> Result<Delivered, DecodeError>;

    /// Forgets everything that came by this stream: its engine started anew, or is gone.
    fn clear(&mut self);

    /// These batches are given up; the next one comes after them.
    fn lost(&mut self, _batches: Range<u64>) {}
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn apply(&mut self, batch: &Batch) -> Result<Delivered, DecodeError> {
        (**self).apply(batch)
    }

    fn clear(&mut self) {
        (**self).clear();
    }

    fn lost(&mut self, batches: Range<u64>) {
        (**self).lost(batches);
    }
}

/// A sink that applies to an index, as one worker for each data-parallel rank that the stream's
/// batches name.
#[derive(Debug)]
pub struct IndexSink {
    index: Arc<Index>,
    home: WorkerId,
    /// The workers that batches of this stream went to.
    used: Vec<WorkerId>,
}

impl IndexSink {
    /// A sink for the stream of rank `rank` of engine `name`, which serves `model`. Batches that
    /// name another rank go to that one.
    ///
    /// # Errors
    /// When the index cannot take another worker.
    pub fn new(index: Arc<Index>, name: &str, model: &str, rank: u32) -> Result<Self, IndexError> {
        let home = index.worker(name, model, rank)?;
        Ok(IndexSink {
            index,
            home,
            used: Vec::new(),
        })
    }
}

impl Sink for IndexSink {
    fn apply(&mut self, batch: &Batch) -> Result<Delivered, DecodeError> {
        let done = self.index.apply_payload(self.home, &batch.payload)?;
        if !self.used.contains(&done.worker) {
            self.used.push(done.worker);
        }
        Ok(Delivered {
            events: done.events,
            unknown_events: done.unknown_events,
            timestamp: done.timestamp,
            applied: done.applied,
            // A lost batch may have been one of any rank that this stream carries.
            emptied: done.applied.cleared && self.used.len() == 1,
        })
    }

    fn clear(&mut self) {
        for worker in self.used.drain(..) {
            self.index.apply(worker, &Event::Cleared);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::feed::tracker::Origin;
    use crate::{Stored, WireForm, encode_batch};

    fn batch(events: &[Event<'_>], rank: Option<u32>) -> Batch {
        let mut payload = Vec::new();
        encode_batch(WireForm::Array, 1.0, events, rank, &mut payload);
        Batch {
            seq: 0,
            payload: Bytes::from(payload),
            origin: Origin::Live,
        }
    }

    #[test]
    fn a_restart_clears_every_rank_that_the_stream_carried_and_no_other_worker() {
        let index = Arc::new(Index::with_seed(1));
        let tokens: Vec<u32> = (0..16).collect();
        let stored = [Stored::new(&[7], None, &tokens).into()];
        let mut a = IndexSink::new(index.clone(), "a", "m", 0).unwrap();
        let mut b = IndexSink::new(index.clone(), "b", "m", 0).unwrap();
        a.apply(&batch(&stored, None)).unwrap();
        a.apply(&batch(&stored, Some(3))).unwrap();
        b.apply(&batch(&stored, None)).unwrap();
        assert_eq!(index.stats().held_blocks, 3);
        a.clear();
        assert_eq!(index.stats().held_blocks, 1);
    }

    #[test]
    fn a_cleared_rank_empties_the_stream_only_when_it_is_alone() {
        let index = Arc::new(Index::with_seed(1));
        let mut sink = IndexSink::new(index, "a", "m", 0).unwrap();
        let cleared = [Event::Cleared];
        assert!(sink.apply(&batch(&cleared, None)).unwrap().emptied);
        assert!(!sink.apply(&batch(&cleared, Some(1))).unwrap().emptied);
    }
}
