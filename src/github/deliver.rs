//! From an intent to requests: looks at what is there, and does what is missing.
//!
//! Every delivery may be repeated: it first looks for what an earlier one, cut off before its answer
//! came, may have made.

use serde::Deserialize;
use serde_json::{Value, json};

use super::check::{self, Annotation, CheckState, CheckWish};
use super::client::{Client, since};
use super::comment::{self, CommentWish};
use super::error::GithubError;
use super::issue::{self, Found, IssueWish, LABEL, Step};
use super::{Intent, marker};

/// What a delivery came to.
#[derive(Debug)]
pub struct Delivery {
    /// What GitHub calls what the intent is about, where it is known now; also where the rest
    /// failed.
    pub number: Option<i64>,
    /// Whether all is as it should be.
    pub result: Result<(), GithubError>,
}

/// Brings GitHub to what the intent says. `known`: the number that an earlier delivery learnt.
pub fn deliver(client: &Client, intent: &Intent, known: Option<i64>) -> Delivery {
    let mut number = known;
    let result = match intent {
        Intent::Issue(wish) => issue(client, wish, &mut number),
        Intent::Comment(wish) => comment(client, wish, &mut number),
        Intent::Check(wish) => check(client, wish, &mut number),
    };
    Delivery { number, result }
}

/// An issue or a comment, of which we read no more.
#[derive(Debug, Deserialize)]
struct IssueAnswer {
    number: i64,
    title: String,
    #[serde(default)]
    body: Option<String>,
    state: String,
}

#[derive(Debug, Deserialize)]
struct Made {
    id: i64,
}

impl From<IssueAnswer> for Found {
    fn from(answer: IssueAnswer) -> Self {
        Self {
            number: answer.number,
            title: answer.title,
            body: answer.body.unwrap_or_default(),
            is_open: answer.state == "open",
            notes: Default::default(),
        }
    }
}

fn issue(client: &Client, wish: &IssueWish, number: &mut Option<i64>) -> Result<(), GithubError> {
    let mut found = match *number {
        Some(known) => missing_is_none(client.get::<IssueAnswer>(&format!("issues/{known}")))?,
        None => None,
    };
    if found.is_none() {
        found = find_issue(client, wish)?;
    }
    let mut found: Option<Found> = found.map(Into::into);
    *number = found.as_ref().map(|found| found.number);
    if let Some(found) = &mut found
        && issue::is_news(wish, &found.body)
    {
        let path = format!("issues/{}/comments?per_page=100", found.number);
        client.find(&path, list, |comment| {
            let (marker, _) = text(comment, "body")?.split_once('\n')?;
            if marker::is_trusted(comment) {
                found.notes.insert(marker.trim_end().to_owned());
            }
            None::<()>
        })?;
    }
    for step in issue::plan(wish, found.as_ref()) {
        let path = |number: Option<i64>| format!("issues/{}", number.unwrap_or_default());
        match step {
            Step::Create { title, body } => {
                let payload = json!({"title": title, "body": body, "labels": [LABEL]});
                let made: IssueAnswer = client.post("issues", &payload)?;
                *number = Some(made.number);
            }
            Step::Comment { body } => {
                let path = format!("{}/comments", path(*number));
                client.post::<Made>(&path, &json!({"body": body}))?;
            }
            Step::State { state, reason } => {
                let payload = json!({"state": state, "state_reason": reason});
                client.patch::<IssueAnswer>(&path(*number), &payload)?;
            }
            Step::Edit { title, body } => {
                let payload = json!({"title": title, "body": body});
                client.patch::<IssueAnswer>(&path(*number), &payload)?;
            }
        }
    }
    Ok(())
}

/// The issue of a cause by its marker. The list is asked, not the search: the search learns of new
/// issues minutes later, and a second issue would be made meanwhile.
fn find_issue(client: &Client, wish: &IssueWish) -> Result<Option<IssueAnswer>, GithubError> {
    let path = format!(
        "issues?state=all&sort=created&direction=asc&per_page=100&since={}",
        since(wish.since)
    );
    client.find(&path, list, |item| {
        let is_ours = item.get("pull_request").is_none()
            && marker::is_trusted(item)
            && marker::is_issue(text(item, "body")?, &wish.fingerprint);
        is_ours
            .then(|| IssueAnswer::deserialize(item).ok())
            .flatten()
    })
}

