//! Call stacks with two weights each, of all benchmarks of a pass.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use bench_report::report::ArtifactKind;
use bench_report::report::limits::ARTIFACT_BYTES;
use bench_report::write::flame::{Flame, Row, Stacks, Style, Weight, draw, percent};

/// Rows of the table in the terminal.
const TOP: usize = 20;
/// Width of a flame graph by itself, pixels.
const WIDTH: u32 = 1_600;

/// What a profile is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Processor time, and ticks.
    Cpu,
    /// Bytes allocated, and allocations.
    Heap,
    /// Time waited, and waits.
    Locks,
}

/// One of a profile's two weights, as it is shown by itself.
#[derive(Debug, Clone, Copy)]
pub struct Side {
    /// Which of the weights.
    pub at: usize,
    /// What the artifact is called.
    pub artifact: &'static str,
    /// What is added to a file's name, before its ending.
    pub suffix: &'static str,
    /// What the weights are.
    pub weight: Weight,
    /// What a flame graph of it is called.
    pub title: &'static str,
}

/// Stacks, outermost first, the first frame being the benchmark.
#[derive(Debug)]
pub struct Profile {
    /// What it is of.
    pub sort: Sort,
    stacks: BTreeMap<Vec<Rc<str>>, [u64; 2]>,
    notes: Vec<String>,
}

impl Sort {
    /// The weights that are worth a picture of their own.
    pub fn sides(self) -> &'static [Side] {
        const fn side(at: usize, names: [&'static str; 3], weight: Weight) -> Side {
            let [artifact, suffix, title] = names;
            Side {
                at,
                artifact,
                suffix,
                weight,
                title,
            }
        }
        match self {
            Sort::Cpu => const { &[side(0, ["cpu", "", "Processor time"], Weight::Time)] },
            Sort::Heap => {
                const {
                    &[
                        side(0, ["heap", "", "Bytes allocated"], Weight::Bytes),
                        side(
                            1,
                            ["heap-objects", "-objects", "Allocations"],
                            Weight::Objects,
                        ),
                    ]
                }
            }
            Sort::Locks => {
                const { &[side(0, ["lock", "", "Time waited for locks"], Weight::Time)] }
            }
        }
    }

    /// How its artifacts are served.
    pub fn artifact_kind(self) -> ArtifactKind {
        match self {
            Sort::Cpu => ArtifactKind::CpuStacks,
            Sort::Heap => ArtifactKind::HeapStacks,
            Sort::Locks => ArtifactKind::LockStacks,
        }
    }

    /// Names and units of both weights, as pprof has them.
    pub(super) fn pprof_types(self) -> [(&'static str, &'static str); 2] {
        match self {
            Sort::Cpu => [("cpu", "nanoseconds"), ("samples", "count")],
            Sort::Heap => [("alloc_space", "bytes"), ("alloc_objects", "count")],
            Sort::Locks => [("delay", "nanoseconds"), ("contentions", "count")],
        }
    }

    /// What to say where nothing was found.
    pub fn nothing(self) -> &'static str {
        match self {
            Sort::Cpu => {
                "no processor time was seen: nothing is written; a longer --benchtime helps"
            }
            Sort::Heap => "nothing was allocated: nothing is written",
            Sort::Locks => "nobody waited for a lock: nothing is written",
        }
    }
}

