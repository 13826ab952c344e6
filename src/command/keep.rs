//! What keeps a store for years.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bench_verdict::patterns::matches;
use bench_verdict::words::evidence_word;

use super::open;
use crate::analysis::confirmation::JUDGE;
use crate::analysis::published::published;
use crate::config::{Config, Keep};
use crate::domain::time::DAY_MS;
use crate::domain::{Millis, Published, RunId, SeriesId};
use crate::store::{self, SeriesFilter, Store};
use crate::{ingest, jobs};

/// Writes a copy of the store, whole, while it is in use.
pub async fn backup(config: &Config, file: &Path) -> Result<()> {
    if file.exists() {
        bail!("{} is there already: name a new file", file.display());
    }
    let store = open(config).await?;
    store
        .backup(file)
        .await
        .with_context(|| format!("cannot write {}", file.display()))?;
    let now = jiff::Timestamp::now().into();
    let size = std::fs::metadata(file).map_or(0, |meta| meta.len());
    let subject = file.display().to_string();
    store
        .record("store.backup", &subject, &format!("({size} bytes)"), now)
        .await?;
    store.close().await;
    println!("backup written to {}", file.display());
    Ok(())
}

/// Puts a backup in the store's place, once it is found whole.
pub async fn restore(config: &Config, file: &Path) -> Result<()> {
    whole(file).await?;
    let now = jiff::Timestamp::now().into();
    let replaced = store::restore(file, &config.database, now)
        .await
        .with_context(|| {
            format!(
                "cannot replace {}: stop the server that uses it first",
                config.database.display()
            )
        })?;
    let store = open(config).await?;
    store
        .record("store.restore", &file.display().to_string(), "", now)
        .await?;
    store.close().await;
    if let Some(replaced) = replaced {
        println!("the store that was there is now {}", replaced.display());
    }
    println!(
        "{} restored from {}",
        config.database.display(),
        file.display()
    );
    Ok(())
}

/// Says what is wrong with a store or a backup; an error if anything is. That a backup was found
/// whole is recorded in the store that the configuration names, if there is one.
pub async fn verify(config: &Config, file: &Path) -> Result<()> {
    let runs = whole(file).await?;
    let same = |a: &Path, b: &Path| a.canonicalize().ok() == b.canonicalize().ok();
    if config.database.exists() && !same(&config.database, file) {
        let store = open(config).await?;
        let (subject, detail) = (file.display().to_string(), format!("({runs} runs)"));
        let now = jiff::Timestamp::now().into();
        store.record("store.verify", &subject, &detail, now).await?;
        store.close().await;
    }
    Ok(())
}

/// How many runs a whole store has; an error where anything is wrong with it, after saying what.
async fn whole(file: &Path) -> Result<u64> {
    let store = Store::open_to_read(file)
        .await
        .with_context(|| format!("cannot open {}", file.display()))?;
    let wrong = store
        .verify()
        .await
        .with_context(|| format!("{} is no whole store", file.display()))?;
    let sizes = store.sizes().await?;
    store.close().await;
    for line in &wrong {
        println!("{line}");
    }
    if !wrong.is_empty() {
        bail!("{} things are wrong with {}", wrong.len(), file.display());
    }
    println!("{} is whole: {} runs", file.display(), sizes.runs);
    Ok(sizes.runs)
}

/// Makes all that is derived again from the raw reports: published values, then verdicts, in the
/// order of time. With `check`, only says what would change, and fails if anything would.
pub async fn rebuild(config: &Config, check: bool) -> Result<()> {
    let store = open(config).await?;
    let mut changed = 0;
    for run in store.run_ids().await? {
        let mut differences = rebuild_run(&store, run, check).await?;
        differences.extend(rebuild_pairs(&store, run, check).await?);
        for line in differences {
            println!("run {run}: {line}");
            changed += 1;
        }
    }
    for epoch in store.epochs().await? {
        let verdicts = jobs::judge_epoch(&store, &epoch).await?;
        for (run, judged) in &verdicts.changes {
            for (series, judgement) in judged {
                let (band, evidence) = (judgement.band.word(), evidence_word(judgement.evidence));
                println!("run {run}: series {series}: the verdict is {band}, {evidence}");
                changed += 1;
            }
        }
        if let Some(step) = &verdicts.alerts {
            for alert in store.alerts_of_step(&epoch, step).await? {
                let (name, state) = (&alert.fingerprint, alert.state);
                println!("alert {name}: it is {state}, {} series", alert.series.len());
                changed += 1;
            }
        }
        if !check {
            store.finish_rejudge(&epoch, &[], &verdicts).await?;
        }
    }
    let runs = store.sizes().await?.runs;
    store.close().await;
    match (changed, check) {
        (0, _) => println!("{runs} runs read: all that is derived from them is as it should be"),
        (n, true) => bail!("{n} things would change: rebuild without --check"),
        (n, false) => println!("{runs} runs read, {n} things made again"),
    }
    Ok(())
}

