//! A comparison as CSV, in the columns and the layout of `benchstat -format csv`.

use std::collections::HashMap;

use bench_verdict::compare::Compared;
use bench_verdict::stats::geomean::geomean;
use bench_verdict::stats::sample::Sample;
use bench_verdict::stats::summary::{self, MIN_SAMPLES, Summary, summary};

use super::pair::{Pair, Paired};
use super::side::Measured;
use super::unit::{Shown, shown};

/// The CSV, and what benchstat says on standard error, each with the cell that it speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct Csv {
    /// The tables.
    pub text: String,
    /// The warnings, one a line.
    pub warnings: String,
}

/// The rows of one unit under one configuration, in the order in which they were met.
pub(super) struct Group<'a> {
    pub(super) config: Vec<(&'static str, String)>,
    pub(super) shown: Shown,
    pub(super) rows: Vec<&'a Paired>,
}

/// Groups rows as benchstat does: by what stands above the results, then by unit.
pub(super) fn groups(pair: &Pair) -> Vec<Group<'_>> {
    let mut order: HashMap<&[(&str, String)], usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in &pair.rows {
        let Some(any) = row.any() else { continue };
        let next = order.len();
        order.entry(&any.config).or_insert(next);
        let shown = row
            .old
            .iter()
            .chain(&row.new)
            .map(shown)
            .find(|shown| shown.unit != any.metric)
            .unwrap_or_else(|| shown(any));
        let found = groups
            .iter_mut()
            .find(|group| group.config == any.config && group.shown.unit == shown.unit);
        match found {
            Some(group) => group.rows.push(row),
            None => groups.push(Group {
                config: any.config.clone(),
                shown,
                rows: vec![row],
            }),
        }
    }
    groups.sort_by_key(|group| order.get(group.config.as_slice()).copied());
    groups
}

/// The name of a row: `Encode/format=json/size=1k-8`.
pub(super) fn row_name(measured: &Measured) -> String {
    let mut name = measured.benchmark.clone();
    for (key, value) in measured.params.iter().filter(|(key, _)| *key != "cpu") {
        name.push('/');
        if key != "case" {
            name.push_str(key);
            name.push('=');
        }
        name.push_str(value);
    }
    if let Some(cpu) = measured.params.get("cpu") {
        name.push('-');
        name.push_str(cpu);
    }
    name
}

/// One side of a row in the unit that is shown.
pub(super) fn cell(shown: &Shown, side: Option<&Measured>) -> Option<Summary> {
    let values: Vec<f64> = side?
        .samples
        .iter()
        .map(|sample| shown.value(*sample))
        .collect();
    Some(summary(&Sample::new(&values).ok()?))
}

/// `3%`, `∞` where there is no interval, `?` where no percentage describes it.
pub(super) fn spread_text(summary: &Summary) -> String {
    match (summary.interval, summary.spread()) {
        (None, _) => "∞".to_owned(),
        (Some(_), None) => "?".to_owned(),
        (Some(_), Some(spread)) => format!("{:.0}%", 100.0 * spread),
    }
}

/// `+11.01%`, `~` for no difference, `?` for one from zero.
pub(super) fn delta_text(compared: &Compared) -> String {
    let (old, new) = (compared.old.median, compared.new.median);
    if !compared.is_significant() {
        "~".to_owned()
    } else if old == new {
        "0.00%".to_owned()
    } else {
        compared
            .delta()
            .map_or_else(|| "?".to_owned(), |delta| format!("{:+.2}%", 100.0 * delta))
    }
}

/// `p=0.002 n=6`, or `n=6` of a count.
pub(super) fn p_text(compared: &Compared) -> String {
    let (old, new) = (compared.old.n, compared.new.n);
    let n = if old == new {
        format!("n={old}")
    } else {
        format!("n={old}+{new}")
    };
    match compared.test {
        Some(test) => format!("p={:.3} {n}", test.p),
        None => n,
    }
}

/// The geometric means of a group: of each side's centres, and of the ratios. `Err` holds why there
/// is none.
pub(super) struct Means {
    pub(super) old: Result<f64, &'static str>,
    pub(super) new: Result<f64, &'static str>,
    pub(super) ratio: Option<f64>,
    pub(super) sets_differ: bool,
    pub(super) has_new: bool,
    pub(super) has_old: bool,
}

/// Why a mean is missing.
const NOT_POSITIVE: &str = "summaries must be >0 to compute geomean";
/// What a mean over different sets deserves.
pub(super) const SETS_DIFFER: &str =
    "benchmark set differs from baseline; geomeans may not be comparable";

pub(super) fn means(group: &Group<'_>) -> Means {
    let centres = |side: fn(&Paired) -> Option<&Measured>| {
        let centres = group
            .rows
            .iter()
            .filter_map(|row| cell(&group.shown, side(row)));
        centres.map(|summary| summary.median).collect::<Vec<f64>>()
    };
    let (old, new) = (
        centres(|row| row.old.as_ref()),
        centres(|row| row.new.as_ref()),
    );
    let ratios: Vec<f64> = group
        .rows
        .iter()
        .filter(|row| row.compared.is_some())
        .filter_map(|row| {
            let old = cell(&group.shown, row.old.as_ref())?.median;
            let new = cell(&group.shown, row.new.as_ref())?.median;
            Some(if old == new { 1.0 } else { new / old })
        })
        .collect();
    let finite = ratios.iter().all(|ratio| ratio.is_finite());
    Means {
        has_old: !old.is_empty(),
        has_new: !new.is_empty(),
        sets_differ: ratios.len() != old.len(),
        ratio: geomean(&ratios).filter(|_| finite),
        old: geomean(&old).ok_or(NOT_POSITIVE),
        new: geomean(&new).ok_or(NOT_POSITIVE),
    }
}

