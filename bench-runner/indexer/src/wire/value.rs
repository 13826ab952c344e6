//! Any msgpack value as a tree, read through serde.

use crate::extra::Item;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A msgpack value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    Ext(i8, Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// How many containers are nested in each other.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Self::Array(values) => 1 + values.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(pairs) => {
                let inner = pairs
                    .iter()
                    .map(|(key, value)| key.depth().max(value.depth()));
                1 + inner.max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The value as the stream of items that the cursor reads from its bytes.
    pub(crate) fn items(&self, sink: &mut impl FnMut(Item<'_>)) {
        match self {
            Self::Nil => sink(Item::Nil),
            Self::Bool(value) => sink(Item::Bool(*value)),
            Self::Int(value) if *value < 0 => sink(Item::Negative(*value as u64)),
            Self::Int(value) => sink(Item::Natural(*value as u64)),
            Self::Float(value) => sink(Item::Float(value.to_bits())),
            Self::Str(text) => sink(Item::Str(text.as_bytes())),
            Self::Bytes(bytes) => sink(Item::Bytes(bytes)),
            Self::Ext(kind, bytes) => sink(Item::Ext(*kind, bytes)),
            Self::Array(values) => {
                sink(Item::List(values.len() as u32));
                for value in values {
                    value.items(sink);
                }
            }
            Self::Map(pairs) => {
                sink(Item::Map(pairs.len() as u32));
                for (key, value) in pairs {
                    key.items(sink);
                    value.items(sink);
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any msgpack value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(i128::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Int(i128::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Str(text.to_owned()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_vec()))
    }

    /// rmp-serde gives an extension value as a newtype around (type, bytes).
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        let (kind, Bytes(bytes)) = <(i8, Bytes)>::deserialize(inner)?;
        Ok(Value::Ext(kind, bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Value::Map(pairs))
    }
}

/// The bytes of an extension value.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}
