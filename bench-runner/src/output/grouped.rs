//! Rows of several benchmarks, each under its benchmark's name, with columns that stand under each
//! other over all of them.

use super::style::{Meaning, Style};
use super::wrap::WIDTH;

/// A row: its cells, and what its last one means, if anything.
#[derive(Debug)]
pub(crate) struct Line<const N: usize> {
    /// The cells, the metric first.
    pub(crate) cells: [String; N],
    /// What the last of them means.
    pub(crate) meaning: Option<Meaning>,
}

/// The whole table. The first and the last column begin at the left, all others end at the right. A
/// column without a cell is left out. Where the lines would be too long for a terminal, the longest
/// names stand on lines of their own, above their figures.
pub(crate) fn grouped<const N: usize>(
    heads: [&str; N],
    groups: &[(String, Vec<Line<N>>)],
    style: Style,
) -> String {
    let widths = widths(&heads, groups);
    let row = |cells: [&str; N], last: &dyn Fn(&str) -> String| {
        let mut text = String::new();
        for (cell, content) in cells.into_iter().enumerate() {
            let (width, used) = (widths[cell], columns(content));
            if width == 0 {
                continue;
            }
            if used > width {
                text = format!("  {content}\n  {}", " ".repeat(width));
                continue;
            }
            let pad = " ".repeat(width - used);
            text.push_str("  ");
            text.push_str(&match cell {
                0 => format!("{content}{pad}"),
                _ if cell + 1 == N => last(content),
                _ => format!("{pad}{content}"),
            });
        }
        format!("{}\n", text.trim_end())
    };
    let mut text = style.paint(Meaning::Dim, row(heads, &str::to_owned).trim_end());
    text.push('\n');
    for (name, lines) in groups {
        if !name.is_empty() {
            text.push_str(&format!("{}\n", style.paint(Meaning::Heading, name)));
        }
        for line in lines {
            let last = |content: &str| match line.meaning {
                Some(meaning) if !content.is_empty() => style.paint(meaning, content),
                _ => content.to_owned(),
            };
            text.push_str(&row(line.cells.each_ref().map(String::as_str), &last));
        }
    }
    text
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// How wide each column is: what its widest cell needs, but of names only as much as a line has left.
fn widths<const N: usize>(heads: &[&str; N], groups: &[(String, Vec<Line<N>>)]) -> [usize; N] {
    let lines = || groups.iter().flat_map(|(_, lines)| lines);
    let mut widths: [usize; N] = std::array::from_fn(|cell| {
        let widest = lines().map(|line| columns(&line.cells[cell])).max();
        match widest {
            None | Some(0) if cell > 0 => 0,
            widest => widest.unwrap_or(0).max(columns(heads[cell])),
        }
    });
    let taken = |width: &usize| match width {
        0 => 0,
        width => width + 2,
    };
    let figures: usize = widths.iter().skip(1).map(taken).sum();
    let room = WIDTH.saturating_sub(figures + 2);
    let fitting = lines().map(|line| columns(&line.cells[0]));
    let fitting = fitting.filter(|name| *name <= room).max();
    if let Some(names) = widths.first_mut() {
        *names = (*names).min(fitting.unwrap_or(0).max(columns(heads[0])).max(2));
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_no_room_for_the_figures_stand_above_them() {
        let line = |name: &str, figure: &str, word: &str| Line {
            cells: [
                name.to_owned(),
                figure.to_owned(),
                String::new(),
                word.to_owned(),
            ],
            meaning: Some(Meaning::Bad),
        };
        let long = "a".repeat(70);
        let groups = [
            (
                "A".to_owned(),
                vec![line("short", "1,000 ns", "worse"), line(&long, "2 ns", "")],
            ),
            ("B".to_owned(), vec![line("longer", "17.55 ns", "equal")]),
        ];
        let table = grouped(["", "value", "empty", "verdict"], &groups, Style::Plain);
        insta::assert_snapshot!(table, @"
                     value  verdict
        A
          short   1,000 ns  worse
          aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                      2 ns
        B
          longer  17.55 ns  equal
        ");
        let coloured = grouped(["", "value", "empty", "verdict"], &groups, Style::Colour);
        assert!(coloured.contains("\u{1b}[31mworse\u{1b}[0m"), "{coloured}");
    }
}
