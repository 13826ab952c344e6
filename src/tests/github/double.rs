//! A double of GitHub's REST API that enforces what the real one does: who may ask, what a request
//! must hold, what is no commit, how lists are cut into pages, and when too much is asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use kvmark::domain::github::GithubToken;
use kvmark::github::Client;
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) const TOKEN: &str = "ghs_doubles_only";
const REPOSITORY: &str = "/repos/o/r/";

/// What is at GitHub.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) issues: Vec<Value>,
    /// Beneath an issue or a pull request: its number, then the comment.
    pub(crate) comments: Vec<(i64, Value)>,
    pub(crate) checks: Vec<Value>,
    pub(crate) statuses: Vec<Value>,
    /// Commits that are known.
    pub(crate) commits: Vec<String>,
    /// Number and head commit of pull requests.
    pub(crate) pulls: Vec<(i64, String)>,
    /// A person's token: it may not write checks.
    pub(crate) is_person: bool,
    /// Answers that come instead of the real ones.
    pub(crate) faults: VecDeque<Fault>,
    /// Requests that were let in, as `POST issues`.
    pub(crate) requests: Vec<String>,
    /// Bodies of those that write.
    pub(crate) sent: Vec<(String, Value)>,
    next: i64,
}

/// An answer out of the order.
pub(crate) struct Fault {
    /// The beginning of the request that it meets, such as `POST issues`.
    pub(crate) on: &'static str,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) message: &'static str,
    /// What was asked for is done all the same: only the answer is lost.
    pub(crate) is_done: bool,
}

