//! What the judging of a machine carries from night to night: of every series the nights of the
//! last half year and the detector's state. Derived: it can be dropped and made again from the
//! stored values.

use std::collections::BTreeMap;

use bench_verdict::evidence::Thresholds;
use bench_verdict::history::{History, Metric, Night};
use bench_verdict::regression::{Judged, News, Watch};
use bench_verdict::tonight::{State, Tonight};
use serde::{Deserialize, Serialize};

use crate::domain::{Judgement, Millis, Series, SeriesId};

/// The version of what [`Carried::to_bytes`] writes; other versions do not read.
const FORMAT: u8 = 2;

/// A worsening is judged from so many nights.
const WATCHED: usize = 32;

/// What was carried of all series of one machine and suite version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Carried {
    /// The time of the newest night in it.
    pub through: Option<Millis>,
    /// By series.
    pub series: BTreeMap<SeriesId, CarriedSeries>,
}

/// What was carried of one series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CarriedSeries {
    /// Its last nights, oldest first, as many as can still matter.
    pub nights: Vec<(Millis, f64)>,
    /// What the detector carries.
    pub state: State,
    /// Its worsenings that are not over.
    pub watch: Watch,
}

/// What is written of a series beside its nights.
#[derive(Serialize, Deserialize)]
struct Kept<T, W> {
    state: T,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watch: Option<W>,
}

impl CarriedSeries {
    /// The nights and one more, as the detector reads them. One suite version and machine are one
    /// epoch, and nothing else is carried together.
    pub fn history(&self, series: &Series, tonight: Option<(Millis, f64)>) -> History {
        let night = |&(time, value): &(Millis, f64)| Night {
            time_ms: time.0,
            value,
            epoch: 0,
        };
        let nights = self.nights.iter().chain(&tonight).map(night);
        History::new(nights.collect(), metric(series))
    }

    /// What the night that was taken in last does to the worsenings. `state`: what the detector
    /// carries after it.
    pub fn watch(
        &mut self,
        series: &Series,
        judgement: &Judgement,
        tonight: Option<&Tonight>,
        state: &State,
    ) -> Vec<News> {
        if self.watch.is_idle(tonight, judgement.band) {
            return Vec::new();
        }
        let from = self.nights.len().saturating_sub(WATCHED);
        let nights: Vec<(i64, f64)> = self.nights[from..]
            .iter()
            .map(|(time, value)| (time.0, *value))
            .collect();
        self.watch.night(&Judged {
            nights: &nights,
            better: series.better,
            floor: series.floor.unwrap_or(0.0),
            tonight,
            state,
            baseline: judgement.baseline,
            band: judgement.band,
        })
    }

    /// Takes a night in, and lets go of what cannot matter any more.
    pub fn push(&mut self, night: (Millis, f64)) {
        self.nights.push(night);
        // Tonight will be one more than is kept.
        let most = Thresholds::default().window() - 1;
        let over = self.nights.len().saturating_sub(most);
        self.nights.drain(..over);
    }
}

/// A series as the detector sees it.
pub fn metric(series: &Series) -> Metric {
    Metric {
        better: series.better,
        floor: series.floor.unwrap_or(0.0),
    }
}

impl Carried {
    /// As bytes, to be kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.through.map_or(i64::MIN, |time| time.0).to_le_bytes());
        for (id, series) in &self.series {
            bytes.extend(id.0.to_le_bytes());
            let kept = Kept {
                state: &series.state,
                watch: Some(&series.watch).filter(|watch| !watch.is_empty()),
            };
            let state = serde_json::to_vec(&kept).unwrap_or_default();
            bytes.extend(length(state.len()));
            bytes.extend(state);
            bytes.extend(length(series.nights.len()));
            for (time, value) in &series.nights {
                bytes.extend(time.0.to_le_bytes());
                bytes.extend(value.to_le_bytes());
            }
        }
        bytes
    }

    /// From bytes; none where they are not what [`Carried::to_bytes`] of this version wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&format, bytes) = bytes.split_first()?;
        if format != FORMAT {
            return None;
        }
        let mut rest = bytes;
        let through = i64::from_le_bytes(take(&mut rest)?);
        let mut carried = Self {
            through: (through != i64::MIN).then_some(Millis(through)),
            series: BTreeMap::new(),
        };
        while !rest.is_empty() {
            let id = SeriesId(i64::from_le_bytes(take(&mut rest)?));
            let length = taken(&mut rest)?;
            let (state, more) = rest.split_at_checked(length)?;
            rest = more;
            let kept: Kept<State, Watch> = serde_json::from_slice(state).ok()?;
            let count = taken(&mut rest)?;
            let mut nights = Vec::with_capacity(count.min(1024));
            for _ in 0..count {
                let time = Millis(i64::from_le_bytes(take(&mut rest)?));
                nights.push((time, f64::from_le_bytes(take(&mut rest)?)));
            }
            let series = CarriedSeries {
                nights,
                state: kept.state,
                watch: kept.watch.unwrap_or_default(),
            };
            carried.series.insert(id, series);
        }
        Some(carried)
    }
}

fn length(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes()
}

fn taken(rest: &mut &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(take(rest)?)).ok()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, more) = rest.split_first_chunk::<N>()?;
    *rest = more;
    Some(*first)
}
