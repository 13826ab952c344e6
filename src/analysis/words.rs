//! Small words for sentences: numbers, plurals, days, percents.

use crate::domain::Millis;

/// `three`, `Three`, `13`: a number inside a sentence is a word up to twelve.
pub(super) fn count(n: usize) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    WORDS
        .get(n)
        .map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

/// `three regressions`, `one regression`.
pub(super) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `one series is`, `two series are`.
pub(super) fn series_are(n: usize) -> String {
    format!("{} series {}", count(n), if n == 1 { "is" } else { "are" })
}

/// `23 Nov`, with the year where it is another one than that of `now`.
pub(super) fn day(time: Millis, now: Millis) -> String {
    let year = |t: Millis| t.timestamp().strftime("%Y").to_string();
    let format = if year(time) == year(now) {
        "%-d %b"
    } else {
        "%-d %b %Y"
    };
    time.timestamp().strftime(format).to_string()
}
