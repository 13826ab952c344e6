//! Which segments a worker has on a medium: what clearing it costs.

use hashbrown::HashSet;

/// The segments in which a worker holds anything on one medium.
///
/// Every such segment is listed. Entries of segments it left stay until they outnumber the others,
/// so entering and leaving cost one push and one count.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<u32>,
    live: usize,
}

/// Dead entries that are not worth a pass.
const SLACK: usize = 64;

impl Journal {
    /// The worker now holds something in the segment, and did not before.
    #[inline]
    pub(crate) fn enter(&mut self, segment: u32) {
        self.entries.push(segment);
        self.live += 1;
    }

    /// The worker holds nothing in one of its segments any more.
    #[inline]
    pub(crate) fn leave(&mut self) {
        self.live -= 1;
    }

    /// Whether dead entries outnumber the others.
    #[inline]
    pub(crate) fn is_stale(&self) -> bool {
        self.entries.len() > self.live * 2 + SLACK
    }

    /// Keeps one entry for each segment that `is_held`.
    pub(crate) fn tidy(&mut self, is_held: impl Fn(u32) -> bool) {
        let mut seen = HashSet::with_capacity(self.live);
        self.entries
            .retain(|&segment| is_held(segment) && seen.insert(segment));
        self.entries.shrink_to(self.live * 2);
    }

    /// Takes one entry, held or not.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        self.entries.pop()
    }

    /// Whether nothing is listed.
    pub(crate) fn is_done(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the list.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<u32>()
    }
}