impl Fault {
    pub(crate) fn new(on: &'static str, status: u16, message: &'static str) -> Self {
        Self {
            on,
            status,
            headers: Vec::new(),
            message,
            is_done: false,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn after_the_deed(mut self) -> Self {
        self.is_done = true;
        self
    }
}

/// A running double, gone with the test.
#[derive(Clone)]
pub(crate) struct Double {
    world: Arc<Mutex<World>>,
    answered: watch::Sender<u64>,
    pub(crate) address: String,
}

impl Double {
    pub(crate) async fn start() -> Self {
        let world = Arc::new(Mutex::new(World {
            next: 1,
            ..World::default()
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answered = watch::Sender::new(0);
        let double = Self {
            world,
            answered,
            address,
        };
        let router = Router::new().fallback(answer).with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        double
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(TOKEN)
    }

    pub(crate) fn client_with(&self, token: &str) -> Client {
        Client::new(
            self.address.parse().unwrap(),
            "o/r".parse().unwrap(),
            GithubToken::new(token).unwrap(),
        )
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Waits until what is at GitHub is as `wanted`; a minute at most.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&World) -> bool) {
        let mut answered = self.answered.subscribe();
        let is_there = async {
            while !wanted(&self.world()) {
                answered.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), is_there).await;
        assert!(waited.is_ok(), "{what}: {:?}", self.world().requests);
    }

    /// An issue that somebody else wrote.
    pub(crate) fn issue_of(&self, association: &str, body: &str) -> i64 {
        let mut world = self.world();
        let number = world.number();
        world.issues.push(json!({
            "number": number, "title": "a title", "body": body, "state": "open", "labels": [],
            "author_association": association, "user": {"type": "User"},
        }));
        number
    }
}

type Answer = Result<(StatusCode, Value), (u16, Value)>;

async fn answer(
    State(double): State<Double>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = respond(&double, &method, &uri, &headers, &body);
    double.answered.send_modify(|count| *count += 1);
    response
}

fn respond(
    double: &Double,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
    };
    if header("authorization") != format!("Bearer {TOKEN}") {
        return problem(401, "Bad credentials");
    }
    // "All API requests must include a valid User-Agent header."
    if header("user-agent").is_empty() {
        return problem(403, "Request forbidden by administrative rules");
    }
    if header("accept") != "application/vnd.github+json"
        || header("x-github-api-version") != "2022-11-28"
    {
        return problem(415, "Unsupported 'Accept' header");
    }
    let Some(path) = uri.path().strip_prefix(REPOSITORY) else {
        return problem(404, "Not Found");
    };
    let request = format!("{method} {path}");
    let mut world = double.world();
    world.requests.push(request.clone());
    let fault = world.faults.iter().position(|f| request.starts_with(f.on));
    let fault = fault.and_then(|at| world.faults.remove(at));
    if let Some(fault) = fault.as_ref().filter(|fault| !fault.is_done) {
        return fault_answer(fault);
    }
    let json = if *method == Method::GET {
        Value::Null
    } else {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) if json.is_object() => json,
            _ => return problem(400, "Problems parsing JSON"),
        }
    };
    if *method != Method::GET {
        world.sent.push((request.clone(), json.clone()));
    }
    let query = uri.query().unwrap_or("");
    let parts: Vec<&str> = path.split('/').collect();
    let done = match (method.as_str(), parts.as_slice()) {
        ("GET", ["issues"]) => return page(&double.address, uri, world.list_issues(query), None),
        ("POST", ["issues"]) => world.create_issue(&json),
        ("GET", ["issues", number]) => world.issue(number).map(|i| (StatusCode::OK, i.clone())),
        ("PATCH", ["issues", "comments", id]) => world.edit_comment(id, &json),
        ("PATCH", ["issues", number]) => world.edit_issue(number, &json),
        ("GET", ["issues", number, "comments"]) => {
            let items = world.list_comments(number);
            return page(&double.address, uri, items, None);
        }
        ("POST", ["issues", number, "comments"]) => world.create_comment(number, &json),
        ("GET", ["pulls", number]) => world.pull(number),
        ("GET", ["commits", sha, "check-runs"]) if world.commits.iter().any(|c| c == sha) => {
            let items = world.list_checks(sha, query);
            return page(&double.address, uri, items, Some("check_runs"));
        }
        ("GET", ["commits", sha, "check-runs"]) => {
            Err(refused(&format!("No commit found for SHA: {sha}")))
        }
        ("POST", ["check-runs"]) => world.create_check(&json),
        ("PATCH", ["check-runs", id]) => world.edit_check(id, &json),
        ("GET", ["check-runs", id, "annotations"]) => match world.annotations(id) {
            Ok(items) => return page(&double.address, uri, items, None),
            Err(refusal) => Err(refusal),
        },
        ("POST", ["statuses", sha]) => world.create_status(sha, &json),
        _ => Err((404, json!({"message": "Not Found"}))),
    };
    if let Some(fault) = fault {
        return fault_answer(&fault);
    }
    match done {
        Ok((status, value)) => (status, Json(value)).into_response(),
        Err((status, value)) => {
            (StatusCode::from_u16(status).unwrap(), Json(value)).into_response()
        }
    }
}

fn fault_answer(fault: &Fault) -> Response {
    let mut response = problem(fault.status, fault.message);
    for (name, value) in &fault.headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

fn problem(status: u16, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Json(json!({"message": message}))).into_response()
}

fn refused(message: &str) -> (u16, Value) {
    (422, json!({"message": message}))
}

fn invalid(resource: &str, field: &str, code: &str) -> (u16, Value) {
    (
        422,
        json!({
            "message": "Validation Failed",
            "errors": [{"resource": resource, "field": field, "code": code}],
        }),
    )
}

fn not_found() -> (u16, Value) {
    (404, json!({"message": "Not Found"}))
}

/// One page of a list, with a `Link` to the next (30 a page unless asked, 100 at most).
fn page(address: &str, uri: &Uri, items: Vec<Value>, wrapped: Option<&str>) -> Response {
    let query = uri.query().unwrap_or("");
    let of = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .and_then(|text| text.parse::<usize>().ok())
    };
    let size = of("per_page").unwrap_or(30).clamp(1, 100);
    let number = of("page").unwrap_or(1).max(1);
    let total = items.len();
    let some: Vec<Value> = items
        .into_iter()
        .skip((number - 1) * size)
        .take(size)
        .collect();
    let body = match wrapped {
        Some(name) => json!({"total_count": total, name: some}),
        None => json!(some),
    };
    let mut response = Json(body).into_response();
    if number * size < total {
        let others: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("page="))
            .collect();
        let next = format!("{}&page={}", others.join("&"), number + 1);
        let link = format!("<{address}{}?{next}>; rel=\"next\"", uri.path());
        response.headers_mut().insert("link", link.parse().unwrap());
    }
    response
}

impl World {
    /// What was sent, for reading.
    pub(crate) fn recording(&self) -> String {
        self.sent
            .iter()
            .map(|(request, body)| {
                format!(
                    "{request}\n{}\n",
                    serde_json::to_string_pretty(body).unwrap()
                )
            })
            .collect()
    }

    fn number(&mut self) -> i64 {
        self.next += 1;
        self.next - 1
    }

