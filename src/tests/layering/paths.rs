//! Every path that a file names, in `use` and elsewhere.

use super::lexer::Token;

/// A path, from `crate` or from an outside crate's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    /// From 1.
    pub(super) line: usize,
}

/// The paths of at least two segments, and all of `use`; relative ones are turned into those from
/// the crate's root. `module` is where the file stands in its crate.
pub(super) fn named_paths(tokens: &[(Token, usize)], module: &[String]) -> Vec<Named> {
    let mut reader = Reader {
        tokens,
        at: 0,
        module: module.to_vec(),
        inline: Vec::new(),
        depth: 0,
        found: Vec::new(),
    };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.found
}

struct Reader<'a> {
    tokens: &'a [(Token, usize)],
    at: usize,
    module: Vec<String>,
    /// The depth of braces at which each module within the file began.
    inline: Vec<usize>,
    depth: usize,
    found: Vec<Named>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token)
    }

    fn step(&mut self) {
        match self.peek(0) {
            Some(Token::Punct('{')) => self.depth += 1,
            Some(Token::Punct('}')) => {
                self.depth = self.depth.saturating_sub(1);
                if self.inline.last() == Some(&self.depth) {
                    self.inline.pop();
                    self.module.pop();
                }
            }
            Some(Token::Ident(word)) if word == "mod" => {
                if let (Some(Token::Ident(name)), Some(Token::Punct('{'))) =
                    (self.peek(1), self.peek(2))
                {
                    self.module.push(name.clone());
                    self.inline.push(self.depth);
                    self.at += 1;
                }
            }
            // `use<'a>` in a type names no path.
            Some(Token::Ident(word))
                if word == "use" && self.peek(1) != Some(&Token::Punct('<')) =>
            {
                self.at += 1;
                self.tree(&[]);
                return;
            }
            Some(Token::Ident(_)) if self.peek(1) == Some(&Token::PathSeparator) => {
                self.inline_path();
                return;
            }
            _ => {}
        }
        self.at += 1;
    }

    /// `a::b::{c, d as e, f::*}`, of which `prefix` has been read.
    fn tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
        loop {
            match self.peek(0).cloned() {
                Some(Token::PathSeparator) => self.at += 1,
                Some(Token::Ident(word)) if word == "as" => self.at += 2,
                Some(Token::Ident(word)) => {
                    path.push(word);
                    self.at += 1;
                }
                Some(Token::Punct('{')) => {
                    self.at += 1;
                    while !matches!(self.peek(0), None | Some(Token::Punct('}'))) {
                        self.tree(&path);
                        if self.peek(0) == Some(&Token::Punct(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                Some(Token::Punct('*')) => self.at += 1,
                // The end, or something that no path can hold.
                _ => break,
            }
        }
        self.keep(path, line);
        if self.peek(0).is_none() {
            return;
        }
        if !matches!(self.peek(0), Some(Token::Punct(',' | '}' | ';'))) {
            self.at += 1;
        }
    }

    fn inline_path(&mut self) {
        let is_continued = self.at > 0 && self.tokens[self.at - 1].0 == Token::PathSeparator;
        let line = self.tokens[self.at].1;
        let mut path = Vec::new();
        while let Some(Token::Ident(word)) = self.peek(0).cloned() {
            path.push(word);
            self.at += 1;
            if self.peek(0) != Some(&Token::PathSeparator) {
                break;
            }
            self.at += 1;
        }
        // `<T as Trait>::name::x` has no beginning of its own.
        if !is_continued {
            self.keep(path, line);
        }
    }

    /// Keeps a path, from the crate's root where it is relative.
    fn keep(&mut self, mut path: Vec<String>, line: usize) {
        // `{self}` names what stands before the braces.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let segments = match path.first().map(String::as_str) {
            None => return,
            // The program names its own library.
            Some("kvmark") => [vec!["crate".to_owned()], path[1..].to_vec()].concat(),
            Some("self") => [
                vec!["crate".to_owned()],
                self.module.clone(),
                path[1..].to_vec(),
            ]
            .concat(),
            Some("super") => {
                let ups = path
                    .iter()
                    .take_while(|segment| *segment == "super")
                    .count();
                let above = self.module.len().saturating_sub(ups);
                [
                    vec!["crate".to_owned()],
                    self.module[..above].to_vec(),
                    path[ups..].to_vec(),
                ]
                .concat()
            }
            Some(_) => path,
        };
        self.found.push(Named { segments, line });
    }
}
