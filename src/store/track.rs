//! Whole histories of series in memory, as long as there is room: five years of a trend are read in
//! microseconds, and a run is judged without reading what was read the night before.
//!
//! # Invariants
//! 1. A track that is here has every measurement that is committed, with its newest verdict.
//! 2. Who writes changes the tracks after the commit and before the next writer begins (he holds
//!    `Shared::writing`).
//! 3. Who loads a track puts it here only if no write was committed since before he began to read
//!    (`generation`), which he checks while he holds the track's place.
//!
//! Together these guarantee that what is read from here is never older than the last answered write
//! of this process. Other processes' writes are noticed by [`Store::notice_other_writers`].

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Place;
use sqlx::SqliteConnection;

use bench_verdict::verdict::{Band, Evidence};

use crate::domain::{InputsHash, Judgement, Millis, RunId, SeriesId};

use super::memo::Touched;
use super::{Store, StoreError, packed};

/// Points that are kept in memory: 20 MB of them, five years of 100 series, which are twice what a
/// page shows.
const MOST_POINTS: usize = 200_000;

/// One measurement of a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub(super) time: Millis,
    pub(super) run: RunId,
    pub(super) value: f64,
    pub(super) sample_count: u32,
    pub(super) judgement: Judgement,
}

/// An [`Entry`] as it is kept, in two thirds of the room: what is absent is no number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    pub(super) time: Millis,
    pub(super) run: RunId,
    pub(super) value: f64,
    baseline: f64,
    change: f64,
    accepted_level: f64,
    inputs: Option<NonZeroU64>,
    noise_floor: f64,
    detectable_change: f64,
    creep: f64,
    sample_count: u32,
    baseline_runs: u32,
    band: Band,
    evidence: Evidence,
}

impl From<Entry> for Packed {
    fn from(entry: Entry) -> Self {
        let judged = entry.judgement;
        let wide = |number: Option<f64>| number.unwrap_or(f64::NAN);
        Self {
            time: entry.time,
            run: entry.run,
            value: entry.value,
            baseline: wide(judged.baseline),
            change: wide(judged.change),
            accepted_level: wide(judged.accepted_level),
            inputs: judged.inputs.and_then(|hash| NonZeroU64::new(hash.0)),
            noise_floor: wide(judged.noise_floor),
            detectable_change: wide(judged.detectable_change),
            creep: wide(judged.creep),
            sample_count: entry.sample_count,
            baseline_runs: judged.baseline_runs,
            band: judged.band,
            evidence: judged.evidence,
        }
    }
}

impl From<Packed> for Entry {
    fn from(packed: Packed) -> Self {
        let wide = |number: f64| (!number.is_nan()).then_some(number);
        Self {
            time: packed.time,
            run: packed.run,
            value: packed.value,
            sample_count: packed.sample_count,
            judgement: Judgement {
                baseline: wide(packed.baseline),
                baseline_runs: packed.baseline_runs,
                change: wide(packed.change),
                band: packed.band,
                evidence: packed.evidence,
                noise_floor: wide(packed.noise_floor),
                detectable_change: wide(packed.detectable_change),
                accepted_level: wide(packed.accepted_level),
                creep: wide(packed.creep),
                inputs: packed.inputs.map(|hash| InputsHash(hash.get())),
            },
        }
    }
}

/// All measurements of a series, in the order of time and run.
pub(super) type Track = Arc<Vec<Packed>>;

#[derive(Debug)]
struct Kept {
    track: Track,
    /// When it was last read, as a count of reads.
    used: AtomicU64,
}

/// The tracks in memory.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    kept: DashMap<SeriesId, Kept, ahash::RandomState>,
    points: AtomicUsize,
    reads: AtomicU64,
    /// Raised after each commit that changes measurements or verdicts.
    generation: AtomicU64,
    /// The database's own count of other connections' writes, as the writer saw it last.
    data_version: AtomicI64,
}

