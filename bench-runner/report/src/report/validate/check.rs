//! The small checks that the check of a report is made of, and where it stands.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use crate::metric::Unit;
use crate::report::limits::{NAME_BYTES, TEXT_BYTES};
use crate::report::refusal::{Problem, Refusal, Refusals};

/// How far ahead of our clock another machine's may be.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// A step of a JSON pointer.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// What was found, and where the check stands.
pub(super) struct Check<'a> {
    pub(super) now: Timestamp,
    path: Vec<Step<'a>>,
    found: Vec<Refusal>,
    more: usize,
}

impl<'a> Check<'a> {
    pub(super) fn new(now: Timestamp) -> Check<'a> {
        Check {
            now,
            path: Vec::new(),
            found: Vec::new(),
            more: 0,
        }
    }

    /// `Err` if anything was refused.
    pub(super) fn done(self) -> Result<(), Refusals> {
        Refusals::check(self.found, self.more)
    }

    pub(super) fn within(&mut self, step: Step<'a>, check: impl FnOnce(&mut Self)) {
        self.path.push(step);
        check(self);
        self.path.pop();
    }

    pub(super) fn each<T>(
        &mut self,
        key: &'a str,
        list: &'a [T],
        mut check: impl FnMut(&mut Self, &'a T),
    ) {
        self.within(Step::Key(key), |this| {
            for (index, element) in list.iter().enumerate() {
                this.within(Step::Index(index), |this| check(this, element));
            }
        });
    }

    /// That no two elements of a list have the same name.
    pub(super) fn once<T, K: Eq + Hash>(
        &mut self,
        key: &'a str,
        thing: &'static str,
        list: &'a [T],
        name_of: impl Fn(&'a T) -> K,
        text_of: impl Fn(&'a T) -> String,
    ) {
        let mut seen = HashMap::with_capacity(list.len());
        self.each(key, list, |check, element| {
            let here = check.path.last().copied();
            if let Some(first) = seen.insert(name_of(element), here) {
                let above = check.path.len().saturating_sub(1);
                let place = check.path[..above].iter().copied().chain(first);
                let problem = Problem::Repeated {
                    thing,
                    name: shown(&text_of(element)),
                    first: pointer(place),
                };
                check.refuse(problem);
            }
        });
    }

    pub(super) fn refuse(&mut self, problem: Problem) {
        if self.found.len() == Refusals::SHOWN {
            self.more += 1;
            return;
        }
        self.found.push(Refusal {
            pointer: pointer(self.path.iter().copied()),
            problem,
        });
    }

    pub(super) fn refuse_at(&mut self, key: &'a str, problem: Problem) {
        self.within(Step::Key(key), |check| check.refuse(problem));
    }

    pub(super) fn at_most(
        &mut self,
        key: &'a str,
        things: &'static str,
        count: usize,
        limit: usize,
    ) {
        if count > limit {
            self.refuse_at(
                key,
                Problem::Many {
                    things,
                    count,
                    limit,
                },
            );
        }
    }

    pub(super) fn name(&mut self, key: &'a str, thing: &'static str, name: &str) {
        self.within(Step::Key(key), |check| check.name_here(thing, name));
    }

    pub(super) fn name_here(&mut self, thing: &'static str, name: &str) {
        if name.trim().is_empty() {
            self.refuse(Problem::Empty { thing });
        }
        self.short_text(thing, name, NAME_BYTES);
    }

    pub(super) fn optional_name(&mut self, key: &'a str, thing: &'static str, name: Option<&str>) {
        if let Some(name) = name {
            self.name(key, thing, name);
        }
    }

    /// A text on one line.
    pub(super) fn short_text(&mut self, thing: &'static str, text: &str, limit: usize) {
        if text.len() > limit {
            self.refuse(Problem::Long {
                thing,
                value: shown(text),
                bytes: text.len(),
                limit,
            });
        }
        if let Some(character) = text.chars().find(|character| character.is_control()) {
            self.refuse(Problem::Control {
                thing,
                value: shown(text),
                character,
            });
        }
    }

    pub(super) fn text(&mut self, key: &'a str, thing: &'static str, text: &str) {
        self.within(Step::Key(key), |check| check.text_here(thing, text));
    }

    /// A text of several lines. Other control characters would reach a reader's terminal.
    pub(super) fn text_here(&mut self, thing: &'static str, text: &str) {
        if text.len() > TEXT_BYTES {
            self.refuse(Problem::Long {
                thing,
                value: shown(text),
                bytes: text.len(),
                limit: TEXT_BYTES,
            });
        }
        let is_refused =
            |character: &char| character.is_control() && !matches!(character, '\n' | '\t' | '\r');
        if let Some(character) = text.chars().find(is_refused) {
            self.refuse(Problem::Control {
                thing,
                value: shown(text),
                character,
            });
        }
    }

    pub(super) fn optional_text(&mut self, key: &'a str, thing: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, thing, text);
        }
    }

    pub(super) fn hash(
        &mut self,
        key: &'a str,
        thing: &'static str,
        hash: &str,
        lengths: RangeInclusive<usize>,
        expected: &'static str,
    ) {
        let is_hex = hash
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || !lengths.contains(&hash.len()) {
            self.refuse_at(
                key,
                Problem::Hash {
                    thing,
                    value: shown(hash),
                    expected,
                },
            );
        }
    }

    pub(super) fn commit(&mut self, key: &'a str, commit: &str) {
        self.hash(
            key,
            "the commit",
            commit,
            7..=64,
            "7 to 64 lower-case hex digits",
        );
    }

    pub(super) fn unit(&mut self, key: &'a str, unit: &str) -> Option<Unit> {
        match Unit::parse(unit) {
            Ok(unit) => Some(unit),
            Err(unknown) => {
                self.refuse_at(key, unknown.into());
                None
            }
        }
    }

    pub(super) fn finite(&mut self, thing: &'static str, value: f64) {
        if !value.is_finite() {
            self.refuse(Problem::NotFinite { thing, value });
        }
    }

    pub(super) fn optional_finite(
        &mut self,
        key: &'a str,
        thing: &'static str,
        value: Option<f64>,
    ) {
        if let Some(value) = value {
            self.within(Step::Key(key), |check| check.finite(thing, value));
        }
    }

    pub(super) fn not_ahead(&mut self, key: &'static str, time: Timestamp) {
        if time.duration_since(self.now) > CLOCK_TOLERANCE {
            self.refuse_at(
                key,
                Problem::Future {
                    thing: key,
                    time,
                    now: self.now,
                },
            );
        }
    }
}

/// The beginning of a text, as much as a message can hold.
fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A JSON pointer (RFC 6901).
fn pointer<'a>(path: impl Iterator<Item = Step<'a>>) -> String {
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step {
            Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}
