//! One line of Go benchmark text: words with their columns, and the numbers of a result.

use super::super::{ReadError, shown};

/// A word of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Byte offset in the line.
    pub(super) start: usize,
}

/// A line with its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    pub(super) text: &'a str,
}

/// What one line measured.
#[derive(Debug, PartialEq)]
pub(super) struct Numbers<'a> {
    pub(super) iterations: u64,
    /// Value and unit.
    pub(super) values: Vec<(f64, &'a str)>,
}

impl<'a> Line<'a> {
    pub(super) fn words(self) -> impl Iterator<Item = Word<'a>> {
        self.text.split_whitespace().map(move |word| Word {
            text: word,
            // Both are parts of the same text.
            start: word.as_ptr() as usize - self.text.as_ptr() as usize,
        })
    }

    /// That something else was expected at a byte of this line.
    pub(super) fn expected(self, expected: &'static str, at: usize) -> ReadError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let found = match self.text.get(at..).unwrap_or_default().trim() {
            "" => "the end of the line".to_owned(),
            found => format!("`{}`", shown(found)),
        };
        ReadError::Syntax {
            line: self.number,
            column: before.chars().count() + 1,
            expected,
            found,
        }
    }

    /// The numbers of a result that begin at a word; `None` if this is some other text, an error if
    /// it is a result that is written wrong.
    ///
    /// A count that is followed by a number is taken for a result whatever comes then, and so is any
    /// line that names a unit of Go's.
    pub(super) fn numbers(self, words: &[Word<'a>]) -> Result<Option<Numbers<'a>>, ReadError> {
        let Some((count, rest)) = words.split_first() else {
            return Ok(None);
        };
        if !count.text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let is_number = |word: &Word<'_>| word.text.parse::<f64>().is_ok();
        let is_go_unit = |word: &Word<'_>| word.text.ends_with("/op");
        if !rest.first().is_some_and(is_number) && !rest.iter().any(is_go_unit) {
            return Ok(None);
        }
        let iterations = count
            .text
            .parse()
            .map_err(|_| self.expected("an iteration count below 2^64", count.start))?;
        let mut values = Vec::new();
        for pair in rest.chunks(2) {
            let value = pair[0]
                .text
                .parse::<f64>()
                .ok()
                .filter(|value| value.is_finite());
            let value = value.ok_or_else(|| self.expected("a finite number", pair[0].start))?;
            let unit = pair
                .get(1)
                .ok_or_else(|| self.expected("a unit after the number", self.text.len()))?;
            values.push((value, unit.text));
        }
        Ok(Some(Numbers { iterations, values }))
    }
}
