//! What a person does about an alert from a terminal: `explain`, `bisect --alert`, `accept`. The
//! real runner against the real server.

use kvmark::domain::Scope;
use kvmark::domain::alert::AlertState;
use kvmark::jobs;
use kvmark::store::AlertFilter;
use tokio_util::sync::CancellationToken;

use super::place::{Place, served, with_history};

const SERIES: &str = "Work ns/op";

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_night_is_explained_bisected_and_accepted_from_a_terminal() {
    let place = Place::new();
    let (app, token) = with_history(&place).await;
    place.commit(&[("README.md", "words")]);
    place.commit(&[("level", "125.0")]);
    let culprit = place.git(&["rev-parse", "--short=10", "HEAD"]);
    place.commit(&[("README.md", "more words")]);
    let night = place.night(&app, &token).await;
    assert_eq!(night.code, 1, "{night:?}");

    let triage = app.token(Scope::Triage, None).await;
    let cache = place.path("cache");
    served(&app, |server| {
        let at = ["--server", server, "--token", &triage];
        let with = |arguments: &[&str]| place.tool(&[arguments, &at].concat());

        let told = with(&["explain", "--run", "13", "--series", SERIES]);
        assert_eq!(told.code, 0, "{told:?}");
        for part in [
            "Work ns/op, run 13\n",
            "judged again from the stored values: the same",
            "12 runs since",
            "+25.0%  confirmed: 4 pairs with the good revision; m 0.2231, sd 0.002, se 0.00105",
            "by pairs of that night; the level before 99.95 ns",
            "Work ns/op: +25.1% against its baseline (critical), confirmed",
        ] {
            assert!(told.printed.contains(part), "{part}\n{}", told.printed);
        }
        let other = with(&["explain", "--run", "13", "--series", "Work latency"]);
        assert_eq!(other.code, 2, "{other:?}");
        assert!(other.said.contains("it has Work ns/op"), "{}", other.said);
        let absent = with(&["explain", "--run", "99", "--series", SERIES]);
        assert!(absent.said.contains("there is no run 99"), "{absent:?}");

        let exec = ["--exec", "sh bench.sh", "--cache", &cache];
        let found = with(&[&["bisect", "--alert", "1"], &exec[..]].concat());
        assert_eq!(found.code, 0, "{found:?}");
        let says = format!(
            "the first bad commit is {culprit} a commit (A)\nits effect: +25.0% [+25.0, +25.0]\n"
        );
        assert!(found.printed.starts_with(&says), "{found:?}");
        let absent = with(&[&["bisect", "--alert", "9"], &exec[..]].concat());
        assert!(absent.said.contains("there is no alert 9"), "{absent:?}");

        let accept = ["accept", "--series", "Work *", "--reason", "checks"];
        let upload = ["--server", server, "--token", &token];
        let refused = place.tool(&[&accept[..], &upload].concat());
        assert_eq!(refused.code, 6, "{refused:?}");
        assert!(refused.said.contains("this needs triage"), "{refused:?}");
        let nothing = with(&["accept", "--series", "Wrk *", "--reason", "typo"]);
        assert!(nothing.said.contains("no series matches"), "{nothing:?}");
        let accepted = with(&accept);
        assert_eq!(accepted.code, 0, "{accepted:?}");
        assert!(
            accepted.printed.starts_with("1 series accepted: "),
            "{accepted:?}"
        );
    })
    .await;

    jobs::rejudge_all(app.store(), &CancellationToken::new())
        .await
        .unwrap();
    let alerts = app.store().alerts(&AlertFilter::default()).await.unwrap();
    assert_eq!(alerts[0].state, AlertState::Accepted);
    // The next nights are as slow, and that is settled, though the week before them was faster.
    for _ in 0..2 {
        let night = place.night(&app, &token).await;
        assert_eq!(night.code, 0, "{night:?}");
        assert!(night.printed.contains("critical"), "{night:?}");
    }
}
