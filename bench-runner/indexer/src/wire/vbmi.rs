//! Reading lists of two-byte numbers, sixteen at a time, where the processor permutes bytes.
//!
//! Token numbers are mostly between 256 and 65,535: a marker and two bytes, big-endian. Three
//! registers' worth of comparing and shuffling by hand is one instruction here.
#![expect(unsafe_code, reason = "vector loads and stores take pointers")]

use std::arch::x86_64::{
    _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_maskz_loadu_epi8,
    _mm512_maskz_permutexvar_epi8, _mm512_set1_epi8, _mm512_storeu_si512,
};

const MARKER: u8 = 0xcd;
/// The bytes where the markers of sixteen numbers stand.
const MARKERS: u64 = 0x2492_4924_9249;
/// The lower two bytes of each 32-bit number.
const LOWER_BYTES: u64 = 0x3333_3333_3333_3333;
/// For each byte of the sixteen numbers, the byte it comes from.
const SOURCES: [u8; 64] = {
    let mut sources = [0; 64];
    let mut number = 0;
    while number < 16 {
        sources[number * 4] = number as u8 * 3 + 2;
        sources[number * 4 + 1] = number as u8 * 3 + 1;
        number += 1;
    }
    sources
};

/// Whether this processor has the instructions.
#[inline]
fn is_available() -> bool {
    is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("avx512bw")
}

/// Reads two-byte numbers from the front of `bytes` into `out`, in steps of sixteen, until another
/// form comes or one of the two ends. Gives how many were read; what lies behind in `out` is left
/// with any value. Reads none where the processor lacks the instructions.
#[inline]
pub(super) fn leading_two_byte_numbers(bytes: &[u8], out: &mut [u32]) -> usize {
    if out.len() < 16 || !is_available() {
        return 0;
    }
    // SAFETY: the features are there.
    unsafe { leading(bytes, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn leading(mut bytes: &[u8], out: &mut [u32]) -> usize {
    let (sixteens, _) = out.as_chunks_mut::<16>();
    let mut read = 0;
    for sixteen_out in sixteens {
        let Some((ahead, behind)) = bytes.split_first_chunk() else {
            break;
        };
        let other = sixteen(ahead, sixteen_out);
        if other != 0 {
            // Three bits a number, of which the first stands for its marker.
            return read + other.trailing_zeros() as usize / 3;
        }
        bytes = behind;
        read += 16;
    }
    read
}

/// Reads sixteen numbers; a set bit marks a marker that is another.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn sixteen(bytes: &[u8; 48], out: &mut [u32; 16]) -> u64 {
    // SAFETY: the mask reads the 48 bytes that are there; neither access needs alignment; the
    // sources are 64 bytes, and so is `out`.
    unsafe {
        let read = _mm512_maskz_loadu_epi8((1 << 48) - 1, bytes.as_ptr().cast());
        let found = _mm512_cmpeq_epi8_mask(read, _mm512_set1_epi8(MARKER as i8));
        let sources = _mm512_loadu_si512(SOURCES.as_ptr().cast());
        let numbers = _mm512_maskz_permutexvar_epi8(LOWER_BYTES, sources, read);
        _mm512_storeu_si512(out.as_mut_ptr().cast(), numbers);
        !found & MARKERS
    }
}
