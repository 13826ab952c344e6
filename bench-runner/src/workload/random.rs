//! SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014): tiny,
//! seedable, and the same everywhere.

/// The increment of SplitMix64: 2^64 over the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finaliser: a bijection of 64 bits that mixes all of them.
pub fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A seed made of a seed and what it is for, so that streams of one seed do not repeat each other.
pub fn derive(seed: u64, purpose: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN)) ^ purpose.wrapping_mul(GOLDEN))
}

/// A seeded stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number below `limit` (zero when `limit` is zero); the bias of the multiplication method is
    /// below `limit / 2^64`.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(limit)) >> 64) as u64
    }

    /// A number in `from..=to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True with probability `share`.
    pub fn chance(&mut self, share: f64) -> bool {
        // 53 random bits: every multiple of 2^-53 below one.
        ((self.bits() >> 11) as f64) / ((1_u64 << 53) as f64) < share
    }

    /// An index below `count`, small ones more often: index `i` has weight `1/(i + 1)` (Zipf's law,
    /// which popularity of prompts follows).
    pub fn popular(&mut self, count: usize) -> usize {
        let total: f64 = (1..=count).map(|rank| 1.0 / rank as f64).sum();
        let mut left = total * ((self.bits() >> 11) as f64) / ((1_u64 << 53) as f64);
        for index in 0..count {
            left -= 1.0 / (index + 1) as f64;
            if left < 0.0 {
                return index;
            }
        }
        count.saturating_sub(1)
    }

    /// Puts a slice into random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_sequence() {
        // The first outputs of SplitMix64 from seed 1234567, as its reference code prints them.
        let mut random = Random::new(1_234_567);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_stay_within_their_limits() {
        let mut random = Random::new(7);
        for _ in 0..1_000 {
            assert!(random.below(3) < 3);
            assert!((5..=9).contains(&random.between(5, 9)));
            assert!(random.popular(4) < 4);
        }
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn the_first_is_the_most_popular() {
        let mut random = Random::new(7);
        let mut hits = [0; 4];
        for _ in 0..10_000 {
            hits[random.popular(4)] += 1;
        }
        // Weights 12 : 6 : 4 : 3.
        assert!((4_500..5_100).contains(&hits[0]), "{hits:?}");
        assert!((1_000..1_400).contains(&hits[3]), "{hits:?}");
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..50).collect();
        Random::new(1).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
