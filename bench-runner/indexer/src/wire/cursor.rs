//! A cursor over msgpack bytes: reads what is asked for, borrows, never allocates, never panics.

use super::error::DecodeError;
use crate::extra::Item;
use crate::hashes::EngineHash;

/// Deepest nesting of values that are skipped unread.
pub(crate) const MAX_SKIP_DEPTH: usize = 32;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// The next marker, not consumed.
    #[inline]
    pub(crate) fn peek(&self, field: &'static str) -> Result<u8, DecodeError> {
        match self.bytes.get(self.at) {
            Some(&marker) => Ok(marker),
            None => Err(self.truncated(field)),
        }
    }

    #[inline]
    fn truncated(&self, field: &'static str) -> DecodeError {
        DecodeError::Truncated { at: self.at, field }
    }

    #[cold]
    fn unexpected(&self, field: &'static str, marker: u8) -> DecodeError {
        DecodeError::UnexpectedType {
            at: self.at,
            field,
            marker,
        }
    }

    #[cold]
    fn out_of_range(&self, field: &'static str) -> DecodeError {
        DecodeError::OutOfRange { at: self.at, field }
    }

    /// `N` bytes behind the marker, which is not consumed.
    #[inline]
    fn fixed<const N: usize>(&self, field: &'static str) -> Result<[u8; N], DecodeError> {
        self.bytes
            .get(self.at + 1..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or_else(|| self.truncated(field))
    }

    #[inline]
    fn length(&self, width: usize, field: &'static str) -> Result<u32, DecodeError> {
        Ok(match width {
            1 => u32::from(self.fixed::<1>(field)?[0]),
            2 => u32::from(u16::from_be_bytes(self.fixed(field)?)),
            _ => u32::from_be_bytes(self.fixed(field)?),
        })
    }

    /// Takes `length` bytes that begin `head` bytes behind the marker.
    #[inline]
    fn take(
        &mut self,
        head: usize,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let start = self.at + head;
        let end = start.checked_add(length);
        match end.and_then(|end| self.bytes.get(start..end)) {
            Some(taken) => {
                self.at = start + length;
                Ok(taken)
            }
            None => Err(self.truncated(field)),
        }
    }

    /// Consumes nil where it is next.
    #[inline]
    pub(crate) fn nil(&mut self) -> bool {
        let is_nil = self.bytes.get(self.at) == Some(&0xc0);
        self.at += usize::from(is_nil);
        is_nil
    }

    /// An array's length. Every element takes a byte at least: a length that cannot fit in what
    /// is left is refused here, so that no caller reserves memory for it.
    #[inline]
    pub(crate) fn array(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let marker = self.peek(field)?;
        let (length, head) = match marker {
            0x90..=0x9f => (u32::from(marker & 0x0f), 1),
            0xdc => (self.length(2, field)?, 3),
            0xdd => (self.length(4, field)?, 5),
            _ => return Err(self.unexpected(field, marker)),
        };
        if length as usize > self.remaining().saturating_sub(head) {
            return Err(self.truncated(field));
        }
        self.at += head;
        Ok(length)
    }

    /// A map's number of pairs, refused like an array's length where it cannot fit.
    pub(crate) fn map(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let marker = self.peek(field)?;
        let (length, head) = match marker {
            0x80..=0x8f => (u32::from(marker & 0x0f), 1),
            0xde => (self.length(2, field)?, 3),
            0xdf => (self.length(4, field)?, 5),
            _ => return Err(self.unexpected(field, marker)),
        };
        if length as usize * 2 > self.remaining().saturating_sub(head) {
            return Err(self.truncated(field));
        }
        self.at += head;
        Ok(length)
    }

    /// Whether a map comes next.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.bytes.get(self.at), Some(0x80..=0x8f | 0xde | 0xdf))
    }

    /// Whether nil or an empty array comes next.
    pub(crate) fn is_none_or_empty_array(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        matches!(
            rest,
            [0xc0 | 0x90, ..] | [0xdc, 0, 0, ..] | [0xdd, 0, 0, 0, 0, ..]
        )
    }

    /// An integer as its sign and two's complement: `(negative, bits)`.
    #[inline]
    fn integer(&mut self, field: &'static str) -> Result<(bool, u64), DecodeError> {
        let marker = self.peek(field)?;
        let (value, width) = match marker {
            0x00..=0x7f => (i128::from(marker), 0),
            0xe0..=0xff => (i128::from(marker as i8), 0),
            0xcc => (i128::from(self.fixed::<1>(field)?[0]), 1),
            0xcd => (i128::from(u16::from_be_bytes(self.fixed(field)?)), 2),
            0xce => (i128::from(u32::from_be_bytes(self.fixed(field)?)), 4),
            0xcf => (i128::from(u64::from_be_bytes(self.fixed(field)?)), 8),
            0xd0 => (i128::from(i8::from_be_bytes(self.fixed(field)?)), 1),
            0xd1 => (i128::from(i16::from_be_bytes(self.fixed(field)?)), 2),
            0xd2 => (i128::from(i32::from_be_bytes(self.fixed(field)?)), 4),
            0xd3 => (i128::from(i64::from_be_bytes(self.fixed(field)?)), 8),
            _ => return Err(self.unexpected(field, marker)),
        };
        self.at += 1 + width;
        Ok((value < 0, value as u64))
    }

    /// A non-negative 64-bit integer.
    pub(crate) fn uint(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let before = *self;
        match self.integer(field)? {
            (false, value) => Ok(value),
            (true, _) => Err(before.out_of_range(field)),
        }
    }

    /// A non-negative 32-bit integer.
    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let before = *self;
        u32::try_from(self.uint(field)?).map_err(|_| before.out_of_range(field))
    }

    /// Nil, or a non-negative 32-bit integer.
    pub(crate) fn optional_u32(&mut self, field: &'static str) -> Result<Option<u32>, DecodeError> {
        if self.nil() {
            return Ok(None);
        }
        self.u32(field).map(Some)
    }

    /// Appends an array of tokens.
    #[inline]
    pub(crate) fn tokens(&mut self, out: &mut Vec<u32>) -> Result<u32, DecodeError> {
        const FIELD: &str = "token_ids";
        let count = self.array(FIELD)?;
        let start = out.len();
        out.resize(start + count as usize, 0);
        let mut rest = &mut out[start..];
        while let Some(token) = self.many_tokens(&mut rest) {
            *token = self.token(FIELD)?;
        }
        Ok(count)
    }

    /// Reads tokens as long as the fast ways can; gives the place of the next one they left.
    #[inline]
    fn many_tokens<'t>(&mut self, rest: &mut &'t mut [u32]) -> Option<&'t mut u32> {
        #[cfg(target_arch = "x86_64")]
        if let Some(bytes) = self.bytes.get(self.at..) {
            let read = super::vbmi::leading_two_byte_numbers(bytes, rest);
            self.at += read * 3;
            let _ = rest.split_off_mut(..read);
        }
        while let Some(out) = rest.first_chunk_mut::<8>()
            && let Some(bytes) = self.ahead::<24>()
            && two_byte_numbers(bytes, out)
        {
            self.at += bytes.len();
            let _ = rest.split_off_mut(..8);
        }
        rest.split_off_first_mut()
    }

    /// The next bytes, not consumed, if there are so many.
    #[inline]
    fn ahead<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.get(self.at..)?.first_chunk()
    }

    #[inline]
    fn token(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        // The three widths that token numbers have, before the general case.
        match *self.bytes.get(self.at..).unwrap_or_default() {
            [marker @ 0x00..=0x7f, ..] => {
                self.at += 1;
                Ok(u32::from(marker))
            }
            [0xcd, high, low, ..] => {
                self.at += 3;
                Ok(u32::from(u16::from_be_bytes([high, low])))
            }
            [0xce, a, b, c, d, ..] => {
                self.at += 5;
                Ok(u32::from_be_bytes([a, b, c, d]))
            }
            _ => self.u32(field),
        }
    }

    /// An engine's block hash: an integer, or bytes (text is taken as its bytes).
    #[inline]
    pub(crate) fn hash(&mut self, field: &'static str) -> Result<EngineHash<'a>, DecodeError> {
        if let [0xcf, rest @ ..] = self.bytes.get(self.at..).unwrap_or_default()
            && let Some(bits) = rest.first_chunk()
        {
            self.at += 9;
            return Ok(EngineHash::Int(u64::from_be_bytes(*bits)));
        }
        match self.peek(field)? {
            0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb => self.blob(field).map(EngineHash::Bytes),
            _ => self.integer(field).map(|(_, bits)| EngineHash::Int(bits)),
        }
    }

    /// Text or bytes, as bytes.
    fn blob(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let marker = self.peek(field)?;
        let (width, length) = match marker {
            0xa0..=0xbf => (0, u32::from(marker & 0x1f)),
            0xc4 | 0xd9 => (1, self.length(1, field)?),
            0xc5 | 0xda => (2, self.length(2, field)?),
            0xc6 | 0xdb => (4, self.length(4, field)?),
            _ => return Err(self.unexpected(field, marker)),
        };
        self.take(1 + width, length as usize, field)
    }

    /// UTF-8 text.
    #[inline]
    pub(crate) fn str(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let at = self.at;
        let marker = self.peek(field)?;
        if !matches!(marker, 0xa0..=0xbf | 0xd9..=0xdb) {
            return Err(self.unexpected(field, marker));
        }
        std::str::from_utf8(self.blob(field)?).map_err(|_| DecodeError::NotUtf8 { at, field })
    }

    /// Nil, or UTF-8 text.
    #[inline]
    pub(crate) fn optional_str(
        &mut self,
        field: &'static str,
    ) -> Result<Option<&'a str>, DecodeError> {
        if self.nil() {
            return Ok(None);
        }
        self.str(field).map(Some)
    }

    /// A number of seconds: a float, or an integer.
    pub(crate) fn seconds(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        match self.peek(field)? {
            0xca => {
                let value = f32::from_be_bytes(self.fixed(field)?);
                self.at += 5;
                Ok(f64::from(value))
            }
            0xcb => {
                let value = f64::from_be_bytes(self.fixed(field)?);
                self.at += 9;
                Ok(value)
            }
            _ => Ok(match self.integer(field)? {
                (false, bits) => bits as f64,
                (true, bits) => bits as i64 as f64,
            }),
        }
    }

    /// Skips one value, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), DecodeError> {
        self.walk(&mut |_| (), MAX_SKIP_DEPTH as u32)
    }

    /// Reads one value of any type as a stream of items, containers before what they hold.
    pub(crate) fn walk(
        &mut self,
        sink: &mut impl FnMut(Item<'a>),
        max_depth: u32,
    ) -> Result<(), DecodeError> {
        const FIELD: &str = "a value";
        // Values still to come at each level. A map counts two a pair, so 64 bits.
        let mut left = [0u64; MAX_SKIP_DEPTH + 1];
        let max_depth = (max_depth as usize).min(MAX_SKIP_DEPTH);
        let mut depth = 0;
        left[0] = 1;
        loop {
            while left[depth] == 0 {
                if depth == 0 {
                    return Ok(());
                }
                depth -= 1;
            }
            left[depth] -= 1;
            let marker = self.peek(FIELD)?;
            let children = match marker {
                0x90..=0x9f | 0xdc | 0xdd => {
                    let length = self.array(FIELD)?;
                    sink(Item::List(length));
                    Some(u64::from(length))
                }
                0x80..=0x8f | 0xde | 0xdf => {
                    let length = self.map(FIELD)?;
                    sink(Item::Map(length));
                    Some(u64::from(length) * 2)
                }
                _ => {
                    sink(self.scalar(marker)?);
                    None
                }
            };
            if let Some(children) = children {
                depth += 1;
                if depth > max_depth {
                    return Err(DecodeError::TooDeep { at: self.at });
                }
                left[depth] = children;
            }
        }
    }

    fn scalar(&mut self, marker: u8) -> Result<Item<'a>, DecodeError> {
        const FIELD: &str = "a value";
        let item = match marker {
            0xc0 => {
                self.at += 1;
                Item::Nil
            }
            0xc2 | 0xc3 => {
                self.at += 1;
                Item::Bool(marker == 0xc3)
            }
            0xca | 0xcb => Item::Float(self.seconds(FIELD)?.to_bits()),
            // Text that is not UTF-8 counts as bytes.
            0xa0..=0xbf | 0xd9..=0xdb => match self.blob(FIELD)? {
                text if std::str::from_utf8(text).is_ok() => Item::Str(text),
                bytes => Item::Bytes(bytes),
            },
            0xc4..=0xc6 => Item::Bytes(self.blob(FIELD)?),
            0xd4..=0xd8 => self.ext(1, 1 << (marker - 0xd4))?,
            0xc7 => self.ext(2, self.length(1, FIELD)?)?,
            0xc8 => self.ext(3, self.length(2, FIELD)?)?,
            0xc9 => self.ext(5, self.length(4, FIELD)?)?,
            _ => match self.integer(FIELD)? {
                (false, bits) => Item::Natural(bits),
                (true, bits) => Item::Negative(bits),
            },
        };
        Ok(item)
    }

    fn ext(&mut self, head: usize, length: u32) -> Result<Item<'a>, DecodeError> {
        const FIELD: &str = "an extension value";
        let kind = self.take(head, 1, FIELD)?[0] as i8;
        Ok(Item::Ext(kind, self.take(0, length as usize, FIELD)?))
    }
}

/// Reads eight numbers of two bytes behind a marker each; false where one has another form.
#[inline]
fn two_byte_numbers(bytes: &[u8; 24], out: &mut [u32; 8]) -> bool {
    const MARKER: u8 = 0xcd;
    let (numbers, _) = bytes.as_chunks::<3>();
    let mut other = 0;
    for (number, out) in numbers.iter().zip(out) {
        other |= number[0] ^ MARKER;
        *out = u32::from(number[1]) << 8 | u32::from(number[2]);
    }
    other == 0
}
