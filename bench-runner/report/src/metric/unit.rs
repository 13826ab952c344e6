//! The units of the wire.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use super::{Direction, Kind};

/// A unit that a metric, a histogram or a curve may carry.
///
/// What a value is *per* (operation, event, item) belongs to the metric's name: `lock_wait_per_op`
/// is measured in `ns`. A foreign unit that has no place here keeps its text as the metric's name
/// and travels as [`Unit::One`] or as the nearest unit of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// `ns`
    Nanoseconds,
    /// `us`, shown as µs.
    Microseconds,
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
    /// `B`, shown in powers of 1,024.
    Bytes,
    /// `KiB`
    Kibibytes,
    /// `MiB`
    Mebibytes,
    /// `GiB`
    Gibibytes,
    /// `kB`, shown in powers of 1,000.
    Kilobytes,
    /// `MB`, shown in powers of 1,000.
    Megabytes,
    /// `GB`, shown in powers of 1,000.
    Gigabytes,
    /// `1/s`: events, operations or lookups a second.
    PerSecond,
    /// `B/s`, shown in powers of 1,024.
    BytesPerSecond,
    /// `MB/s`, shown in powers of 1,000.
    MegabytesPerSecond,
    /// `B/h`: growth of memory.
    BytesPerHour,
    /// `%`, of 100.
    Percent,
    /// `1`: a number without a unit.
    One,
    /// `1/op`: a number per operation.
    PerOperation,
    /// `events`
    Events,
    /// `items`
    Items,
    /// `blocks`
    Blocks,
    /// `tokens`
    Tokens,
    /// `cores`
    Cores,
    /// `MHz`
    Megahertz,
}

/// A unit that is not in the list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown unit {text:?}; the known units are {}", Unit::LIST)]
pub struct UnknownUnit {
    /// The text as it was given.
    pub text: String,
}

impl Unit {
    /// Every unit, in the order of [`Unit::LIST`].
    pub const ALL: [Unit; 24] = [
        Unit::Nanoseconds,
        Unit::Microseconds,
        Unit::Milliseconds,
        Unit::Seconds,
        Unit::Bytes,
        Unit::Kibibytes,
        Unit::Mebibytes,
        Unit::Gibibytes,
        Unit::Kilobytes,
        Unit::Megabytes,
        Unit::Gigabytes,
        Unit::PerSecond,
        Unit::BytesPerSecond,
        Unit::MegabytesPerSecond,
        Unit::BytesPerHour,
        Unit::Percent,
        Unit::One,
        Unit::PerOperation,
        Unit::Events,
        Unit::Items,
        Unit::Blocks,
        Unit::Tokens,
        Unit::Cores,
        Unit::Megahertz,
    ];

    /// The wire text of every unit, for messages.
    pub const LIST: &str = "ns, us, ms, s, B, KiB, MiB, GiB, kB, MB, GB, 1/s, B/s, MB/s, B/h, \
                            %, 1, 1/op, events, items, blocks, tokens, cores, MHz";

    /// The unit that this text names on the wire. No aliases: `µs` and `bytes` are unknown.
    pub fn parse(text: &str) -> Result<Unit, UnknownUnit> {
        Unit::ALL
            .into_iter()
            .find(|unit| unit.as_str() == text)
            .ok_or_else(|| UnknownUnit {
                text: shortened(text),
            })
    }

    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Nanoseconds => "ns",
            Unit::Microseconds => "us",
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Bytes => "B",
            Unit::Kibibytes => "KiB",
            Unit::Mebibytes => "MiB",
            Unit::Gibibytes => "GiB",
            Unit::Kilobytes => "kB",
            Unit::Megabytes => "MB",
            Unit::Gigabytes => "GB",
            Unit::PerSecond => "1/s",
            Unit::BytesPerSecond => "B/s",
            Unit::MegabytesPerSecond => "MB/s",
            Unit::BytesPerHour => "B/h",
            Unit::Percent => "%",
            Unit::One => "1",
            Unit::PerOperation => "1/op",
            Unit::Events => "events",
            Unit::Items => "items",
            Unit::Blocks => "blocks",
            Unit::Tokens => "tokens",
            Unit::Cores => "cores",
            Unit::Megahertz => "MHz",
        }
    }

    /// Whether a value is a duration, which is never negative.
    pub fn is_time(self) -> bool {
        self.kind() == Kind::Time
    }

    /// The kind of a metric of which nothing but the unit is known. A count is a promise that only
    /// the one who measured can make, so a bare number is a ratio.
    pub fn kind(self) -> Kind {
        match self {
            Unit::Nanoseconds | Unit::Microseconds | Unit::Milliseconds | Unit::Seconds => {
                Kind::Time
            }
            Unit::Bytes
            | Unit::Kibibytes
            | Unit::Mebibytes
            | Unit::Gibibytes
            | Unit::Kilobytes
            | Unit::Megabytes
            | Unit::Gigabytes => Kind::Bytes,
            Unit::PerSecond | Unit::BytesPerSecond | Unit::MegabytesPerSecond => Kind::Rate,
            Unit::BytesPerHour
            | Unit::Percent
            | Unit::One
            | Unit::PerOperation
            | Unit::Events
            | Unit::Items
            | Unit::Blocks
            | Unit::Tokens
            | Unit::Cores
            | Unit::Megahertz => Kind::Ratio,
        }
    }

    /// Which way is better for a metric of which nothing but the unit is known.
    pub fn better(self) -> Direction {
        match self.kind() {
            Kind::Rate => Direction::Higher,
            Kind::Time | Kind::Count | Kind::Bytes | Kind::Ratio => Direction::Lower,
        }
    }
}

/// A text cut to what a message can hold.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Unit {
    type Err = UnknownUnit;

    fn from_str(text: &str) -> Result<Unit, UnknownUnit> {
        Unit::parse(text)
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unit, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Unit::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_back_from_its_text_and_the_list_names_them_all() {
        for unit in Unit::ALL {
            assert_eq!(Unit::parse(unit.as_str()).unwrap(), unit);
            let json = serde_json::to_string(&unit).unwrap();
            assert_eq!(serde_json::from_str::<Unit>(&json).unwrap(), unit);
        }
        let named: Vec<_> = Unit::LIST.split(", ").collect();
        assert_eq!(named, Unit::ALL.map(Unit::as_str));
    }

    #[test]
    fn a_unit_that_is_not_in_the_list_is_refused_with_the_list() {
        let refusal = Unit::parse("furlongs").unwrap_err().to_string();
        assert!(refusal.starts_with("unknown unit \"furlongs\"; the known units are ns, us, "));
        assert!(Unit::parse("µs").is_err());
        assert!(Unit::parse("NS").is_err());
        assert!(Unit::parse("").is_err());
        assert!(Unit::parse(&"x".repeat(10_000)).unwrap_err().text.len() < 50);
    }
}
