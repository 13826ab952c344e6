//! What leads to a block, in one word: the hashes of all blocks before it, and of the scope.
//!
//! The child table's entries are found by it. It follows from the prompt alone, not from where blocks
//! are kept, so that a lookup can ask for a table's line before it has seen the blocks before
//! (see [`ahead`](super::ahead)). Two chains that are equal by chance share a place in the table and
//! nothing else: entries are told apart by the parent block itself.
//!
//! It is a polynomial over the blocks' hashes at a secret point, modulo a prime: two different prompts of
//! *n* blocks have equal chains with a chance of *n* in 2⁶¹, whatever they are. (Modulo 2⁶⁴ it would need
//! no secret to arrange: Thue-Morse sequences of two blocks collide at every point.)

use super::segment::BLOCKS;
use crate::hash::{Keys, LocalHash, ScopeId};
use crate::sync::{AtomicU64, Ordering};

/// The prime 2⁶¹ - 1.
const PRIME: u64 = (1 << PRIME_BITS) - 1;
const PRIME_BITS: u32 = 61;
/// Blocks added at once.
const STRIDE: usize = BLOCKS;

/// The powers of an index's secret point.
#[derive(Clone, Debug)]
pub(crate) struct Chains([u64; STRIDE + 1]);

impl Chains {
    /// At the point that follows from an index's keys.
    pub(crate) fn new(keys: &Keys) -> Self {
        let point = keys.pair(0, PRIME) % PRIME;
        let mut powers = [1; STRIDE + 1];
        for place in 1..=STRIDE {
            powers[place] = reduced(u128::from(point) * u128::from(powers[place - 1]));
        }
        Self(powers)
    }

    /// A chain with up to eight more blocks behind it. The terms do not wait for one another.
    #[inline(always)]
    fn add(&self, chain: u64, hashes: impl ExactSizeIterator<Item = u64>) -> u64 {
        let count = hashes.len().min(STRIDE);
        let terms = hashes.zip(self.0[..count].iter().rev());
        // Without a hash's last bit the sum has room for all eight: 2¹²⁵ + 8 x 2¹²⁴.
        let term = |(hash, power): (u64, &u64)| u128::from(hash >> 1) * u128::from(*power);
        let begun = u128::from(chain) * u128::from(self.0[count]);
        reduced(terms.map(term).fold(begun, u128::wrapping_add))
    }

    /// The chain behind the first `count` blocks of a segment that `chain` leads to.
    #[inline]
    pub(crate) fn within(&self, chain: u64, hashes: &[AtomicU64; BLOCKS], count: usize) -> u64 {
        let load = |hash: &AtomicU64| hash.load(Ordering::Relaxed);
        if count == BLOCKS {
            // The usual case, of a length that the compiler knows.
            return self.add(chain, hashes.iter().map(load));
        }
        self.add(chain, hashes[..count.min(BLOCKS)].iter().map(load))
    }

    /// The chain behind a prompt's blocks.
    #[inline]
    pub(crate) fn of(&self, scope: ScopeId, prompt: &[LocalHash]) -> u64 {
        prompt.chunks(STRIDE).fold(scope.0, |chain, blocks| {
            self.add(chain, blocks.iter().map(|hash| hash.0))
        })
    }
}

/// The remainder by the prime, whose multiples are easily told by their bits.
#[inline(always)]
fn reduced(sum: u128) -> u64 {
    let part = |shift: u32| (sum >> shift) as u64 & PRIME;
    let folded = part(0) + part(PRIME_BITS) + part(2 * PRIME_BITS);
    let folded = (folded & PRIME) + (folded >> PRIME_BITS);
    if folded >= PRIME {
        folded - PRIME
    } else {
        folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_chain_is_the_same_however_it_is_cut(
            hashes in proptest::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX)], 1..40),
            scope in prop_oneof![any::<u64>(), Just(u64::MAX)],
            cut in 1usize..40,
        ) {
            let chains = Chains::new(&Keys::portable(scope ^ 1));
            let prompt: Vec<_> = hashes.iter().copied().map(LocalHash).collect();
            let whole = chains.of(ScopeId(scope), &prompt);
            let (before, behind) = prompt.split_at(cut.min(prompt.len()));
            let half = chains.of(ScopeId(scope), before);
            prop_assert_eq!(chains.of(ScopeId(half), behind), whole);
            let by_hand = hashes.iter().fold(scope, |chain, hash| {
                let next = u128::from(chain) * u128::from(chains.0[1]) + u128::from(hash >> 1);
                (next % u128::from(PRIME)) as u64
            });
            prop_assert_eq!(by_hand, whole);
        }
    }

    #[test]
    fn prompts_of_two_blocks_arranged_to_collide_do_not() {
        let chains = Chains::new(&Keys::portable(4));
        // Blocks by the parity of the ones in their place, and the other way round.
        let arranged = |first: u32| -> Vec<LocalHash> {
            let parity = |place: u32| (place.count_ones() + first) % 2;
            let block = |place| {
                LocalHash([0x5bd1_e995_0123_4567, 0xc2b2_ae35_89ab_cdef][parity(place) as usize])
            };
            (0..4096).map(block).collect()
        };
        let scope = ScopeId(7);
        assert_ne!(
            chains.of(scope, &arranged(0)),
            chains.of(scope, &arranged(1))
        );
    }
}
