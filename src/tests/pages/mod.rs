//! The pages, as a browser without script gets them.

mod alerts;
mod annotations;
mod benchmark;
mod compare;
mod environments;
mod help;
mod kept;
mod overview;
mod profile;
mod run;
mod trends;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use kvmark::analysis::judge::{JudgeInputs, judge};
use kvmark::domain::{NewRun, RunId};

use crate::app::{Answer, TestApp};

/// A page of HTML that keeps the rules of all pages.
pub(crate) struct Page {
    html: String,
}

impl Page {
    /// Gets a page that is there.
    pub(crate) async fn get(app: &TestApp, uri: &str) -> Self {
        Self::with_status(app, uri, StatusCode::OK).await
    }

    /// Gets a page that answers with this status.
    pub(crate) async fn with_status(app: &TestApp, uri: &str, status: StatusCode) -> Self {
        let answer = app.get(uri).await;
        assert_eq!(answer.status, status, "{uri}: {}", answer.text());
        assert!(
            answer.header("content-type").starts_with("text/html"),
            "{uri}"
        );
        let page = Self {
            html: answer.text().to_owned(),
        };
        page.check_rules(uri);
        page
    }

    /// The HTML.
    pub(crate) fn html(&self) -> &str {
        &self.html
    }

    /// What people read: the HTML without its tags and drawings, one space between words.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut rest = self.html.as_str();
        while let Some(start) = rest.find('<') {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let skip = ["<svg", "<script", "<style", "<head"]
                .iter()
                .find(|tag| rest.starts_with(**tag))
                .and_then(|tag| {
                    let end = format!("</{}>", &tag[1..]);
                    rest.find(&end).map(|at| at + end.len())
                });
            let end = skip.unwrap_or_else(|| rest.find('>').map_or(rest.len(), |at| at + 1));
            rest = &rest[end..];
            let is_inline = out.ends_with(|c: char| !c.is_whitespace());
            if is_inline {
                out.push(' ');
            }
        }
        out.push_str(rest);
        let words: Vec<&str> = out.split_whitespace().collect();
        words
            .join(" ")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#38;", "&")
            .replace("&amp;", "&")
    }

    #[track_caller]
    pub(crate) fn says(&self, what: &str) -> &Self {
        let text = self.text();
        assert!(text.contains(what), "{what:?} is not in:\n{text}");
        self
    }

    #[track_caller]
    pub(crate) fn does_not_say(&self, what: &str) -> &Self {
        let text = self.text();
        assert!(!text.contains(what), "{what:?} is in:\n{text}");
        self
    }

    /// How often a piece of HTML occurs.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.html.matches(what).count()
    }

    /// What holds for every page: the policy forbids inline style and script, drawings refer to
    /// symbols that are there, nothing comes from elsewhere.
    fn check_rules(&self, uri: &str) {
        let html = &self.html;
        assert_eq!(self.count("<h1"), 1, "{uri}: one h1");
        assert!(!html.contains(" style="), "{uri}: an inline style");
        assert!(!html.contains("javascript:"), "{uri}: a script URL");
        for tag in html
            .split('<')
            .filter_map(|t| t.split_once('>').map(|(tag, _)| tag))
        {
            let name = tag.split_whitespace().next().unwrap_or_default();
            assert!(!tag.contains(" on"), "{uri}: a handler in {tag}");
            if name == "script" {
                assert!(
                    tag.contains(" src=\"/static/") || tag.contains("type=\"application/json\""),
                    "{uri}: an inline script: {tag}"
                );
            }
            for attribute in ["src=\"", "href=\""] {
                if let Some((_, value)) = tag.split_once(attribute) {
                    let value = value.split('"').next().unwrap_or_default();
                    // A link that a person may follow to GitHub; nothing is loaded from there.
                    let is_github = name == "a"
                        && value.starts_with("https://github.com/")
                        && tag.contains("rel=\"noreferrer\"");
                    assert!(
                        is_github || value.starts_with(['/', '#', '?']) && !value.starts_with("//"),
                        "{uri}: {value} in {tag}"
                    );
                    if let Some(id) = value.strip_prefix('#') {
                        assert!(html.contains(&format!("id=\"{id}\"")), "{uri}: no {value}");
                    }
                }
            }
        }
        for (place, _) in html.match_indices("<table") {
            let table = &html[place..];
            let table = &table[..table.find("</table>").expect("a table ends")];
            assert!(
                table.contains("scope=\"col\""),
                "{uri}: a table without headings"
            );
        }
    }
}

/// A browser that is logged in.
pub(crate) async fn browser(
    app: &TestApp,
    method: &str,
    uri: &str,
    token: &str,
    site: &str,
    body: &str,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("cookie", format!("kvmark_token={token}"))
        .header("sec-fetch-site", site)
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap();
    app.send(request).await
}

/// Stores a run and what is said of it.
pub(crate) async fn store(app: &TestApp, run: &NewRun) -> RunId {
    app.store()
        .insert_judged(run, run.finished_at, |inputs| {
            judge(&JudgeInputs {
                at: inputs.run.started_at,
                rows: inputs.rows,
                history: inputs.baseline,
            })
        })
        .await
        .unwrap()
        .run_id
}
