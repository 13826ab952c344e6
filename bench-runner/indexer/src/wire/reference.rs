//! The readable decoder: the same format through serde, into owned values.
//!
//! It says in plain code what the cursor decoder must do, and the tests hold the two against each
//! other. A payload becomes a tree of values first, whatever it holds; then each part of the tree
//! is asked for what the format wants there.

use super::decode::MAX_PAYLOAD;
use super::value::Value;
use crate::events::{Adapter, Event, Group, Removal, Stored};
use crate::extra::{ExtraKeys, MAX_DEPTH};
use crate::hashes::EngineHash;
use serde::Deserialize;
use thiserror::Error;

/// A payload in owned values.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedBatch {
    /// When the engine made the batch, in seconds since the Unix epoch.
    pub timestamp: f64,
    /// The events of known kinds, in order.
    pub events: Vec<OwnedEvent>,
    /// The data-parallel rank, where the engine says it.
    pub data_parallel_rank: Option<u32>,
    /// How many events were of unknown kinds.
    pub unknown_events: u32,
}

/// An event in owned values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedEvent {
    /// "BlockStored", "BlockRemoved" or "AllBlocksCleared".
    pub kind: String,
    /// The engine's hashes of the blocks.
    pub block_hashes: Vec<OwnedHash>,
    /// The hash of the block before the first.
    pub parent_block_hash: Option<OwnedHash>,
    /// The tokens of all blocks.
    pub token_ids: Vec<u32>,
    /// Tokens in a block.
    pub block_size: u32,
    /// The adapter's number.
    pub lora_id: Option<u64>,
    /// The adapter's name.
    pub lora_name: Option<String>,
    /// The medium's name.
    pub medium: Option<String>,
    /// One value a block, each as a canonical text.
    pub extra_keys: Option<Vec<String>>,
    /// The cache group.
    pub group_idx: Option<u32>,
    /// The kind of attention of the group.
    pub kv_cache_spec_kind: Option<String>,
    /// The window of the group, in tokens.
    pub kv_cache_spec_sliding_window: Option<u32>,
}

/// An engine hash in owned form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OwnedHash {
    /// An integer; signed ones as their two's complement.
    Int(u64),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// Why the reference decoder refused a payload.