impl Profile {
    /// Without stacks.
    pub fn new(sort: Sort) -> Self {
        Self {
            sort,
            stacks: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Adds to a stack of a benchmark.
    pub fn add(&mut self, benchmark: &str, frames: Vec<Rc<str>>, weights: [u64; 2]) {
        let mut stack: Vec<Rc<str>> = Vec::with_capacity(frames.len() + 1);
        stack.push(benchmark.into());
        stack.extend(frames);
        let sums = self.stacks.entry(stack).or_default();
        sums[0] += weights[0];
        sums[1] += weights[1];
    }

    /// Adds a sentence about what is not in it.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.stacks.values().all(|weights| weights[0] == 0)
    }

    pub(super) fn stacks(&self) -> &BTreeMap<Vec<Rc<str>>, [u64; 2]> {
        &self.stacks
    }

    /// One weight as folded stacks, short enough to be sent: where there is too much of it, the
    /// lightest stacks are counted together.
    pub fn folded(&self, side: usize) -> String {
        let mut lines: Vec<(String, u64)> = self
            .stacks
            .iter()
            .filter(|(_, weights)| weights[side] > 0)
            .map(|(stack, weights)| (stack.join(";"), weights[side]))
            .collect();
        // Room for the weight, its blank and the line's end.
        let length = |(stack, _): &(String, u64)| stack.len() + 22;
        let room = ARTIFACT_BYTES - 100;
        if lines.iter().map(length).sum::<usize>() > room {
            lines.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
            let mut taken = 0;
            let fits = |line: &&(String, u64)| {
                taken += length(line);
                taken <= room
            };
            let kept = lines.iter().take_while(fits).count();
            let rest = lines[kept..].iter().map(|(_, weight)| weight).sum();
            lines.truncate(kept);
            lines.push(("(lighter stacks, left out)".to_owned(), rest));
        }
        let mut text = String::new();
        for (stack, weight) in lines {
            let _ = writeln!(text, "{stack} {weight}");
        }
        text
    }

    /// A flame graph of one weight, as a file by itself.
    pub fn svg(&self, side: &Side) -> String {
        let flame = Flame {
            title: side.title,
            weight: side.weight,
            width: WIDTH,
            frame: None,
            style: Style::Whole,
        };
        match Stacks::read(self.folded(side.at).as_bytes()) {
            Ok(stacks) => draw(&stacks, &flame).svg,
            Err(error) => format!("<!-- {error} -->\n"),
        }
    }

    /// The functions that have most of it by themselves, as a table.
    pub fn top(&self) -> String {
        let mut text = String::new();
        for side in self.sort.sides() {
            let Ok(stacks) = Stacks::read(self.folded(side.at).as_bytes()) else {
                continue;
            };
            let total = side.weight.text(stacks.total());
            let _ = writeln!(text, "{}, {total}; most of it by itself in:", side.title);
            let mut rows = stacks.top(TOP);
            rows.retain(|row| row.own > 0);
            let cells: Vec<[String; 3]> = rows.iter().map(|row| cells(row, side.weight)).collect();
            let width = |cell: usize| {
                cells
                    .iter()
                    .map(|c| c[cell].chars().count())
                    .max()
                    .unwrap_or(0)
            };
            let widths = [width(0).max(3), width(1).max(3), width(2).max(5)];
            let _ = writeln!(
                text,
                "  {:>a$}  {:>b$}  {:>c$}  function",
                "own",
                "",
                "total",
                a = widths[0],
                b = widths[1],
                c = widths[2]
            );
            for (row, [share, own, total]) in rows.iter().zip(&cells) {
                let _ = writeln!(
                    text,
                    "  {share:>a$}  {own:>b$}  {total:>c$}  {}",
                    row.name,
                    a = widths[0],
                    b = widths[1],
                    c = widths[2]
                );
            }
        }
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        text.trim_end().to_owned()
    }
}

fn cells(row: &Row, weight: Weight) -> [String; 3] {
    [
        percent(row.own_share),
        weight.text(row.own),
        percent(row.total_share),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn profile(sort: Sort) -> Profile {
        let mut profile = Profile::new(sort);
        let frames = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
        profile.add(
            "KVEvent cpu=1",
            frames(&["bench_runner::a", "kv_indexer::b"]),
            [3_000, 2],
        );
        profile.add("KVEvent cpu=1", frames(&["bench_runner::a"]), [1_000, 1]);
        profile
    }

    #[test]
    fn the_table_in_the_terminal_is_aligned() {
        insta::assert_snapshot!(profile(Sort::Heap).top(), @r"
        Bytes allocated, 4,000 B; most of it by itself in:
            own            total  function
          75.0%  3,000 B   75.0%  kv_indexer::b
          25.0%  1,000 B  100.0%  bench_runner::a
        Allocations, 3 allocations; most of it by itself in:
            own                  total  function
          66.7%  2 allocations   66.7%  kv_indexer::b
          33.3%   1 allocation  100.0%  bench_runner::a
        ");
    }

    #[test]
    fn stacks_that_are_too_many_to_send_are_thinned_and_nothing_is_lost() {
        let mut profile = Profile::new(Sort::Cpu);
        let long = "f".repeat(1_000);
        for n in 0..12_000_u64 {
            profile.add(
                "KVEvent",
                vec![format!("{long}{n}").as_str().into()],
                [n + 1, 1],
            );
        }
        let folded = profile.folded(0);
        assert!(folded.len() <= ARTIFACT_BYTES, "{}", folded.len());
        let total: u64 = folded
            .lines()
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
            .sum();
        assert_eq!(total, 12_000 * 12_001 / 2);
        assert!(folded.contains("(lighter stacks, left out) "));
    }
}
