//! What a candidate night is judged by: the noise and the level of the nights before it.

use serde::{Deserialize, Serialize};

use super::Thresholds;
use crate::history::{History, Reading};
use crate::stats::kruskal_wallis::kruskal_wallis;
use crate::stats::noise::Noise;
use crate::stats::order;
use crate::stats::robust::CLIP;

/// The noise and the level before a night. Depends on nights before it only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The index of the night.
    pub at: usize,
    /// How the nights are read.
    pub reading: Reading,
    /// The noise of the pool.
    pub noise: Noise,
    /// Kruskal and Wallis' H over the weekdays of the pool; 0 where the pool is too small.
    pub weekly_h: f64,
    /// What each weekday adds, where the rhythm is real.
    pub weekly: Option<[f64; 7]>,
    /// The level; absent where too few nights have passed since the last boundary.
    pub reference: Option<Reference>,
}

/// The level before a night.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// How many nights it is known from.
    pub nights: usize,
    /// Their median, `mu`.
    pub level: f64,
    /// The mean of their clipped scores about it, `m0`: not zero on skewed or two-state noise.
    pub offset: f64,
}

/// Room for the work, kept between nights.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    residuals: Vec<f64>,
    ranked: Vec<(f64, u8)>,
    sorted: Vec<f64>,
    part: Vec<f64>,
}

impl Context {
    /// The context of night `at`. `boundaries` holds the starts of stretches in ascending order,
    /// 0 not needed among them. None where there is no night before it.
    pub fn of(
        history: &History,
        boundaries: &[usize],
        at: usize,
        thresholds: &Thresholds,
        scratch: &mut Scratch,
    ) -> Option<Context> {
        let from = at.saturating_sub(thresholds.pool);
        let reading = history.reading(from, at);
        let values = history.values(reading);
        let before = boundaries.partition_point(|&boundary| boundary <= at);
        let start = before.checked_sub(1).map_or(0, |last| boundaries[last]);

        scratch.residuals.clear();
        let mut edge = from;
        for &boundary in boundaries
            .iter()
            .take(before)
            .filter(|&&boundary| boundary > from)
        {
            centred(values, edge, boundary, scratch);
            edge = boundary;
        }
        for (chunk_from, chunk_to) in chunks(edge, at, thresholds.chunk) {
            centred(values, chunk_from, chunk_to, scratch);
        }

        let weekdays = &history.weekdays()[from..at];
        let (weekly_h, weekly) = rhythm(weekdays, thresholds, scratch);
        let noise = Noise::of(
            &scratch.residuals,
            &scratch.sorted,
            thresholds.noise_floor * reading.unit(),
        )?;
        let mut context = Context {
            at,
            reading,
            noise,
            weekly_h,
            weekly,
            reference: None,
        };
        let nights = (at - start).min(thresholds.reference_most);
        if nights >= thresholds.reference_least {
            context.reference = context.reference(history, at - nights, scratch);
        }
        Some(context)
    }

    /// The value of a night, less what its weekday adds.
    pub fn value(&self, history: &History, night: usize) -> f64 {
        let value = history.values(self.reading)[night];
        match &self.weekly {
            Some(weekly) => value - weekly[usize::from(history.weekdays()[night])],
            None => value,
        }
    }

    fn reference(
        &self,
        history: &History,
        from: usize,
        scratch: &mut Scratch,
    ) -> Option<Reference> {
        scratch.part.clear();
        scratch
            .part
            .extend((from..self.at).map(|night| self.value(history, night)));
        let level = order::median_of(&mut scratch.part)?;
        let sum: f64 = scratch
            .part
            .iter()
            .map(|value| ((value - level) / self.noise.unit).clamp(-CLIP, CLIP))
            .sum();
        let nights = self.at - from;
        Some(Reference {
            nights,
            level,
            offset: sum / nights as f64,
        })
    }
}

/// Adds the residuals of a stretch about its median.
fn centred(values: &[f64], from: usize, to: usize, scratch: &mut Scratch) {
    let stretch = &values[from..to];
    scratch.part.clear();
    scratch.part.extend_from_slice(stretch);
    if let Some(median) = order::median_of(&mut scratch.part) {
        scratch
            .residuals
            .extend(stretch.iter().map(|value| value - median));
    }
}

/// Cuts `from..to` into chunks, backwards from its end; a remainder of less than half a chunk
/// joins its neighbour. In ascending order.
fn chunks(from: usize, to: usize, chunk: usize) -> impl Iterator<Item = (usize, usize)> {
    let whole = (to - from) / chunk;
    let remainder = (to - from) % chunk;
    let joined = whole > 0 && remainder < chunk.div_ceil(2);
    let count = if joined {
        whole
    } else {
        whole + usize::from(remainder > 0)
    };
    (0..count).map(move |index| {
        let end = to - (count - 1 - index) * chunk;
        let start = if index == 0 { from } else { end - chunk };
        (start, end)
    })
}

/// Looks for a weekly rhythm in the residuals and takes it off where it is real. Leaves the
/// residuals sorted in `scratch.sorted`.
fn rhythm(
    weekdays: &[u8],
    thresholds: &Thresholds,
    scratch: &mut Scratch,
) -> (f64, Option<[f64; 7]>) {
    let Scratch {
        residuals,
        ranked,
        sorted,
        part,
    } = scratch;
    ranked.clear();
    ranked.extend(residuals.iter().copied().zip(weekdays.iter().copied()));
    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    sorted.clear();
    sorted.extend(ranked.iter().map(|(value, _)| *value));
    if residuals.len() < thresholds.weekly_from {
        return (0.0, None);
    }
    let h = kruskal_wallis::<7>(ranked);
    if h <= thresholds.weekly_h {
        return (h, None);
    }
    let mut weekly = [0.0; 7];
    let mut used = 0.0;
    for (day, effect) in (0..).zip(&mut weekly) {
        part.clear();
        part.extend(
            ranked
                .iter()
                .filter(|(_, own)| *own == day)
                .map(|(value, _)| *value),
        );
        if let Some(median) = order::median_sorted(part) {
            *effect = median;
            used += 1.0;
        }
    }
    let mean = weekly.iter().sum::<f64>() / used;
    for (day, effect) in (0..).zip(&mut weekly) {
        if weekdays.contains(&day) {
            *effect -= mean;
        }
    }
    for (residual, day) in residuals.iter_mut().zip(weekdays) {
        *residual -= weekly[usize::from(*day)];
    }
    sorted.clear();
    sorted.extend_from_slice(residuals);
    sorted.sort_unstable_by(f64::total_cmp);
    (h, Some(weekly))
}
