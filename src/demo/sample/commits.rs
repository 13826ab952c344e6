//! The commits of the made-up project: what each night measured, and what came since the night
//! before.

use bench_report::report::{Commit, Revision};
use jiff::{Timestamp, ToSpan};

use super::random::Random;

/// A commit that a night lists: subject, author and what it changes.
type Work = (&'static str, &'static str, &'static [&'static str]);

/// Subjects that commits of such a project have, who wrote them, and which folders they change.
const COMMITS: &[Work] = &[
    (
        "index: count removals per worker",
        "sample a",
        &["indexer/src/index"],
    ),
    (
        "decode: read both wire generations in one pass",
        "sample b",
        &["indexer/src/wire"],
    ),
    (
        "index: free what nobody holds",
        "sample c",
        &["indexer/src/index"],
    ),
    (
        "feed: ask again from the last contiguous batch",
        "sample a",
        &["indexer/src/feed"],
    ),
    (
        "index: keep children beside their parent",
        "sample b",
        &["indexer/src/index"],
    ),
    (
        "routing: prefer the worker with the longest prefix",
        "sample d",
        &["indexer/src/index", "docs"],
    ),
    (
        "index: batch removals per worker",
        "sample c",
        &["indexer/src/index"],
    ),
    (
        "decode: refuse lengths beyond the message",
        "sample b",
        &["indexer/src/wire", "fuzz"],
    ),
    ("docs: say what a gap in the feed is", "sample d", &["docs"]),
    (
        "feed: bound the queue and count what is dropped",
        "sample d",
        &["indexer/src/feed"],
    ),
];

/// The commits up to a night, counted through the year.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Commits so far.
    count: u32,
    /// As many were there when a night last ran.
    measured: u32,
}

impl Course {
    /// One to four commits are made before a night.
    pub(super) fn pass(&mut self, random: &mut Random) {
        self.count += 1 + (random.bits() % 4) as u32;
    }

    /// What a night measures, whether or not the nights before it ran.
    pub(super) fn measure(&mut self, seed: u64, started_at: Timestamp) -> Revision {
        let (last, before) = (self.count, self.measured);
        self.measured = last;
        let (subject, author, _) = work(last);
        let since = (before + 1..=last).rev().map(|number| {
            let (subject, author, touches) = work(number);
            Commit {
                commit: hash(seed, number),
                subject: labelled(subject),
                author: author.to_owned(),
                touches: touches.iter().map(|&folder| folder.to_owned()).collect(),
            }
        });
        Revision {
            repository: None,
            commit: Some(hash(seed, last)),
            branch: Some("main".to_owned()),
            parent: Some(hash(seed, last - 1)),
            committed_at: Some(started_at - 3.hours()),
            subject: Some(labelled(subject)),
            author: Some(author.to_owned()),
            commits: if before == 0 {
                Vec::new()
            } else {
                since.collect()
            },
            ..Revision::default()
        }
    }
}

fn labelled(subject: &str) -> String {
    format!("sample: {subject}")
}

fn work(number: u32) -> Work {
    COMMITS
        .get(number as usize % COMMITS.len())
        .copied()
        .unwrap_or(("index: work", "sample a", &[]))
}

fn hash(seed: u64, number: u32) -> String {
    let mut random = Random::new(seed, &format!("commit {number}"));
    let hex = format!(
        "{:016x}{:016x}{:016x}",
        random.bits(),
        random.bits(),
        random.bits()
    );
    hex.chars().take(40).collect()
}
