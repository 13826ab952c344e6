//! Hashing what a block holds: keyed, 64 bits, and the same for events and queries.
//!
//! Two blocks are taken for equal when the blocks before them are, and their 64-bit hashes are.
//! The keys are random in each index, so that nobody outside can choose tokens that collide; two
//! given blocks under one parent then do so with a chance of about 2⁻⁶⁴.

#[cfg(target_arch = "x86_64")]
mod vaes;

use crate::events::Adapter;
use crate::extra::{ExtraReader, Item};
use crate::hashes::EngineHash;

/// What one block holds (its tokens and extra keys), whatever comes before it. Comparable within
/// one index only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct LocalHash(pub(crate) u64);

/// Model and adapter: what may match what. Comparable within one index only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopeId(pub(crate) u64);

/// The hash keys of one index.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    lanes: [u64; 8],
    spare: [u64; 4],
    #[cfg(target_arch = "x86_64")]
    vaes: Option<vaes::Vaes>,
}

/// Tokens in a block for which there are the fast ways.
const FAST_BLOCK: usize = 16;

impl Keys {
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        Self {
            lanes: std::array::from_fn(|_| next()),
            spare: std::array::from_fn(|_| next()),
            #[cfg(target_arch = "x86_64")]
            vaes: vaes::Vaes::detect(next),
        }
    }

    /// The same keys on every machine, and no vector instructions: the same hashes everywhere.
    pub(crate) fn portable(seed: u64) -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            vaes: None,
            ..Self::new(seed)
        }
    }

    /// The hash of a pair of words.
    #[inline]
    pub(crate) fn pair(&self, a: u64, b: u64) -> u64 {
        fold(a ^ self.lanes[6], b ^ self.lanes[7])
    }

    /// The hash of an engine's name for a block.
    #[inline]
    pub(crate) fn name(&self, name: EngineKey) -> u64 {
        fold(name.low ^ self.lanes[4], name.high ^ self.lanes[5])
    }

    /// The hash of one block's tokens.
    #[inline]
    fn tokens(&self, tokens: &[u32]) -> LocalHash {
        let mut sum = self.spare[0] ^ tokens.len() as u64;
        let (chunks, rest) = tokens.as_chunks::<16>();
        for chunk in chunks {
            sum = fold(sum ^ self.chunk(chunk), self.spare[1]);
        }
        for &token in rest {
            sum = fold(sum ^ u64::from(token), self.spare[2]);
        }
        LocalHash(sum)
    }

    /// Four folded products of two keyed words each, over 16 tokens.
    #[inline]
    fn chunk(&self, tokens: &[u32; 16]) -> u64 {
        let word = |place: usize| {
            let pair = u64::from(tokens[place * 2]) | u64::from(tokens[place * 2 + 1]) << 32;
            pair ^ self.lanes[place]
        };
        let a = fold(word(0), word(1));
        let b = fold(word(2), word(3));
        let c = fold(word(4), word(5));
        let d = fold(word(6), word(7));
        // Sums at different rotations: equal products in different places do not cancel.
        a.wrapping_add(b.rotate_left(17))
            .wrapping_add(c.rotate_left(31))
            .wrapping_add(d.rotate_left(47))
    }

    /// Writes the hashes of blocks of tokens, each with the extra keys that come next in `extra`:
    /// as many as `out` has room for, and `tokens` must have as many. On an error gives how many
    /// come before it.
    #[inline]
    pub(crate) fn blocks(
        &self,
        tokens: &[u32],
        block_size: usize,
        extra: &mut ExtraReader<'_>,
        out: &mut [LocalHash],
    ) -> Result<(), usize> {
        self.plain_blocks(tokens, block_size, out);
        if matches!(extra, ExtraReader::None) {
            return Ok(());
        }
        for (place, hash) in out.iter_mut().enumerate() {
            let mut fold = self.extra();
            let has_keys = extra.next(&mut |item| fold.item(item));
            if has_keys.map_err(|_| place)? {
                *hash = self.with_extra(*hash, &fold);
            }
        }
        Ok(())
    }

    #[inline]
    fn plain_blocks(&self, tokens: &[u32], block_size: usize, out: &mut [LocalHash]) {
        if block_size != FAST_BLOCK {
            for (block, out) in tokens.chunks_exact(block_size).zip(out) {
                *out = self.tokens(block);
            }
            return;
        }
        let (blocks, _) = tokens.as_chunks::<FAST_BLOCK>();
        #[cfg(target_arch = "x86_64")]
        if let Some(vaes) = &self.vaes {
            let count = blocks.len().min(out.len());
            vaes.blocks(&blocks[..count], &mut out[..count]);
            return;
        }
        for (block, out) in blocks.iter().zip(out) {
            *out = self.sixteen(block);
        }
    }

    /// The hash of 16 tokens where there are no vector instructions for it.
    #[inline]
    fn sixteen(&self, tokens: &[u32; FAST_BLOCK]) -> LocalHash {
        LocalHash(fold(self.chunk(tokens) ^ self.spare[0], self.spare[1]))
    }

    /// A block's hash from its tokens' and its extra keys'.
    fn with_extra(&self, tokens: LocalHash, extra: &ExtraFold<'_>) -> LocalHash {
        LocalHash(fold(tokens.0 ^ extra.state, self.spare[3]))
    }

    /// Begins to hash extra keys.
    fn extra(&self) -> ExtraFold<'_> {
        ExtraFold {
            keys: self,
            state: self.spare[2],
        }
    }

    /// The root that a model's blocks hang from.
    pub(crate) fn scope(&self, model: &str, adapter: Adapter<'_>) -> ScopeId {
        let mut fold = self.extra();
        fold.item(Item::Str(model.as_bytes()));
        match adapter {
            Adapter::None => {}
            Adapter::Name(name) => fold.item(Item::Str(name.as_bytes())),
            Adapter::Id(id) => fold.item(Item::Natural(id)),
        }
        ScopeId(fold.state)
    }

    /// An engine's integer hash as a map key.
    #[inline]
    pub(crate) fn int(&self, bits: u64) -> EngineKey {
        EngineKey { low: bits, high: 0 }
    }

    /// An engine's hash as a map key: exact for integers, 128 keyed bits for byte strings.
    pub(crate) fn engine(&self, hash: EngineHash<'_>) -> EngineKey {
        match hash {
            EngineHash::Int(bits) => self.int(bits),
            EngineHash::Bytes(bytes) => {
                let mut low = self.spare[0] ^ bytes.len() as u64;
                let mut high = self.spare[1];
                for chunk in bytes.chunks(16) {
                    let mut padded = [0u8; 16];
                    padded[..chunk.len()].copy_from_slice(chunk);
                    let word = u128::from_le_bytes(padded);
                    let (a, b) = (word as u64, (word >> 64) as u64);
                    // Each half sees all 128 bits of input, under other keys.
                    low = fold(low ^ a ^ self.lanes[0], b ^ self.lanes[1]) ^ low.rotate_left(29);
                    high = fold(high ^ b ^ self.lanes[2], a ^ self.lanes[3]) ^ high.rotate_left(41);
                }
                EngineKey {
                    low: fold(low, self.spare[2]),
                    // Never 0: that marks integers.
                    high: fold(high, self.spare[3]) | 1,
                }
            }
        }
    }
}

