//! What the name of a result file says: when, and which commit.

use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

/// What a file's name says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OfName {
    /// When it was measured; a day without an hour begins at midnight, UTC.
    pub(super) time: Option<Timestamp>,
    /// Words that may be commits.
    pub(super) commits: Vec<String>,
}

/// `2026-03-01`, `20260301T0130`, `2026-03-01_01-30-00Z`; not in the middle of a longer number.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:^|[^0-9a-zA-Z])(20\d{2})-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?:[T_ -]?([01]\d|2[0-3])[:.-]?([0-5]\d)(?:[:.-]?([0-5]\d))?Z?)?(?:[^0-9a-zA-Z]|$)",
    )
    .expect("a constant that a test matches with")
});

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[0-9a-fA-F]{7,64}").expect("a constant that a test matches with")
});

pub(super) fn parse(path: &Path) -> OfName {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let found = TIME.captures(&name);
    let time = found.as_ref().and_then(|found| {
        let part = |at: usize| found.get(at).map_or("00", |part| part.as_str());
        format!(
            "{}-{}-{}T{}:{}:{}Z",
            part(1),
            part(2),
            part(3),
            part(4),
            part(5),
            part(6)
        )
        .parse()
        .ok()
    });
    let span = found.as_ref().and_then(|found| found.get(0));
    let in_time = |start: usize| span.is_some_and(|span| span.range().contains(&start));
    let commits = WORD
        .find_iter(&name)
        .filter(|word| time.is_none() || !in_time(word.start()))
        .map(|word| word.as_str().to_lowercase())
        .collect();
    OfName { time, commits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, time: Option<&str>, commits: &[&str]) {
        let found = parse(Path::new(name));
        let expected = time.map(|time| time.parse().expect("a time in a test"));
        assert_eq!(
            (found.time, found.commits),
            (expected, commits.iter().map(|c| (*c).to_owned()).collect()),
            "{name}"
        );
    }

    #[test]
    fn a_name_says_a_time_and_a_commit() {
        check("a/2026-03-01.txt", Some("2026-03-01T00:00:00Z"), &[]);
        check("bench-20260301T0130.txt", Some("2026-03-01T01:30:00Z"), &[]);
        check(
            "2026-03-01_01-30-59-c0ffee1.json",
            Some("2026-03-01T01:30:59Z"),
            &["c0ffee1"],
        );
        check("run-C0FFEE1234.txt", None, &["c0ffee1234"]);
        check("1234567.txt", None, &["1234567"]);
        check("results.txt", None, &[]);
        check("2026-13-01.txt", None, &[]);
        check("2026-02-30.txt", None, &[]);
    }
}
