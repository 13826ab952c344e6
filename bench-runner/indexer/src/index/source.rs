//! What a lookup looks for: hashes that are there, or tokens hashed as the walk needs them.

use super::meter::{Meter, Work};
use super::segment::BLOCKS;
use crate::extra::ExtraReader;
use crate::hash::{Keys, LocalHash};

/// The hashes of a prompt's blocks.
pub(crate) trait Source {
    /// The hashes from a depth on: at least eight, or all there are.
    fn from(&mut self, depth: usize) -> &[LocalHash];

    /// Has the hashes below a depth ready, as far as there are any: for while memory is waited for.
    fn ready(&mut self, depth: usize) -> &[LocalHash];
}

/// Hashes that are there.
pub(crate) struct Ready<'a>(pub(crate) &'a [LocalHash]);

impl Source for Ready<'_> {
    #[inline]
    fn from(&mut self, depth: usize) -> &[LocalHash] {
        &self.0[depth..]
    }

    #[inline]
    fn ready(&mut self, _: usize) -> &[LocalHash] {
        self.0
    }
}

/// A prompt's blocks, hashed a few at a time.
pub(crate) struct Lazy<'a> {
    keys: &'a Keys,
    meter: &'a Meter,
    tokens: &'a [u32],
    block_size: usize,
    extra: ExtraReader<'a>,
    /// Room for every block; hashed up to `done`.
    hashes: &'a mut [LocalHash],
    done: usize,
}

impl<'a> Lazy<'a> {
    /// `buffer` is made long enough, and keeps its length.
    pub(crate) fn new(
        (keys, meter): (&'a Keys, &'a Meter),
        tokens: &'a [u32],
        block_size: usize,
        extra: ExtraReader<'a>,
        buffer: &'a mut Vec<LocalHash>,
    ) -> Self {
        let blocks = tokens.len() / block_size;
        if buffer.len() < blocks {
            buffer.resize(blocks, LocalHash(0));
        }
        Self {
            keys,
            meter,
            tokens,
            block_size,
            extra,
            hashes: &mut buffer[..blocks],
            done: 0,
        }
    }

    /// Hashes eight blocks first, since most strangers part there; then sixteen at a time.
    fn hash_more(&mut self) {
        let count = if self.done == 0 { BLOCKS } else { 2 * BLOCKS };
        let to = (self.done + count).min(self.hashes.len());
        let tokens = &self.tokens[self.done * self.block_size..to * self.block_size];
        let out = &mut self.hashes[self.done..to];
        self.meter.add(Work::Hashes, out.len() as u64);
        match self
            .keys
            .blocks(tokens, self.block_size, &mut self.extra, out)
        {
            Ok(()) => self.done = to,
            Err(before) => {
                // Extra keys that cannot be read: the prompt ends here.
                self.done += before;
                let hashes = std::mem::take(&mut self.hashes);
                self.hashes = &mut hashes[..self.done];
            }
        }
    }
}

impl Source for Lazy<'_> {
    #[inline]
    fn from(&mut self, depth: usize) -> &[LocalHash] {
        while self.done < (depth + BLOCKS).min(self.hashes.len()) {
            self.hash_more();
        }
        &self.hashes[depth..self.done]
    }

    #[inline]
    fn ready(&mut self, depth: usize) -> &[LocalHash] {
        while self.done < depth.min(self.hashes.len()) {
            self.hash_more();
        }
        &self.hashes[..self.done]
    }
}