fn comment(
    client: &Client,
    wish: &CommentWish,
    number: &mut Option<i64>,
) -> Result<(), GithubError> {
    let pull: Value = match client.get(&format!("pulls/{}", wish.pull)) {
        // A report may name any number: it does not become one by asking again.
        Err(GithubError::Missing {
            request,
            status,
            message,
        }) => {
            return Err(GithubError::Refused {
                request,
                status,
                message,
            });
        }
        answer => answer?,
    };
    let head = pull.pointer("/head/sha").and_then(Value::as_str);
    if head.is_some_and(|head| head != wish.commit) {
        // The pull request moved on, or the report names one that it is not of.
        return Ok(());
    }
    let payload = json!({"body": comment::body(wish)});
    if let Some(known) = *number {
        let edited = client.patch::<Made>(&format!("issues/comments/{known}"), &payload);
        if missing_is_none(edited)?.is_some() {
            return Ok(());
        }
    }
    let path = format!("issues/{}/comments", wish.pull);
    let marker = marker::comment();
    *number = client.find(&format!("{path}?per_page=100"), list, |comment| {
        let is_ours =
            marker::is_trusted(comment) && text(comment, "body")?.starts_with(marker.as_str());
        is_ours
            .then(|| comment.get("id").and_then(Value::as_i64))
            .flatten()
    })?;
    let made: Made = match *number {
        Some(found) => client.patch(&format!("issues/comments/{found}"), &payload)?,
        None => client.post(&path, &payload)?,
    };
    *number = Some(made.id);
    Ok(())
}

fn check(client: &Client, wish: &CheckWish, number: &mut Option<i64>) -> Result<(), GithubError> {
    if number.is_none() {
        let path = format!(
            "commits/{}/check-runs?check_name={}&filter=all&per_page=100",
            wish.commit,
            check::NAME
        );
        let found = client.find(&path, check_runs, |run| {
            let is_ours = text(run, "external_id") == Some(&wish.run_key);
            is_ours
                .then(|| run.get("id").and_then(Value::as_i64))
                .flatten()
        });
        *number = match found {
            Ok(found) => found,
            // Without the right to read checks there is none to write them.
            Err(GithubError::Forbidden { .. }) => return commit_status(client, wish),
            Err(error) => return Err(error),
        };
    }
    match *number {
        Some(known) => {
            client.patch::<Made>(&format!("check-runs/{known}"), &check::update(wish))?;
        }
        None => match client.post::<Made>("check-runs", &check::create(wish)) {
            Ok(made) => *number = Some(made.id),
            Err(GithubError::Forbidden { .. }) => return commit_status(client, wish),
            Err(error) => return Err(error),
        },
    }
    match (&wish.state, *number) {
        (CheckState::Done(done), Some(id)) if !done.annotations.is_empty() => {
            annotate(client, wish, &done.annotations, id)
        }
        _ => Ok(()),
    }
}

/// Adds the annotations that a check run does not have yet.
fn annotate(
    client: &Client,
    wish: &CheckWish,
    wanted: &[Annotation],
    id: i64,
) -> Result<(), GithubError> {
    let mut there: Vec<(String, String)> = Vec::new();
    let path = format!("check-runs/{id}/annotations?per_page=100");
    client.find(&path, list, |item| {
        let title = text(item, "title").unwrap_or_default();
        let message = text(item, "message").unwrap_or_default();
        there.push((title.to_owned(), message.to_owned()));
        None::<()>
    })?;
    let lacking: Vec<Annotation> = wanted
        .iter()
        .filter(|a| !there.iter().any(|(t, m)| *t == a.title && *m == a.message))
        .cloned()
        .collect();
    for some in lacking.chunks(check::ANNOTATIONS_A_REQUEST) {
        client.patch::<Made>(&format!("check-runs/{id}"), &check::annotate(wish, some))?;
    }
    Ok(())
}

/// Checks are for apps and for the token of a workflow; a person's token can set a status.
fn commit_status(client: &Client, wish: &CheckWish) -> Result<(), GithubError> {
    let path = format!("statuses/{}", wish.commit);
    client.post::<Made>(&path, &check::status(wish)).map(drop)
}

fn missing_is_none<T>(answer: Result<T, GithubError>) -> Result<Option<T>, GithubError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(GithubError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn list(page: Value) -> Option<Vec<Value>> {
    match page {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn check_runs(mut page: Value) -> Option<Vec<Value>> {
    list(page.get_mut("check_runs")?.take())
}

fn text<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
    item.get(key).and_then(Value::as_str)
}
