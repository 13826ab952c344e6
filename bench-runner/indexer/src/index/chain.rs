//! What leads to a block, in one word: the hashes of all blocks before it, and of the scope.
//!
//! The child table's entries are found by it. It follows from the prompt alone, not from where blocks
//! are kept, so that a lookup can ask for a table's line before it has seen the blocks before
//! (see [`ahead`](super::ahead)). Two chains that are equal by chance share a place in the table and
//! nothing else: entries are told apart by the parent block itself.

use super::segment::BLOCKS;
use crate::hash::{LocalHash, ScopeId};
use crate::sync::{AtomicU64, Ordering};

/// Odd, so that no bit of a chain is lost however long it gets.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
/// Blocks added at once.
const STRIDE: usize = BLOCKS;
/// The factor's powers.
const POWERS: [u64; STRIDE + 1] = {
    let mut powers = [1; STRIDE + 1];
    let mut place = 1;
    while place <= STRIDE {
        powers[place] = FACTOR.wrapping_mul(powers[place - 1]);
        place += 1;
    }
    powers
};

/// A chain with up to eight more blocks behind it: a polynomial over the blocks' hashes. Its terms do
/// not wait for one another.
#[inline(always)]
fn add(chain: u64, hashes: impl ExactSizeIterator<Item = u64>) -> u64 {
    let count = hashes.len().min(STRIDE);
    let terms = hashes.zip(POWERS[..count].iter().rev());
    let sum = |sum: u64, (hash, power): (u64, &u64)| sum.wrapping_add(hash.wrapping_mul(*power));
    terms.fold(chain.wrapping_mul(POWERS[count]), sum)
}

/// The chain behind the first `count` blocks of a segment that `chain` leads to.
#[inline]
pub(crate) fn within(chain: u64, hashes: &[AtomicU64; BLOCKS], count: usize) -> u64 {
    let load = |hash: &AtomicU64| hash.load(Ordering::Relaxed);
    if count == BLOCKS {
        // The usual case, of a length that the compiler knows.
        return add(chain, hashes.iter().map(load));
    }
    add(chain, hashes[..count.min(BLOCKS)].iter().map(load))
}

/// The chain behind a prompt's blocks.
#[inline]
pub(crate) fn of(scope: ScopeId, prompt: &[LocalHash]) -> u64 {
    prompt.chunks(STRIDE).fold(scope.0, |chain, blocks| {
        add(chain, blocks.iter().map(|hash| hash.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_chain_is_the_same_however_it_is_cut(
            hashes in proptest::collection::vec(any::<u64>(), 0..40),
            scope: u64,
            cut in 0usize..40,
        ) {
            let prompt: Vec<_> = hashes.iter().copied().map(LocalHash).collect();
            let whole = of(ScopeId(scope), &prompt);
            let (before, behind) = prompt.split_at(cut.min(prompt.len()));
            prop_assert_eq!(of(ScopeId(of(ScopeId(scope), before)), behind), whole);
            let by_hand = hashes.iter().fold(scope, |chain, hash| {
                chain.wrapping_mul(FACTOR).wrapping_add(*hash)
            });
            prop_assert_eq!(by_hand, whole);
        }
    }
}
