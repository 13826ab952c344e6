//! Whether memory grows, from readings of it: a line through medians of blocks, robust against what
//! comes and goes, over time and over events, and how far it may be off.

use bench_verdict::stats::order::median;
use bench_verdict::stats::theil_sen::{Slope, slope};
use serde::Serialize;

use super::Reading;

/// Part of the readings that is left out at the beginning: tables and arenas find their size.
const SETTLING: f64 = 0.2;
/// Blocks whose medians are fitted: readings beside each other are alike, medians of blocks less so.
const BLOCKS: usize = 40;
/// How sure an interval is.
const CONFIDENCE: f64 = 0.99;
/// Growth over the fitted span that is worth a word: a part of the level, and bytes.
const WORTH: (f64, f64) = (0.001, 65_536.0);

/// What is said of one sort of memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// `index`, `heap` or `resident`.
    pub what: &'static str,
    /// Median of the fitted readings, bytes.
    pub level: f64,
    /// Growth over the fitted span as the line has it, bytes.
    pub grown: f64,
    /// Growth, bytes an hour: the line's, and the ends of its interval.
    pub per_hour: Line,
    /// Growth, bytes a million events.
    pub per_million_events: Line,
    /// What that means.
    pub judgement: Judgement,
}

/// A slope with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Line {
    /// The line's.
    pub slope: f64,
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

/// What a fit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// It does not grow, or by less than is worth a word.
    Steady,
    /// It grows.
    Grows,
}

/// What the readings say of each sort of memory that could be read. Empty where there are too few.
pub fn judge(readings: &[Reading]) -> Vec<Fit> {
    let settled = &readings[(readings.len() as f64 * SETTLING) as usize..];
    let fits = [
        fit("index", settled, |reading| Some(reading.index)),
        fit("heap", settled, |reading| reading.heap),
        fit("resident", settled, |reading| reading.resident),
    ];
    fits.into_iter().flatten().collect()
}

fn fit(
    what: &'static str,
    readings: &[Reading],
    read: impl Fn(&Reading) -> Option<u64>,
) -> Option<Fit> {
    let bytes: Vec<f64> = readings
        .iter()
        .map(|reading| read(reading).map(|bytes| bytes as f64))
        .collect::<Option<_>>()?;
    let of = |value: fn(&Reading) -> f64| blocks(&readings.iter().map(value).collect::<Vec<_>>());
    let (hours, events) = (
        of(|reading| reading.seconds / 3_600.0),
        of(|reading| reading.events as f64 / 1e6),
    );
    let levels = blocks(&bytes);
    let by_time = slope(&hours, &levels, CONFIDENCE)?;
    let by_events = slope(&events, &levels, CONFIDENCE)?;
    let level = median(&bytes)?;
    let span = hours.last()? - hours.first()?;
    let grown = by_time.slope * span;
    let is_worth = grown > (WORTH.0 * level).max(WORTH.1);
    // Time may stand still for the load, and events for the machine: it grows when it does by both.
    let grows = is_worth && by_time.low > 0.0 && by_events.low > 0.0;
    Some(Fit {
        what,
        level,
        grown,
        per_hour: by_time.into(),
        per_million_events: by_events.into(),
        judgement: if grows {
            Judgement::Grows
        } else {
            Judgement::Steady
        },
    })
}

/// Medians of at most [`BLOCKS`] blocks of neighbours.
fn blocks(values: &[f64]) -> Vec<f64> {
    let length = values.len().div_ceil(BLOCKS).max(1);
    values.chunks(length).filter_map(median).collect()
}

impl From<Slope> for Line {
    fn from(slope: Slope) -> Self {
        Self {
            slope: slope.slope,
            low: slope.low,
            high: slope.high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings of a second each, of which `heap` says the bytes.
    fn readings(count: u64, heap: impl Fn(u64) -> u64) -> Vec<Reading> {
        (0..count)
            .map(|second| Reading {
                seconds: second as f64,
                events: second * 500_000,
                index: 10 << 20,
                heap: Some(heap(second)),
                resident: None,
            })
            .collect()
    }

    fn of<'a>(fits: &'a [Fit], what: &str) -> Option<&'a Fit> {
        fits.iter().find(|fit| fit.what == what)
    }

    #[test]
    fn a_leak_is_found_with_its_size() {
        // 1,000 bytes a second, under a sawtooth of a megabyte.
        let leaking = readings(600, |second| {
            (50 << 20) + 1_000 * second + (second * 7_919 % 100) * 10_000
        });
        let fits = judge(&leaking);
        let heap = of(&fits, "heap").expect("there are enough readings");
        assert_eq!(heap.judgement, Judgement::Grows, "{heap:?}");
        assert!((heap.per_hour.slope / 3.6e6 - 1.0).abs() < 0.2, "{heap:?}");
        assert!(
            (heap.per_million_events.slope / 2_000.0 - 1.0).abs() < 0.2,
            "{heap:?}"
        );
        assert_eq!(
            of(&fits, "index").map(|fit| fit.judgement),
            Some(Judgement::Steady)
        );
        assert_eq!(of(&fits, "resident"), None);
    }

    #[test]
    fn noise_and_what_settles_do_not_grow() {
        let settling = readings(600, |second| {
            let settled = 8 << 20;
            let warm = settled.min(second * 200_000);
            (50 << 20) + warm + (second * 7_919 % 100) * 1_000
        });
        let fits = judge(&settling);
        let heap = of(&fits, "heap").map(|fit| fit.judgement);
        assert_eq!(heap, Some(Judgement::Steady), "{fits:?}");
    }

    #[test]
    fn too_few_readings_say_nothing() {
        assert_eq!(judge(&readings(7, |_| 1)), []);
        assert_eq!(judge(&[]), []);
    }
}
