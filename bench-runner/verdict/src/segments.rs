//! Statement C: change points over the whole history, and what changed at each.
//!
//! Epochs are cut apart first and never merged; inside an epoch the exact best cut is taken and
//! the boundaries that do not carry their weight are dropped.

use crate::history::{History, Reading};
use crate::stats::kruskal_wallis::kruskal_wallis;
use crate::stats::noise::Noise;
use crate::stats::{hodges_lehmann, order, robust, running, segment};

/// The numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cutting {
    /// Each stretch has so many nights at least.
    pub min_length: usize,
    /// A boundary is dropped below this deviation…
    pub least_z: f64,
    /// … or below this difference of levels, on logarithms.
    pub least_step: f64,
}

impl Cutting {
    /// For the whole history.
    pub const HISTORY: Cutting = Cutting {
        min_length: 7,
        least_z: 4.5,
        least_step: 0.039_220_713_153_281_29,
    };

    /// For the second look at a change that was confirmed.
    pub const SECOND_LOOK: Cutting = Cutting {
        min_length: 5,
        least_z: 4.0,
        least_step: 0.03,
    };
}

/// The running median that residuals are taken from.
const LEVEL_WIDTH: usize = 21;
/// The running median that outliers are pulled towards.
const OUTLIER_WIDTH: usize = 5;
/// Outliers are pulled to so many deviations.
const OUTLIER_BEYOND: f64 = 3.0;
/// The price of a boundary, in `ln(n)` noise variances.
const PENALTY: f64 = 3.0;
/// So many of the nearest nights on each side say how large a step is.
const NEAREST: usize = 45;
/// From this much memory on a stretch is a trend, and its whole variance is noise.
const TREND_FROM: f64 = 0.8;

/// A boundary inside an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// The first night of the new level.
    pub at: usize,
    /// The difference of the levels, up being worse, in the numbers of the reading.
    pub step: f64,
    /// The step in standard deviations.
    pub z: f64,
}

/// Where and how far back the second look goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondLook {
    /// Up to this night, not included.
    pub to: usize,
    /// So many nights back at most.
    pub nights: usize,
    /// A cut within so many nights bears a change out.
    pub reach: usize,
}

/// Whether cutting the last nights anew puts a boundary near `at`.
pub fn has_cut_near(history: &History, at: usize, look: &SecondLook) -> bool {
    let nights = history.nights();
    let Some(last) = look.to.checked_sub(1).and_then(|last| nights.get(last)) else {
        return false;
    };
    let least = look.to.saturating_sub(look.nights);
    let from = (least..look.to)
        .rev()
        .take_while(|&night| nights[night].epoch == last.epoch)
        .last();
    let from = from.unwrap_or(least);
    cuts(history, from, look.to, &Cutting::SECOND_LOOK)
        .iter()
        .any(|cut| cut.at.abs_diff(at) <= look.reach)
}

/// The boundaries of `from..to`, which lies inside one epoch, ascending.
pub fn cuts(history: &History, from: usize, to: usize, cutting: &Cutting) -> Vec<Cut> {
    let n = to.saturating_sub(from);
    if n < 2 * cutting.min_length {
        return Vec::new();
    }
    let reading = history.reading(from, to);
    let scale = reading.unit();
    let mut values: Vec<f64> = history.values(reading)[from..to]
        .iter()
        .map(|value| value / scale)
        .collect();
    let Some((noise, level)) = noise_of(&mut values, &history.weekdays()[from..to]) else {
        return Vec::new();
    };
    let mut variance = noise.unit * noise.unit * noise.variance * noise.rho;
    if is_trend(&values) {
        variance = variance.max(robust::variance(&values));
    }
    let calm = winsorised(&values, &level, OUTLIER_BEYOND * noise.deviation());
    let penalty = PENALTY * (n as f64).ln() * variance;
    let starts = segment::segment(&calm, cutting.min_length, penalty);
    let least_step = match reading {
        Reading::Log => cutting.least_step,
        Reading::Linear(_) => 0.0,
    };
    pruned(&calm, starts, variance, cutting.least_z, least_step)
        .into_iter()
        .map(|cut| Cut {
            at: cut.at + from,
            step: cut.step * scale,
            z: cut.z,
        })
        .collect()
}

/// The noise about a running level, and the narrow running level; takes a weekly rhythm off.
fn noise_of(values: &mut [f64], weekdays: &[u8]) -> Option<(Noise, Vec<f64>)> {
    let thresholds = crate::evidence::Thresholds::default();
    let level = running::running_median(values, LEVEL_WIDTH);
    let mut residuals: Vec<f64> = values
        .iter()
        .zip(&level)
        .map(|(value, level)| value - level)
        .collect();
    if residuals.len() >= thresholds.weekly_from {
        let mut ranked: Vec<(f64, u8)> = residuals
            .iter()
            .copied()
            .zip(weekdays.iter().copied())
            .collect();
        ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        if kruskal_wallis::<7>(&ranked) > thresholds.weekly_h {
            let medians: [Option<f64>; 7] = std::array::from_fn(|day| {
                let own: Vec<f64> = ranked
                    .iter()
                    .filter(|(_, other)| usize::from(*other) == day)
                    .map(|(value, _)| *value)
                    .collect();
                order::median_sorted(&own)
            });
            let used: Vec<f64> = medians.iter().flatten().copied().collect();
            let mean = used.iter().sum::<f64>() / used.len() as f64;
            for ((value, residual), day) in values.iter_mut().zip(&mut residuals).zip(weekdays) {
                let effect = medians[usize::from(*day)].map_or(0.0, |median| median - mean);
                *value -= effect;
                *residual -= effect;
            }
        }
    }
    let noise = Noise::estimate(&residuals, thresholds.noise_floor)?;
    Some((noise, running::running_median(values, OUTLIER_WIDTH)))
}

