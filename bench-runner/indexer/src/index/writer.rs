//! The writer's side: everything that only the holder of the write lock sees.

use super::aliases::Aliases;
use super::arena::View;
use super::engine_map::EngineMap;
use super::journal::Journal;
use super::registry::Registry;
use super::runs::Runs;
use super::seats::Target;
use super::segment::Segment;
use super::shared::{Growths, Shared};
use super::types::{
    Applied, IndexError, MAX_MEDIA, MAX_WORKERS, MediumId, Options, Stats, WorkerId,
};
use crate::events::DEFAULT_MEDIUM;
use crate::hash::EngineKey;

/// What the writer keeps to itself.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) growths: Growths,
    pub(crate) registry: Registry,
    /// By slot.
    pub(crate) workers: Vec<WorkerState>,
    pub(crate) seats: Vec<Seat>,
    pub(crate) free_seats: Vec<u32>,
    pub(crate) media: Vec<String>,
    /// Media that something was stored on, a bit each.
    pub(crate) used_media: u8,
    pub(crate) map: EngineMap,
    /// Upper halves of byte-string names, by chunks of blocks; absent where all are integers.
    pub(crate) upper_names: Vec<Option<Box<[u64]>>>,
    pub(crate) free: FreeLists,
    /// Segments that may have become empty during the event at hand.
    pub(crate) emptied: Vec<u32>,
    pub(crate) bounds: Bounds,
    pub(crate) stats: Stats,
}

/// A registered worker as the writer knows it.
#[derive(Debug, Default)]
pub(crate) struct WorkerState {
    /// Cache group and seat.
    pub(crate) seats: Vec<(u32, u32)>,
    /// Groups whose blocks are skipped.
    pub(crate) skipped_groups: Vec<u32>,
}

/// One seat.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    pub(crate) aliases: Aliases,
    /// By medium.
    pub(crate) journals: Vec<Journal>,
    /// The block stored last: a guess at the next store's parent, to be checked like any.
    pub(crate) stored_last: u32,
    /// The block removed last: a guess at what is removed next, to be checked like any.
    pub(crate) removed_last: u32,
}

/// Memory to be used again.
#[derive(Debug, Default)]
pub(crate) struct FreeLists {
    /// Ready: no reader of this epoch can reach them.
    pub(crate) segments: Vec<u32>,
    pub(crate) spills: Vec<u32>,
    /// Ready, and kept for chains under way.
    pub(crate) runs: Runs,
    /// Taken out in this epoch.
    pub(crate) quarantined_segments: Vec<u32>,
    pub(crate) quarantined_spills: Vec<u32>,
    /// Segments in use.
    pub(crate) linked: usize,
}

/// How much may be held.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) max_blocks: u64,
    pub(crate) max_bytes: usize,
    /// Where the evicting hand stands.
    pub(crate) hand: u32,
    /// Segments from there on whose marks of use are wiped.
    pub(crate) wiped: u32,
}

impl Bounds {
    pub(crate) fn are_set(&self) -> bool {
        self.max_blocks != u64::MAX || self.max_bytes != usize::MAX
    }
}

impl Writer {
    pub(crate) fn new(growths: Growths, options: &Options) -> Self {
        Self {
            growths,
            registry: Registry::default(),
            workers: Vec::new(),
            seats: Vec::new(),
            free_seats: Vec::new(),
            media: vec![DEFAULT_MEDIUM.to_owned()],
            used_media: 0,
            map: EngineMap::with_capacity(options.expected_blocks),
            upper_names: Vec::new(),
            free: FreeLists::default(),
            emptied: Vec::new(),
            bounds: Bounds {
                max_blocks: options.max_blocks.map_or(u64::MAX, |blocks| blocks as u64),
                max_bytes: options.max_bytes.unwrap_or(usize::MAX),
                hand: 0,
                wiped: 0,
            },
            stats: Stats::default(),
        }
    }

    /// Registers a worker, or finds it.
    pub(crate) fn register(
        &mut self,
        name: &str,
        model: &str,
        rank: u32,
    ) -> Result<WorkerId, IndexError> {
        let (id, is_new) = self.registry.register(name, model, rank)?;
        if is_new {
            let place = id.slot as usize;
            if self.workers.len() <= place {
                self.workers.resize_with(place + 1, WorkerState::default);
            }
            self.workers[place] = WorkerState::default();
        }
        Ok(id)
    }

    /// Registers a medium, or finds it.
    pub(crate) fn medium(&mut self, name: &str) -> Result<MediumId, IndexError> {
        if let Some(known) = self.medium_number(Some(name)) {
            return Ok(MediumId(known));
        }
        if self.media.len() == MAX_MEDIA {
            return Err(IndexError::TooManyMedia { limit: MAX_MEDIA });
        }
        self.media.push(name.to_owned());
        Ok(MediumId(self.media.len() as u8 - 1))
    }