    fn list_issues(&self, query: &str) -> Vec<Value> {
        let all = query.contains("state=all");
        self.issues
            .iter()
            .filter(|issue| all || issue["state"] == "open")
            .cloned()
            .collect()
    }

    fn issue(&mut self, number: &str) -> Result<&mut Value, (u16, Value)> {
        self.issues
            .iter_mut()
            .find(|issue| is(issue, "number", number))
            .ok_or_else(not_found)
    }

    fn create_issue(&mut self, json: &Value) -> Answer {
        let title = text(json, "title").filter(|title| !title.trim().is_empty());
        let title = title.ok_or_else(|| invalid("Issue", "title", "missing_field"))?;
        if title.chars().count() > 256 {
            return Err(invalid("Issue", "title", "custom"));
        }
        body_fits("Issue", json)?;
        let number = self.number();
        let issue = json!({
            "number": number, "title": title, "body": json["body"], "state": "open",
            "labels": json["labels"], "author_association": "MEMBER", "user": {"type": "User"},
        });
        self.issues.push(issue.clone());
        Ok((StatusCode::CREATED, issue))
    }

    fn edit_issue(&mut self, number: &str, json: &Value) -> Answer {
        body_fits("Issue", json)?;
        let state = json.get("state").map(|s| s.as_str().unwrap_or(""));
        if state.is_some_and(|state| !["open", "closed"].contains(&state)) {
            return Err(invalid("Issue", "state", "invalid"));
        }
        let reason = json.get("state_reason").and_then(Value::as_str);
        if reason.is_some_and(|r| !["completed", "not_planned", "reopened"].contains(&r)) {
            return Err(invalid("Issue", "state_reason", "invalid"));
        }
        let issue = self.issue(number)?;
        for field in ["title", "body", "state", "state_reason"] {
            if let Some(value) = json.get(field) {
                issue[field] = value.clone();
            }
        }
        Ok((StatusCode::OK, issue.clone()))
    }

    fn list_comments(&self, number: &str) -> Vec<Value> {
        let of = |on: &i64| on.to_string() == number;
        let comments = self.comments.iter().filter(|(on, _)| of(on));
        comments.map(|(_, comment)| comment.clone()).collect()
    }

    fn create_comment(&mut self, number: &str, json: &Value) -> Answer {
        let is_pull = self.pulls.iter().any(|(n, _)| n.to_string() == number);
        if !is_pull {
            self.issue(number)?;
        }
        if text(json, "body").is_none_or(str::is_empty) {
            return Err(invalid("IssueComment", "body", "missing_field"));
        }
        body_fits("IssueComment", json)?;
        let comment = json!({
            "id": self.number(), "body": json["body"], "author_association": "MEMBER",
            "user": {"type": "User"},
        });
        let on = number.parse().map_err(|_| not_found())?;
        self.comments.push((on, comment.clone()));
        Ok((StatusCode::CREATED, comment))
    }

    fn edit_comment(&mut self, id: &str, json: &Value) -> Answer {
        body_fits("IssueComment", json)?;
        let comment = self
            .comments
            .iter_mut()
            .find(|(_, comment)| is(comment, "id", id))
            .ok_or_else(not_found)?;
        comment.1["body"] = json["body"].clone();
        Ok((StatusCode::OK, comment.1.clone()))
    }

    fn pull(&self, number: &str) -> Answer {
        let found = self.pulls.iter().find(|(n, _)| n.to_string() == number);
        let (number, head) = found.ok_or_else(not_found)?;
        let pull = json!({"number": number, "head": {"sha": head}});
        Ok((StatusCode::OK, pull))
    }

    fn list_checks(&self, sha: &str, query: &str) -> Vec<Value> {
        let of = |check: &&Value| {
            check["head_sha"] == sha
                && query.contains(&format!(
                    "check_name={}",
                    check["name"].as_str().unwrap_or("")
                ))
        };
        self.checks.iter().filter(of).cloned().collect()
    }

    fn create_check(&mut self, json: &Value) -> Answer {
        if self.is_person {
            let message = "You must authenticate via a GitHub App.";
            return Err((403, json!({"message": message})));
        }
        if text(json, "name").is_none() {
            return Err(refused("Invalid request. \"name\" wasn't supplied."));
        }
        let sha = text(json, "head_sha").unwrap_or("");
        if !self.commits.iter().any(|commit| commit == sha) {
            return Err(refused(&format!("No commit found for SHA: {sha}")));
        }
        check_fits(json)?;
        let mut check = json!({"id": self.number(), "annotations": []});
        merge_check(&mut check, json);
        self.checks.push(check.clone());
        Ok((StatusCode::CREATED, check))
    }

