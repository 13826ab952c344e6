//! The decoder: payload in, borrowed events out, with no allocation once its scratch is warm.
//!
//! The whole payload is read before the first event is handed out: the data-parallel rank stands
//! behind the events, and a payload that is broken anywhere changes nothing.

use super::cursor::Cursor;
use super::error::DecodeError;
use crate::events::{Adapter, Event, Group, Removal, Stored};
use crate::extra::ExtraKeys;
use crate::hashes::{EngineHash, Hashes};

/// Longest payload that is read, in bytes.
pub const MAX_PAYLOAD: usize = 256 << 20;

/// Decodes payloads, and keeps its buffers between them.
#[derive(Debug, Default)]
pub struct Decoder {
    tokens: Vec<u32>,
    ints: Vec<u64>,
    offsets: Vec<u32>,
    records: Vec<Record>,
}

/// One decoded payload: a view into the payload and the decoder's buffers.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    payload: &'a [u8],
    scratch: &'a Decoder,
    timestamp: f64,
    data_parallel_rank: Option<u32>,
    unknown_events: u32,
}

/// A piece of the payload, or of one of the buffers.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    length: u32,
}

#[derive(Clone, Copy, Debug)]
enum HashList {
    Ints(Span),
    Offsets(Span),
}

impl Default for HashList {
    fn default() -> Self {
        Self::Ints(Span::default())
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Stored,
    Removed,
    Cleared,
}

/// All fields that any event has, as places in the payload and the buffers.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    kind: Option<Kind>,
    hashes: Option<HashList>,
    parent: Option<u32>,
    tokens: Option<Span>,
    block_size: Option<u32>,
    lora_id: Option<u64>,
    lora_name: Option<Span>,
    medium: Option<Span>,
    extra_keys: Option<Span>,
    group: Option<u32>,
    group_kind: Option<Span>,
    sliding_window: Option<u32>,
}

/// A field of an event, by the place it has in the array form or the key in the map form.
#[derive(Clone, Copy)]
enum Field {
    BlockHashes,
    Parent,
    Tokens,
    BlockSize,
    LoraId,
    Medium,
    LoraName,
    ExtraKeys,
    GroupIndex,
    GroupKind,
    SlidingWindow,
}

/// The order of fields behind the tag, in the array form.
const STORED_FIELDS: [Field; 11] = [
    Field::BlockHashes,
    Field::Parent,
    Field::Tokens,
    Field::BlockSize,
    Field::LoraId,
    Field::Medium,
    Field::LoraName,
    Field::ExtraKeys,
    Field::GroupIndex,
    Field::GroupKind,
    Field::SlidingWindow,
];
const REMOVED_FIELDS: [Field; 3] = [Field::BlockHashes, Field::Medium, Field::GroupIndex];

