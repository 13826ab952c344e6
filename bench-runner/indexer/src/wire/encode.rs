//! The wire form, written: what an engine's publisher sends.

use crate::events::{Adapter, Event, Removal, Stored};
use crate::extra::{ExtraKey, ExtraKeys};
use crate::hashes::{EngineHash, Hashes};

/// The two generations of the wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireForm {
    /// Positional arrays; trailing fields that equal their default are left off.
    Array,
    /// Maps by field name; fields that equal their default are left off.
    Map,
}

/// Appends one `KVEventBatch` to `out`. `timestamp` is in seconds since the Unix epoch.
pub fn encode_batch(
    form: WireForm,
    timestamp: f64,
    events: &[Event<'_>],
    data_parallel_rank: Option<u32>,
    out: &mut Vec<u8>,
) {
    let writer = &mut Writer { out };
    match form {
        WireForm::Array => {
            writer.array(2 + usize::from(data_parallel_rank.is_some()));
            writer.float(timestamp);
            writer.array(events.len());
            for event in events {
                array_event(writer, event);
            }
            if let Some(rank) = data_parallel_rank {
                writer.uint(u64::from(rank));
            }
        }
        WireForm::Map => {
            writer.map(2 + usize::from(data_parallel_rank.is_some()));
            writer.str("ts");
            writer.float(timestamp);
            writer.str("events");
            writer.array(events.len());
            for event in events {
                map_event(writer, event);
            }
            if let Some(rank) = data_parallel_rank {
                writer.str("data_parallel_rank");
                writer.uint(u64::from(rank));
            }
        }
    }
}

/// One field of an event: its name, whether it may be left off, and how it is written.
struct Field<'a> {
    name: &'static str,
    value: Value<'a>,
}

enum Value<'a> {
    Hashes(Hashes<'a>),
    Parent(Option<EngineHash<'a>>),
    Tokens(&'a [u32]),
    Required(u32),
    Int(Option<u64>),
    Text(Option<&'a str>),
    Extra(ExtraKeys<'a>),
}

impl Value<'_> {
    fn is_default(&self) -> bool {
        matches!(
            self,
            Self::Int(None) | Self::Text(None) | Self::Extra(ExtraKeys::None)
        )
    }
}

fn stored_fields<'a>(stored: &Stored<'a>) -> [Field<'a>; 11] {
    let (id, name) = match stored.adapter {
        Adapter::None => (None, None),
        Adapter::Id(id) => (Some(id), None),
        Adapter::Name(name) => (None, Some(name)),
    };
    let field = |name, value| Field { name, value };
    [
        field("block_hashes", Value::Hashes(stored.block_hashes)),
        field("parent_block_hash", Value::Parent(stored.parent)),
        field("token_ids", Value::Tokens(stored.tokens)),
        field("block_size", Value::Required(stored.block_size)),
        field("lora_id", Value::Int(id)),
        field("medium", Value::Text(stored.medium)),
        field("lora_name", Value::Text(name)),
        field("extra_keys", Value::Extra(stored.extra_keys)),
        field("group_idx", Value::Int(stored.group.index.map(u64::from))),
        field("kv_cache_spec_kind", Value::Text(stored.group.kind)),
        field(
            "kv_cache_spec_sliding_window",
            Value::Int(stored.group.sliding_window.map(u64::from)),
        ),
    ]
}

fn removed_fields<'a>(removal: &Removal<'a>) -> [Field<'a>; 3] {
    let field = |name, value| Field { name, value };
    [
        field("block_hashes", Value::Hashes(removal.block_hashes)),
        field("medium", Value::Text(removal.medium)),
        field("group_idx", Value::Int(removal.group.map(u64::from))),
    ]
}

fn array_event(writer: &mut Writer<'_>, event: &Event<'_>) {
    match event {
        Event::Stored(stored) => array_fields(writer, "BlockStored", &stored_fields(stored)),
        Event::Removed(removal) => array_fields(writer, "BlockRemoved", &removed_fields(removal)),
        Event::Cleared => array_fields(writer, "AllBlocksCleared", &[]),
    }
}

fn array_fields(writer: &mut Writer<'_>, tag: &str, fields: &[Field<'_>]) {
    let written = fields
        .iter()
        .rposition(|field| !field.value.is_default())
        .map_or(0, |last| last + 1);
    writer.array(1 + written);
    writer.str(tag);
    for field in &fields[..written] {
        writer.value(&field.value);
    }
}

fn map_event(writer: &mut Writer<'_>, event: &Event<'_>) {
    match event {
        Event::Stored(stored) => map_fields(writer, "BlockStored", &stored_fields(stored)),
        Event::Removed(removal) => map_fields(writer, "BlockRemoved", &removed_fields(removal)),
        Event::Cleared => map_fields(writer, "AllBlocksCleared", &[]),
    }
}

