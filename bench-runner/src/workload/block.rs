//! Blocks of tokens and how they chain.

use super::random::{Random, derive, mix};

/// Tokens of a block: what vLLM uses by default.
pub const BLOCK_SIZE: usize = 16;
/// Tokens are below this: the vocabulary of a common model.
pub const VOCABULARY: u64 = 32_000;

/// One block of a prompt. Its tokens are made from `content` when they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The engine's hash: covers the whole prefix up to and with this block.
    pub hash: u64,
    /// The hash of the block before; `None` for the first of a prompt.
    pub parent: Option<u64>,
    /// Names the tokens of the block.
    pub content: u64,
}

impl Block {
    /// The block with `content` behind `parent`.
    pub fn after(parent: Option<u64>, content: u64) -> Self {
        // Chained like an engine's: equal prefixes have equal hashes, on every engine.
        let hash = mix(parent.unwrap_or(0).rotate_left(17) ^ mix(content)).max(1);
        Self {
            hash,
            parent,
            content,
        }
    }

    /// Appends the tokens of this block.
    pub fn tokens(&self, out: &mut Vec<u32>) {
        let mut random = Random::new(self.content);
        out.extend((0..BLOCK_SIZE).map(|_| (random.bits() % VOCABULARY) as u32));
    }
}

/// Appends `count` blocks to a prompt, their contents made from `source`.
pub fn extend(prompt: &mut Vec<Block>, source: u64, count: usize) {
    for number in 0..count {
        let parent = prompt.last().map(|block| block.hash);
        prompt.push(Block::after(parent, derive(source, number as u64)));
    }
}

/// All tokens of a prompt.
pub fn tokens(prompt: &[Block]) -> Vec<u32> {
    let mut tokens = Vec::with_capacity(prompt.len() * BLOCK_SIZE);
    for block in prompt {
        block.tokens(&mut tokens);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_prefixes_have_equal_hashes_and_what_follows_a_difference_does_not() {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        extend(&mut one, 1, 4);
        extend(&mut other, 1, 4);
        assert_eq!(one, other);
        extend(&mut one, 2, 1);
        extend(&mut other, 3, 1);
        extend(&mut one, 4, 2);
        extend(&mut other, 4, 2);
        assert_eq!(
            tokens(&one)[5 * BLOCK_SIZE..],
            tokens(&other)[5 * BLOCK_SIZE..]
        );
        for (one, other) in one[4..].iter().zip(&other[4..]) {
            assert_ne!(one.hash, other.hash);
        }
    }

    #[test]
    fn each_block_names_the_one_before() {
        let mut prompt = Vec::new();
        extend(&mut prompt, 1, 3);
        assert_eq!(prompt[0].parent, None);
        assert_eq!(prompt[2].parent, Some(prompt[1].hash));
    }
}
