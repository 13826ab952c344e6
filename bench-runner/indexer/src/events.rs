//! What an engine says about its prefix cache: blocks stored, blocks removed, everything cleared.

use crate::extra::ExtraKeys;
use crate::hashes::{EngineHash, Hashes};

/// One KV-cache event of one engine.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Blocks are now in the cache.
    Stored(Stored<'a>),
    /// Blocks are no longer in the cache.
    Removed(Removal<'a>),
    /// The engine's whole cache is empty (this data-parallel rank of it).
    Cleared,
}

/// A run of blocks that an engine has put into its cache.
///
/// The blocks chain on each other: the parent of block *i* is block *i* − 1, and `parent` is the
/// block just before the first.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The engine's own hash of each block, in order.
    pub block_hashes: Hashes<'a>,
    /// The block before the first one; `None` where the first block begins a prompt.
    pub parent: Option<EngineHash<'a>>,
    /// The tokens of all blocks, one after the other: `block_size` a block.
    pub tokens: &'a [u32],
    /// Tokens in a block. An event whose size is not the index's own is refused and counted.
    pub block_size: u32,
    /// The adapter (LoRA) the blocks were computed with.
    pub adapter: Adapter<'a>,
    /// Where the blocks lie ("GPU", "cpu" …, compared without case); `None` is [`DEFAULT_MEDIUM`].
    pub medium: Option<&'a str>,
    /// What else is part of each block's identity: image hashes, cache salts.
    pub extra_keys: ExtraKeys<'a>,
    /// The cache group the blocks belong to.
    pub group: Group<'a>,
}

/// Blocks that an engine has dropped from one medium.
#[derive(Clone, Copy, Debug)]
pub struct Removal<'a> {
    /// The engine's own hashes of the blocks.
    pub block_hashes: Hashes<'a>,
    /// Where they lay; `None` is [`DEFAULT_MEDIUM`]. The same block may still lie elsewhere.
    pub medium: Option<&'a str>,
    /// The cache group; `None` is group 0.
    pub group: Option<u32>,
}

/// The medium meant by an event that names none.
pub const DEFAULT_MEDIUM: &str = "GPU";

/// The adapter of a request or a block. Blocks of different adapters never match each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Adapter<'a> {
    /// The model itself.
    #[default]
    None,
    /// An adapter by name: the identity that holds across engines.
    Name(&'a str),
    /// An adapter by number, for engines that send no name. A number never matches a name.
    Id(u64),
}

impl<'a> Adapter<'a> {
    /// The adapter meant by an event's two fields: the name where there is one, else the number.
    /// An empty name counts as absent.
    pub fn from_fields(id: Option<u64>, name: Option<&'a str>) -> Self {
        match (name, id) {
            (Some(name), _) if !name.is_empty() => Self::Name(name),
            (_, Some(id)) => Self::Id(id),
            _ => Self::None,
        }
    }
}

/// The cache group of a block, for models that mix kinds of attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group<'a> {
    /// `group_idx` of the event; `None` is group 0.
    pub index: Option<u32>,
    /// `kv_cache_spec_kind` of the event, such as "full_attention" or "sliding_window".
    pub kind: Option<&'a str>,
    /// `kv_cache_spec_sliding_window` of the event, in tokens.
    pub sliding_window: Option<u32>,
}

impl Group<'_> {
    /// Whether blocks of this group can make a usable prefix: those of full attention do (an
    /// absent kind means full attention); of a window or a running state, the leading blocks
    /// alone are worth nothing.
    pub fn makes_prefix(&self) -> bool {
        matches!(
            self.kind,
            None | Some("full_attention" | "mla_attention" | "sink_full_attention")
        )
    }
}

impl<'a> Stored<'a> {
    /// Blocks of the model itself, on the default medium, with 16 tokens a block.
    pub fn new(
        block_hashes: impl Into<Hashes<'a>>,
        parent: Option<EngineHash<'a>>,
        tokens: &'a [u32],
    ) -> Self {
        Self {
            block_hashes: block_hashes.into(),
            parent,
            tokens,
            block_size: crate::DEFAULT_BLOCK_SIZE,
            adapter: Adapter::None,
            medium: None,
            extra_keys: ExtraKeys::None,
            group: Group::default(),
        }
    }

    /// The same blocks with another block size, in tokens.
    pub fn block_size(mut self, block_size: u32) -> Self {
        self.block_size = block_size;
        self
    }

    /// The same blocks, computed with an adapter.
    pub fn adapter(mut self, adapter: Adapter<'a>) -> Self {
        self.adapter = adapter;
        self
    }

    /// The same blocks on a named medium.
    pub fn medium(mut self, medium: &'a str) -> Self {
        self.medium = Some(medium);
        self
    }

    /// The same blocks with extra keys, one set a block.
    pub fn extra_keys(mut self, extra_keys: ExtraKeys<'a>) -> Self {
        self.extra_keys = extra_keys;
        self
    }

    /// The same blocks in a cache group.
    pub fn group(mut self, group: Group<'a>) -> Self {
        self.group = group;
        self
    }
}

impl<'a> Removal<'a> {
    /// Blocks dropped from the default medium.
    pub fn new(block_hashes: impl Into<Hashes<'a>>) -> Self {
        Self {
            block_hashes: block_hashes.into(),
            medium: None,
            group: None,
        }
    }

    /// The same removal from a named medium.
    pub fn medium(mut self, medium: &'a str) -> Self {
        self.medium = Some(medium);
        self
    }

    /// The same removal from a cache group.
    pub fn group(mut self, group: u32) -> Self {
        self.group = Some(group);
        self
    }
}

impl<'a> From<Stored<'a>> for Event<'a> {
    fn from(stored: Stored<'a>) -> Self {
        Self::Stored(stored)
    }
}

impl<'a> From<Removal<'a>> for Event<'a> {
    fn from(removal: Removal<'a>) -> Self {
        Self::Removed(removal)
    }
}