/// Whether neighbours are so much alike that the whole stretch wanders. Compares differences over
/// one and two nights: on noise without memory both are alike.
fn is_trend(values: &[f64]) -> bool {
    let median = |lag: usize| {
        let mut differences: Vec<f64> = values
            .iter()
            .zip(values.iter().skip(lag))
            .map(|(a, b)| (b - a).abs())
            .collect();
        order::median_of(&mut differences).unwrap_or_default()
    };
    let (one, two) = (median(1), median(2));
    let n = values.len() as f64;
    one > 0.0 && ((two / one).powi(2) - 1.0 - 2.0 / n.sqrt()).clamp(0.0, 0.95) >= TREND_FROM
}

fn winsorised(values: &[f64], level: &[f64], reach: f64) -> Vec<f64> {
    values
        .iter()
        .zip(level)
        .map(|(value, level)| value.clamp(level - reach, level + reach))
        .collect()
}

/// Drops the weakest boundary until all carry their weight.
fn pruned(
    values: &[f64],
    mut starts: Vec<usize>,
    variance: f64,
    least_z: f64,
    least_step: f64,
) -> Vec<Cut> {
    let measure = |starts: &[usize], index: usize| {
        let from = index.checked_sub(1).map_or(0, |before| starts[before]);
        let (at, to) = (
            starts[index],
            starts.get(index + 1).copied().unwrap_or(values.len()),
        );
        let before = &values[from.max(at.saturating_sub(NEAREST))..at];
        let after = &values[at..to.min(at + NEAREST)];
        let step = hodges_lehmann::shift(before, after).unwrap_or_default();
        let inverse = 1.0 / before.len() as f64 + 1.0 / after.len() as f64;
        Cut {
            at,
            step,
            z: step / (variance * inverse).sqrt(),
        }
    };
    let mut cuts: Vec<Cut> = (0..starts.len())
        .map(|index| measure(&starts, index))
        .collect();
    loop {
        let weakest = (0..cuts.len())
            .filter(|&index| cuts[index].z.abs() < least_z || cuts[index].step.abs() < least_step)
            .min_by(|&a, &b| cuts[a].z.abs().total_cmp(&cuts[b].z.abs()));
        let Some(weakest) = weakest else {
            return cuts;
        };
        starts.remove(weakest);
        cuts.remove(weakest);
        for neighbour in [weakest.checked_sub(1), Some(weakest)]
            .into_iter()
            .flatten()
        {
            if neighbour < cuts.len() {
                cuts[neighbour] = measure(&starts, neighbour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Simulation;

    fn of(simulation: &Simulation) -> Vec<Cut> {
        cuts(
            &simulation.history(),
            0,
            simulation.len(),
            &Cutting::HISTORY,
        )
    }

    #[test]
    fn steps_are_found_where_they_are_and_as_large_as_they_are() {
        for seed in 0..20 {
            let stepped = Simulation::new(seed)
                .noise(0.01)
                .nights(50)
                .step(1.1)
                .nights(40);
            let found = of(&stepped.step(0.8).nights(30));
            let at: Vec<usize> = found.iter().map(|cut| cut.at).collect();
            assert!(
                at.len() == 2 && at[0].abs_diff(50) <= 1 && at[1].abs_diff(90) <= 1,
                "{at:?}"
            );
            assert!((found[0].step - 1.1_f64.ln()).abs() < 0.01, "{found:?}");
            assert!((found[1].step - 0.8_f64.ln()).abs() < 0.01, "{found:?}");
        }
    }

    #[test]
    fn noise_outliers_and_small_steps_are_not_cut() {
        for seed in 0..20 {
            assert_eq!(of(&Simulation::new(seed).noise(0.03).nights(200)), []);
            let outlier = Simulation::new(seed)
                .noise(0.01)
                .nights(50)
                .night(5000.0)
                .nights(50);
            assert_eq!(of(&outlier), []);
            let small = Simulation::new(seed)
                .noise(0.003)
                .nights(60)
                .step(1.03)
                .nights(60);
            assert_eq!(of(&small), [], "3% is below the least step");
        }
    }

    #[test]
    fn short_and_constant_histories_have_no_cuts() {
        assert_eq!(of(&Simulation::new(1)), []);
        assert_eq!(of(&Simulation::new(1).nights(13)), []);
        let zeros = (0..50).fold(Simulation::new(1), |history, _| history.night(0.0));
        assert_eq!(of(&zeros), []);
    }

    #[test]
    fn a_series_that_touches_zero_is_cut_by_its_noise_alone() {
        let mut errors = Simulation::new(3);
        for night in 0..80 {
            let base = if night < 40 { 0.0 } else { 0.02 };
            errors = errors.night(base + 0.001 * f64::from(night % 3));
        }
        let found = of(&errors);
        assert_eq!(found.iter().map(|cut| cut.at).collect::<Vec<_>>(), [40]);
        assert!((found[0].step - 0.02).abs() < 0.001, "{found:?}");
    }

    #[test]
    fn the_second_look_sees_a_step_near_its_night_only() {
        let stepped = Simulation::new(7)
            .noise(0.02)
            .nights(80)
            .step(1.15)
            .nights(12);
        let history = stepped.history();
        let look = SecondLook {
            to: history.len(),
            nights: 150,
            reach: 5,
        };
        assert!(has_cut_near(&history, 80, &look));
        assert!(!has_cut_near(&history, 60, &look));
        assert!(!has_cut_near(&history, 80, &SecondLook { to: 0, ..look }));
    }
}
