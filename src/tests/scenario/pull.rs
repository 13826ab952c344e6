//! A pull request by the scripts of `deploy/ci`: measured in a job without any secret, sent by another.

use crate::github::double::Double;

use super::machine::Machine;

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_commit_is_measured_without_a_token_and_sent_by_a_job_that_has_one() {
    let double = Double::start().await;
    let mut machine = Machine::empty(&double).await;
    machine.start().await;
    machine.place.git(&["checkout", "--quiet", "-b", "topic"]);
    machine.place.commit(&[("level", "130.0")]);
    let head = machine.place.git(&["rev-parse", "HEAD"]);
    // Main moves on: what is compared is the merge base all the same.
    machine.place.git(&["checkout", "--quiet", "main"]);
    let base = machine.place.git(&["rev-parse", "HEAD"]);
    machine.place.commit(&[("level", "50.0")]);
    {
        let mut world = double.world();
        world.pulls = vec![(12, head.clone())];
        world.commits = vec![head.clone()];
    }

    let measure = [
        "main",
        "topic",
        "12",
        "--rounds",
        "6",
        "--exec",
        "sh bench.sh",
    ];
    let (code, said) = machine.script("pull-request.sh", false, &measure).await;
    assert_eq!(code, 1, "{said}");
    assert!(machine.runs().await.is_empty());

    let reports = machine.place.path("reports");
    let (code, said) = machine
        .script("pull-upload.sh", true, &[&base, &reports])
        .await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains(&format!("only {base} is sent")), "{said}");
    assert!(machine.runs().await.is_empty());

    let (code, said) = machine
        .script("pull-upload.sh", true, &[&head, &reports])
        .await;
    assert_eq!(code, 0, "{said}");
    let runs = machine.runs().await;
    let commits: Vec<&str> = runs
        .iter()
        .map(|run| run["revision"]["commit"].as_str().unwrap())
        .collect();
    assert!(
        commits.contains(&&*head) && commits.contains(&&*base),
        "{commits:?}"
    );
    double.until("a comment", |w| w.comments.len() == 1).await;
    let is_over = |check: &serde_json::Value| check["status"] == "completed";
    double
        .until("a check", |w| w.checks.iter().any(is_over))
        .await;
    let (check, comment) = {
        let world = double.world();
        (world.checks[0].clone(), world.comments[0].1["body"].clone())
    };
    assert_eq!(check["conclusion"], "failure");
    let comment = comment.as_str().unwrap();
    for said in ["+30.0%", "https://perf.example.org/pulls/12"] {
        assert!(comment.contains(said), "{said}\n{comment}");
    }

    // Sent again, as a job that is run again does.
    let (code, said) = machine
        .script("pull-upload.sh", true, &[&head, &reports])
        .await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(machine.runs().await.len(), runs.len());
    assert_eq!(double.world().comments.len(), 1);
}
