use bench_verdict::exit::Status;
use bench_verdict::gate::GateOptions;
use jiff::Timestamp;

use super::*;
use crate::output::Style;

/// A day after every fixture.
fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// A file of `tests/fixtures`.
fn fixture(path: &str) -> String {
    format!("{}/tests/fixtures/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn compared(example: &str) -> Pair {
    let side = |name: &str| {
        let path = fixture(&format!("benchstat/{example}-{name}.txt"));
        load(&format!("{name}={path}"), now()).unwrap()
    };
    compare(side("old"), side("new"), &GateOptions::default()).unwrap()
}

/// Cell by cell; numbers to twelve digits, for the last ones depend on the library's logarithm.
fn assert_same_cells(got: &str, want: &str) {
    assert_eq!(got.lines().count(), want.lines().count(), "{got}");
    for (got_line, want_line) in got.lines().zip(want.lines()) {
        let same = got_line.split(',').count() == want_line.split(',').count()
            && got_line
                .split(',')
                .zip(want_line.split(','))
                .all(
                    |(got, want)| match (got.parse::<f64>(), want.parse::<f64>()) {
                        (Ok(got), Ok(want)) => (got - want).abs() <= 1e-12 * want.abs(),
                        _ => got == want,
                    },
                );
        assert!(same, "{got_line}\n{want_line}");
    }
}

#[test]
fn csv_has_the_cells_of_benchstat() {
    for example in ["ex1-subbench", "ex2-zerovar", "ex3-fewsamples", "ex4-units"] {
        let want = std::fs::read_to_string(fixture(&format!("benchstat/{example}.out.csv")));
        assert_same_cells(&to_csv(&compared(example)).text, &want.unwrap());
    }
}

#[test]
fn csv_warns_of_what_benchstat_puts_into_footnotes() {
    let warnings = to_csv(&compared("ex3-fewsamples")).warnings;
    for warning in [
        "need >= 6 samples for confidence interval at level 0.95",
        "need >= 4 samples to detect a difference at alpha level 0.05",
        "benchmark set differs from baseline; geomeans may not be comparable",
        "all samples are equal",
    ] {
        assert!(warnings.contains(warning), "{warning}\n{warnings}");
    }
}

#[test]
fn the_table_shows_benchstats_numbers_and_what_they_decide() {
    let pair = compared("ex3-fewsamples");
    let judged = pair.judged(&GateOptions::default());
    assert_eq!(judged.status, Status::Incomplete);
    insta::assert_snapshot!(to_table(&pair, &judged, Style::Plain), @"
    goos: linux
    goarch: amd64
    pkg: example.com/fast
    cpu: Test CPU @ 2.00GHz
    sec/op               old            new  vs base
    Single-8    1000.0n ± ∞¹    900.0n ± ∞¹        ~
        (p=1.000 n=1)²  inconclusive: 4 samples a side are needed
    Three-8     101.00n ± ∞¹    91.00n ± ∞¹        ~
        (p=0.100 n=3)²  inconclusive: 4 samples a side are needed
    Four-8      101.50n ± ∞¹    91.50n ± ∞¹   -9.85%
        (p=0.029 n=4)  −9.9% [−12.6, −7.0] improved, confirmed
    Five-8      102.00n ± ∞¹    92.00n ± ∞¹   -9.80%
        (p=0.008 n=5)  −9.8% [−12.5, −7.0] improved, confirmed
    Six-8       102.50n ± 2%    92.50n ± 3%   -9.76%
        (p=0.002 n=6)  −9.8% [−12.4, −7.0] improved, confirmed
    OnlyOld-8    9.000n ± ∞¹  not available
        only on one side
    OnlyNew-8  not available    9.000n ± ∞¹
        only on one side
    geomean           99.40n         91.16n  -9.86%³

    B/op             old         new  vs base                  effect, verdict
    Single-8  5.000 ± ∞¹  5.000 ± ∞¹        ~  (p=1.000 n=1)⁴  no change

    ¹ need >= 6 samples for confidence interval at level 0.95
    ² need >= 4 samples to detect a difference at alpha level 0.05
    ³ benchmark set differs from baseline; geomeans may not be comparable
    ⁴ all samples are equal

    something is missing on one side (exit 4); of 6 series 0 confirmed worse, 3
    confirmed better
      1 of 7 expected series missing: OnlyOld ns/op cpu=8; new: OnlyNew ns/op cpu=8
      Single ns/op cpu=8: 1 sample a side cannot decide, 4 are needed
      Single B/op cpu=8: 1 sample a side cannot decide, 4 are needed
      Three ns/op cpu=8: 3 samples a side cannot decide, 4 are needed
    ");
}

#[test]
fn every_difference_of_zero_and_constant_samples_is_told() {
    let pair = compared("ex2-zerovar");
    insta::assert_snapshot!(to_table(&pair, &pair.judged(&GateOptions::default()), Style::Plain), @"
    goos: linux
    goarch: amd64
    pkg: example.com/fast
    cpu: Test CPU @ 2.00GHz
    sec/op                 old          new  vs base
    Const-8        100.0n ± 0%  100.0n ± 0%        ~
        (p=1.000 n=8)¹  no change
    ConstFaster-8  200.0n ± 0%  150.0n ± 0%  -25.00%
        (p=0.000 n=8)  −25.0% [−25.0, −25.0] improved, confirmed
    ZeroAlloc-8    50.00n ± 0%  50.00n ± 0%        ~
        (p=1.000 n=8)¹  no change
    GainsAlloc-8   50.00n ± 0%  60.00n ± 0%  +20.00%
        (p=0.000 n=8)  +20.0% [+20.0, +20.0] warning, confirmed
    Same-8         77.00n ± 0%  77.00n ± 0%        ~
        (p=1.000 n=8)¹  no change
    geomean             82.62n       80.90n   -2.09%

    B/op                     old            new  vs base
    Const-8           64.00 ± 0%     64.00 ± 0%        ~
        (p=1.000 n=8)¹  no change
    ConstFaster-8     64.00 ± 0%     32.00 ± 0%  -50.00%
        (p=0.000 n=8)  −50.0% [−50.0, −50.0] improved, confirmed
    ZeroAlloc-8       0.000 ± 0%     0.000 ± 0%        ~
        (p=1.000 n=8)¹  no change
    GainsAlloc-8       0.00 ± 0%     16.00 ± 0%        ?
        (p=0.000 n=8)  critical, confirmed
    Same-8            16.00 ± 0%     16.00 ± 0%        ~
        (p=1.000 n=8)¹  no change
    geomean        not available  not available       ?²

    allocs/op                old            new  vs base
    Const-8           2.000 ± 0%     2.000 ± 0%        ~
        (p=1.000 n=8)¹  no change
    ConstFaster-8     2.000 ± 0%     1.000 ± 0%  -50.00%
        (p=0.000 n=8)  −50.0% [−50.0, −50.0] improved, confirmed
    ZeroAlloc-8       0.000 ± 0%     0.000 ± 0%        ~
        (p=1.000 n=8)¹  no change
    GainsAlloc-8      0.000 ± 0%     1.000 ± 0%        ?
        (p=0.000 n=8)  critical, confirmed
    Same-8            1.000 ± 0%     1.000 ± 0%        ~
        (p=1.000 n=8)¹  no change
    geomean        not available  not available       ?²

    ¹ all samples are equal
    ² summaries must be >0 to compute geomean

    something got worse by more than the threshold (exit 1); of 15 series 3
    confirmed worse, 3 confirmed better
      GainsAlloc ns/op cpu=8: +20.0% against its baseline (warning), confirmed
      GainsAlloc B/op cpu=8: 16 B where the baseline is 0 (critical), confirmed
      GainsAlloc allocs/op cpu=8: 1 1/op where the baseline is 0 (critical),
      confirmed
    ");
}

#[test]
fn a_file_that_is_not_there_or_of_no_format_is_named() {
    let error = load("nowhere.txt", now()).unwrap_err().to_string();
    assert!(error.starts_with("nowhere.txt: "), "{error}");
    let readme = fixture("benchstat/README.md");
    let error = load(&readme, now()).unwrap_err().to_string();
    assert!(
        error.contains("it is of no known format: give a report"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.txt");
    std::fs::write(&empty, " \n").unwrap();
    let error = load(empty.to_str().unwrap(), now()).unwrap_err();
    let error = error.to_string();
    assert!(error.ends_with("empty.txt: it is empty: give a file with results"));
}

#[test]
fn aibrix_files_give_the_three_answers_of_their_own_check() {
    let side = |name: &str| load(&fixture(&format!("aibrix/{name}.json")), now()).unwrap();
    let checked =
        crate::check::check(side("baseline"), side("current"), &GateOptions::default()).unwrap();
    // Latency 1,100,001 > 1,000,000 x 1.1; throughput 9,000 = 10,000 x 0.9 and memory
    // 110 = 100 x 1.1 are at the edge and pass.
    assert_eq!(checked.verdict.status, Status::Fail);
    let reasons = &checked.verdict.reasons;
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(
        reasons[0].contains("event_processing_latency: +10.0%"),
        "{reasons:?}"
    );
    insta::assert_snapshot!(crate::check::to_table(&checked, Style::Plain), @"
    fail: something got worse (exit 1; fails above +10.0%, from band warning on)
      KVEventThroughput event_processing_latency: +10.0% against its baseline
      (warning)
    The files hold one value a series, so noise cannot be told from change and the
    band alone decides (--no-noise-guard).

    5 of 5 expected series measured
      series                                baseline    current  change  verdict
      KVEventThroughput event_processing_latency
                                            1,000 µs   1,100 µs  +10.0%  warning
      KVEventThroughput memory_usage_mb       100 MB     110 MB  +10.0%  warning
      KVEventThroughput events_per_second  10.00 k/s  9.000 k/s  +10.0%  warning
    change: + is worse; sees: the smallest change that these samples would show.
    2 series within 5% of their baseline
    ");
}
