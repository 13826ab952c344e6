//! Units of other tools: the text that people wrote becomes the metric's name, and what can be told
//! from it becomes the unit, the kind and the direction.

use crate::metric::{Direction, Kind, Unit};

/// What the text of a foreign unit tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// The nearest unit of the wire, without changing any value: `p99_latency_us` is in
    /// microseconds. [`Unit::One`] where none is near.
    pub(crate) unit: Unit,
    /// The kind of that unit. Never a count: a foreign tool has made no such promise.
    pub(crate) kind: Kind,
    /// By the words in it, else by the unit.
    pub(crate) better: Direction,
}

/// Reads texts such as `ns/op`, `MB/s`, `p99_latency_us`, `error_rate_percent`, `items_per_mb`.
pub(crate) fn foreign(text: &str) -> Foreign {
    let (numerator, denominator) = match text.rsplit_once('/').or_else(|| text.rsplit_once("_per_"))
    {
        Some((numerator, denominator)) => (numerator, Some(denominator)),
        None => (text, None),
    };
    let last_word = numerator
        .rsplit(['_', '-', ' ', '.'])
        .next()
        .unwrap_or(numerator);
    let unit = match denominator {
        Some("s" | "sec" | "second" | "seconds") => match unit_of(last_word) {
            Unit::Bytes => Unit::BytesPerSecond,
            Unit::Megabytes => Unit::MegabytesPerSecond,
            _ => Unit::PerSecond,
        },
        Some("op") if unit_of(last_word) == Unit::One => Unit::PerOperation,
        _ => unit_of(last_word),
    };
    Foreign {
        unit,
        kind: unit.kind(),
        better: better(text, denominator, unit),
    }
}

fn unit_of(word: &str) -> Unit {
    match word {
        "ns" | "nsec" | "nanoseconds" => Unit::Nanoseconds,
        "us" | "usec" | "µs" | "μs" | "microseconds" => Unit::Microseconds,
        "ms" | "msec" | "milliseconds" => Unit::Milliseconds,
        "s" | "sec" | "secs" | "seconds" => Unit::Seconds,
        "B" | "bytes" | "byte" => Unit::Bytes,
        "KiB" | "kib" => Unit::Kibibytes,
        "MiB" | "mib" => Unit::Mebibytes,
        "GiB" | "gib" => Unit::Gibibytes,
        "kB" | "KB" | "kb" => Unit::Kilobytes,
        "MB" | "mb" => Unit::Megabytes,
        "GB" | "gb" => Unit::Gigabytes,
        "%" | "percent" | "Percent" | "pct" => Unit::Percent,
        "events" => Unit::Events,
        "items" => Unit::Items,
        "blocks" => Unit::Blocks,
        "tokens" => Unit::Tokens,
        "cores" => Unit::Cores,
        "MHz" => Unit::Megahertz,
        _ => Unit::One,
    }
}

/// Words that say that less is better, whatever the unit.
const WORSE: [&str; 8] = [
    "error", "fail", "miss", "drop", "lost", "loss", "wait", "timeout",
];
/// Words that say that more is better, whatever the unit.
const BETTER: [&str; 7] = [
    "throughput",
    "hit",
    "accuracy",
    "success",
    "efficiency",
    "processed",
    "speedup",
];
/// What is had per unit of memory: the more the better.
const MEMORY: [&str; 8] = ["kb", "mb", "gb", "kib", "mib", "gib", "byte", "bytes"];

fn better(text: &str, denominator: Option<&str>, unit: Unit) -> Direction {
    let text = text.to_lowercase();
    let has = |stems: &[&str]| {
        text.split(|letter: char| !letter.is_alphanumeric())
            .any(|word| stems.iter().any(|stem| word.starts_with(stem)))
    };
    let is_per_memory =
        denominator.is_some_and(|word| MEMORY.contains(&word.to_lowercase().as_str()));
    if has(&WORSE) {
        Direction::Lower
    } else if has(&BETTER) || is_per_memory {
        Direction::Higher
    } else {
        unit.better()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, unit: Unit, better: Direction) {
        assert_eq!(
            foreign(text),
            Foreign {
                unit,
                kind: unit.kind(),
                better
            },
            "{text}"
        );
    }

    #[test]
    fn units_of_go_and_of_people_are_told_by_their_last_word() {
        use Direction::{Higher, Lower};
        check("ns/op", Unit::Nanoseconds, Lower);
        check("sec/op", Unit::Seconds, Lower);
        check("B/op", Unit::Bytes, Lower);
        check("allocs/op", Unit::PerOperation, Lower);
        check("MB/s", Unit::MegabytesPerSecond, Higher);
        check("B/s", Unit::BytesPerSecond, Higher);
        check("events/s", Unit::PerSecond, Higher);
        check("ns/iter", Unit::Nanoseconds, Lower);
        check("ops/sec", Unit::PerSecond, Higher);
        check("p99-ms", Unit::Milliseconds, Lower);
        check("p99-ns/op", Unit::Nanoseconds, Lower);
        check("avg_latency_ns", Unit::Nanoseconds, Lower);
        check("p99_routing_latency_us", Unit::Microseconds, Lower);
        check("events_per_second", Unit::PerSecond, Higher);
        check("errors_per_second", Unit::PerSecond, Lower);
        check("burst_error_rate_percent", Unit::Percent, Lower);
        check("cache_hit_rate", Unit::One, Higher);
        check("cache_misses", Unit::One, Lower);
        check("items_per_mb", Unit::Items, Higher);
        check("memory_used_mb", Unit::Megabytes, Lower);
        check("bytes_per_item", Unit::Bytes, Lower);
        check("binary-bytes", Unit::Bytes, Lower);
        check("total_errors", Unit::One, Lower);
        check("furlongs", Unit::One, Lower);
        check("", Unit::One, Lower);
        check("/", Unit::One, Lower);
    }
}