    #[inline]
    pub(crate) fn medium_number(&self, name: Option<&str>) -> Option<u8> {
        let Some(name) = name else {
            return Some(0);
        };
        let known = |known: &String| known.eq_ignore_ascii_case(name);
        self.media.iter().position(known).map(|place| place as u8)
    }

    /// Adds what an event did to the totals.
    pub(crate) fn count(&mut self, applied: &Applied) {
        self.stats.stored += u64::from(applied.stored);
        self.stats.removed += u64::from(applied.removed);
        self.stats.unknown += u64::from(applied.unknown);
        self.stats.orphans += u64::from(applied.orphaned);
        self.stats.refused += u64::from(applied.refused);
        self.stats.skipped += u64::from(applied.skipped);
        self.stats.cleared += u64::from(applied.cleared);
    }

    /// Bytes of workers' own names.
    pub(crate) fn alias_bytes(&self) -> usize {
        self.seats.iter().map(|seat| seat.aliases.bytes()).sum()
    }

    /// Bytes held for blocks, from capacities.
    pub(crate) fn bytes(&self) -> usize {
        let seats: usize = self.seats.iter().map(Seat::bytes).sum();
        let upper = self.upper_names.iter().flatten();
        let free = &self.free;
        let lists = [
            &free.segments,
            &free.spills,
            &free.quarantined_segments,
            &free.quarantined_spills,
        ];
        let lists: usize = lists.iter().map(|list| list.capacity() * 4).sum();
        self.growths.segments.bytes()
            + self.growths.spills.bytes()
            + self.growths.children.bytes()
            + self.map.bytes()
            + upper.map(|chunk| size_of_val(&**chunk)).sum::<usize>()
            + seats
            + lists
            + self.free.runs.bytes()
    }
}

impl Seat {
    fn bytes(&self) -> usize {
        let journals: usize = self.journals.iter().map(Journal::bytes).sum();
        self.aliases.bytes() + journals
    }

    pub(crate) fn journal(&mut self, medium: u8) -> &mut Journal {
        let place = usize::from(medium);
        if self.journals.len() <= place {
            self.journals.resize_with(place + 1, Journal::default);
        }
        &mut self.journals[place]
    }
}

/// The writer at work: the lock is held.
pub(crate) struct Edit<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) view: View<'a, Segment>,
    pub(crate) writer: &'a mut Writer,
}

impl<'a> Edit<'a> {
    #[inline]
    pub(crate) fn new(shared: &'a Shared, writer: &'a mut Writer) -> Self {
        Self {
            shared,
            view: shared.segments.view(),
            writer,
        }
    }

    #[inline]
    pub(crate) fn segment(&self, id: u32) -> &'a Segment {
        self.view
            .get(id)
            .expect("the writer's view is renewed with every chunk, and it follows its own numbers")
    }

    /// The worker's seat for a cache group, if it has one.
    #[inline]
    pub(crate) fn seat(&self, worker: WorkerId, group: u32) -> Option<u32> {
        let seats = &self.writer.workers[worker.slot as usize].seats;
        seats.iter().find(|seat| seat.0 == group).map(|seat| seat.1)
    }

    /// The worker's seat for a cache group, given to it now if need be.
    pub(crate) fn seat_or_new(&mut self, worker: WorkerId, group: u32) -> Option<u32> {
        if let Some(seat) = self.seat(worker, group) {
            return Some(seat);
        }
        let seat = match self.writer.free_seats.pop() {
            Some(seat) => seat,
            None if self.writer.seats.len() < MAX_WORKERS => {
                self.writer.seats.push(Seat::default());
                self.writer.seats.len() as u32 - 1
            }
            None => return None,
        };
        let state = &mut self.writer.workers[worker.slot as usize];
        state.seats.push((group, seat));
        let shared = state.seats.len() > 1;
        self.shared.board.seat(seat, Some(worker), shared);
        Some(seat)
    }

    /// Where a seat's holdings on a medium are marked; readers learn of the medium first.
    #[inline]
    pub(crate) fn target(&mut self, seat: u32, medium: u8) -> Target {
        if self.writer.used_media & (1 << medium) == 0 {
            self.writer.used_media |= 1 << medium;
            self.shared.board.use_medium(medium);
        }
        Target::new(seat, medium)
    }
}

/// An event's blocks, hashed before the lock was taken.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) locals: Vec<crate::hash::LocalHash>,
    pub(crate) names: Vec<EngineKey>,
}