fn map_fields(writer: &mut Writer<'_>, tag: &str, fields: &[Field<'_>]) {
    let written = fields.iter().filter(|field| !field.value.is_default());
    writer.map(1 + written.clone().count());
    writer.str("type");
    writer.str(tag);
    for field in written {
        writer.str(field.name);
        writer.value(&field.value);
    }
}

/// Writes msgpack in its shortest form, as msgspec does.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A length in 16 or 32 bits behind its marker. Lengths past 32 bits cannot be sent: nothing
    /// that long fits in a message.
    fn wide_length(&mut self, length: usize, marker16: u8, marker32: u8) {
        match u16::try_from(length) {
            Ok(short) => {
                self.byte(marker16);
                self.bytes(&short.to_be_bytes());
            }
            Err(_) => {
                self.byte(marker32);
                self.bytes(&(length as u32).to_be_bytes());
            }
        }
    }

    fn array(&mut self, length: usize) {
        match length {
            0..=15 => self.byte(0x90 | length as u8),
            _ => self.wide_length(length, 0xdc, 0xdd),
        }
    }

    fn map(&mut self, length: usize) {
        match length {
            0..=15 => self.byte(0x80 | length as u8),
            _ => self.wide_length(length, 0xde, 0xdf),
        }
    }

    fn float(&mut self, value: f64) {
        self.byte(0xcb);
        self.bytes(&value.to_be_bytes());
    }

    fn uint(&mut self, value: u64) {
        match value {
            0..=0x7f => self.byte(value as u8),
            0x80..=0xff => self.bytes(&[0xcc, value as u8]),
            0x100..=0xffff => {
                self.byte(0xcd);
                self.bytes(&(value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.byte(0xce);
                self.bytes(&(value as u32).to_be_bytes());
            }
            _ => {
                self.byte(0xcf);
                self.bytes(&value.to_be_bytes());
            }
        }
    }

    fn str(&mut self, text: &str) {
        match text.len() {
            length @ 0..=31 => self.byte(0xa0 | length as u8),
            length @ 32..=255 => self.bytes(&[0xd9, length as u8]),
            length => self.wide_length(length, 0xda, 0xdb),
        }
        self.bytes(text.as_bytes());
    }

    fn bin(&mut self, bytes: &[u8]) {
        match bytes.len() {
            length @ 0..=255 => self.bytes(&[0xc4, length as u8]),
            length => self.wide_length(length, 0xc5, 0xc6),
        }
        self.bytes(bytes);
    }

    fn hash(&mut self, hash: EngineHash<'_>) {
        match hash {
            EngineHash::Int(bits) => self.uint(bits),
            EngineHash::Bytes(bytes) => self.bin(bytes),
        }
    }

    fn value(&mut self, value: &Value<'_>) {
        match *value {
            Value::Hashes(hashes) => {
                self.array(hashes.len());
                for hash in hashes.iter() {
                    self.hash(hash);
                }
            }
            Value::Parent(Some(hash)) => self.hash(hash),
            Value::Tokens(tokens) => {
                self.array(tokens.len());
                for &token in tokens {
                    self.uint(u64::from(token));
                }
            }
            Value::Required(number) => self.uint(u64::from(number)),
            Value::Int(Some(number)) => self.uint(number),
            Value::Text(Some(text)) => self.str(text),
            Value::Extra(ExtraKeys::Encoded(raw)) => self.bytes(raw),
            Value::Extra(ExtraKeys::PerBlock(lists)) => {
                self.array(lists.len());
                for &keys in lists {
                    match keys {
                        [] => self.byte(0xc0),
                        keys => self.extra_key(&ExtraKey::List(keys)),
                    }
                }
            }
            Value::Parent(None)
            | Value::Int(None)
            | Value::Text(None)
            | Value::Extra(ExtraKeys::None) => self.byte(0xc0),
        }
    }

    fn extra_key(&mut self, key: &ExtraKey<'_>) {
        match *key {
            ExtraKey::Nil => self.byte(0xc0),
            ExtraKey::Bool(value) => self.byte(0xc2 | u8::from(value)),
            ExtraKey::Int(value) if value < 0 => {
                self.byte(0xd3);
                self.bytes(&value.to_be_bytes());
            }
            ExtraKey::Int(value) => self.uint(value as u64),
            ExtraKey::Uint(value) => self.uint(value),
            ExtraKey::Float(value) => self.float(value),
            ExtraKey::Str(text) => self.str(text),
            ExtraKey::Bytes(bytes) => self.bin(bytes),
            ExtraKey::List(keys) => {
                self.array(keys.len());
                for key in keys {
                    self.extra_key(key);
                }
            }
        }
    }
}
