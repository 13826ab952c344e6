//! `kvmark export-site DIR`: the same pages as files, that open without a server.
//!
//! # Layout
//! - here: which pages there are, and the writing. [`name`]: the names of files.
//!
//! # Invariants
//! 1. Every page comes from the router that serves it: an export cannot say what the server does
//!    not.
//! 2. No name from outside becomes the name of a file: a slug of letters and digits does, and a
//!    hash of the URL.
//! 3. Every link of a page leads to a file beside it, or is no link any more.

pub mod name;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use crate::web::inside::Inside;
use crate::web::offline;

/// The list of what an export wrote, so that the next one knows what it may replace.
const MANIFEST: &str = "kvmark-export.txt";

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// So many runs have a page, those that the other pages name first.
    pub runs: usize,
    /// So many files at most.
    pub files: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            runs: 100,
            files: 5_000,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Pages.
    pub pages: usize,
    /// Other files.
    pub others: usize,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Links that lead to what was not exported.
    pub dropped_links: usize,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The folder holds something else.
    #[error(
        "{} is not empty and no earlier export: give a new folder, or one that export-site wrote",
        .0.display()
    )]
    NotOurs(PathBuf),
    /// A page that is always there is not.
    #[error("the page {url} answers {status}")]
    Page {
        /// Which.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// Writing failed.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Writes the pages into `folder`, which is made, or must be empty or an earlier export. `label`
/// says on each page when it was made.
pub async fn export(
    inside: &Inside,
    folder: &Path,
    label: &str,
    options: Options,
) -> Result<Written, SiteError> {
    prepare(folder)?;
    let files = collect(inside, options).await?;
    let mut written = Written::default();
    let names: BTreeMap<&str, &str> = files
        .iter()
        .map(|(url, file)| (url.as_str(), file.name.as_str()))
        .collect();
    for (url, file) in &files {
        let body = if file.is_page {
            written.pages += 1;
            let text = String::from_utf8_lossy(&file.body);
            let page = offline::offline(&text, url, label, &names, &file.inlined);
            written.dropped_links += page.dropped;
            page.html.into_bytes()
        } else {
            written.others += 1;
            file.body.clone()
        };
        written.bytes += body.len() as u64;
        write(&folder.join(&file.name), &body)?;
    }
    let list: BTreeSet<&str> = names.into_values().collect();
    let list: Vec<&str> = list.into_iter().collect();
    write(&folder.join(MANIFEST), list.join("\n").as_bytes())?;
    Ok(written)
}

/// A file in the making.
struct File {
    name: String,
    body: Vec<u8>,
    is_page: bool,
    /// What the page's script would ask for, by URL.
    inlined: BTreeMap<String, String>,
}

/// Follows the links of the pages from the first one on, as far as [`is_exported`] says.
async fn collect(inside: &Inside, options: Options) -> Result<BTreeMap<String, File>, SiteError> {
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    let mut runs: BTreeSet<String> = BTreeSet::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut waiting: VecDeque<String> = VecDeque::from(["/".to_owned()]);
    seen.insert("/".to_owned());
    while let Some(url) = waiting.pop_front() {
        if files.len() >= options.files {
            break;
        }
        let answer = inside.get(&url).await;
        if answer.status != 200 {
            if url == "/" {
                return Err(SiteError::Page {
                    url,
                    status: answer.status,
                });
            }
            continue;
        }
        let is_page = answer.media_type == "text/html";
        let mut inlined = BTreeMap::new();
        if is_page {
            let text = String::from_utf8_lossy(&answer.body);
            for link in offline::links(&text, &url) {
                let is_new = !seen.contains(&link) && is_exported(&link);
                if !is_new {
                    continue;
                }
                if let Some(run) = run_of(&link) {
                    if !runs.contains(run) && runs.len() >= options.runs {
                        continue;
                    }
                    runs.insert(run.to_owned());
                }
                seen.insert(link.clone());
                waiting.push_back(link);
            }
            for data in offline::asked_by_script(&text, &url) {
                let answer = inside.get(&data).await;
                if answer.status == 200 {
                    let text = String::from_utf8_lossy(&answer.body).into_owned();
                    inlined.insert(data, text);
                }
            }
        }
        files.insert(
            url.clone(),
            File {
                name: name::of(&url, &answer.media_type),
                body: answer.body,
                is_page,
                inlined,
            },
        );
    }
    Ok(files)
}

/// The run that a page or file belongs to.
fn run_of(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("/runs/")
        .or_else(|| url.strip_prefix("/api/v1/runs/"))?;
    rest.split(['/', '?']).next()
}

/// Whether a link is followed. Choices multiply: a page is exported as it opens, with one choice of
/// its rows made; a benchmark for each of its series.
fn is_exported(url: &str) -> bool {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let choices: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .collect();
    let others = |known: &[&str]| {
        choices
            .iter()
            .filter(|name| !known.contains(name) && !name.starts_with("param."))
            .count()
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["static", ..] => true,
        [""] => choices.is_empty(),
        ["trends"] => {
            others(&["environment", "benchmark"]) == 0 && !query.contains("param.")
                || query == "show=overlay"
        }
        ["benchmarks", _] => others(&["metric", "environment"]) == 0,
        ["runs"] => choices.is_empty(),
        ["runs", _] => matches!(query, "" | "show=all"),
        ["api", "v1", "runs", _, "report" | "benchmarks.txt"] => choices.is_empty(),
        ["api", ..] | ["login" | "logout" | "healthz" | "readyz" | "metrics"] | ["files", ..] => {
            false
        }
        ["export.csv" | "export.json" | "chart", ..] => true,
        // Pages that say one thing.
        _ => choices.is_empty(),
    }
}

/// Makes the folder, or empties an earlier export.
fn prepare(folder: &Path) -> Result<(), SiteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| SiteError::Write(path, error)
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let is_empty = std::fs::read_dir(folder)
        .map_err(failed(folder))?
        .next()
        .is_none();
    if is_empty {
        return Ok(());
    }
    let manifest = folder.join(MANIFEST);
    let Ok(list) = std::fs::read_to_string(&manifest) else {
        return Err(SiteError::NotOurs(folder.to_owned()));
    };
    // A list that somebody changed must not reach beyond the folder.
    for file in list.lines().filter(|file| name::is_ours(file)) {
        let path = folder.join(file);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(SiteError::Write(path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn write(path: &Path, body: &[u8]) -> Result<(), SiteError> {
    std::fs::write(path, body).map_err(|error| SiteError::Write(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_choice_of_a_page_is_exported_and_no_product_of_choices() {
        for yes in [
            "/",
            "/trends",
            "/trends?benchmark=a&environment=1",
            "/benchmarks/a%2Fb",
            "/benchmarks/a?metric=m&param.cpu=2&environment=1",
            "/runs",
            "/runs/7",
            "/runs/7?show=all",
            "/api/v1/runs/7/report",
            "/help",
            "/alerts/3",
            "/static/aa/style.css",
            "/export.csv?series=1&from=0&to=9",
        ] {
            assert!(is_exported(yes), "{yes}");
        }
        for no in [
            "/trends?param.cpu=2",
            "/trends?range=1y",
            "/benchmarks/a?range=1y",
            "/runs?kind=pull",
            "/runs/7?benchmark=a",
            "/api/v1/runs",
            "/login",
            "/files/runs/7",
            "/metrics",
        ] {
            assert!(!is_exported(no), "{no}");
        }
        assert_eq!(run_of("/runs/7?show=all"), Some("7"));
        assert_eq!(run_of("/api/v1/runs/8/report"), Some("8"));
        assert_eq!(run_of("/runs"), None);
    }
}