/// An engine's hash as the index keeps it: integers exactly (`high` is 0), byte strings as 127
/// keyed bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EngineKey {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// Extra keys on their way to a hash.
struct ExtraFold<'a> {
    keys: &'a Keys,
    state: u64,
}

impl ExtraFold<'_> {
    fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Nil => self.word(1, 0),
            Item::Bool(value) => self.word(2, u64::from(value)),
            Item::Negative(bits) => self.word(3, bits),
            Item::Natural(bits) => self.word(4, bits),
            Item::Float(bits) => self.word(5, bits),
            Item::Str(bytes) => self.bytes(6, bytes),
            Item::Bytes(bytes) => self.bytes(7, bytes),
            Item::Ext(kind, bytes) => self.bytes(8 + u64::from(kind as u8), bytes),
            Item::List(length) => self.word(1 << 10, u64::from(length)),
            Item::Map(length) => self.word(1 << 11, u64::from(length)),
        }
    }

    fn word(&mut self, tag: u64, word: u64) {
        self.state = fold(
            self.state ^ word ^ self.keys.lanes[4],
            self.keys.lanes[5] ^ tag,
        )
        .wrapping_add(self.state.rotate_left(23));
    }

    fn bytes(&mut self, tag: u64, bytes: &[u8]) {
        self.word(tag << 40, bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut padded = [0u8; 8];
            padded[..chunk.len()].copy_from_slice(chunk);
            self.word(tag, u64::from_le_bytes(padded));
        }
    }
}

