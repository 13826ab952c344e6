//! Rust text as words and signs, without comments, texts and characters.

/// A word or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a keyword.
    Ident(String),
    /// `::`
    PathSeparator,
    /// Any other sign, and `0` for a number.
    Punct(char),
}

/// The tokens of a file, each with its line (from 1).
pub(super) fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut lexer = Lexer {
        rest: text,
        line: 1,
        found: Vec::new(),
    };
    while let Some(next) = lexer.rest.chars().next() {
        lexer.step(next);
    }
    lexer.found
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    found: Vec<(Token, usize)>,
}

impl Lexer<'_> {
    fn step(&mut self, next: char) {
        if self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.skip(block_comment(self.rest));
        } else if let Some(length) = raw_text(self.rest) {
            self.skip(length);
        } else if next == '"' || self.rest.starts_with("b\"") || self.rest.starts_with("c\"") {
            let start = self.rest.find('"').unwrap_or(0) + 1;
            self.skip(quoted(self.rest, start, '"'));
        } else if let Some(length) = character(self.rest) {
            self.skip(length);
        } else if next.is_alphabetic() || next == '_' {
            let length = self
                .rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(self.rest.len());
            self.found
                .push((Token::Ident(self.rest[..length].to_owned()), self.line));
            self.skip(length);
        } else if next.is_ascii_digit() {
            let length = self
                .rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(self.rest.len());
            self.found.push((Token::Punct('0'), self.line));
            self.skip(length);
        } else if self.rest.starts_with("::") {
            self.found.push((Token::PathSeparator, self.line));
            self.skip(2);
        } else {
            if !next.is_whitespace() {
                self.found.push((Token::Punct(next), self.line));
            }
            self.skip(next.len_utf8());
        }
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"`, if the text begins with one.
fn raw_text(text: &str) -> Option<usize> {
    let body = text
        .strip_prefix("br")
        .or_else(|| text.strip_prefix("cr"))
        .or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let body = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(text.len() - body.len() + length)
}

/// The length up to the closing sign, from the byte after the opening one.
fn quoted(text: &str, start: usize, close: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text[start..].char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if character == close {
            return start + at + 1;
        }
    }
    text.len()
}

/// The length of a character; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let start = if text.starts_with("b'") { 2 } else { 1 };
    let body = text
        .strip_prefix("b'")
        .or_else(|| text.strip_prefix('\''))?;
    let first = body.chars().next()?;
    if first == '\\' {
        return Some(quoted(text, start, '\''));
    }
    body[first.len_utf8()..]
        .starts_with('\'')
        .then(|| start + first.len_utf8() + 1)
}
