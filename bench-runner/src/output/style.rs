//! Colour by meaning, or none.

use std::io::IsTerminal;

/// Whether to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone: for files, pipes, and where `NO_COLOR` is set.
    Plain,
    /// Colour by meaning.
    Colour,
}

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// What the lines below are about.
    Heading,
    /// Better than it was.
    Good,
    /// Worse than it should be.
    Bad,
    /// Not as good as it could be, or not sure.
    Doubt,
    /// Nothing that needs looking at.
    Dim,
}

impl Style {
    /// The style of an output: colour on a terminal, unless `NO_COLOR` is set
    /// (<https://no-color.org>).
    pub fn of(output: &impl IsTerminal) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::when(output.is_terminal(), no_color)
    }

    fn when(terminal: bool, no_color: bool) -> Self {
        if terminal && !no_color {
            Style::Colour
        } else {
            Style::Plain
        }
    }

    pub(crate) fn paint(self, meaning: Meaning, text: &str) -> String {
        let code = match (self, meaning) {
            (Style::Plain, _) => return text.to_owned(),
            (_, Meaning::Heading) => "1",
            (_, Meaning::Good) => "32",
            (_, Meaning::Bad) => "31",
            (_, Meaning::Doubt) => "33",
            (_, Meaning::Dim) => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_for_terminals_that_want_it() {
        assert_eq!(Style::when(true, false), Style::Colour);
        assert_eq!(Style::when(true, true), Style::Plain);
        assert_eq!(Style::when(false, false), Style::Plain);
    }
}
