//! What git knows of commits and files.

use std::path::Path;

use bench_report::report::Revision;
use jiff::Timestamp;

use crate::environment::git;

/// The full hash of a commit that a word names.
pub(super) fn commit(work_tree: &Path, word: &str) -> Option<String> {
    let name = format!("{word}^{{commit}}");
    git(work_tree, &["rev-parse", "--verify", "--quiet", &name])
}

/// The branch's last commit at a time.
pub(super) fn at(work_tree: &Path, branch: &str, time: Timestamp) -> Option<String> {
    let before = format!("--before={time}");
    [branch, &format!("origin/{branch}")]
        .iter()
        .find_map(|branch| {
            let arguments = ["rev-list", "-1", "--first-parent", &before, branch, "--"];
            git(work_tree, &arguments)
        })
}

/// When a commit was made.
pub(super) fn committed_at(work_tree: &Path, commit: &str) -> Option<Timestamp> {
    revision(work_tree, commit)?.committed_at
}

/// The commit that added a file, and when it was made.
pub(super) fn added(path: &Path) -> Option<(String, Timestamp)> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name()?.to_str()?;
    let arguments = [
        "log",
        "-1",
        "--diff-filter=A",
        "--format=%H %cI",
        "--",
        name,
    ];
    let said = git(folder.unwrap_or(Path::new(".")), &arguments)?;
    let (commit, time) = said.split_once(' ')?;
    Some((commit.to_owned(), time.parse().ok()?))
}

/// All of a commit that a report holds.
pub(super) fn revision(work_tree: &Path, commit: &str) -> Option<Revision> {
    let name = format!("{commit}^{{commit}}");
    let format = "--format=%H%n%cI%n%P%n%an%n%s";
    let said = git(work_tree, &["show", "--no-patch", format, &name, "--"])?;
    let mut lines = said.lines();
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let (commit, time, parents, author, subject) = (next(), next(), next(), next(), next());
    let some = |text: String, most: usize| {
        let text: String = text
            .chars()
            .filter(|c| !c.is_control())
            .take(most)
            .collect();
        (!text.is_empty()).then_some(text)
    };
    Some(Revision {
        commit: Some(commit),
        parent: parents
            .split(' ')
            .next()
            .filter(|p| !p.is_empty())
            .map(str::to_owned),
        committed_at: time.parse().ok(),
        author: some(author, 200),
        subject: some(subject, 500),
        ..Revision::default()
    })
}