#[derive(Debug, Error)]
pub enum ReferenceError {
    /// Not msgpack.
    #[error("not msgpack")]
    Msgpack(#[from] rmp_serde::decode::Error),
    /// Bytes behind the batch, or a payload over the limit.
    #[error("payload of the wrong length")]
    Length,
    /// A value that cannot stand where it stands.
    #[error("{0} has the wrong type or range, or is missing")]
    Field(&'static str),
}

type Result<T> = std::result::Result<T, ReferenceError>;

/// Decodes a payload. Bytes behind the batch are an error.
pub fn decode(payload: &[u8]) -> Result<OwnedBatch> {
    if payload.len() > MAX_PAYLOAD {
        return Err(ReferenceError::Length);
    }
    let mut rest = payload;
    let value = Value::deserialize(&mut rmp_serde::Deserializer::new(&mut rest))?;
    if !rest.is_empty() {
        return Err(ReferenceError::Length);
    }
    batch(&value)
}

impl From<EngineHash<'_>> for OwnedHash {
    fn from(hash: EngineHash<'_>) -> Self {
        match hash {
            EngineHash::Int(bits) => Self::Int(bits),
            EngineHash::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl From<&Event<'_>> for OwnedEvent {
    fn from(event: &Event<'_>) -> Self {
        match event {
            Event::Stored(stored) => stored.into(),
            Event::Removed(removal) => removal.into(),
            Event::Cleared => Self::of_kind("AllBlocksCleared"),
        }
    }
}

impl From<&Stored<'_>> for OwnedEvent {
    fn from(stored: &Stored<'_>) -> Self {
        let Group {
            index,
            kind,
            sliding_window,
        } = stored.group;
        let (lora_id, lora_name) = match stored.adapter {
            Adapter::None => (None, None),
            Adapter::Id(id) => (Some(id), None),
            Adapter::Name(name) => (None, Some(name.to_owned())),
        };
        Self {
            block_hashes: stored.block_hashes.iter().map(OwnedHash::from).collect(),
            parent_block_hash: stored.parent.map(OwnedHash::from),
            token_ids: stored.tokens.to_vec(),
            block_size: stored.block_size,
            lora_id,
            lora_name,
            medium: stored.medium.map(str::to_owned),
            extra_keys: extra_texts(stored.extra_keys),
            group_idx: index,
            kv_cache_spec_kind: kind.map(str::to_owned),
            kv_cache_spec_sliding_window: sliding_window,
            ..Self::of_kind("BlockStored")
        }
    }
}

impl From<&Removal<'_>> for OwnedEvent {
    fn from(removal: &Removal<'_>) -> Self {
        Self {
            block_hashes: removal.block_hashes.iter().map(OwnedHash::from).collect(),
            medium: removal.medium.map(str::to_owned),
            group_idx: removal.group,
            ..Self::of_kind("BlockRemoved")
        }
    }
}

impl OwnedEvent {
    fn of_kind(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }
}

/// The canonical text of each block's keys; empty for none.
fn extra_texts(keys: ExtraKeys<'_>) -> Option<Vec<String>> {
    let blocks = keys.blocks().ok()??;
    let mut reader = keys.read().ok()?;
    (0..blocks)
        .map(|_| {
            let mut text = String::new();
            reader.next(&mut |item| push_item(&mut text, item)).ok()?;
            Some(text)
        })
        .collect()
}

fn push_item(text: &mut String, item: crate::extra::Item<'_>) {
    text.push_str(&format!("{item:?};"));
}

const BATCH_FIELDS: &[&str] = &["ts", "events", "data_parallel_rank"];
const STORED_FIELDS: &[&str] = &[
    "block_hashes",
    "parent_block_hash",
    "token_ids",
    "block_size",
    "lora_id",
    "medium",
    "lora_name",
    "extra_keys",
    "group_idx",
    "kv_cache_spec_kind",
    "kv_cache_spec_sliding_window",
];
const REMOVED_FIELDS: &[&str] = &["block_hashes", "medium", "group_idx"];

/// A message's fields by name: by their place in an array, by their key in a map. Fields that are
/// not known come with an empty name.
fn fields<'a>(
    message: &'a Value,
    known: &[&'static str],
) -> Result<Vec<(&'static str, &'a Value)>> {
    match message {
        Value::Array(values) => Ok(values
            .iter()
            .enumerate()
            .map(|(place, value)| (known.get(place).copied().unwrap_or(""), value))
            .collect()),
        Value::Map(pairs) => pairs
            .iter()
            .map(|(key, value)| {
                let Value::Str(key) = key else {
                    return Err(ReferenceError::Field("a key"));
                };
                let name = known.iter().find(|name| *name == key);
                Ok((name.copied().unwrap_or(""), value))
            })
            .collect(),
        _ => Err(ReferenceError::Field("a message")),
    }
}

fn batch(value: &Value) -> Result<OwnedBatch> {
    let (mut timestamp, mut events, mut rank) = (None, None, None);
    for (name, value) in fields(value, BATCH_FIELDS)? {
        match name {
            "ts" => timestamp = Some(seconds(value)?),
            "events" => {
                let list = array(value, "events")?;
                events = Some(list.iter().map(event).collect::<Result<Vec<_>>>()?);
            }
            "data_parallel_rank" => rank = optional(value, |value| number(value, "rank"))?,
            _ => ignore(value)?,
        }
    }
    let events = events.ok_or(ReferenceError::Field("events"))?;
    Ok(OwnedBatch {
        timestamp: timestamp.ok_or(ReferenceError::Field("ts"))?,
        unknown_events: events.iter().filter(|event| event.is_none()).count() as u32,
        events: events.into_iter().flatten().collect(),
        data_parallel_rank: rank,
    })
}

/// One event; `None` for one of an unknown kind.
fn event(value: &Value) -> Result<Option<OwnedEvent>> {
    let tags = fields(value, &["type"])?;
    let tag = tags.iter().rfind(|(name, _)| *name == "type");
    let (_, tag) = tag.ok_or(ReferenceError::Field("type"))?;
    let kind = text(tag, "type")?;
    let known = match kind.as_str() {
        "BlockStored" => STORED_FIELDS,
        "BlockRemoved" => REMOVED_FIELDS,
        "AllBlocksCleared" => &[],
        _ => {
            tags.iter().try_for_each(|(_, value)| ignore(value))?;
            return Ok(None);
        }
    };
    // In the array form the tag takes the first place.
    let placed: Vec<_> = std::iter::once("type")
        .chain(known.iter().copied())
        .collect();
    let mut event = OwnedEvent::of_kind(&kind);
    let mut seen = Vec::new();
    for (name, value) in fields(value, &placed)? {
        match name {
            "" => ignore(value)?,
            "type" => drop(text(value, name)?),
            _ => {
                set(&mut event, name, value)?;
                seen.push(name);
            }
        }
    }
    let required: &[&'static str] = match kind.as_str() {
        "BlockStored" => &["block_hashes", "token_ids", "block_size"],
        "BlockRemoved" => &["block_hashes"],
        _ => &[],
    };
    for name in required {
        if !seen.contains(name) {
            return Err(ReferenceError::Field(name));
        }
    }
    match Adapter::from_fields(event.lora_id, event.lora_name.as_deref()) {
        Adapter::Name(_) => event.lora_id = None,
        Adapter::Id(_) | Adapter::None => event.lora_name = None,
    }
    Ok(Some(event))
}

fn set(event: &mut OwnedEvent, name: &'static str, value: &Value) -> Result<()> {
    match name {
        "block_hashes" => {
            let list = array(value, name)?;
            event.block_hashes = list
                .iter()
                .map(|hash| self::hash(hash, name))
                .collect::<Result<_>>()?;
        }
        "parent_block_hash" => event.parent_block_hash = optional(value, |v| hash(v, name))?,
        "token_ids" => {
            let list = array(value, name)?;
            event.token_ids = list
                .iter()
                .map(|v| number(v, name))
                .collect::<Result<_>>()?;
        }
        "block_size" => event.block_size = number(value, name)?,
        "lora_id" => event.lora_id = optional(value, |v| number(v, name))?,
        "lora_name" => event.lora_name = optional(value, |v| text(v, name))?,
        "medium" => event.medium = optional(value, |v| text(v, name))?,
        "extra_keys" => event.extra_keys = optional(value, extra)?,
        "group_idx" => event.group_idx = optional(value, |v| number(v, name))?,
        "kv_cache_spec_kind" => event.kv_cache_spec_kind = optional(value, |v| text(v, name))?,
        _ => event.kv_cache_spec_sliding_window = optional(value, |v| number(v, name))?,
    }
    Ok(())
}

fn extra(value: &Value) -> Result<Vec<String>> {
    let blocks = array(value, "extra_keys")?.iter().map(|keys| {
        if keys.depth() > MAX_DEPTH {
            return Err(ReferenceError::Field("extra_keys"));
        }
        let mut text = String::new();
        let none = matches!(keys, Value::Nil) || matches!(keys, Value::Array(a) if a.is_empty());
        if !none {
            keys.items(&mut |item| push_item(&mut text, item));
        }
        Ok(text)
    });
    blocks.collect()
}

fn optional<T>(value: &Value, read: impl Fn(&Value) -> Result<T>) -> Result<Option<T>> {
    match value {
        Value::Nil => Ok(None),
        value => read(value).map(Some),
    }
}

fn array<'a>(value: &'a Value, name: &'static str) -> Result<&'a [Value]> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(ReferenceError::Field(name)),
    }
}

