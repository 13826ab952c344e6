//! Changes of distribution, by energy statistics: a second opinion that assumes neither a level nor
//! a noise.
//!
//! Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate
//! data", Journal of the American Statistical Association 109, 2014, with exponent 1; applied to
//! windows that overlap by half, as Fleming et al., "Hunter: using change point detection to hunt
//! for performance regressions", ICPE 2023. A split stands when no permutation of the values divides
//! them better.

use super::random::Random;

/// How it is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Divisive {
    /// Values of a window.
    pub window: usize,
    /// Each side of a split has so many values at least.
    pub least: usize,
    /// Permutations that a split must beat: all of them. `1 / (permutations + 1)` is its p.
    pub permutations: usize,
    /// Of the permutations.
    pub seed: u64,
}

impl Default for Divisive {
    fn default() -> Divisive {
        Divisive {
            window: 50,
            least: 5,
            permutations: 999,
            seed: 0x5eed,
        }
    }
}

impl Divisive {
    /// The first values after each change, ascending.
    pub fn cuts(&self, values: &[f64]) -> Vec<usize> {
        let mut random = Random::new(self.seed);
        let mut found: Vec<(usize, f64)> = Vec::new();
        let (n, window) = (values.len(), self.window.max(2 * self.least.max(1)));
        let mut from = 0;
        loop {
            let to = (from + window).min(n);
            // The last window is as long as the others.
            let start = to.saturating_sub(window);
            self.divide(values, start, to, &mut random, &mut found);
            if to == n {
                break;
            }
            from += window / 2;
        }
        self.merged(found)
    }

    /// Splits a stretch where it divides best, and its parts, as long as the splits stand.
    fn divide(
        &self,
        values: &[f64],
        from: usize,
        to: usize,
        random: &mut Random,
        found: &mut Vec<(usize, f64)>,
    ) {
        let Some((at, strength)) = self.best(&values[from..to]) else {
            return;
        };
        let mut shuffled = values[from..to].to_vec();
        for _ in 0..self.permutations {
            random.shuffle(&mut shuffled);
            let chance = self.best(&shuffled);
            if chance.is_some_and(|(_, other)| other >= strength) {
                return;
            }
        }
        found.push((from + at, strength));
        self.divide(values, from, from + at, random, found);
        self.divide(values, from + at, to, random, found);
    }

    /// The split with the largest energy, and that energy; none where both sides cannot be long
    /// enough, or all values are equal.
    fn best(&self, values: &[f64]) -> Option<(usize, f64)> {
        let (n, least) = (values.len(), self.least.max(1));
        if n < 2 * least {
            return None;
        }
        // Sums of distances inside the left part, inside the right one, and between them.
        let (mut left, mut right, mut between) = (0.0, 0.0, 0.0);
        for (index, a) in values.iter().enumerate() {
            for b in &values[index + 1..] {
                right += (a - b).abs();
            }
        }
        let mut best: Option<(usize, f64)> = None;
        for at in 1..=n - least {
            let moved = values[at - 1];
            let to_left: f64 = values[..at - 1].iter().map(|v| (v - moved).abs()).sum();
            let to_right: f64 = values[at..].iter().map(|v| (v - moved).abs()).sum();
            left += to_left;
            right -= to_right;
            between += to_right - to_left;
            if at < least {
                continue;
            }
            let (a, b) = (at as f64, (n - at) as f64);
            let inside = |sum: f64, count: f64| {
                let pairs = count * (count - 1.0) / 2.0;
                if pairs > 0.0 { sum / pairs } else { 0.0 }
            };
            let energy = 2.0 * between / (a * b) - inside(left, a) - inside(right, b);
            let strength = energy * a * b / (a + b);
            if strength > best.map_or(0.0, |best| best.1) {
                best = Some((at, strength));
            }
        }
        best
    }

    /// Windows overlap and see a change twice, perhaps a little beside: of those nearer than the
    /// least length, the strongest stays.
    fn merged(&self, mut found: Vec<(usize, f64)>) -> Vec<usize> {
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut kept: Vec<usize> = Vec::new();
        for (at, _) in found {
            if kept.iter().all(|other| other.abs_diff(at) >= self.least) {
                kept.push(at);
            }
        }
        kept.sort_unstable();
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Simulation;

    fn cuts(values: &[f64]) -> Vec<usize> {
        Divisive::default().cuts(values)
    }

    /// The energy of a split as the paper writes it, sum by sum.
    fn energy(values: &[f64], at: usize) -> f64 {
        let mean = |a: &[f64], b: &[f64]| {
            let sum: f64 = a
                .iter()
                .map(|x| b.iter().map(|y| (x - y).abs()).sum::<f64>())
                .sum();
            sum / (a.len() * b.len()) as f64
        };
        let (a, b) = values.split_at(at);
        let (n, m) = (a.len() as f64, b.len() as f64);
        // Means over different pairs: the distance of a value to itself is left out.
        let own = |part: &[f64], n: f64| mean(part, part) * n / (n - 1.0);
        n * m / (n + m) * (2.0 * mean(a, b) - own(a, n) - own(b, m))
    }

    #[test]
    fn the_best_split_is_the_one_that_the_definition_finds() {
        let divisive = Divisive {
            least: 2,
            ..Divisive::default()
        };
        for seed in 0..50 {
            let values = Simulation::new(seed)
                .noise(0.05)
                .nights(12)
                .step(1.1)
                .nights(9)
                .logs();
            let slow = (2..=values.len() - 2)
                .map(|at| (at, energy(&values, at)))
                .max_by(|a, b| a.1.total_cmp(&b.1));
            let (Some(slow), Some(fast)) = (slow, divisive.best(&values)) else {
                panic!("seed {seed}: nothing found");
            };
            assert_eq!(slow.0, fast.0, "seed {seed}");
            assert!(
                (slow.1 - fast.1).abs() < 1e-9,
                "seed {seed}: {slow:?} {fast:?}"
            );
        }
    }

    #[test]
    fn steps_and_changes_of_spread_are_found_and_noise_is_not() {
        let (mut false_cuts, mut spreads) = (0, 0);
        for seed in 0..40 {
            let quiet = Simulation::new(seed)
                .noise(0.02)
                .nights(60)
                .step(1.1)
                .nights(60);
            let found = cuts(&quiet.logs());
            assert!(
                found.iter().any(|at| at.abs_diff(60) <= 1),
                "seed {seed}: {found:?}"
            );
            let wider = Simulation::new(seed)
                .noise(0.005)
                .nights(60)
                .noise(0.08)
                .nights(60);
            let whole = Divisive {
                window: 120,
                ..Divisive::default()
            };
            let found = whole.cuts(&wider.logs());
            spreads += usize::from(found.iter().any(|at| at.abs_diff(60) <= 8));
            false_cuts += cuts(&Simulation::new(seed).noise(0.02).nights(200).logs()).len();
        }
        assert!(false_cuts <= 2, "{false_cuts} in 40 quiet histories");
        assert!(spreads >= 30, "{spreads} of 40 changes of spread");
    }

    #[test]
    fn what_is_short_or_constant_has_no_cuts_and_the_same_seed_gives_the_same() {
        let without: [&[f64]; 6] = [
            &[],
            &[1.0],
            &[1.0, 9.0],
            &[0.0; 9],
            &[5.0; 120],
            &[-1e300; 60],
        ];
        for values in without {
            assert!(cuts(values).is_empty(), "{values:?}");
        }
        let values = Simulation::new(3)
            .noise(0.02)
            .nights(70)
            .step(1.05)
            .nights(70)
            .logs();
        assert_eq!(cuts(&values), cuts(&values));
    }
}