impl Decoder {
    /// A decoder with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one payload in full. On an error nothing of it can be seen.
    pub fn decode<'a>(&'a mut self, payload: &'a [u8]) -> Result<Batch<'a>, DecodeError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(DecodeError::TooLong {
                length: payload.len(),
            });
        }
        self.tokens.clear();
        self.ints.clear();
        self.offsets.clear();
        self.records.clear();
        let mut cursor = Cursor::at(payload, 0);
        let mut head = Head::default();
        if cursor.is_map() {
            for _ in 0..cursor.map("the batch")? {
                match cursor.str("a batch key")? {
                    "ts" => head.timestamp = Some(cursor.seconds("ts")?),
                    "events" => {
                        self.records.clear();
                        head.unknown_events = Some(self.events(&mut cursor)?);
                    }
                    "data_parallel_rank" => {
                        head.rank = cursor.optional_u32("data_parallel_rank")?;
                    }
                    _ => cursor.skip()?,
                }
            }
        } else {
            let fields = cursor.array("the batch")?;
            for place in 0..fields {
                match place {
                    0 => head.timestamp = Some(cursor.seconds("ts")?),
                    1 => head.unknown_events = Some(self.events(&mut cursor)?),
                    2 => head.rank = cursor.optional_u32("data_parallel_rank")?,
                    _ => cursor.skip()?,
                }
            }
        }
        if cursor.remaining() > 0 {
            return Err(DecodeError::TrailingBytes {
                at: cursor.position(),
            });
        }
        Ok(Batch {
            payload,
            timestamp: head
                .timestamp
                .ok_or(DecodeError::Missing { at: 0, field: "ts" })?,
            unknown_events: head.unknown_events.ok_or(DecodeError::Missing {
                at: 0,
                field: "events",
            })?,
            data_parallel_rank: head.rank,
            scratch: self,
        })
    }

    /// Reads the list of events; says how many were of a kind not known here.
    fn events(&mut self, cursor: &mut Cursor<'_>) -> Result<u32, DecodeError> {
        let mut unknown = 0;
        for _ in 0..cursor.array("events")? {
            let at = cursor.position();
            let record = if cursor.is_map() {
                self.map_event(cursor)?
            } else {
                self.array_event(cursor)?
            };
            match record.kind {
                Some(_) => {
                    record.check(at)?;
                    self.records.push(record);
                }
                None => unknown += 1,
            }
        }
        Ok(unknown)
    }

    fn array_event(&mut self, cursor: &mut Cursor<'_>) -> Result<Record, DecodeError> {
        let at = cursor.position();
        let fields = cursor.array("an event")?;
        if fields == 0 {
            return Err(DecodeError::Missing { at, field: "type" });
        }
        let mut record = Record {
            kind: kind_of(cursor.str("type")?),
            ..Record::default()
        };
        let known: &[Field] = match record.kind {
            Some(Kind::Stored) => &STORED_FIELDS,
            Some(Kind::Removed) => &REMOVED_FIELDS,
            Some(Kind::Cleared) | None => &[],
        };
        for place in 0..fields as usize - 1 {
            match known.get(place) {
                Some(&field) => self.field(&mut record, field, cursor)?,
                None => cursor.skip()?,
            }
        }
        Ok(record)
    }

    fn map_event(&mut self, cursor: &mut Cursor<'_>) -> Result<Record, DecodeError> {
        let at = cursor.position();
        let mut record = Record::default();
        let mut tagged = false;
        let pairs = cursor.map("an event")?;
        // The tag decides which fields are read, and it may stand anywhere: find it first.
        let mut ahead = *cursor;
        for _ in 0..pairs {
            if ahead.str("an event's key")? == "type" {
                record.kind = kind_of(ahead.str("type")?);
                tagged = true;
            } else {
                ahead.skip()?;
            }
        }
        if !tagged {
            return Err(DecodeError::Missing { at, field: "type" });
        }
        let Some(kind) = record.kind else {
            *cursor = ahead;
            return Ok(record);
        };
        for _ in 0..pairs {
            let field = match (kind, cursor.str("an event's key")?) {
                (Kind::Cleared, _) => None,
                (_, "block_hashes") => Some(Field::BlockHashes),
                (_, "medium") => Some(Field::Medium),
                (_, "group_idx") => Some(Field::GroupIndex),
                (Kind::Removed, _) => None,
                (_, "parent_block_hash") => Some(Field::Parent),
                (_, "token_ids") => Some(Field::Tokens),
                (_, "block_size") => Some(Field::BlockSize),
                (_, "lora_id") => Some(Field::LoraId),
                (_, "lora_name") => Some(Field::LoraName),
                (_, "extra_keys") => Some(Field::ExtraKeys),
                (_, "kv_cache_spec_kind") => Some(Field::GroupKind),
                (_, "kv_cache_spec_sliding_window") => Some(Field::SlidingWindow),
                _ => None,
            };
            match field {
                Some(field) => self.field(&mut record, field, cursor)?,
                None => cursor.skip()?,
            }
        }
        Ok(record)
    }

    fn field(
        &mut self,
        record: &mut Record,
        field: Field,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), DecodeError> {
        match field {
            Field::BlockHashes => record.hashes = Some(self.hashes(cursor)?),
            Field::Parent => {
                record.parent = None;
                if !cursor.nil() {
                    record.parent = Some(cursor.position() as u32);
                    cursor.hash("parent_block_hash")?;
                }
            }
            Field::Tokens => {
                let start = self.tokens.len() as u32;
                let length = cursor.tokens(&mut self.tokens)?;
                record.tokens = Some(Span { start, length });
            }
            Field::BlockSize => record.block_size = Some(cursor.u32("block_size")?),
            Field::LoraId => {
                record.lora_id = match cursor.nil() {
                    true => None,
                    false => Some(cursor.uint("lora_id")?),
                };
            }
            Field::Medium => record.medium = text(cursor, "medium")?,
            Field::LoraName => record.lora_name = text(cursor, "lora_name")?,
            Field::ExtraKeys => record.extra_keys = extra_keys(cursor)?,
            Field::GroupIndex => record.group = cursor.optional_u32("group_idx")?,
            Field::GroupKind => record.group_kind = text(cursor, "kv_cache_spec_kind")?,
            Field::SlidingWindow => {
                record.sliding_window = cursor.optional_u32("kv_cache_spec_sliding_window")?;
            }
        }
        Ok(())
    }

    /// Integers are copied; a list with byte strings is kept as places in the payload.
    fn hashes(&mut self, cursor: &mut Cursor<'_>) -> Result<HashList, DecodeError> {
        const FIELD: &str = "block_hashes";
        let count = cursor.array(FIELD)?;
        let first = *cursor;
        let start = self.ints.len();
        for _ in 0..count {
            match cursor.hash(FIELD)? {
                EngineHash::Int(bits) => self.ints.push(bits),
                EngineHash::Bytes(_) => {
                    self.ints.truncate(start);
                    *cursor = first;
                    return self.offsets(cursor, count);
                }
            }
        }
        Ok(HashList::Ints(Span {
            start: start as u32,
            length: count,
        }))
    }

    fn offsets(&mut self, cursor: &mut Cursor<'_>, count: u32) -> Result<HashList, DecodeError> {
        let start = self.offsets.len() as u32;
        for _ in 0..count {
            self.offsets.push(cursor.position() as u32);
            cursor.hash("block_hashes")?;
        }
        Ok(HashList::Offsets(Span {
            start,
            length: count,
        }))
    }
}

