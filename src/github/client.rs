//! The one HTTP client: GitHub's REST API (version 2022-11-28) at a configurable address.
//!
//! It tries nothing twice: what fails is told by its meaning, and the outbox that asked tries again
//! later. It follows a renamed repository's redirection only on the same host, for the token goes
//! with it. It blocks; callers run it beside their tasks.

use std::time::Duration;

use jiff::fmt::rfc2822;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{HeaderMap, Response};

use super::error::GithubError;
use crate::domain::Millis;
use crate::domain::github::{GithubApi, GithubRepository, GithubToken};

/// How long one request may take in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// An answer longer than this is none of GitHub's: 100 issues of 64 kB are 6.4 MB.
const ANSWER_BYTES: u64 = 16 << 20;
/// Pages of 100 that a list is followed for; a search that finds nothing in them ends.
const PAGES: usize = 100;
/// How long to wait where a limit is told without a time: GitHub's advice for secondary limits.
const LIMIT_WAIT: Duration = Duration::from_secs(60);
/// A longer wait is asked again in between: clocks may be wrong.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A repository at GitHub, and the token that may write there.
#[derive(Debug, Clone)]
pub struct Client {
    api: GithubApi,
    repository: GithubRepository,
    token: GithubToken,
    agent: ureq::Agent,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Patch,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
        }
    }
}

impl Client {
    /// A client of one repository.
    pub fn new(api: GithubApi, repository: GithubRepository, token: GithubToken) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .https_only(api.is_https())
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .timeout_connect(Some(CONNECT_PATIENCE))
            .user_agent(concat!("kvmark/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self {
            api,
            repository,
            token,
            agent,
        }
    }

    /// The repository.
    pub fn repository(&self) -> &GithubRepository {
        &self.repository
    }

