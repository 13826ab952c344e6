//! A comparison for the terminal: benchstat's numbers, and beside them what they can decide.

use bench_report::metric::format_change_interval;
use bench_verdict::band::Band;
use bench_verdict::compare::Compared;
use bench_verdict::comparison::Comparison;
use bench_verdict::exit::Status;
use bench_verdict::stats::summary::Summary;
use bench_verdict::verdict::Evidence;
use bench_verdict::words::{evidence_word, percent};

use super::csv::{
    Group, SETS_DIFFER, cell, compared_warning, delta_text, groups, means, p_text, row_name,
    spread_text, summary_warning,
};
use super::pair::Pair;
use crate::output::{Meaning, Style, WIDTH, hanging, judged};

/// Columns are this far apart.
const GAP: &str = "  ";

/// The tables, the footnotes, and the judgement in a sentence.
pub fn to_table(pair: &Pair, judged: &Comparison, style: Style) -> String {
    let mut text = String::new();
    let mut notes = Notes::default();
    let mut above: Vec<(&str, String)> = Vec::new();
    for group in groups(pair) {
        for (key, value) in &group.config {
            if !above
                .iter()
                .any(|(other, own)| other == key && own == value)
            {
                text.push_str(&format!("{key}: {value}\n"));
            }
        }
        above.clone_from(&group.config);
        text.push_str(&layout(&rows(pair, &group, &mut notes), style));
        text.push('\n');
    }
    let notes = notes.text();
    if !notes.is_empty() {
        text.push_str(&notes);
        text.push('\n');
    }
    text.push_str(&sentence(judged, style));
    text
}

/// Footnotes, each once, in the order in which they were first needed.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn mark(&mut self, note: Option<String>) -> String {
        let Some(note) = note else {
            return String::new();
        };
        let place = self
            .0
            .iter()
            .position(|own| *own == note)
            .unwrap_or_else(|| {
                self.0.push(note);
                self.0.len() - 1
            });
        superscript(place + 1)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (index, note) in self.0.iter().enumerate() {
            text.push_str(&format!("{} {note}\n", superscript(index + 1)));
        }
        text
    }
}

fn superscript(number: usize) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    number
        .to_string()
        .bytes()
        .filter_map(|digit| DIGITS.get(usize::from(digit.wrapping_sub(b'0'))))
        .collect()
}

/// Cells of a line, and what the last one means: the name to the left, numbers to the right, words
/// to the left.
struct Line {
    cells: [String; 6],
    meaning: Option<Meaning>,
}

fn rows(pair: &Pair, group: &Group<'_>, notes: &mut Notes) -> Vec<Line> {
    let plain = |cells| Line {
        cells,
        meaning: None,
    };
    let mut table = vec![plain([
        group.shown.unit.clone(),
        pair.old.name.clone(),
        pair.new.name.clone(),
        "vs base".to_owned(),
        String::new(),
        "effect, verdict".to_owned(),
    ])];
    for row in &group.rows {
        let Some(any) = row.any() else { continue };
        let sides = [row.old.as_ref(), row.new.as_ref()].map(|side| cell(&group.shown, side));
        let centres: Vec<f64> = sides
            .iter()
            .flatten()
            .map(|summary| summary.median)
            .collect();
        let mut texts = group.shown.texts(&centres).into_iter();
        let mut side = |summary: &Option<Summary>| match summary {
            Some(summary) => {
                let centre = texts.next().unwrap_or_default();
                let mark = notes.mark(summary_warning(summary));
                format!("{centre} ± {}{mark}", spread_text(summary))
            }
            None => "not available".to_owned(),
        };
        let (old, new) = (side(&sides[0]), side(&sides[1]));
        let [delta, p, verdict] = match &row.compared {
            Some(compared) => {
                let mark = notes.mark(compared_warning(compared));
                let p = format!("({}){mark}", p_text(compared));
                [delta_text(compared), p, verdict(compared)]
            }
            None => [String::new(), String::new(), "only on one side".to_owned()],
        };
        let compared = row.compared.as_ref();
        table.push(Line {
            cells: [row_name(any), old, new, delta, p, verdict],
            meaning: compared.and_then(|compared| judged(compared.evidence, compared.band).1),
        });
    }
    if group.rows.len() > 1 {
        let means = means(group);
        let text = |mean: Result<f64, &str>| match mean {
            Ok(mean) => group.shown.texts(&[mean]).concat(),
            Err(_) => "not available".to_owned(),
        };
        let ratio = means.ratio.map_or_else(
            || "?".to_owned(),
            |ratio| format!("{:+.2}%", 100.0 * (ratio - 1.0)),
        );
        let note = means.sets_differ.then(|| SETS_DIFFER.to_owned());
        let missing = means.old.err().or(means.new.err()).map(str::to_owned);
        let marks = notes.mark(note) + &notes.mark(missing);
        table.push(plain([
            "geomean".to_owned(),
            text(means.old),
            text(means.new),
            format!("{ratio}{marks}"),
            String::new(),
            String::new(),
        ]));
    }
    table
}

