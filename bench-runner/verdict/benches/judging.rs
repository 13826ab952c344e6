//! `cargo bench -p bench-verdict --bench judging`: what judging takes on one core, each as the
//! median of many rounds, beside its bar. It is processor time, so that a busy machine can be
//! measured on; where the system does not tell it, wall time. Without `--bench` (as `cargo test --benches` calls it) one round shows that it runs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bench_report::metric::Direction;
use bench_verdict::analyze::analyze;
use bench_verdict::compare::{Question, compare};
use bench_verdict::evidence::Thresholds;
use bench_verdict::history::{History, Metric, Night};
use bench_verdict::inputs::Inputs;
use bench_verdict::stats::random::Random;
use bench_verdict::stats::sample::Sample;
use bench_verdict::tonight::{State, replay, tonight};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Series of a run.
const SERIES: usize = 500;

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        30
    } else {
        1
    };
    let four_hundred: Vec<History> = (0..20).map(|seed| history(seed, 400)).collect();
    let one = median(rounds, || {
        four_hundred.iter().for_each(|history| {
            black_box(analyze(history));
        });
    }) / 20;
    row(
        "a history of 400 nights, replayed",
        one,
        Duration::from_millis(5),
    );

    // Both end half way between two steps, where a night has most to look at.
    let years = |years: usize| {
        let nights: Vec<(History, State)> = (0..20)
            .map(|seed| half_year(seed, 360 * years + 45))
            .collect();
        median(rounds, || {
            for series in 0..SERIES {
                let (history, state) = &nights[series % nights.len()];
                black_box(one_night(history, state.clone()));
            }
        })
    };
    let (short, long) = (years(1), years(5));
    let bar = Duration::from_millis(200);
    row("a night of 500 series after five years", long, bar);
    let growth = long.as_secs_f64() / short.as_secs_f64();
    println!("    {growth:.2} times what it takes after one year");

    // 500 benchmarks, three metrics each, ten samples a side.
    let pairs: Vec<(Sample, Sample)> = (0..3 * SERIES as u64)
        .filter_map(|seed| Some((sample(seed, 1.0)?, sample(seed + 7_919, 1.02)?)))
        .collect();
    let question = Question::new(Direction::Lower);
    let all = median(rounds, || {
        for (old, new) in &pairs {
            black_box(compare(old, new, &question));
        }
    });
    let what = format!("two files of {} samples, compared", 20 * pairs.len());
    row(&what, all, Duration::from_millis(10));
}

/// What a night costs on the server: the hash of its inputs, then all four statements.
fn one_night(history: &History, mut state: State) -> usize {
    let hash = Inputs {
        metric: history.metric(),
        nights: history.nights(),
        state: &state,
        window: &[],
        is_count: false,
    }
    .hash();
    let night = tonight(history, &mut state, &Thresholds::default());
    usize::from(night.is_some()) + (hash.0 & 1) as usize
}

/// The last nights of a long history, and what the night before the last left.
fn half_year(seed: u64, nights: usize) -> (History, State) {
    let long = history(seed, nights);
    let thresholds = Thresholds::default();
    let (last, before) = (long.nights().to_vec(), long.nights()[..nights - 1].to_vec());
    let state = replay(&History::new(before, *long.metric()), &thresholds);
    let window = last[nights.saturating_sub(thresholds.window())..].to_vec();
    (History::new(window, *long.metric()), state)
}

/// Noise of 2%, a step of 8% either way every 90 nights.
fn history(seed: u64, nights: usize) -> History {
    let mut random = Random::new(seed);
    let night = |at: usize| {
        let level = if (at / 90).is_multiple_of(2) {
            1000.0
        } else {
            1080.0
        };
        let noise: f64 = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        Night {
            time_ms: at as i64 * DAY_MS,
            value: level * (0.02 * noise).exp(),
            epoch: 0,
        }
    };
    History::new(
        (0..nights).map(night).collect(),
        Metric::new(Direction::Lower),
    )
}

fn sample(seed: u64, level: f64) -> Option<Sample> {
    let mut random = Random::new(seed);
    let values: Vec<f64> = (0..10)
        .map(|_| level * (1.0 + 0.05 * random.unit()))
        .collect();
    Sample::new(&values).ok()
}

/// The median time of a round, after one that warms up.
fn median(rounds: usize, mut round: impl FnMut()) -> Duration {
    round();
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let (start, wall) = (on_processor(), Instant::now());
            round();
            match (start, on_processor()) {
                (Some(start), Some(end)) => end.saturating_sub(start),
                _ => wall.elapsed(),
            }
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// How long this thread has run so far; Linux says it.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

fn row(what: &str, took: Duration, bar: Duration) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let word = if took <= bar { "within" } else { "BEYOND" };
    println!("{:9.3} ms  {word} {:.0} ms  {what}", ms(took), ms(bar));
}
