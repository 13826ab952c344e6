//! Extra keys: what, beside its tokens, is part of a block's identity.
//!
//! An engine sends one msgpack value a block (nil: none), a query may give the same or typed keys.
//! Both are read as one canonical stream of items, so that `5` in one byte and `5` in nine bytes
//! are the same key, and typed keys equal the wire's.

use crate::wire::cursor::Cursor;
use crate::wire::error::DecodeError;

/// The extra keys of a list of blocks.
#[derive(Clone, Copy, Debug, Default)]
pub enum ExtraKeys<'a> {
    /// No block has any.
    #[default]
    None,
    /// One list of keys a block; an empty list is none. In a query the list may end early.
    PerBlock(&'a [&'a [ExtraKey<'a>]]),
    /// A msgpack array as the engine sent it: one value a block, nil or an empty array for none.
    Encoded(&'a [u8]),
}

/// One extra key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ExtraKey<'a> {
    /// Nil.
    Nil,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer; equal to [`ExtraKey::Int`] of the same value.
    Uint(u64),
    /// A float, compared by its bits.
    Float(f64),
    /// Text: a multimodal identifier, a cache salt.
    Str(&'a str),
    /// Bytes; never equal to text.
    Bytes(&'a [u8]),
    /// A nested list.
    List(&'a [ExtraKey<'a>]),
}

/// One step of the canonical stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Nil,
    Bool(bool),
    /// A negative number as its two's complement.
    Negative(u64),
    Natural(u64),
    Float(u64),
    Str(&'a [u8]),
    Bytes(&'a [u8]),
    Ext(i8, &'a [u8]),
    /// So many values follow.
    List(u32),
    /// So many pairs follow.
    Map(u32),
}

/// Deepest nesting that is read; deeper is refused as hostile.
pub(crate) const MAX_DEPTH: u32 = 16;

impl<'a> ExtraKeys<'a> {
    /// Begins to read the keys block by block.
    pub(crate) fn read(&self) -> Result<ExtraReader<'a>, DecodeError> {
        Ok(match *self {
            Self::None => ExtraReader::None,
            Self::PerBlock(lists) => ExtraReader::PerBlock(lists.iter()),
            Self::Encoded(raw) => {
                let mut cursor = Cursor::at(raw, 0);
                let left = cursor.array("extra_keys")?;
                ExtraReader::Encoded { cursor, left }
            }
        })
    }

    /// How many blocks the keys speak of; `None` where there are no keys at all.
    pub(crate) fn blocks(&self) -> Result<Option<usize>, DecodeError> {
        Ok(match *self {
            Self::None => None,
            Self::PerBlock(lists) => Some(lists.len()),
            Self::Encoded(raw) => Some(Cursor::at(raw, 0).array("extra_keys")? as usize),
        })
    }
}

/// Reads extra keys, one block at a time.
pub(crate) enum ExtraReader<'a> {
    None,
    PerBlock(std::slice::Iter<'a, &'a [ExtraKey<'a>]>),
    Encoded { cursor: Cursor<'a>, left: u32 },
}

impl<'a> ExtraReader<'a> {
    /// Feeds the next block's keys to `sink` and says whether it has any. Past the end, none.
    pub(crate) fn next(&mut self, sink: &mut impl FnMut(Item<'a>)) -> Result<bool, DecodeError> {
        match self {
            Self::None => Ok(false),
            Self::PerBlock(lists) => match lists.next() {
                Some(keys) if !keys.is_empty() => {
                    walk_list(keys, sink);
                    Ok(true)
                }
                _ => Ok(false),
            },
            Self::Encoded { left: 0, .. } => Ok(false),
            Self::Encoded { cursor, left } => {
                *left -= 1;
                if cursor.is_none_or_empty_array() {
                    cursor.skip()?;
                    return Ok(false);
                }
                cursor.walk(sink, MAX_DEPTH)?;
                Ok(true)
            }
        }
    }
}

fn walk_list<'a>(keys: &'a [ExtraKey<'a>], sink: &mut impl FnMut(Item<'a>)) {
    sink(Item::List(keys.len() as u32));
    for key in keys {
        match *key {
            ExtraKey::Nil => sink(Item::Nil),
            ExtraKey::Bool(value) => sink(Item::Bool(value)),
            ExtraKey::Int(value) if value < 0 => sink(Item::Negative(value as u64)),
            ExtraKey::Int(value) => sink(Item::Natural(value as u64)),
            ExtraKey::Uint(value) => sink(Item::Natural(value)),
            ExtraKey::Float(value) => sink(Item::Float(value.to_bits())),
            ExtraKey::Str(text) => sink(Item::Str(text.as_bytes())),
            ExtraKey::Bytes(bytes) => sink(Item::Bytes(bytes)),
            ExtraKey::List(inner) => walk_list(inner, sink),
        }
    }
}
