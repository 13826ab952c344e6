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

/// Columns are this far apart.
const GAP: &str = "  ";

/// The tables, the footnotes, and the judgement in a sentence.
pub fn to_table(pair: &Pair, judged: &Comparison) -> String {
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
        text.push_str(&layout(&rows(pair, &group, &mut notes)));
        text.push('\n');
    }
    let notes = notes.text();
    if !notes.is_empty() {
        text.push_str(&notes);
        text.push('\n');
    }
    text.push_str(&sentence(judged));
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

/// Cells of a table: the name to the left, numbers to the right, words to the left.
type Cells = [String; 6];

fn rows(pair: &Pair, group: &Group<'_>, notes: &mut Notes) -> Vec<Cells> {
    let mut table = vec![[
        group.shown.unit.clone(),
        pair.old.name.clone(),
        pair.new.name.clone(),
        "vs base".to_owned(),
        String::new(),
        "effect, verdict".to_owned(),
    ]];
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
        table.push([row_name(any), old, new, delta, p, verdict]);
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
        table.push([
            "geomean".to_owned(),
            text(means.old),
            text(means.new),
            format!("{ratio}{marks}"),
            String::new(),
            String::new(),
        ]);
    }
    table
}

/// The effect with its interval where there is one, the smallest visible change where there is none.
fn verdict(compared: &Compared) -> String {
    let word = format!(
        "{}, {}",
        compared.band.word(),
        evidence_word(compared.evidence)
    );
    let interval = compared
        .interval
        .map(|[low, high]| format_change_interval(low, high));
    match compared.evidence {
        _ if compared.test.is_some_and(|test| test.all_equal) => "no change".to_owned(),
        Evidence::Exact => "exact".to_owned(),
        Evidence::Confirmed | Evidence::Likely => match interval {
            Some(interval) => format!("{interval} {word}"),
            None => word,
        },
        _ => match (compared.samples_needed, compared.detectable_change) {
            (Some(needed), _) => format!("inconclusive: {needed} samples a side are needed"),
            (None, Some(seen)) if compared.band == Band::None => {
                format!("no change: {} would have been seen", percent(seen))
            }
            (None, Some(seen)) => format!("{word}: {} would have been seen", percent(seen)),
            (None, None) => word,
        },
    }
}

fn layout(table: &[Cells]) -> String {
    let width = |column: usize| {
        table
            .iter()
            .map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for cells in table {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let to_the_right = (1..=3).contains(&column);
            if column > 0 {
                line.push_str(GAP);
            }
            line.push_str(&if to_the_right {
                padding + cell
            } else {
                cell.clone() + &padding
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn sentence(judged: &Comparison) -> String {
    let count = |of: fn(&bench_verdict::comparison::Row) -> bool| {
        judged.rows.iter().filter(|row| of(row)).count()
    };
    let worse = count(|row| row.band.severity() > 0 && is_sure(row));
    let better = count(|row| row.band == Band::Improved && is_sure(row));
    let verdict = match judged.status {
        Status::Pass => "nothing got worse by more than the threshold",
        Status::Fail => "something got worse by more than the threshold",
        Status::Inconclusive => "the samples cannot decide",
        Status::Incomplete => "something is missing on one side",
        Status::Incomparable => "the sides come from different environments",
    };
    let mut text = format!(
        "{verdict} (exit {}); of {} series {worse} confirmed worse, {better} confirmed better\n",
        judged.exit_code.code(),
        judged.rows.len(),
    );
    for reason in &judged.reasons {
        text.push_str(&format!("  {reason}\n"));
    }
    text
}

fn is_sure(row: &bench_verdict::comparison::Row) -> bool {
    matches!(row.evidence, Evidence::Confirmed | Evidence::Exact)
}