/// The warnings of one side's summary.
pub(super) fn summary_warning(summary: &Summary) -> Option<String> {
    summary.interval.is_none().then(|| {
        let level = summary::CONFIDENCE;
        format!("need >= {MIN_SAMPLES} samples for confidence interval at level {level}")
    })
}

/// The warnings of a comparison.
pub(super) fn compared_warning(compared: &Compared) -> Option<String> {
    let test = compared.test?;
    let alpha = bench_verdict::compare::ALPHA;
    let needed = bench_verdict::stats::mann_whitney::samples_needed(alpha);
    if test.all_equal {
        Some("all samples are equal".to_owned())
    } else if test.p > alpha && compared.old.n < needed && compared.new.n < needed {
        Some(format!(
            "need >= {needed} samples to detect a difference at alpha level {alpha}"
        ))
    } else {
        None
    }
}

/// Writes the tables.
pub fn to_csv(pair: &Pair) -> Csv {
    let mut out = Writer {
        text: String::new(),
        warnings: String::new(),
        line: 1,
    };
    let mut above: Vec<(&str, String)> = Vec::new();
    for (index, group) in groups(pair).iter().enumerate() {
        if index > 0 {
            out.row(&[]);
        }
        for (key, value) in &group.config {
            let is_new = !above
                .iter()
                .any(|(other, text)| other == key && text == value);
            if is_new {
                out.row(&[format!("{key}: {value}")]);
            }
        }
        above.clone_from(&group.config);
        table(pair, group, &mut out);
    }
    Csv {
        text: out.text,
        warnings: out.warnings,
    }
}

fn table(pair: &Pair, group: &Group<'_>, out: &mut Writer) {
    let has = |side: fn(&&&Paired) -> bool| group.rows.iter().any(|row| side(&row));
    let has_old = has(|row| row.old.is_some());
    let has_new = has(|row| row.new.is_some());
    let both = has_old && has_new;
    let text = str::to_owned;
    let unit = &group.shown.unit;
    let mut names = vec![String::new()];
    let mut heads = vec![String::new()];
    for (has_side, side) in [(has_old, &pair.old), (has_new, &pair.new)] {
        if has_side {
            names.extend([side.name.clone(), String::new()]);
            heads.extend([unit.clone(), text("CI")]);
        }
    }
    names.pop();
    if both {
        names.extend([String::new(), String::new(), String::new()]);
        heads.extend([text("vs base"), text("P")]);
    }
    out.row(&names);
    out.row(&heads);
    for row in &group.rows {
        let Some(any) = row.any() else { continue };
        let mut cells = vec![row_name(any)];
        let sides = [(has_old, row.old.as_ref()), (has_new, row.new.as_ref())];
        for (_, side) in sides.iter().filter(|(has_side, _)| *has_side) {
            let Some(summary) = cell(&group.shown, *side) else {
                cells.extend([String::new(), String::new()]);
                continue;
            };
            out.warn(cells.len(), summary_warning(&summary));
            cells.extend([go_number(summary.median), spread_text(&summary)]);
        }
        if let Some(compared) = &row.compared {
            out.warn(cells.len(), compared_warning(compared));
            cells.extend([delta_text(compared), p_text(compared)]);
        }
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        out.row(&cells);
    }
    let means = means(group);
    let mut cells = vec![text("geomean")];
    if means.has_old {
        out.warn(cells.len(), means.old.err().map(text));
        cells.extend([
            means.old.map_or_else(|_| String::new(), go_number),
            String::new(),
        ]);
    }
    if means.has_new {
        out.warn(
            cells.len(),
            (both && means.sets_differ).then(|| text(SETS_DIFFER)),
        );
        out.warn(cells.len(), means.new.err().map(text));
        cells.extend([
            means.new.map_or_else(|_| String::new(), go_number),
            String::new(),
        ]);
    }
    if both {
        let ratio = means
            .ratio
            .map(|ratio| format!("{:+.2}%", 100.0 * (ratio - 1.0)));
        cells.extend([ratio.unwrap_or_else(|| text("?")), String::new()]);
    }
    out.row(&cells);
}

struct Writer {
    text: String,
    warnings: String,
    line: usize,
}

impl Writer {
    fn row(&mut self, cells: &[String]) {
        let quoted: Vec<String> = cells
            .iter()
            .map(|cell| {
                if cell.contains([',', '"', '\n', '\r']) {
                    format!("\"{}\"", cell.replace('"', "\"\""))
                } else {
                    cell.clone()
                }
            })
            .collect();
        self.text.push_str(&quoted.join(","));
        self.text.push('\n');
        self.line += 1;
    }

    fn warn(&mut self, column: usize, warning: Option<String>) {
        if let Some(warning) = warning {
            let letter = char::from(b'A' + u8::try_from(column).unwrap_or(0).min(25));
            self.warnings
                .push_str(&format!("{letter}{}: {warning}\n", self.line));
        }
    }
}

/// A number as Go's `%v` prints it: the shortest digits that give it back, with an exponent below
/// 1e-4 and from 1e6 on.
fn go_number(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value == 0.0 || (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        let check = [
            (0.0, "0"),
            (4_194_304.0, "4.194304e+06"),
            (109_857.4, "109857.4"),
            (0.000_220_499_294_163_875_96, "0.00022049929416387596"),
            (1.5185000000000001e-05, "1.5185000000000001e-05"),
            (67.35, "67.35"),
            (-2e9, "-2e+09"),
        ];
        for (value, text) in check {
            assert_eq!(go_number(value), text);
        }
    }
}
