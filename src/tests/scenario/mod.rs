//! From an empty machine to an issue and its end, by the two programs and the script of
//! `deploy/ci`; and a server that is away for a whole night.
//!
//! The nights before the story are made up (what this machine measures now, at other times), and what
//! is measured is a script whose level is committed, so that the story is the same on every machine.
//! Everything else is real: the server's process, tokens, the runner with its spool, retries, pairs
//! with the last good revision and canary, the gate, the exit codes. This program run as
//! `kvmark __runner` is the runner.

mod backfill;
mod machine;
mod pull;

use bench_report::metric::format_change;
use serde_json::{Value, json};

use crate::github::double::Double;
use machine::Machine;

#[tokio::test(flavor = "multi_thread")]
async fn a_slowdown_turns_the_same_night_red_opens_one_issue_and_three_good_nights_close_it() {
    let double = Double::start().await;
    let mut machine = Machine::empty(&double).await;
    machine.start().await;
    machine.backfill(20).await;

    let quiet = machine.night("100.2", &[]).await;
    assert_eq!((quiet.code, quiet.gate), (0, 0), "{}", quiet.said);
    assert!(double.world().issues.is_empty());

    let slow = machine.night("125.0", &[]).await;
    assert_eq!((slow.code, slow.gate), (1, 1), "{}", slow.said);
    for series in ["Store", "Lookup"] {
        let is_proof = |line: &str| {
            line.contains(&format!("{series} ns/op: +25")) && line.ends_with("4 pairs: confirmed")
        };
        assert!(slow.said.lines().any(is_proof), "{series}\n{}", slow.said);
    }
    double.until("an issue", |w| w.issues.len() == 1).await;
    let issue = double.world().issues[0].clone();
    assert_eq!(issue["state"], "open");

    // The page, the issue and the summary say what the gate says.
    let (verdict, page) = (
        &slow.verdict,
        machine.get(&format!("/runs/{}", slow.run)).await,
    );
    let said = (&verdict["status"], &verdict["exit_code"]);
    assert_eq!(said, (&json!("fail"), &json!(1)));
    assert_eq!(verdict["counts"]["critical"], 2, "{verdict:#}");
    let reasons = verdict["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    let body = issue["body"].as_str().unwrap();
    for series in verdict["series"].as_array().unwrap() {
        let benchmark = series["benchmark"].as_str().unwrap();
        let is_slow = series["evidence"] == "confirmed";
        assert_eq!(is_slow, benchmark != "Idle", "{series:#}");
        let change = format_change(series["frozen_change"].as_f64().unwrap_or_default());
        for (place, text) in [("issue", body), ("summary", &slow.summary), ("page", &page)] {
            let says = text.contains(benchmark) && text.contains(&change);
            assert!(says || !is_slow, "{place}: {benchmark} {change}\n{text}");
        }
        assert!(is_slow || !body.contains(benchmark), "{body}");
    }
    for reason in reasons {
        let begin = reason.as_str().unwrap().split(' ').next().unwrap();
        assert!(slow.summary.contains(begin), "{reason}\n{}", slow.summary);
    }

    // The second good night ends the alert, for the median of three is back; the issue waits for the
    // third.
    for (good, alert) in [(1, "open"), (2, "resolved")] {
        let night = machine.night("100.0", &[]).await;
        assert_eq!(night.code, 0, "night {good}: {}", night.said);
        let state = machine.json("/api/v1/alerts/1").await["state"].clone();
        assert_eq!(state, alert, "night {good}");
        assert_eq!(double.world().issues[0]["state"], "open", "night {good}");
    }
    let two = "with 2 of the 3 good nights in a row";
    double
        .until("two nights", |w| says(&w.issues[0]["body"], two))
        .await;
    let third = machine.night("100.0", &[]).await;
    assert_eq!(third.code, 0, "{}", third.said);
    double
        .until("the end", |w| {
            w.issues[0]["state"] == "closed" && !says(&w.issues[0]["body"], "of the 3 good nights")
        })
        .await;
    let world = double.world();
    assert_eq!(world.issues.len(), 1);
    let proof = &world.comments.last().unwrap().1["body"];
    assert!(says(proof, "The alert is resolved."), "{proof}");
    assert!(says(proof, "| 100.0 ns, 100.0 ns, 100.0 ns |"), "{proof}");
    assert!(says(proof, &format!("/runs/{}", third.run)), "{proof}");
}

fn says(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|said| said.contains(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_without_a_server_is_delivered_by_the_next_as_if_it_had_never_been_away() {
    /// What is flagged is left to the nights: a server that is away hears of no pairs.
    const NO_PAIRS: [&str; 2] = ["--confirm-budget", "0s"];
    let double = Double::start().await;
    let mut machine = Machine::empty(&double).await;
    machine.start().await;
    machine.backfill(12).await;
    machine.stop().await;
    let away = machine.night("125.0", &NO_PAIRS).await;
    assert_eq!((away.code, away.run.as_str()), (6, ""), "{}", away.said);
    assert_eq!(machine.waiting(), 1);
    machine.start().await;
    let next = machine.night("125.5", &NO_PAIRS).await;
    assert_eq!(next.code, next.gate, "{}", next.said);
    assert!(
        next.said.contains("stored 1 earlier reports"),
        "{}",
        next.said
    );
    assert_eq!((next.run.as_str(), machine.waiting()), ("14", 0));
    // One more, so that nights confirm what they judged in the wrong order if they did.
    let after = machine.night("125.0", &NO_PAIRS).await;
    assert_eq!(after.code, after.gate, "{}", after.said);

    let own = machine.verdicts().await;
    assert_eq!(own.len(), 15);
    machine.replace_by_twin().await;
    let twin = machine.verdicts().await;
    for (own, twin) in own.iter().zip(&twin) {
        assert_eq!(own, twin);
    }
    assert_eq!(twin.len(), 15);
}
