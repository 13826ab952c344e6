//! `cargo bench --bench five_years`: what a server costs, held against its goals. First the small
//! things: an empty store, a whole page of one series and of fifty with a thousand nights. Then five
//! years of nightly runs of 500 series, stored one after the other as uploads are, with their
//! verdicts: what uploads and pages take, what a server needs while 50 clients browse, and how
//! readers scale.
//!
//! `-- --years N --series N --database FILE` change it; a database that has runs already is used as
//! it is, so that `--database FILE` makes the store once. `--only small|pages|server|readers` does a
//! part of it, `--page TEXT` only the addresses with that text in them. Without `--bench` (as
//! `cargo test --benches` calls it) two weeks of it show that it runs. Figures by the clock say
//! something on a machine that does nothing else; beside them stands the processor's time.
//!
//! # Layout
//! - here: what is measured in which order. `table`: goals, met or missed.
//! - `fill`: the nights, the pushes and the reports. `uploads`, `pages`, `readers`: in this process.
//! - `server`: in a process of its own, the program itself, whose memory knows nothing of the filling.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be made ends it"
)]

mod fill;
mod pages;
mod readers;
mod server;
mod table;
mod uploads;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kvmark::config::Config;
use kvmark::domain::Millis;
use kvmark::store::{Store, StoreOptions};
use kvmark::web::AppState;

use self::table::Table;

/// 2026-03-01T06:00:00Z: the last night.
const LAST: i64 = 1_772_344_800_000;

/// How it is measured.
struct Args {
    years: f64,
    series: usize,
    database: Option<PathBuf>,
    repeats: usize,
    only: Option<String>,
    page: Option<String>,
    measure: bool,
}

#[tokio::main]
async fn main() {
    let args = args();
    let does = |part: &str| args.only.as_deref().is_none_or(|only| only == part);
    let mut table = Table::default();
    let folder = tempfile::tempdir().unwrap();
    if does("small") {
        small(folder.path(), &args, &mut table).await;
    }
    let path = args
        .database
        .clone()
        .unwrap_or_else(|| folder.path().join("kvmark.db"));
    if does("pages") || does("readers") || does("server") {
        let app = open(&path).await;
        if app.store.sizes().await.unwrap().runs == 0 {
            let nights = (args.years * 365.25) as i64;
            fill::fill(&app.store, nights, args.series, &mut table).await;
            uploads::measure("five years", &app, &args, &mut table).await;
        }
        if does("pages") {
            pages::measure(&app, &args, &mut table).await;
        }
        if does("readers") {
            readers::measure(&app, &args, &mut table).await;
        }
        let addresses = pages::addresses(&app).await;
        app.store.close().await;
        if does("server") {
            server::browse(&path, &addresses, &args, &mut table).await;
        }
    }
    table.sum_up();
}

/// Starts of an empty store: one alone says more of the machine's last second than of the program.
const STARTS: usize = 25;

/// What an empty store costs, and whole pages of a thousand nights.
async fn small(folder: &Path, args: &Args, table: &mut Table) {
    println!("\nA small store");
    let path = folder.join("empty.db");
    open(&path).await.store.close().await;
    let mut starts = Vec::new();
    for _ in 1..if args.measure { STARTS } else { 1 } {
        starts.push(server::Server::start(&path).await.first);
    }
    let server = server::Server::start(&path).await;
    starts.push(server.first);
    starts.sort_unstable();
    table.most(
        "empty store: start to the first answer, median",
        ms(starts[starts.len() / 2]),
        "ms",
        10.0,
    );
    table.most(
        "empty store: resident",
        server.memory().0 / 1.048_576,
        "MiB",
        20.0,
    );
    drop(server);

    let app = open(&folder.join("small.db")).await;
    let nights = if args.measure { 1000 } else { 20 };
    let series = if args.measure { 50 } else { 14 };
    println!("{nights} nights of {series} series");
    fill::nights(&app.store, nights, series).await;
    pages::small(&app, args, table).await;
    uploads::measure("a thousand nights", &app, args, table).await;
    app.store.close().await;
}

fn args() -> Args {
    let given: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = given.iter().position(|a| a == name)?;
        given.get(at + 1).cloned()
    };
    let measure = given.iter().any(|a| a == "--bench");
    let (years, series, repeats) = if measure {
        (5.0, 500, 40)
    } else {
        (0.04, 14, 2)
    };
    Args {
        years: after("--years").map_or(years, |v| v.parse().unwrap()),
        series: after("--series").map_or(series, |v| v.parse().unwrap()),
        database: after("--database").map(PathBuf::from),
        repeats,
        only: after("--only"),
        page: after("--page"),
        measure,
    }
}

async fn open(path: &Path) -> AppState {
    let store = Store::open(path, StoreOptions::default()).await.unwrap();
    let mut state = AppState::new(store, Config::default());
    state.clock = std::sync::Arc::new(|| Millis(LAST));
    state
}

/// Processor time of this process, ended threads included.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Times of calls, by the clock and by the processor.
struct Times {
    by_clock: Vec<Duration>,
    cpu: f64,
}

impl Times {
    /// Times calls of `one`, which gets the number of each; `before` each is not timed.
    async fn of(count: usize, before: impl AsyncFn(usize), one: impl AsyncFn(usize)) -> Self {
        let mut times = Self {
            by_clock: Vec::with_capacity(count),
            cpu: 0.0,
        };
        for i in 0..count {
            before(i).await;
            let (start, cpu) = (Instant::now(), cpu_seconds());
            one(i).await;
            times.by_clock.push(start.elapsed());
            times.cpu += cpu_seconds() - cpu;
        }
        times.by_clock.sort();
        times
    }

    /// Milliseconds that this share of the calls did not exceed.
    fn at(&self, share: f64) -> f64 {
        let last = self.by_clock.len() - 1;
        ms(self.by_clock[((last as f64) * share).round() as usize])
    }

    /// Milliseconds of a processor that a call takes.
    fn cpu_ms(&self) -> f64 {
        self.cpu * 1e3 / self.by_clock.len() as f64
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