    fn edit_check(&mut self, id: &str, json: &Value) -> Answer {
        check_fits(json)?;
        let check = self.check(id)?;
        merge_check(check, json);
        Ok((StatusCode::OK, check.clone()))
    }

    fn check(&mut self, id: &str) -> Result<&mut Value, (u16, Value)> {
        self.checks
            .iter_mut()
            .find(|check| is(check, "id", id))
            .ok_or_else(not_found)
    }

    fn annotations(&mut self, id: &str) -> Result<Vec<Value>, (u16, Value)> {
        let check = self.check(id)?;
        Ok(check["annotations"].as_array().cloned().unwrap_or_default())
    }

    fn create_status(&mut self, sha: &str, json: &Value) -> Answer {
        if !self.commits.iter().any(|commit| commit == sha) {
            return Err(refused(&format!("No commit found for SHA: {sha}")));
        }
        let state = text(json, "state").unwrap_or("");
        if !["error", "failure", "pending", "success"].contains(&state) {
            return Err(invalid("Status", "state", "invalid"));
        }
        if text(json, "description").is_some_and(|d| d.chars().count() > 140) {
            return Err(invalid("Status", "description", "too_long"));
        }
        let mut status = json.clone();
        status["id"] = json!(self.number());
        status["sha"] = json!(sha);
        self.statuses.push(status.clone());
        Ok((StatusCode::CREATED, status))
    }
}

/// Whether a thing has that number.
fn is(thing: &Value, key: &str, number: &str) -> bool {
    thing[key].as_i64() == number.parse().ok()
}

fn text<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Value::as_str)
}

fn body_fits(resource: &str, json: &Value) -> Result<(), (u16, Value)> {
    let length = text(json, "body").map_or(0, |body| body.chars().count());
    (length <= 65_536)
        .then_some(())
        .ok_or_else(|| invalid(resource, "body", "too_long"))
}

fn check_fits(json: &Value) -> Result<(), (u16, Value)> {
    const CONCLUSIONS: [&str; 7] = [
        "action_required",
        "cancelled",
        "failure",
        "neutral",
        "success",
        "skipped",
        "timed_out",
    ];
    let status = text(json, "status");
    let conclusion = text(json, "conclusion");
    if status == Some("completed") && conclusion.is_none() {
        return Err(refused("Invalid request. \"conclusion\" wasn't supplied."));
    }
    if conclusion.is_some_and(|word| !CONCLUSIONS.contains(&word)) {
        return Err(invalid("CheckRun", "conclusion", "invalid"));
    }
    let Some(output) = json.get("output") else {
        return Ok(());
    };
    if text(output, "title").is_none() || text(output, "summary").is_none() {
        return Err(refused(
            "Invalid request. \"title\", \"summary\" weren't supplied.",
        ));
    }
    if text(output, "summary").is_some_and(|s| s.chars().count() > 65_535) {
        return Err(invalid("CheckRun", "summary", "too_long"));
    }
    let annotations = output.get("annotations").and_then(Value::as_array);
    let annotations = annotations.map_or(&[][..], Vec::as_slice);
    if annotations.len() > 50 {
        return Err(invalid("CheckRun", "annotations", "too_many"));
    }
    for annotation in annotations {
        let level = text(annotation, "annotation_level").unwrap_or("");
        let has_lines = annotation["start_line"].is_i64() && annotation["end_line"].is_i64();
        if !["notice", "warning", "failure"].contains(&level)
            || text(annotation, "path").is_none()
            || text(annotation, "message").is_none_or(str::is_empty)
            || !has_lines
        {
            return Err(invalid("CheckRun", "annotations", "invalid"));
        }
    }
    Ok(())
}

/// Fields replace, annotations are added.
fn merge_check(check: &mut Value, json: &Value) {
    for (field, value) in json.as_object().unwrap() {
        let mut value = value.clone();
        if field == "output" {
            let added = value.as_object_mut().unwrap().remove("annotations");
            let added = added
                .and_then(|a| a.as_array().cloned())
                .unwrap_or_default();
            check["annotations"].as_array_mut().unwrap().extend(added);
        }
        check[field] = value;
    }
}
