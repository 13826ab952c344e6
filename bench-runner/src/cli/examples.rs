//! Examples at the end of each command's help: what it is used for, ready to be pasted.

use clap::Command;

use crate::output::{WIDTH, hanging, wrapped};

/// A command, by its path below the program, and its examples.
type Examples = (&'static [&'static str], &'static str);

const ALL: &[Examples] = &[
    (
        &["list"],
        "  bench-runner list                 names, params, metrics and targets, for people
  bench-runner list --json          the same for programs",
    ),
    (
        &["run"],
        "  bench-runner run --quick                              everything in a minute
  bench-runner run --bench 'Concurrency.*cpu=2' --benchtime 10s --count 10
  bench-runner run --benchtime 1000x --count 3 --text -  benchstat reads the text
  bench-runner run --out report.json --json             the report in a file and on the terminal
  bench-runner run --bench ProcessingLatency --cpuprofile cpu.svg --memprofile mem.pb.gz
  bench-runner run --bench Concurrency --cpu 2 --lockprofile lock.svg --trace trace.json
  bench-runner run --bench ProcessingLatency --cpu 1 --instructions
  bench-runner run --soak 10m                           does memory grow under load?
  bench-runner run --exec 'go test -bench=. ./...' --upload --server https://bench.example.org
  bench-runner run --exec 'cargo bench' --exec-results target/criterion --out report.json

A profile is taken in a pass of its own after the measuring, and goes with the report on --upload.
Functions that were inlined have names where the program was built with line tables
(cargo build --profile measure).",
    ),
    (
        &["upload"],
        "  bench-runner upload report.json --server https://bench.example.org
  bench-runner upload               what waits in the spool
  bench-runner upload --backfill old/*.json",
    ),
    (
        &["import"],
        "  bench-runner import --format go bench.txt --out report.json --commit 3f2a9c1d --as nightly
  bench-runner import target/criterion --out report.json",
    ),
    (
        &["baseline"],
        "  bench-runner baseline             runs the whole suite, writes baseline_metrics.json
  bench-runner baseline monday.json tuesday.json --out baseline.json
  bench-runner baseline report.json --format aibrix",
    ),
    (
        &["gate"],
        "  bench-runner gate --run 412 --server https://bench.example.org
  bench-runner gate --run 412 --fail-on critical --threshold 0.2 --json
  bench-runner gate --pull 12 --format markdown",
    ),
    (
        &["check"],
        "  bench-runner check --baseline baseline_metrics.json --current report.json
  bench-runner check --baseline old.txt --current new.txt --threshold 0.05 --format markdown",
    ),
    (
        &["compare"],
        "  bench-runner compare old.txt new.txt
  bench-runner compare main=a.json pull=b.json --format csv",
    ),
    (
        &["analyze"],
        "  bench-runner analyze history.csv
  bench-runner analyze - --format json",
    ),
    (
        &["bridge"],
        "  bench-runner bridge --environment ci-a --cpu 1,2 --rounds 6
  bench-runner bridge --revision v1.4.0 --server https://bench.example.org",
    ),
    (
        &["accept"],
        "  bench-runner accept --release v1.4.0 --reason 'released'
  bench-runner accept --series 'KVEventConcurrency * cpu=2' --reason 'the price of fairness'",
    ),
    (
        &["explain"],
        "  bench-runner explain --run 412 --series 'KVEventConcurrency latency_p99 cpu=2'
  bench-runner explain --run 412 --series 7 --format json",
    ),
    (
        &["doctor"],
        "  bench-runner doctor               what is wrong here, and a probe of 10 seconds
  bench-runner doctor --probe 60s
  bench-runner doctor --json        the same for programs",
    ),
    (
        &["man"],
        "  bench-runner man run              the page of one command: pipe it to man -l -
  bench-runner man --out ~/.local/share/man/man1",
    ),
    (
        &["completions"],
        "  bench-runner completions bash     put it into ~/.local/share/bash-completion/completions/bench-runner
  bench-runner completions zsh      put it into a folder of $fpath, as _bench-runner
  bench-runner completions fish     put it into ~/.config/fish/completions/bench-runner.fish",
    ),
    (
        &["feed", "publish"],
        "  bench-runner feed publish --bind tcp://127.0.0.1:5557 --rate 1000
  bench-runner feed publish --batches 0 --form map",
    ),
    (
        &["feed", "subscribe"],
        "  bench-runner feed subscribe --connect tcp://10.0.0.7:5557 --replay tcp://10.0.0.7:5558
  bench-runner feed subscribe --connect tcp://127.0.0.1:5557 --idle-exit 3s --record stream.kvrec",
    ),
    (
        &["feed", "replay"],
        "  bench-runner feed replay stream.kvrec",
    ),
];

/// The command with examples at the end of its own help and that of those below it, all of it laid
/// out for terminals of 80 columns.
pub(super) fn add(command: Command) -> Command {
    let command = ALL.iter().fold(command, |command, (path, text)| {
        within(command, path, &format!("Examples:\n{text}"))
    });
    laid_out(command)
}

fn laid_out(command: Command) -> Command {
    let after = command
        .get_after_help()
        .map(|text| layout(&text.to_string()));
    let command = match after {
        Some(after) => command.after_help(after),
        None => command,
    };
    command.mut_subcommands(laid_out)
}

/// Prose is wrapped as paragraphs. Of an example that is too long, what it does stands above it, and
/// it is broken as a shell takes it; any other indented line is wrapped behind its first column.
fn layout(text: &str) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    for line in text.lines().chain([""]) {
        let is_prose = !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
        if is_prose {
            paragraph.push_str(line);
            paragraph.push(' ');
            continue;
        }
        if !paragraph.is_empty() {
            out.push_str(&hanging("", &paragraph));
            paragraph.clear();
        }
        out.push_str(&indented(line));
    }
    out.trim_end().to_owned()
}

fn indented(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return format!("{line}\n");
    }
    let (first, second) = line
        .trim_start()
        .split_once("  ")
        .map_or((line.trim_start(), ""), |(first, second)| {
            (first, second.trim())
        });
    if !line.starts_with(' ') {
        return hanging("", line);
    }
    if !first.contains(' ') {
        return hanging(&format!("  {first}  "), second);
    }
    let mut out = match second {
        "" => String::new(),
        what => hanging("  # ", what),
    };
    // A blank within quotes is none at which a shell would let it be broken.
    let glued = |part: (usize, &str)| match part.0 % 2 {
        1 => part.1.replace(' ', "\u{1}"),
        _ => part.1.to_owned(),
    };
    let parts: Vec<String> = first.split('\'').enumerate().map(glued).collect();
    let lines = wrapped(&parts.join("'"), WIDTH - 6);
    out.push_str(&format!("  {}\n", lines.join(" \\\n    ")).replace('\u{1}', " "));
    out
}

fn within(command: Command, path: &[&str], text: &str) -> Command {
    let Some((first, rest)) = path.split_first() else {
        // What a command says there by itself stays.
        let text = match command.get_after_help() {
            Some(own) => format!("{text}\n\n{own}"),
            None => text.to_owned(),
        };
        return command.after_help(text);
    };
    if command.find_subcommand(first).is_none() {
        return command;
    }
    command.mut_subcommand(*first, |inner| within(inner, rest, text))
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

    /// Words as a shell takes them apart; only single quotes are used.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (number, part) in line.split('\'').enumerate() {
            if number % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words
    }

    #[test]
    fn every_example_is_a_command_that_can_be_given() {
        for (path, text) in ALL {
            assert!(text.contains("  bench-runner "), "{path:?}");
            for line in text
                .lines()
                .filter(|line| line.starts_with("  bench-runner "))
            {
                // What it does stands behind two blanks.
                let given = line.trim_start().split("  ").next().unwrap_or_default();
                let outcome = command().try_get_matches_from(words(given));
                assert!(
                    outcome.is_ok(),
                    "{given}: {}",
                    outcome.err().map_or_else(String::new, |e| e.to_string())
                );
            }
        }
    }

    #[test]
    fn help_is_laid_out_for_narrow_terminals() {
        insta::assert_snapshot!(layout("\
Examples:
  bench-runner list                 names, params and metrics
  bench-runner run --exec 'go test -bench=. ./...' --upload --server https://bench.example.org
  bench-runner completions bash     put it into ~/.local/share/bash-completion/completions

Prose that was broken for an editor of a hundred columns goes on
on the next line as if it had not been.
  4  coverage incomplete: something expected is missing or failed, or nothing could be compared"), @r"
        Examples:
          bench-runner list                 names, params and metrics
          bench-runner run --exec 'go test -bench=. ./...' --upload --server \
            https://bench.example.org
          # put it into ~/.local/share/bash-completion/completions
          bench-runner completions bash

        Prose that was broken for an editor of a hundred columns goes on on the next
        line as if it had not been.
          4  coverage incomplete: something expected is missing or failed, or nothing
             could be compared
        ");
        fn check(command: &Command) {
            let after = command.get_after_help().map(ToString::to_string);
            for line in after.iter().flat_map(|text| text.lines()) {
                assert!(
                    line.chars().count() <= WIDTH,
                    "{}: {line}",
                    command.get_name()
                );
            }
            let usage = command.clone().render_usage().to_string();
            for line in usage.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
            command.get_subcommands().for_each(check);
        }
        let mut command = command();
        // So that each usage line begins with the program's name.
        command.build();
        check(&command);
    }

    #[test]
    fn every_command_shows_how_it_is_used() {
        fn check(command: &Command, path: &str) {
            let inner: Vec<&Command> = command
                .get_subcommands()
                .filter(|inner| inner.get_name() != "help")
                .collect();
            let path = format!("{path} {}", command.get_name());
            for &inner in &inner {
                check(inner, &path);
            }
            if inner.is_empty() {
                let help = command.clone().render_long_help().to_string();
                assert!(help.contains("xample"), "{path} has no example\n{help}");
            }
        }
        check(&command(), "");
    }
}
