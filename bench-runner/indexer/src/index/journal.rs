//! Which segments a worker has on a medium: what clearing it costs.

use hashbrown::HashSet;

/// The segments in which a worker holds anything on one medium.
///
/// Every such segment is listed. Entries of segments it left stay until they outnumber the others;
/// then each further leaving looks at a few of the list, so that none takes long, however long the
/// list is.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<u32>,
    live: usize,
    tidying: Option<Box<Tidying>>,
}

/// A pass over the list. Entries before `kept` are looked at, those from `next` on are not; what
/// lies between is free.
#[derive(Debug)]
struct Tidying {
    seen: HashSet<u32>,
    kept: usize,
    next: usize,
}

/// Dead entries that are not worth a pass.
const SLACK: usize = 64;
/// Entries looked at in one step: many more than come in meanwhile, and little work.
const STEP: usize = 16;

impl Journal {
    /// The worker now holds something in the segment, and did not before.
    #[inline]
    pub(crate) fn enter(&mut self, segment: u32) {
        self.entries.push(segment);
        self.live += 1;
    }

    /// The worker holds nothing in one of its segments any more. True where [`Journal::tidy`] is to
    /// be called.
    #[inline]
    pub(crate) fn leave(&mut self) -> bool {
        self.live -= 1;
        self.tidying.is_some() || self.entries.len() > self.live * 2 + SLACK
    }

    /// Looks at a few entries, and keeps one for each segment that `is_held`.
    pub(crate) fn tidy(&mut self, is_held: impl Fn(u32) -> bool) {
        let live = self.live;
        let pass = self.tidying.get_or_insert_with(|| {
            Box::new(Tidying {
                seen: HashSet::with_capacity(live),
                kept: 0,
                next: 0,
            })
        });
        let end = self.entries.len().min(pass.next + STEP);
        for place in pass.next..end {
            let segment = self.entries[place];
            if is_held(segment) && pass.seen.insert(segment) {
                self.entries[pass.kept] = segment;
                pass.kept += 1;
            }
        }
        pass.next = end;
        if end == self.entries.len() {
            self.end_pass();
            self.entries.shrink_to(self.live * 2);
        }
    }

    /// Forgets a pass that has nothing left to look at.
    fn end_pass(&mut self) {
        if let Some(pass) = self.tidying.take() {
            self.entries.truncate(pass.kept);
        }
    }

    /// Takes one entry, held or not.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        let next = self.tidying.as_ref().map_or(0, |pass| pass.next);
        if self.entries.len() <= next {
            self.end_pass();
        }
        self.entries.pop()
    }

    /// Whether nothing is listed.
    pub(crate) fn is_done(&self) -> bool {
        match &self.tidying {
            Some(pass) => pass.kept == 0 && pass.next == self.entries.len(),
            None => self.entries.is_empty(),
        }
    }

    /// Bytes of the list.
    pub(crate) fn bytes(&self) -> usize {
        let of_pass = |pass: &Tidying| pass.seen.capacity() * (size_of::<u32>() + 1);
        let of_pass = self.tidying.as_deref().map_or(0, of_pass);
        self.entries.capacity() * size_of::<u32>() + of_pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn every_segment_held_is_listed_and_the_list_stays_short(
            steps in proptest::collection::vec(0u32..300, 0..4000),
        ) {
            let (mut journal, mut held) = (Journal::default(), BTreeSet::new());
            for segment in steps {
                if held.insert(segment) {
                    journal.enter(segment);
                } else {
                    held.remove(&segment);
                    if journal.leave() {
                        journal.tidy(|segment| held.contains(&segment));
                    }
                }
                // A pass ends well before as much again has come in.
                prop_assert!(journal.entries.len() <= 3 * (300 + SLACK));
            }
            let mut listed = BTreeSet::new();
            while let Some(segment) = journal.pop() {
                listed.insert(segment);
            }
            prop_assert!(journal.is_done());
            prop_assert!(held.is_subset(&listed));
        }
    }
}