#[derive(Default)]
struct Head {
    timestamp: Option<f64>,
    unknown_events: Option<u32>,
    rank: Option<u32>,
}

fn kind_of(tag: &str) -> Option<Kind> {
    match tag {
        "BlockStored" => Some(Kind::Stored),
        "BlockRemoved" => Some(Kind::Removed),
        "AllBlocksCleared" => Some(Kind::Cleared),
        _ => None,
    }
}

/// Nil, or text; gives the text's place.
fn text(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Option<Span>, DecodeError> {
    Ok(cursor.optional_str(field)?.map(|text| Span {
        start: (cursor.position() - text.len()) as u32,
        length: text.len() as u32,
    }))
}

/// Nil, or an array of anything, walked once so that reading it later cannot fail.
fn extra_keys(cursor: &mut Cursor<'_>) -> Result<Option<Span>, DecodeError> {
    if cursor.nil() {
        return Ok(None);
    }
    let start = cursor.position();
    for _ in 0..cursor.array("extra_keys")? {
        cursor.walk(&mut |_| (), crate::extra::MAX_DEPTH)?;
    }
    Ok(Some(Span {
        start: start as u32,
        length: (cursor.position() - start) as u32,
    }))
}

impl Record {
    fn check(&self, at: usize) -> Result<(), DecodeError> {
        let missing = |field| Err(DecodeError::Missing { at, field });
        match self.kind {
            Some(Kind::Stored | Kind::Removed) if self.hashes.is_none() => missing("block_hashes"),
            Some(Kind::Stored) if self.tokens.is_none() => missing("token_ids"),
            Some(Kind::Stored) if self.block_size.is_none() => missing("block_size"),
            _ => Ok(()),
        }
    }
}

impl Span {
    fn of<T>(self, list: &[T]) -> &[T] {
        let start = self.start as usize;
        list.get(start..start + self.length as usize)
            .unwrap_or_default()
    }
}

impl<'a> Batch<'a> {
    /// When the engine made the batch, in seconds since the Unix epoch.
    pub fn timestamp(&self) -> f64 {
        self.timestamp
    }

    /// The data-parallel rank the batch is from, where the engine says it.
    pub fn data_parallel_rank(&self) -> Option<u32> {
        self.data_parallel_rank
    }

    /// Events of a kind not known here, which were skipped.
    pub fn unknown_events(&self) -> u32 {
        self.unknown_events
    }

    /// The events, in order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Event<'a>> + use<'a> {
        let batch = *self;
        self.scratch
            .records
            .iter()
            .map(move |record| batch.event(record))
    }

    fn event(&self, record: &Record) -> Event<'a> {
        let medium = self.text(record.medium);
        let block_hashes = match record.hashes.unwrap_or_default() {
            HashList::Ints(span) => Hashes::from(span.of(&self.scratch.ints)),
            HashList::Offsets(span) => Hashes::wire(self.payload, span.of(&self.scratch.offsets)),
        };
        match record.kind {
            Some(Kind::Stored) => Event::Stored(Stored {
                block_hashes,
                parent: record.parent.and_then(|at| {
                    Cursor::at(self.payload, at as usize)
                        .hash("parent_block_hash")
                        .ok()
                }),
                tokens: record.tokens.unwrap_or_default().of(&self.scratch.tokens),
                block_size: record.block_size.unwrap_or_default(),
                adapter: Adapter::from_fields(record.lora_id, self.text(record.lora_name)),
                medium,
                extra_keys: match record.extra_keys {
                    None => ExtraKeys::None,
                    Some(span) => ExtraKeys::Encoded(span.of(self.payload)),
                },
                group: Group {
                    index: record.group,
                    kind: self.text(record.group_kind),
                    sliding_window: record.sliding_window,
                },
            }),
            Some(Kind::Removed) => Event::Removed(Removal {
                block_hashes,
                medium,
                group: record.group,
            }),
            Some(Kind::Cleared) | None => Event::Cleared,
        }
    }

    fn text(&self, span: Option<Span>) -> Option<&'a str> {
        std::str::from_utf8(span?.of(self.payload)).ok()
    }
}
