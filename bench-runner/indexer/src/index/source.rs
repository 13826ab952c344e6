//! What a lookup looks for: hashes that are there, or tokens hashed as the walk needs them.

use super::meter::{Meter, Work};
use super::reader::Source;
use super::segment::BLOCKS;
use crate::extra::ExtraReader;
use crate::hash::{Keys, LocalHash};

/// Hashes that are there.
pub(crate) struct Ready<'a>(pub(crate) &'a [LocalHash]);

impl Source for Ready<'_> {
    #[inline]
    fn from(&mut self, depth: usize, _: &mut Vec<LocalHash>) -> usize {
        self.0.len() - depth
    }

    #[inline]
    fn slice<'a>(&'a self, depth: usize, _: &'a [LocalHash]) -> &'a [LocalHash] {
        &self.0[depth..]
    }
}

/// A prompt's blocks, hashed eight at a time.
pub(crate) struct Lazy<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) meter: &'a Meter,
    /// Tokens not hashed yet.
    pub(crate) tokens: &'a [u32],
    pub(crate) block_size: usize,
    pub(crate) extra: ExtraReader<'a>,
}

impl Source for Lazy<'_> {
    #[inline]
    fn from(&mut self, depth: usize, hashed: &mut Vec<LocalHash>) -> usize {
        while hashed.len() < depth + BLOCKS && self.tokens.len() >= self.block_size {
            let blocks = (self.tokens.len() / self.block_size).min(BLOCKS);
            let (now, rest) = self.tokens.split_at(blocks * self.block_size);
            self.tokens = rest;
            self.meter.add(Work::Hashes, blocks as u64);
            let all = self
                .keys
                .blocks(now, self.block_size, &mut self.extra, hashed);
            if all.is_err() {
                // Extra keys that cannot be read: the prompt ends here.
                self.tokens = &[];
            }
        }
        hashed.len() - depth
    }

    #[inline]
    fn slice<'a>(&'a self, depth: usize, hashed: &'a [LocalHash]) -> &'a [LocalHash] {
        &hashed[depth..]
    }
}