/// The effect with its interval where there is one, the smallest visible change where there is none.
fn verdict(compared: &Compared) -> String {
    let evidence = evidence_word(compared.evidence);
    let word = format!("{}, {evidence}", compared.band.word());
    let interval = compared.interval.map(|[low, high]| {
        let ends = format_change_interval(low, high);
        match compared.effect {
            Some(effect) => format!("{} {ends}", percent(effect)),
            None => ends,
        }
    });
    match compared.evidence {
        _ if compared.test.is_some_and(|test| test.all_equal) => "no change".to_owned(),
        Evidence::Exact => "exact".to_owned(),
        Evidence::Confirmed | Evidence::Likely => match interval {
            Some(interval) => format!("{interval} {word}"),
            None => word,
        },
        _ => match (compared.samples_needed, compared.detectable_change) {
            (Some(needed), _) => format!("inconclusive: {needed} samples a side are needed"),
            (None, Some(seen)) => {
                let word = match compared.band {
                    Band::None => "no change",
                    _ => evidence,
                };
                let seen = percent(seen);
                format!(
                    "{word}: {} would have been seen",
                    seen.trim_start_matches('+')
                )
            }
            (None, None) => word,
        },
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// In columns. Where a line would be too long for a terminal, what the numbers decide stands below
/// them, and the longest names above.
fn layout(table: &[Line], style: Style) -> String {
    let width = |column: usize| {
        let cells = table.iter().map(|line| columns(&line.cells[column]));
        cells.max().unwrap_or(0)
    };
    let mut widths: [usize; 6] = std::array::from_fn(width);
    let taken = |widths: &[usize]| widths.iter().map(|width| width + GAP.len()).sum::<usize>();
    let is_wide = taken(&widths) > WIDTH + GAP.len();
    let room = WIDTH.saturating_sub(taken(&widths[1..4]));
    if is_wide && widths[0] > room {
        let names = table.iter().map(|line| columns(&line.cells[0]));
        widths[0] = names.filter(|name| *name <= room).max().unwrap_or(0);
    }
    let mut text = String::new();
    for (number, line) in table.iter().enumerate() {
        let [name, old, new, delta, p, verdict] = &line.cells;
        let mut figures = if columns(name) > widths[0] {
            format!("{name}\n{}", " ".repeat(widths[0]))
        } else {
            format!("{name:<0$}", widths[0])
        };
        for (cell, width) in [old, new, delta].into_iter().zip(&widths[1..4]) {
            figures.push_str(&format!("{GAP}{}{cell}", " ".repeat(width - columns(cell))));
        }
        let verdict = match line.meaning {
            Some(meaning) => style.paint(meaning, verdict),
            None => verdict.clone(),
        };
        let pad = match is_wide {
            true => 0,
            false => widths[4] - columns(p),
        };
        let decided = format!("{p}{}{GAP}{verdict}", " ".repeat(pad));
        let line = match (is_wide, number) {
            (false, _) => format!("{figures}{GAP}{decided}"),
            // The heads of what stands below would stand nowhere.
            (true, 0) => figures,
            (true, _) if verdict.is_empty() => figures,
            (true, _) => format!("{}\n    {}", figures.trim_end(), decided.trim_start()),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn sentence(judged: &Comparison, style: Style) -> String {
    let count = |of: fn(&bench_verdict::comparison::Row) -> bool| {
        judged.rows.iter().filter(|row| of(row)).count()
    };
    let worse = count(|row| row.band.severity() > 0 && is_sure(row));
    let better = count(|row| row.band == Band::Improved && is_sure(row));
    let (verdict, meaning) = match judged.status {
        Status::Pass => (
            "nothing got worse by more than the threshold",
            Meaning::Good,
        ),
        Status::Fail => (
            "something got worse by more than the threshold",
            Meaning::Bad,
        ),
        Status::Inconclusive => ("the samples cannot decide", Meaning::Doubt),
        Status::Incomplete => ("something is missing on one side", Meaning::Doubt),
        Status::Incomparable => ("the sides come from different environments", Meaning::Doubt),
    };
    let counted = hanging(
        "",
        &format!(
            "{verdict} (exit {}); of {} series {worse} confirmed worse, {better} confirmed better",
            judged.exit_code.code(),
            judged.rows.len(),
        ),
    );
    let mut text = counted.replacen(verdict, &style.paint(meaning, verdict), 1);
    for reason in &judged.reasons {
        text.push_str(&hanging("  ", reason));
    }
    text
}

fn is_sure(row: &bench_verdict::comparison::Row) -> bool {
    matches!(row.evidence, Evidence::Confirmed | Evidence::Exact)
}
