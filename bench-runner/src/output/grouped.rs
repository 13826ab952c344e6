//! Rows of several benchmarks, each under its benchmark's name, with columns that stand under each
//! other over all of them.

use super::style::{Meaning, Style};

/// A row: its cells, and what its last one means, if anything.
#[derive(Debug)]
pub(crate) struct Line<const N: usize> {
    /// The cells, the metric first.
    pub(crate) cells: [String; N],
    /// What the last of them means.
    pub(crate) meaning: Option<Meaning>,
}

/// The whole table. The first and the last column begin at the left, all others end at the right.
pub(crate) fn grouped<const N: usize>(
    heads: [&str; N],
    groups: &[(String, Vec<Line<N>>)],
    style: Style,
) -> String {
    let columns = |text: &str| text.chars().count();
    let width = |cell: usize| {
        let lines = groups.iter().flat_map(|(_, lines)| lines);
        let widest = lines.map(|line| columns(&line.cells[cell])).max();
        widest.unwrap_or(0).max(columns(heads[cell]))
    };
    let row = |cells: [&str; N], last: &dyn Fn(&str) -> String| {
        let mut text = String::new();
        for (cell, content) in cells.into_iter().enumerate() {
            let pad = " ".repeat(width(cell) - columns(content));
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
        text.push_str(&format!("{}\n", style.paint(Meaning::Heading, name)));
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
