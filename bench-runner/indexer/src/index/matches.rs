//! The answer to a lookup, owned by the caller and used again and again.

use super::ahead::Partings;
use super::seats::SeatTable;
use super::segment::BLOCKS;
use super::types::WorkerId;
use crate::hash::LocalHash;
use std::sync::Arc;

/// The workers that hold at least the first block of a prompt, and how far each holds it.
///
/// Keep one a thread and hand it to every lookup: its buffers grow to what the longest prompt and
/// the largest fleet need, and then no lookup allocates.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// Shallowest first.
    runs: Vec<Run>,
    /// Deepest first. Filled instead of `runs` where workers have several seats.
    pairs: Vec<(WorkerId, u32)>,
    /// Whose seats the runs speak of.
    pub(crate) table: Arc<SeatTable>,
    pub(crate) scratch: Scratch,
    /// What earlier lookups saw: hints for the next.
    pub(crate) partings: Partings,
}

/// Buffers of a lookup.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) hashes: Vec<LocalHash>,
    pub(crate) alive: Vec<(u32, u64)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) rows_again: Vec<Row>,
}

/// Who of a group of seats holds each block of a segment, on one medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) group: u32,
    /// The record's version when it was read.
    pub(crate) version: u32,
    pub(crate) holders: [u64; BLOCKS],
}

/// Seats of one group of 64 that hold so many leading blocks and no more.
#[derive(Clone, Copy, Debug)]
struct Run {
    depth: u32,
    group: u32,
    seats: u64,
}

impl Matches {
    /// An empty answer, to be filled by a lookup.
    pub fn new() -> Self {
        Self::default()
    }

    /// Each worker with the number of leading blocks it holds (at least 1), deepest first.
    pub fn iter(&self) -> impl Iterator<Item = (WorkerId, u32)> + '_ {
        let of_run = move |run: &Run| {
            let Run {
                depth,
                group,
                seats,
            } = *run;
            let seats = Seats(seats);
            seats.map(move |seat| (self.table.worker(group * 64 + seat), depth))
        };
        let runs = self.runs.iter().rev().flat_map(of_run);
        runs.chain(self.pairs.iter().copied())
    }

    /// A worker that holds the most leading blocks, and how many.
    pub fn best(&self) -> Option<(WorkerId, u32)> {
        self.iter().next()
    }

    /// How many leading blocks a worker holds.
    pub fn depth_of(&self, worker: WorkerId) -> u32 {
        self.iter()
            .find(|pair| pair.0 == worker)
            .map_or(0, |pair| pair.1)
    }

    /// Whether nobody holds the first block.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.pairs.is_empty()
    }

    /// The number of workers that hold the first block.
    pub fn len(&self) -> usize {
        let runs = self.runs.iter().map(|run| run.seats.count_ones() as usize);
        runs.sum::<usize>() + self.pairs.len()
    }

    /// Empties the answer.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.pairs.clear();
    }

    /// Seats that hold `depth` blocks and no more; nothing for depth 0. Depths only grow.
    #[inline]
    pub(crate) fn push(&mut self, depth: usize, group: u32, seats: u64) {
        if depth > 0 && seats != 0 {
            self.runs.push(Run {
                depth: depth as u32,
                group,
                seats,
            });
        }
    }

    /// How many runs there are, to come back to.
    #[inline]
    pub(crate) fn mark(&self) -> usize {
        self.runs.len()
    }

    #[inline]
    pub(crate) fn back_to(&mut self, mark: usize) {
        self.runs.truncate(mark);
    }

    /// A worker with several seats holds what all of them hold.
    pub(crate) fn combine(&mut self) {
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.extend(self.iter());
        self.runs.clear();
        // By worker, the least depth last.
        pairs.sort_unstable_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        let mut kept = 0;
        let mut at = 0;
        while at < pairs.len() {
            let worker = pairs[at].0;
            let seats = pairs[at..]
                .iter()
                .take_while(|pair| pair.0 == worker)
                .count();
            if seats == self.table.seats_of(worker) {
                pairs[kept] = pairs[at + seats - 1];
                kept += 1;
            }
            at += seats;
        }
        pairs.truncate(kept);
        pairs.sort_unstable_by_key(|pair| std::cmp::Reverse(pair.1));
        self.pairs = pairs;
    }
}

/// The places of a word's set bits.
struct Seats(u64);

impl Iterator for Seats {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let seat = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(seat)
    }
}
