//! Comparing eight words at once.
#![expect(
    unsafe_code,
    reason = "the instructions load from a pointer; a loop over the words takes twice as long"
)]

/// Words compared at once.
pub(crate) const LANES: usize = 8;

/// Where among the words the wanted one is, a bit each.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
pub(crate) fn places(words: &[u32; LANES], wanted: u32) -> u32 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi32, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16,
        _mm_packs_epi32, _mm_set1_epi32, _mm_setzero_si128,
    };
    let halves = words.as_ptr().cast::<__m128i>();
    // SAFETY: every x86-64 has SSE2; the array is two times 16 bytes, and the loads need no alignment.
    unsafe {
        let wanted = _mm_set1_epi32(wanted.cast_signed());
        let low = _mm_cmpeq_epi32(_mm_loadu_si128(halves), wanted);
        let high = _mm_cmpeq_epi32(_mm_loadu_si128(halves.add(1)), wanted);
        let both = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
        _mm_movemask_epi8(both).cast_unsigned()
    }
}

/// Where among the words the wanted one is, a bit each.
#[inline(always)]
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn places(words: &[u32; LANES], wanted: u32) -> u32 {
    portable(words, wanted)
}

/// The same, for any processor.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(words: &[u32; LANES], wanted: u32) -> u32 {
    let mut found = 0;
    for (place, word) in words.iter().enumerate() {
        found |= u32::from(*word == wanted) << place;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_way_finds_what_the_plain_way_finds(
            words in proptest::array::uniform8(prop_oneof![0u32..3, Just(u32::MAX), any::<u32>()]),
            wanted in prop_oneof![0u32..3, Just(u32::MAX), Just(0x8000_0000)],
        ) {
            prop_assert_eq!(places(&words, wanted), portable(&words, wanted));
        }
    }
}
