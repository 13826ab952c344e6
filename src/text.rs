//! Dates, percent and words for people. Values with their units read as bench-report's metric
//! says; this module knows nothing of units.

use bench_report::metric::format_count;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use crate::domain::Millis;
use crate::domain::time::DAY_MS;

/// `one run`, `7 runs`: a number with its noun.
pub fn plural(value: u64, one: &str, many: &str) -> String {
    if value == 1 {
        format!("1 {one}")
    } else {
        format!("{} {many}", format_count(value))
    }
}

/// Such as `24 Nov`.
pub fn day(time: Millis) -> String {
    utc(time).strftime("%-d %b").to_string()
}

/// Such as `24 Nov 2026`.
pub fn day_year(time: Millis) -> String {
    utc(time).strftime("%-d %b %Y").to_string()
}

/// Such as `24 Nov`, and `24 Nov 2025` when `now` is another year.
pub fn day_near(time: Millis, now: Millis) -> String {
    if utc(time).year() == utc(now).year() {
        day(time)
    } else {
        day_year(time)
    }
}

/// Such as `Tue 24`.
pub fn weekday(time: Millis) -> String {
    utc(time).strftime("%a %-d").to_string()
}

/// Such as `24 Nov 01:30 UTC`.
pub fn day_clock(time: Millis) -> String {
    utc(time).strftime("%-d %b %H:%M UTC").to_string()
}

/// Such as `01:30`.
pub fn clock(time: Millis) -> String {
    utc(time).strftime("%H:%M").to_string()
}

/// Such as `2026-11-24`, as URLs have it.
pub fn iso_day(time: Millis) -> String {
    utc(time).strftime("%Y-%m-%d").to_string()
}

/// Such as `2026-11-24T01:30:00Z`, as the `datetime` attribute has it.
pub fn iso(time: Millis) -> String {
    utc(time).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads what [`iso_day`] writes: the day's first instant.
pub fn parse_iso_day(text: &str) -> Option<Millis> {
    let date: Date = text.parse().ok()?;
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(Millis(midnight.as_millisecond()))
}

/// How long something took: `38 min`, `1 h 20 min`, `52 s`.
pub fn duration(ms: i64) -> String {
    let seconds = (ms.max(0) + 500) / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=3569 => format!("{} min", (seconds + 30) / 60),
        _ => {
            let minutes = (seconds + 30) / 60;
            match minutes % 60 {
                0 => format!("{} h", minutes / 60),
                rest => format!("{} h {rest} min", minutes / 60),
            }
        }
    }
}

/// How long ago: `just now`, `4 min ago`, `3 h ago`, `12 days ago`.
pub fn age(time: Millis, now: Millis) -> String {
    let ms = now.0.saturating_sub(time.0);
    match ms {
        i64::MIN..60_000 => "just now".to_owned(),
        60_000..7_200_000 => format!("{} min ago", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h ago", ms / 3_600_000),
        _ => format!("{} days ago", format_count((ms / DAY_MS).unsigned_abs())),
    }
}

/// The first letters of names as people sign: `Ada Keller` reads `a.k.`; a single word stays.
pub fn initials(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    if words.len() < 2 {
        return name.trim().to_owned();
    }
    words
        .iter()
        .filter_map(|w| w.chars().next())
        .flat_map(|c| c.to_lowercase().chain(['.']))
        .collect()
}

fn utc(time: Millis) -> DateTime {
    Offset::UTC.to_datetime(time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOV_24: Millis = Millis(1_795_483_800_000);

    #[track_caller]
    fn check(input: impl AsRef<str>, expected: &str) {
        assert_eq!(input.as_ref(), expected);
    }

    #[test]
    fn dates_are_utc_and_short() {
        check(day(NOV_24), "24 Nov");
        check(day_year(NOV_24), "24 Nov 2026");
        check(weekday(NOV_24), "Tue 24");
        check(day_clock(NOV_24), "24 Nov 01:30 UTC");
        check(iso(NOV_24), "2026-11-24T01:30:00Z");
        check(
            day_near(NOV_24, Millis(NOV_24.0 + 90 * DAY_MS)),
            "24 Nov 2026",
        );
    }

    #[test]
    fn an_iso_day_is_read_back() {
        assert_eq!(parse_iso_day("2026-11-24"), Some(Millis(1_795_478_400_000)));
        assert_eq!(parse_iso_day("24 Nov"), None);
    }

    #[test]
    fn spans_of_time_read_in_one_or_two_units() {
        check(duration(51_600), "52 s");
        check(duration(38 * 60_000), "38 min");
        check(duration(80 * 60_000), "1 h 20 min");
        check(duration(120 * 60_000), "2 h");
        check(age(NOV_24, Millis(NOV_24.0 + 4 * 60_000)), "4 min ago");
        check(age(NOV_24, Millis(NOV_24.0 + 12 * DAY_MS)), "12 days ago");
        check(age(NOV_24, Millis(NOV_24.0 - 5)), "just now");
    }

    #[test]
    fn a_number_agrees_with_its_noun() {
        check(plural(1, "run", "runs"), "1 run");
        check(plural(1_300, "run", "runs"), "1,300 runs");
    }

    #[test]
    fn authors_sign_by_initials() {
        check(initials("Ada Keller"), "a.k.");
        check(initials("bot"), "bot");
    }
}
