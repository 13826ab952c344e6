//! Hashing blocks of 16 tokens with vector AES, eight blocks at a time.
//!
//! A block is one 512-bit register of four lanes. Each lane is keyed with its own key and goes
//! through three AES rounds; the lanes are added, and two rounds more mix the sum, of which 64
//! bits are kept. Three rounds bring at least nine S-boxes into play: for tokens chosen without
//! the keys no difference between two lanes comes out as a given value with a chance above 2⁻⁵⁴,
//! so no two blocks can be arranged to cancel; blocks not so arranged collide with 2⁻⁶⁴.
#![expect(unsafe_code, reason = "vector loads and stores take pointers")]

use super::LocalHash;
use std::arch::x86_64::{
    __m512i, _mm_set_epi64x, _mm512_aesenc_epi128, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_shuffle_i64x2, _mm512_storeu_si512,
    _mm512_xor_si512,
};

/// Keys for the lanes and for the sums. Made only where the processor has the instructions.
#[derive(Clone, Debug)]
pub(super) struct Vaes {
    lanes: [[u64; 8]; 4],
    sums: [[u64; 2]; 2],
}

impl Vaes {
    /// The keys, if this processor can use them.
    pub(super) fn detect(mut next: impl FnMut() -> u64) -> Option<Self> {
        if !is_x86_feature_detected!("avx512f") || !is_x86_feature_detected!("vaes") {
            return None;
        }
        Some(Self {
            lanes: std::array::from_fn(|_| std::array::from_fn(|_| next())),
            sums: std::array::from_fn(|_| std::array::from_fn(|_| next())),
        })
    }

    /// Writes the hash of each block; both lists are equally long.
    #[inline]
    pub(super) fn blocks(&self, blocks: &[[u32; 16]], out: &mut [LocalHash]) {
        let (eights, rest) = blocks.as_chunks::<8>();
        let (out_eights, out_rest) = out.as_chunks_mut::<8>();
        for (eight, out) in eights.iter().zip(out_eights) {
            // SAFETY: a `Vaes` is only made where both features were detected.
            unsafe { self.eight(eight, out) };
        }
        if !rest.is_empty() {
            let mut padded = [[0; 16]; 8];
            padded[..rest.len()].copy_from_slice(rest);
            let mut hashes = [LocalHash(0); 8];
            // SAFETY: as above.
            unsafe { self.eight(&padded, &mut hashes) };
            out_rest.copy_from_slice(&hashes[..rest.len()]);
        }
    }

    #[target_feature(enable = "avx512f,vaes")]
    fn eight(&self, blocks: &[[u32; 16]; 8], out: &mut [LocalHash; 8]) {
        let [first, second, third, fourth] = &self.lanes;
        let keys = [load(first), load(second), load(third), load(fourth)];
        let block = |place: usize| {
            let mixed = _mm512_xor_si512(load(&blocks[place]), keys[0]);
            let mixed = _mm512_aesenc_epi128(mixed, keys[1]);
            let mixed = _mm512_aesenc_epi128(mixed, keys[2]);
            _mm512_aesenc_epi128(mixed, keys[3])
        };
        let low = self.sums_of([block(0), block(1), block(2), block(3)]);
        let high = self.sums_of([block(4), block(5), block(6), block(7)]);
        // The lower half of each lane, in order.
        let places = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
        let hashes = _mm512_permutex2var_epi64(low, places, high);
        // SAFETY: `out` has 64 bytes (`LocalHash` is a transparent u64), and the store needs no
        // alignment.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), hashes) };
    }

    /// The sums of four blocks' lanes, one block a lane, mixed.
    #[inline]
    #[target_feature(enable = "avx512f,vaes")]
    fn sums_of(&self, blocks: [__m512i; 4]) -> __m512i {
        let first = halves(blocks[0], blocks[1]);
        let second = halves(blocks[2], blocks[3]);
        let mut sums = halves(first, second);
        for key in self.sums {
            let key = _mm_set_epi64x(key[1] as i64, key[0] as i64);
            sums = _mm512_aesenc_epi128(sums, _mm512_broadcast_i32x4(key));
        }
        sums
    }
}

/// Adds lane 1 to lane 0 and lane 3 to lane 2: the results of `a`, then those of `b`.
#[inline]
#[target_feature(enable = "avx512f")]
fn halves(a: __m512i, b: __m512i) -> __m512i {
    let even = _mm512_shuffle_i64x2::<0b10_00_10_00>(a, b);
    let odd = _mm512_shuffle_i64x2::<0b11_01_11_01>(a, b);
    _mm512_xor_si512(even, odd)
}

/// 64 bytes as a register.
#[inline]
#[target_feature(enable = "avx512f")]
fn load<T: Copy, const N: usize>(words: &[T; N]) -> __m512i {
    const { assert!(size_of::<[T; N]>() == 64) };
    // SAFETY: the array has 64 bytes, all initialised (T is an integer type at every call), and
    // the load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}
