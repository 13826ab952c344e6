//! The engine's own block hashes: opaque names, of which only equality means anything.

use crate::wire::cursor::Cursor;

/// An engine's name for a block.
///
/// Signed hashes are taken as their two's complement. An integer never equals a byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EngineHash<'a> {
    /// A 64-bit integer.
    Int(u64),
    /// A byte string: a SHA-256 (32 bytes) or a truncated form of it.
    Bytes(&'a [u8]),
}

impl From<u64> for EngineHash<'_> {
    fn from(hash: u64) -> Self {
        Self::Int(hash)
    }
}

impl<'a> From<&'a [u8]> for EngineHash<'a> {
    fn from(hash: &'a [u8]) -> Self {
        Self::Bytes(hash)
    }
}

/// A list of engine hashes, borrowed in whichever form the caller has.
#[derive(Clone, Copy, Debug)]
pub struct Hashes<'a>(Repr<'a>);

#[derive(Clone, Copy, Debug)]
enum Repr<'a> {
    Ints(&'a [u64]),
    Any(&'a [EngineHash<'a>]),
    /// Offsets of msgpack elements in a payload. The decoder, which alone makes this form, has
    /// read every one of them before.
    Wire {
        payload: &'a [u8],
        offsets: &'a [u32],
    },
}

impl<'a> Hashes<'a> {
    pub(crate) fn wire(payload: &'a [u8], offsets: &'a [u32]) -> Self {
        Self(Repr::Wire { payload, offsets })
    }

    /// The number of hashes.
    pub fn len(&self) -> usize {
        match self.0 {
            Repr::Ints(list) => list.len(),
            Repr::Any(list) => list.len(),
            Repr::Wire { offsets, .. } => offsets.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hashes as plain integers, where the list is held so.
    pub fn as_ints(&self) -> Option<&'a [u64]> {
        match self.0 {
            Repr::Ints(list) => Some(list),
            _ => None,
        }
    }

    /// The hash at a place, or `None` past the end.
    pub fn get(&self, place: usize) -> Option<EngineHash<'a>> {
        match self.0 {
            Repr::Ints(list) => list.get(place).copied().map(EngineHash::Int),
            Repr::Any(list) => list.get(place).copied(),
            Repr::Wire { payload, offsets } => {
                let at = *offsets.get(place)? as usize;
                Cursor::at(payload, at).hash("block_hashes").ok()
            }
        }
    }

    /// The hashes in order.
    pub fn iter(&self) -> impl Iterator<Item = EngineHash<'a>> + use<'a> {
        let list = *self;
        (0..list.len()).map_while(move |place| list.get(place))
    }
}

impl<'a> From<&'a [u64]> for Hashes<'a> {
    fn from(list: &'a [u64]) -> Self {
        Self(Repr::Ints(list))
    }
}

impl<'a, const N: usize> From<&'a [u64; N]> for Hashes<'a> {
    fn from(list: &'a [u64; N]) -> Self {
        Self(Repr::Ints(list))
    }
}

impl<'a> From<&'a Vec<u64>> for Hashes<'a> {
    fn from(list: &'a Vec<u64>) -> Self {
        Self(Repr::Ints(list))
    }
}

impl<'a> From<&'a [EngineHash<'a>]> for Hashes<'a> {
    fn from(list: &'a [EngineHash<'a>]) -> Self {
        Self(Repr::Any(list))
    }
}

impl<'a> From<&'a Vec<EngineHash<'a>>> for Hashes<'a> {
    fn from(list: &'a Vec<EngineHash<'a>>) -> Self {
        Self(Repr::Any(list))
    }
}
