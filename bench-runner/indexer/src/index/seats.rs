//! Seats: the bits by which segments know their holders.
//!
//! A worker has a seat for each full-attention cache group it speaks of, one for most. Seat `s`
//! on medium `m` is bit `s % 64` of plane `m × GROUPS + s / 64`.

use super::segment::NONE;
use super::types::{MAX_WORKERS, WorkerId};
use crate::sync::{AtomicU64, Ordering, fence};
use std::sync::{Arc, PoisonError, RwLock};

/// Groups of 64 seats.
pub(crate) const GROUPS: u32 = MAX_WORKERS as u32 / 64;

/// Where a worker's holdings on one medium are marked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) seat: u32,
    pub(crate) medium: u8,
    pub(crate) plane: u32,
    pub(crate) bit: u64,
}

impl Target {
    #[inline]
    pub(crate) fn new(seat: u32, medium: u8) -> Self {
        Self {
            seat,
            medium,
            plane: u32::from(medium) * GROUPS + seat / 64,
            bit: 1 << (seat % 64),
        }
    }
}

/// A plane's medium and group of seats.
#[inline]
pub(crate) fn medium_and_group(plane: u32) -> (u8, u32) {
    ((plane / GROUPS) as u8, plane % GROUPS)
}

/// Whose seat is whose, at one moment. Immutable; lookups keep the one they used last.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeatTable {
    /// Different for each table of each index in the process; 0 for no table.
    pub(crate) version: u64,
    /// By seat; NONE as the slot of a seat that is free.
    workers: Vec<WorkerId>,
    /// Media that anything was ever stored on, a bit each.
    media: u8,
    /// Whether any worker has more than one seat.
    pub(crate) shared_workers: bool,
}

const NOBODY: WorkerId = WorkerId {
    slot: NONE,
    generation: 0,
};

impl SeatTable {
    /// Whether one word says everything: at most 64 seats, one medium, a seat a worker.
    #[inline]
    pub(crate) fn is_one_plane(&self) -> bool {
        self.workers.len() <= 64 && self.media <= 1 && !self.shared_workers
    }

    #[inline]
    pub(crate) fn worker(&self, seat: u32) -> WorkerId {
        self.workers.get(seat as usize).copied().unwrap_or(NOBODY)
    }

    /// Seats of a worker.
    pub(crate) fn seats_of(&self, worker: WorkerId) -> usize {
        self.workers.iter().filter(|w| **w == worker).count()
    }
}

/// The table in force.
#[derive(Debug, Default)]
pub(crate) struct Board {
    version: AtomicU64,
    table: RwLock<Arc<SeatTable>>,
}

/// Numbers for tables, unique in the process: answers may be used with several indexes.
static NEXT_VERSION: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

impl Board {
    /// The version in force when a walk begins.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether the version is still in force when the walk ends.
    #[inline]
    pub(crate) fn holds(&self, version: u64) -> bool {
        fence(Ordering::Acquire);
        self.version.load(Ordering::Relaxed) == version
    }

    /// The table in force. Taken when it changed since a lookup's last, which is when a worker
    /// came or went.
    #[cold]
    pub(crate) fn table(&self) -> Arc<SeatTable> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&table)
    }

    /// Puts a changed table in force. The version moves first and last: a lookup that sees the
    /// one before the change cannot end as valid.
    fn change(&self, edit: impl FnOnce(&mut SeatTable)) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = SeatTable::clone(&table);
        edit(&mut next);
        next.version = NEXT_VERSION.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let version = next.version;
        *table = Arc::new(next);
        self.version.store(version, Ordering::Release);
        fence(Ordering::Release);
    }

    /// Gives a seat to a worker, or takes it back.
    pub(crate) fn seat(&self, seat: u32, worker: Option<WorkerId>, shared_workers: bool) {
        self.change(|table| {
            if table.workers.len() <= seat as usize {
                table.workers.resize(seat as usize + 1, NOBODY);
            }
            table.workers[seat as usize] = worker.unwrap_or(NOBODY);
            table.shared_workers |= shared_workers;
        });
    }

    /// Says that something will be stored on a medium.
    pub(crate) fn use_medium(&self, medium: u8) {
        self.change(|table| table.media |= 1 << medium);
    }
}
