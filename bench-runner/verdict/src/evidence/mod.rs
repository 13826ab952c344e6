//! Statement B: who is woken. Whether the level of a series has changed, seen night by night.
//!
//! Every night is asked of the nights `e` of the last three weeks: had the level changed at `e`,
//! would the nights since then say so? What a candidate night is judged by, the noise and the
//! level before it, depends on the nights before it only ([`context`]); so it is computed once and
//! the tail after it is added to night by night ([`detector`]).
//!
//! Everything works on logarithms, or on parts of a typical value where a series touches zero; up
//! is worse. A series is never compared across epochs.

pub mod context;
pub mod detector;
pub mod refuted;
#[cfg(test)]
mod tests;

/// The numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// The noise is estimated from so many nights.
    pub pool: usize,
    /// In the current stretch, residuals are taken from the median of so many nights, so that
    /// slow drift is not mistaken for noise.
    pub chunk: usize,
    /// The level before a candidate is known from so many nights at most…
    pub reference_most: usize,
    /// … and so many at least.
    pub reference_least: usize,
    /// Tails of so many nights at least are judged…
    pub tail_least: usize,
    /// … and of so many at most.
    pub tail_most: usize,
    /// Tails up to this length are short and must hold together.
    pub tail_short: usize,
    /// Scores of short tails, but not of the shortest, are clipped here; all others at
    /// [`crate::stats::robust::CLIP`], where two outliers in a row do not reach the threshold.
    pub clip_short: f64,
    /// A short tail may span so many scales. At 3, nights that differ by chance hold half of the
    /// small steps back until the tail is long; at 4 it still keeps two levels apart.
    pub span_short: f64,
    /// The deviation from which on a tail confirms a change.
    pub z: f64,
    /// The same for a tail of two nights.
    pub z_of_two: f64,
    /// Thresholds rise by this over the number of nights that the noise is known from.
    pub z_small_pool: f64,
    /// The least difference of levels, on logarithms.
    pub least_step: f64,
    /// Noise is not believed to be smaller than this, on logarithms.
    pub noise_floor: f64,
    /// From so many nights on a weekly rhythm is looked for.
    pub weekly_from: usize,
    /// The Kruskal-Wallis H that shows one: the 99.9th percentile of chi-squared with 6 degrees.
    pub weekly_h: f64,
    /// A night is beyond the noise outside so many deviations.
    pub beyond: f64,
    /// A change whose deviation falls below this is retracted…
    pub retract_below: f64,
    /// … within so many nights.
    pub retract_within: usize,
    /// So many nights after the first night of a change that was confirmed by then, the whole
    /// stretch is cut anew…
    pub second_look_after: usize,
    /// … and the change is retracted where no cut lies within so many nights of it.
    pub second_look_reach: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            pool: 150,
            chunk: 40,
            reference_most: 60,
            reference_least: 8,
            tail_least: 2,
            tail_most: 21,
            tail_short: 6,
            clip_short: 4.0,
            span_short: 4.0,
            z: 4.3,
            z_of_two: 4.2,
            z_small_pool: 4.0,
            least_step: 1.05_f64.ln(),
            noise_floor: 0.003,
            weekly_from: 28,
            weekly_h: 22.46,
            beyond: 2.5,
            retract_below: 3.0,
            retract_within: 21,
            second_look_after: 10,
            second_look_reach: 5,
        }
    }
}

impl Thresholds {
    /// So many nights, tonight among them, decide about tonight: the pool of the oldest candidate
    /// and the nights since. What came before is carried in a [`crate::tonight::State`].
    pub fn window(&self) -> usize {
        self.pool + self.tail_most
    }

    /// The threshold of `z` for a tail of `k` nights and noise known from `pool` nights.
    pub fn threshold(&self, k: usize, pool: usize) -> f64 {
        let z = if k == self.tail_least {
            self.z_of_two
        } else {
            self.z
        };
        z * self.small_pool(pool)
    }

    /// The factor by which thresholds rise where the noise is known from few nights.
    pub fn small_pool(&self, pool: usize) -> f64 {
        1.0 + self.z_small_pool / pool as f64
    }

    /// Where scores of a tail of `k` nights are clipped.
    pub fn clip(&self, k: usize) -> f64 {
        if k > self.tail_least && k <= self.tail_short {
            self.clip_short
        } else {
            crate::stats::robust::CLIP
        }
    }
}