/// Judges the pairs of a run's night again from the reports that came.
async fn rebuild_pairs(store: &Store, run: RunId, check: bool) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let stored = store.confirmations(run).await?;
    if stored.is_empty() {
        return Ok(differences);
    }
    let judged = store.judged_run(run).await?;
    let judged = judged.with_context(|| format!("run {run} is not there"))?;
    for confirmation in stored {
        let id = confirmation.id;
        let new =
            ingest::read_confirmation(confirmation.body, confirmation.received_at.timestamp())
                .with_context(|| format!("the pairs {id} of run {run} do not read"))?;
        let is = jobs::confirm::pairs_of(store, &judged, &new, Some(id), JUDGE).await?;
        let was = |series| {
            let mut paired = judged.proofs.paired.iter();
            paired.find(|one| one.confirmation == id && one.series == series)
        };
        let wrong = is
            .iter()
            .filter(|pairs| was(pairs.series).is_none_or(|was| was.numbers != pairs.numbers));
        let before = differences.len();
        differences.extend(wrong.map(|pairs| {
            let change = pairs.numbers.log_ratio.exp_m1();
            format!(
                "series {}: its pairs {id} differ by {change:+.4}",
                pairs.series
            )
        }));
        if !check && differences.len() > before {
            store.save_confirmation(id, &is).await?;
        }
    }
    Ok(differences)
}

async fn rebuild_run(store: &Store, run: RunId, check: bool) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let raw = store.all_samples(run).await?;
    let stored = store.run_inputs(run).await?;
    let stored = stored.with_context(|| format!("run {run} is not there"))?;
    let is: Vec<(SeriesId, Published)> = raw.iter().map(|(s, v)| (*s, published(v))).collect();
    let wrong: Vec<(SeriesId, Published)> = is
        .into_iter()
        .filter(|(series, p)| {
            let was = stored.rows.iter().find(|(s, _)| s.id == *series);
            !was.is_some_and(|(_, m)| m.value == p.value && m.interval == p.interval)
        })
        .collect();
    for (series, p) in &wrong {
        differences.push(format!("series {series}: the value is {}", p.value));
    }
    if !check && !wrong.is_empty() {
        store.save_published(run, &wrong).await?;
    }

    differences.extend(report_differs(store, run).await?);
    Ok(differences)
}

/// Whether the kept samples are those of the kept report.
async fn report_differs(store: &Store, run: RunId) -> Result<Option<String>> {
    let Some(bytes) = store.report_bytes(run).await? else {
        return Ok(Some("its report is missing".to_owned()));
    };
    let now = store.run(run).await?.map_or(Millis(0), |r| r.received_at);
    // Generated history is stored without a report of the format.
    let Ok(report) = ingest::read(bytes, now.timestamp(), published) else {
        return Ok(None);
    };
    let kept = store.all_samples(run).await?;
    let same = kept.len() == report.measurements.len()
        && kept
            .iter()
            .zip(&report.measurements)
            .all(|((_, a), m)| *a == m.samples);
    Ok((!same).then(|| "its samples are not those of its report".to_owned()))
}

/// Deletes runs that are older than what is kept of their kind.
pub async fn prune(config: &Config, keep: &[Keep], dry_run: bool) -> Result<()> {
    let store = open(config).await?;
    let now = Millis::from(jiff::Timestamp::now());
    let mut count = 0;
    for keep in keep {
        let cutoff = Millis(now.0.saturating_sub(keep.days.saturating_mul(DAY_MS)));
        let runs = store.prunable(keep.kind, cutoff).await?;
        for run in &runs {
            println!(
                "{} run {} of {}",
                keep.kind,
                run.run,
                run.started_at.timestamp()
            );
        }
        if !dry_run {
            store.prune(&runs, now).await?;
        }
        count += runs.len();
    }
    if !dry_run {
        jobs::rejudge_all(&store, &tokio_util::sync::CancellationToken::new()).await?;
    }
    store.close().await;
    println!(
        "{count} runs {}",
        if dry_run { "would go" } else { "are gone" }
    );
    Ok(())
}

/// Says of all series whose name matches `pattern` that they are expected no more.
pub async fn retire(config: &Config, pattern: &str, reason: &str) -> Result<()> {
    let store = open(config).await?;
    let all = store.series_of(&SeriesFilter::default()).await?;
    let matching: Vec<SeriesId> = all
        .iter()
        .filter(|s| matches(pattern, &s.name()))
        .map(|s| s.id)
        .collect();
    if matching.is_empty() {
        bail!(
            "no series matches {pattern:?}: a name reads `Benchmark metric a=1 b=2`, * stands for \
             anything and ? for one character"
        );
    }
    let now = jiff::Timestamp::now().into();
    let count = store.retire(&matching, reason, now).await?;
    store.close().await;
    println!("{} series match, {count} newly retired", matching.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs_match_whole_names() {
        for (glob, text, is) in [
            ("*", "", true),
            ("A*", "A latency cpu=2", true),
            ("A * cpu=2", "A latency cpu=2", true),
            ("A * cpu=?", "A latency cpu=2", true),
            ("A", "A latency", false),
            ("*b*b*c", "abbbc", true),
            ("*b*b*d", "abbbc", false),
            ("?", "", false),
            ("", "", true),
        ] {
            assert_eq!(matches(glob, text), is, "{glob:?} on {text:?}");
        }
    }
}