/// The high and low halves of a product, folded together.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extra::ExtraKeys;
    use std::collections::HashSet;

    fn hashes(keys: &Keys, tokens: &[u32], block_size: usize) -> Vec<LocalHash> {
        let mut extra = ExtraKeys::None.read().expect("there is nothing to read");
        let mut out = vec![LocalHash(0); tokens.len() / block_size];
        keys.blocks(tokens, block_size, &mut extra, &mut out)
            .expect("there are no extra keys");
        out
    }

    /// Both ways to hash, where this machine has both.
    fn both(seed: u64) -> Vec<Keys> {
        vec![Keys::new(seed), Keys::portable(seed)]
    }

    #[test]
    fn a_block_hashes_alike_wherever_it_stands() {
        let tokens: Vec<u32> = (0..16 * 21).map(|token| token % 7).collect();
        for keys in both(3) {
            let all = hashes(&keys, &tokens, 16);
            for (place, block) in tokens.chunks(16).enumerate() {
                assert_eq!(hashes(&keys, block, 16), [all[place]]);
            }
        }
    }

    #[test]
    fn blocks_that_differ_in_little_do_not_collide() {
        for size in [4, 16, 32] {
            for keys in both(9) {
                let mut seen = HashSet::new();
                let mut tokens = vec![5; size];
                seen.insert(hashes(&keys, &tokens, size)[0]);
                // Every change of one token by little, and of two tokens that might cancel.
                for first in 0..size {
                    for second in 0..size {
                        for by in 1..40 {
                            tokens[first] ^= by;
                            tokens[second] = tokens[second].wrapping_add(by << 3);
                            assert!(seen.insert(hashes(&keys, &tokens, size)[0]));
                            tokens.fill(5);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_bit_of_the_input_reaches_every_bit_of_the_hash() {
        for keys in both(11) {
            let mut flips = [0u32; 64];
            let tokens = [77u32; 16];
            let plain = hashes(&keys, &tokens, 16)[0].0;
            for bit in 0..512 {
                let mut changed = tokens;
                changed[bit / 32] ^= 1 << (bit % 32);
                let difference = hashes(&keys, &changed, 16)[0].0 ^ plain;
                for (place, flips) in flips.iter_mut().enumerate() {
                    *flips += (difference >> place) as u32 & 1;
                }
            }
            // 256 of 512 with a deviation of 11: six deviations either way.
            assert!(
                flips.iter().all(|flips| (190..322).contains(flips)),
                "{flips:?}"
            );
        }
    }

    #[test]
    fn other_seeds_give_other_hashes() {
        let tokens = [1; 16];
        assert_ne!(
            hashes(&Keys::new(1), &tokens, 16),
            hashes(&Keys::new(2), &tokens, 16)
        );
    }
}