fn text(value: &Value, name: &'static str) -> Result<String> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        _ => Err(ReferenceError::Field(name)),
    }
}

fn number<T: TryFrom<i128>>(value: &Value, name: &'static str) -> Result<T> {
    let Value::Int(number) = value else {
        return Err(ReferenceError::Field(name));
    };
    T::try_from(*number).map_err(|_| ReferenceError::Field(name))
}

fn seconds(value: &Value) -> Result<f64> {
    match value {
        Value::Float(seconds) => Ok(*seconds),
        Value::Int(seconds) => Ok(*seconds as f64),
        _ => Err(ReferenceError::Field("ts")),
    }
}

fn hash(value: &Value, name: &'static str) -> Result<OwnedHash> {
    match value {
        Value::Int(number) => Ok(OwnedHash::Int(*number as u64)),
        Value::Bytes(bytes) => Ok(OwnedHash::Bytes(bytes.clone())),
        Value::Str(text) => Ok(OwnedHash::Bytes(text.clone().into_bytes())),
        _ => Err(ReferenceError::Field(name)),
    }
}

/// A value of a field that is not known: anything, but not nested without end.
fn ignore(value: &Value) -> Result<()> {
    match value.depth() <= super::cursor::MAX_SKIP_DEPTH as u32 {
        true => Ok(()),
        false => Err(ReferenceError::Field("a value")),
    }
}