    /// Reads what is at `path`, such as `issues/12`, beneath the repository.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GithubError> {
        let response = self.send(Method::Get, &self.url(path), None)?;
        read(&format!("GET {path}"), response).map(|(value, _)| value)
    }

    /// Goes through a list, page by page, until `wanted` answers with something. `items` picks the
    /// list out of a page, for some are wrapped.
    pub fn find<T, F>(
        &self,
        path: &str,
        items: fn(Value) -> Option<Vec<Value>>,
        mut wanted: F,
    ) -> Result<Option<T>, GithubError>
    where
        F: FnMut(&Value) -> Option<T>,
    {
        let request = format!("GET {path}");
        let mut url = self.url(path);
        for _ in 0..PAGES {
            let response = self.send(Method::Get, &url, None)?;
            let (page, headers): (Value, _) = read(&request, response)?;
            let page = items(page).ok_or_else(|| GithubError::Unreadable {
                request: request.clone(),
                message: "it is no list".to_owned(),
            })?;
            if let Some(found) = page.iter().find_map(&mut wanted) {
                return Ok(Some(found));
            }
            match next_page(&headers) {
                Some(next) if self.is_ours(&next) => url = next,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Makes something.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, GithubError> {
        let response = self.send(Method::Post, &self.url(path), Some(&to_json(body)))?;
        read(&format!("POST {path}"), response).map(|(value, _)| value)
    }

    /// Changes something.
    pub fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, GithubError> {
        let response = self.send(Method::Patch, &self.url(path), Some(&to_json(body)))?;
        read(&format!("PATCH {path}"), response).map(|(value, _)| value)
    }

    fn url(&self, path: &str) -> String {
        let (api, repository) = (self.api.as_str(), self.repository.as_str());
        format!("{api}/repos/{repository}/{path}")
    }

    /// Whether a URL lies beneath the API's address: the token goes nowhere else.
    fn is_ours(&self, url: &str) -> bool {
        url.strip_prefix(self.api.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&[u8]>,
    ) -> Result<Response<ureq::Body>, GithubError> {
        let mut url = url.to_owned();
        // A repository that was renamed or moved answers with its new address, once.
        for _ in 0..2 {
            let response = self.send_once(method, &url, body)?;
            let moved = matches!(response.status().as_u16(), 301 | 302 | 307 | 308)
                .then(|| header(response.headers(), "location"))
                .flatten()
                .filter(|to| self.is_ours(to))
                .map(str::to_owned);
            match moved {
                Some(to) => url = to,
                None => return Ok(response),
            }
        }
        Err(GithubError::Unreadable {
            request: format!("{} {url}", method.name()),
            message: "it leads from one address to the next".to_owned(),
        })
    }

    fn send_once(
        &self,
        method: Method,
        url: &str,
        body: Option<&[u8]>,
    ) -> Result<Response<ureq::Body>, GithubError> {
        let authorization = format!("Bearer {}", self.token.reveal());
        let (accept, version) = ("application/vnd.github+json", "2022-11-28");
        let sent = match method {
            Method::Get => self
                .agent
                .get(url)
                .header("Authorization", authorization)
                .header("Accept", accept)
                .header("X-GitHub-Api-Version", version)
                .call(),
            Method::Post | Method::Patch => {
                let request = match method {
                    Method::Patch => self.agent.patch(url),
                    _ => self.agent.post(url),
                };
                request
                    .header("Authorization", authorization)
                    .header("Accept", accept)
                    .header("X-GitHub-Api-Version", version)
                    .header("Content-Type", "application/json")
                    .send(body.unwrap_or_default())
            }
        };
        sent.map_err(|source| GithubError::Unreachable {
            address: self.api.as_str().to_owned(),
            source: Box::new(source),
        })
    }
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("payloads are maps with text keys, lists, texts and numbers")
}

/// The answer's value, or what its status means.
fn read<T: DeserializeOwned>(
    request: &str,
    mut response: Response<ureq::Body>,
) -> Result<(T, HeaderMap), GithubError> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = response
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES)
        .read_to_vec()
        .map_err(|error| GithubError::Unreadable {
            request: request.to_owned(),
            message: error.to_string(),
        })?;
    if !(200..300).contains(&status) {
        return Err(meaning(request, status, &headers, &body));
    }
    let value = serde_json::from_slice(&body).map_err(|error| GithubError::Unreadable {
        request: request.to_owned(),
        message: error.to_string(),
    })?;
    Ok((value, headers))
}

/// What a refusal means.
fn meaning(request: &str, status: u16, headers: &HeaderMap, body: &[u8]) -> GithubError {
    let message = message(body);
    let request = request.to_owned();
    if let Some(wait) = limit(status, headers, &message) {
        return GithubError::Limited {
            request,
            wait,
            message,
        };
    }
    match status {
        401 | 403 => GithubError::Forbidden {
            request,
            status,
            message,
        },
        404 | 410 => GithubError::Missing {
            request,
            status,
            message,
        },
        409 => GithubError::Conflict { request, message },
        408 | 425 | 429 | 500.. => GithubError::Unavailable {
            request,
            status,
            message,
        },
        _ => GithubError::Refused {
            request,
            status,
            message,
        },
    }
}

/// For how long to leave GitHub alone, where that is what it says.
///
/// In the order of GitHub's documentation ("Rate limits for the REST API", "Exceeding the rate
/// limit"): `retry-after`; else, with `x-ratelimit-remaining: 0`, until `x-ratelimit-reset`; else
/// a minute.
fn limit(status: u16, headers: &HeaderMap, message: &str) -> Option<Duration> {
    let number = |name: &str| header(headers, name).and_then(|text| text.parse::<u64>().ok());
    let is_spent = number("x-ratelimit-remaining") == Some(0);
    let says_limit = {
        let message = message.to_lowercase();
        message.contains("rate limit") || message.contains("submitted too quickly")
    };
    let retry_after = number("retry-after");
    let is_limit = match status {
        403 => retry_after.is_some() || is_spent || says_limit,
        429 => true,
        422 => says_limit,
        _ => false,
    };
    if !is_limit {
        return None;
    }
    let until_reset = || {
        let reset = i64::try_from(number("x-ratelimit-reset")?).ok()?;
        // By GitHub's own clock: ours may be wrong.
        let now = rfc2822::parse(header(headers, "date")?).ok()?;
        let seconds = reset.saturating_sub(now.timestamp().as_second()).max(0);
        // The second in which it resets is not over yet.
        Some(Duration::from_secs(u64::try_from(seconds).ok()? + 1))
    };
    let wait = retry_after
        .map(Duration::from_secs)
        .or_else(|| is_spent.then(until_reset).flatten())
        .unwrap_or(LIMIT_WAIT);
    Some(wait.min(LONGEST_WAIT))
}

/// What GitHub says, with the fields that it names.
fn message(body: &[u8]) -> String {
    const MOST: usize = 1000;
    let Ok(said) = serde_json::from_slice::<Value>(body) else {
        return "it does not say why".to_owned();
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut out = text(&said, "message").unwrap_or_else(|| "it does not say why".to_owned());
    let errors = said.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let named = match error {
            Value::String(text) => text.clone(),
            error => ["resource", "field", "code", "message"]
                .iter()
                .filter_map(|key| text(error, key))
                .collect::<Vec<_>>()
                .join(" "),
        };
        out.push_str(&format!("; {named}"));
    }
    out.chars().take(MOST).collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The address of the next page (RFC 8288).
fn next_page(headers: &HeaderMap) -> Option<String> {
    header(headers, "link")?.split(',').find_map(|link| {
        let (url, params) = link.split_once('>')?;
        params
            .contains("rel=\"next\"")
            .then(|| url.trim().trim_start_matches('<').to_owned())
    })
}

/// A time as GitHub reads it: whole seconds.
pub(super) fn since(time: Millis) -> String {
    Millis(time.0.div_euclid(1000).saturating_mul(1000))
        .timestamp()
        .to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use ureq::http::HeaderName;

    use super::*;

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            })
            .collect()
    }

    #[track_caller]
    fn check(status: u16, all: &[(&str, &str)], message: &str, seconds: Option<u64>) {
        let wait = limit(status, &headers(all), message);
        assert_eq!(wait.map(|wait| wait.as_secs()), seconds);
    }

    #[test]
    fn limits_are_told_from_refusals_and_say_for_how_long() {
        check(403, &[("retry-after", "37")], "slow down", Some(37));
        check(429, &[("retry-after", "5")], "", Some(5));
        check(429, &[], "", Some(60));
        check(403, &[], "Resource not accessible by integration", None);
        check(
            403,
            &[],
            "You have exceeded a secondary rate limit",
            Some(60),
        );
        check(
            422,
            &[],
            "Validation Failed; was submitted too quickly",
            Some(60),
        );
        check(422, &[], "Validation Failed", None);
        check(404, &[("retry-after", "37")], "Not Found", None);
        let spent = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1772344890"),
            ("date", "Sun, 01 Mar 2026 06:00:00 GMT"),
        ];
        check(403, &spent, "API rate limit exceeded", Some(91));
        let long = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "9772344890"),
            ("date", "Sun, 01 Mar 2026 06:00:00 GMT"),
        ];
        check(403, &long, "", Some(3600));
    }

    #[test]
    fn a_refusal_is_told_with_the_fields_that_github_names() {
        let body = br#"{"message": "Validation Failed", "errors":
            [{"resource": "Issue", "field": "title", "code": "missing_field"}, "and a text"]}"#;
        assert_eq!(
            message(body),
            "Validation Failed; Issue title missing_field; and a text"
        );
        assert_eq!(message(b"<html>"), "it does not say why");
    }

    #[test]
    fn the_next_page_is_the_one_that_is_called_so() {
        let link = r#"<http://h/a?page=1>; rel="prev", <http://h/a?page=3>; rel="next", <http://h/a?page=9>; rel="last""#;
        assert_eq!(
            next_page(&headers(&[("link", link)])).unwrap(),
            "http://h/a?page=3"
        );
        let last = r#"<http://h/a?page=1>; rel="prev""#;
        assert_eq!(next_page(&headers(&[("link", last)])), None);
    }
}