impl Tracks {
    /// A track that is here.
    pub(super) fn get(&self, id: SeriesId) -> Option<Track> {
        let kept = self.kept.get(&id)?;
        let now = self.reads.fetch_add(1, Ordering::Relaxed);
        kept.used.store(now, Ordering::Relaxed);
        Some(kept.track.clone())
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Says that a write was committed. Comes before [`Tracks::put`] and [`Tracks::judge`].
    pub(super) fn committed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// A new measurement of a track that is here.
    pub(super) fn put(&self, id: SeriesId, entry: Entry) {
        let Some(mut kept) = self.kept.get_mut(&id) else {
            return;
        };
        let track = Arc::make_mut(&mut kept.track);
        match track.binary_search_by_key(&(entry.time, entry.run), |e| (e.time, e.run)) {
            Ok(at) => track[at] = entry.into(),
            Err(at) => {
                track.insert(at, entry.into());
                self.points.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A new verdict on a measurement of a track that is here.
    pub(super) fn judge(&self, id: SeriesId, time: Millis, run: RunId, judgement: Judgement) {
        let Some(mut kept) = self.kept.get_mut(&id) else {
            return;
        };
        let at = kept
            .track
            .binary_search_by_key(&(time, run), |e| (e.time, e.run));
        if let Ok(at) = at {
            let kept = &mut Arc::make_mut(&mut kept.track)[at];
            *kept = Entry {
                judgement,
                ..(*kept).into()
            }
            .into();
        }
    }

    /// Forgets all tracks, because what is stored changed in a way that [`Tracks::put`] and
    /// [`Tracks::judge`] do not say.
    pub(super) fn clear(&self) {
        self.committed();
        self.forget();
    }

    fn forget(&self) {
        self.kept.clear();
        self.points.store(0, Ordering::Relaxed);
    }

    /// Keeps a track that was read while `generation` was the newest, if it still is.
    fn keep(&self, id: SeriesId, track: &Track, generation: u64) {
        let kept = Kept {
            track: track.clone(),
            used: AtomicU64::new(self.reads.load(Ordering::Relaxed)),
        };
        {
            let place = self.kept.entry(id);
            if self.generation() != generation {
                return;
            }
            if let Place::Vacant(place) = place {
                place.insert(kept);
                self.points.fetch_add(track.len(), Ordering::Relaxed);
            }
        }
        if self.points.load(Ordering::Relaxed) > MOST_POINTS {
            self.make_room();
        }
    }

    /// Forgets the quarter of the tracks that was not read for longest.
    fn make_room(&self) {
        let mut by_use: Vec<(u64, SeriesId)> = self
            .kept
            .iter()
            .map(|kept| (kept.used.load(Ordering::Relaxed), *kept.key()))
            .collect();
        by_use.sort_unstable();
        for (_, id) in by_use.iter().take(by_use.len().div_ceil(4)) {
            self.kept.remove(id);
        }
        let left = self.kept.iter().map(|kept| kept.track.len()).sum();
        self.points.store(left, Ordering::Relaxed);
    }
}

impl Store {
    /// The whole history of a series, with the verdict of each measurement.
    pub(super) async fn track(&self, id: SeriesId) -> Result<Track, StoreError> {
        let tracks = &self.shared.tracks;
        if let Some(track) = tracks.get(id) {
            return Ok(track);
        }
        let generation = tracks.generation();
        let rows: Vec<(i64, f64, Vec<u8>)> = sqlx::query_as(
            "select run_id, value, data
             from measurement
             where series_id = $1
             order by run_id",
        )
        .bind(id.0)
        .fetch_all(self.readers())
        .await?;
        let runs: Vec<RunId> = rows.iter().map(|(run, ..)| RunId(*run)).collect();
        let heads = self.heads(&runs).await?;
        let mut track = Vec::with_capacity(rows.len());
        for ((run, value, data), head) in rows.into_iter().zip(heads) {
            let beside = packed::unpack(value, &data, run)?;
            track.push(Packed::from(Entry {
                time: head.time,
                run: RunId(run),
                value,
                sample_count: beside.sample_count,
                judgement: beside.judgement,
            }));
        }
        // As good as sorted: only runs that came late have greater numbers than later ones.
        track.sort_by_key(|entry| (entry.time, entry.run));
        let track = Arc::new(track);
        tracks.keep(id, &track, generation);
        Ok(track)
    }

    /// Forgets the histories in memory; they are read again when they are asked for.
    pub fn forget(&self) {
        self.shared.tracks.forget();
    }

    /// Forgets what is in memory if another process wrote, such as `kvmark prune` beside a server.
    pub async fn notice_other_writers(&self) -> Result<(), StoreError> {
        let _writing = self.shared.writing.lock().await;
        let mut connection = self.writer().acquire().await?;
        self.notice(&mut connection).await
    }

    /// The same on the writer's connection: its count leaves its own writes out.
    pub(super) async fn notice(&self, writer: &mut SqliteConnection) -> Result<(), StoreError> {
        let (version,): (i64,) = sqlx::query_as("pragma data_version")
            .fetch_one(writer)
            .await?;
        let before = self
            .shared
            .tracks
            .data_version
            .swap(version, Ordering::SeqCst);
        if before != version {
            self.shared.tracks.clear();
            self.shared.heads.clear();
            self.shared.stamps.touch(Touched::All);
        }
        Ok(())
    }
}
