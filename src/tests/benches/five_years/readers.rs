//! Runs read by one task and by two, each from the database: two should read twice as many a
//! second, and as many a second of processor time. On a busy machine only the latter says anything.

use std::time::{Duration, Instant};

use kvmark::domain::RunKind;
use kvmark::store::RunFilter;
use kvmark::web::AppState;

use crate::table::Table;
use crate::{Args, cpu_seconds};

/// Turns of one reader and of two; a busy machine disturbs some, so they alternate.
const TURNS: usize = 6;

/// Reads runs, and says what a second reader adds.
pub(crate) async fn measure(app: &AppState, args: &Args, table: &mut Table) {
    println!("\nReaders");
    let nights = RunFilter {
        kind: Some(RunKind::Nightly),
        // More than are kept in memory.
        limit: Some(200),
        ..RunFilter::default()
    };
    let newest = app.store.runs(&nights).await.unwrap();
    let ids: Vec<_> = newest.iter().map(|run| run.id).collect();
    let span = Duration::from_millis(if args.measure { 2000 } else { 20 });
    let mut sums = [(0.0, 0.0, 0.0); 2];
    for turn in 0..TURNS * 2 {
        let tasks = 1 + turn % 2;
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mut joined = tokio::task::JoinSet::new();
        for task in 0..tasks {
            let (store, ids) = (app.store.clone(), ids.clone());
            joined.spawn(async move {
                let mut count = 0_u64;
                let mut at = task * 7;
                while start.elapsed() < span {
                    at += 1;
                    store.judged_run(ids[at % ids.len()]).await.unwrap();
                    count += 1;
                }
                count
            });
        }
        let count: u64 = joined.join_all().await.iter().sum();
        let sum = &mut sums[tasks - 1];
        sum.0 += count as f64;
        sum.1 += start.elapsed().as_secs_f64();
        sum.2 += cpu_seconds() - cpu;
    }
    let [one, two] = sums;
    for (tasks, (count, wall, cpu)) in [(1, one), (2, two)] {
        println!(
            "{tasks}: {:.0} runs/s, {:.0} runs a CPU second, {:.2} processors busy",
            count / wall,
            count / cpu,
            cpu / wall
        );
    }
    let by_clock = (two.0 / two.1) / (one.0 / one.1);
    let by_cpu = 2.0 * (two.0 / two.2) / (one.0 / one.2);
    println!("two readers over one, by the clock: {by_clock:.2}");
    table.least(
        "two readers over one, of the same processor time",
        by_cpu,
        "x",
        1.9,
    );
}
