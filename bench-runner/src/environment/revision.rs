//! Which code is measured: what git says of the work tree, and what the caller knows better.

use std::collections::BTreeSet;
use std::path::Path;

use bench_report::report::limits::TOUCHES;
use bench_report::report::{Commit, Revision};
use jiff::Timestamp;
use thiserror::Error;

use super::program::clean_command;

/// Commits that a night lists: who has more of them looks at the repository.
const MOST_COMMITS: usize = 200;

/// What the caller says about the revision; each wins over what git says.
#[derive(Debug, Clone, Default)]
pub struct RevisionOverrides {
    /// Commit hash, hex.
    pub commit: Option<String>,
    /// Branch name.
    pub branch: Option<String>,
    /// `owner/name`.
    pub repository: Option<String>,
    /// Pull request number.
    pub pull: Option<u64>,
    /// Merge base of the pull request.
    pub base_commit: Option<String>,
}

/// Why a revision cannot be told.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RevisionError {
    /// A commit that is none.
    #[error(
        "{what} {value:?} is no commit hash: give 7 to 64 hex digits, as `git rev-parse HEAD` prints them"
    )]
    Commit {
        /// Which option.
        what: &'static str,
        /// What was given.
        value: String,
    },
}

/// The revision of the work tree that holds `folder`, with the caller's overrides. Outside of a git
/// work tree only the overrides are known; a commit given for a work tree that is at another one
/// leaves out what git says about the latter.
pub fn revision(folder: &Path, overrides: &RevisionOverrides) -> Result<Revision, RevisionError> {
    check("--commit", overrides.commit.as_deref())?;
    check("--base-commit", overrides.base_commit.as_deref())?;
    let mut revision = from_git(folder).unwrap_or_default();
    if let Some(commit) = &overrides.commit {
        let same = revision
            .commit
            .as_ref()
            .is_some_and(|own| own.starts_with(commit.as_str()));
        if !same {
            let repository = revision.repository.take();
            revision = Revision {
                commit: Some(commit.clone()),
                repository,
                ..Revision::default()
            };
        }
    }
    let or = |given: &Option<String>, own: Option<String>| given.clone().or(own);
    revision.branch = or(&overrides.branch, revision.branch);
    revision.repository = or(&overrides.repository, revision.repository);
    revision.base_commit = or(&overrides.base_commit, revision.base_commit);
    revision.pull = overrides.pull.or(revision.pull);
    Ok(revision)
}

fn check(what: &'static str, commit: Option<&str>) -> Result<(), RevisionError> {
    let Some(value) = commit else { return Ok(()) };
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex && (7..=64).contains(&value.len()) {
        return Ok(());
    }
    Err(RevisionError::Commit {
        what,
        value: value.to_owned(),
    })
}

/// What git says of a commit that is not checked out. `branch` is what the caller calls it.
pub fn revision_at(folder: &Path, commit: &str, branch: Option<String>) -> Revision {
    let (subject, author, committed_at) = shown(folder, commit);
    Revision {
        commit: Some(commit.to_owned()),
        branch,
        tag: git(folder, &["describe", "--tags", "--exact-match", commit]),
        parent: git(
            folder,
            &["rev-parse", "--verify", "--quiet", &format!("{commit}^")],
        ),
        repository: git(folder, &["remote", "get-url", "origin"])
            .and_then(|url| repository_of(&url)),
        committed_at,
        subject,
        author,
        ..Revision::default()
    }
}

/// Subject, author and time of a commit.
fn shown(folder: &Path, commit: &str) -> (Option<String>, Option<String>, Option<Timestamp>) {
    let shown = |format: &str| {
        git(
            folder,
            &["log", "-1", &format!("--format={format}"), commit],
        )
    };
    (
        shown("%s").map(|text| text.chars().take(500).collect()),
        shown("%an").map(|text| text.chars().take(200).collect()),
        shown("%cI").and_then(|text| text.parse().ok()),
    )
}

/// The commits after `before` up to the one that is checked out, newest first, and which folders each
/// changes; none where git does not know `before`, as in a clone without its history.
pub fn commits_since(folder: &Path, before: &str) -> Vec<Commit> {
    // Separators that no subject has: a record begins with one, its parts with the other.
    let format = "--format=%x1e%H%x1f%s%x1f%an";
    let range = format!("{before}..HEAD");
    let most = format!("--max-count={MOST_COMMITS}");
    let log = ["log", &most, format, "--name-only", &range];
    let text = git(folder, &log).unwrap_or_default();
    text.split('\x1e').filter_map(commit_of).collect()
}

/// One record of [`commits_since`]: a line of hash, subject and author, then a line a file.
fn commit_of(record: &str) -> Option<Commit> {
    let mut lines = record.lines();
    let mut parts = lines.next()?.split('\x1f');
    let (commit, subject, author) = (parts.next()?, parts.next()?, parts.next()?);
    let folders = lines.filter(|line| !line.is_empty()).map(|file| {
        // What lies in no folder stands for itself.
        let folder = file.rsplit_once('/').map_or(file, |(folder, _)| folder);
        folder.chars().take(500).collect::<String>()
    });
    let folders: BTreeSet<String> = folders.collect();
    Some(Commit {
        commit: commit.to_owned(),
        subject: subject.chars().take(500).collect(),
        author: author.chars().take(200).collect(),
        touches: folders.into_iter().take(TOUCHES).collect(),
    })
}

fn from_git(folder: &Path) -> Option<Revision> {
    let commit = git(folder, &["rev-parse", "--verify", "HEAD"])?;
    let (subject, author, committed_at) = shown(folder, "HEAD");
    Some(Revision {
        commit: Some(commit),
        // Detached, as in CI: then there is no branch to name.
        branch: git(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]),
        tag: git(folder, &["describe", "--tags", "--exact-match", "HEAD"]),
        parent: git(folder, &["rev-parse", "--verify", "--quiet", "HEAD^"]),
        repository: git(folder, &["remote", "get-url", "origin"])
            .and_then(|url| repository_of(&url)),
        committed_at,
        subject,
        author,
        // Files that git does not know do not change what was built from those it knows.
        dirty: !git(folder, &["status", "--porcelain", "--untracked-files=no"])
            .unwrap_or_default()
            .is_empty(),
        ..Revision::default()
    })
}

/// What git prints, without the line's end; `None` when it fails or prints nothing.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = clean_command("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim_end();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// `owner/name` of a remote's address, without any user or password in it.
fn repository_of(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.split_once(':')?.1,
    };
    let path = path.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    let (name, owner) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{name}"))
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test may fail where git cannot be run"
)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let done = clean_command("git")
                .arg("-C")
                .arg(folder.path())
                .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
                .args(arguments)
                .output()
                .unwrap();
            assert!(done.status.success(), "{done:?}");
        };
        run(&["init", "--quiet", "--initial-branch=main"]);
        std::fs::write(folder.path().join("file"), "one").unwrap();
        run(&["add", "."]);
        run(&["commit", "--quiet", "--message", "first"]);
        run(&[
            "remote",
            "add",
            "origin",
            "https://user:pass@example.org/team/engine.git",
        ]);
        folder
    }

    #[test]
    fn git_tells_commit_branch_subject_and_dirtiness() {
        let folder = repository();
        let clean = revision(folder.path(), &RevisionOverrides::default()).unwrap();
        assert!(
            clean
                .commit
                .as_ref()
                .is_some_and(|commit| commit.len() >= 40)
        );
        assert_eq!(clean.branch.as_deref(), Some("main"));
        assert_eq!(clean.subject.as_deref(), Some("first"));
        assert_eq!(clean.repository.as_deref(), Some("team/engine"));
        assert!(clean.committed_at.is_some() && clean.parent.is_none() && !clean.dirty);
        std::fs::write(folder.path().join("file"), "two").unwrap();
        assert!(
            revision(folder.path(), &RevisionOverrides::default())
                .unwrap()
                .dirty
        );
    }

    #[test]
    fn the_commits_since_a_night_say_which_folders_they_change() {
        let folder = repository();
        let first = git(folder.path(), &["rev-parse", "HEAD"]).unwrap();
        assert!(commits_since(folder.path(), &first).is_empty());
        for (subject, files) in [
            ("two", &["src/index/a", "src/index/b", "README"][..]),
            ("three", &["docs/x"]),
        ] {
            for file in files {
                let path = folder.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, subject).unwrap();
            }
            let commit = [
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "commit",
                "-qm",
                subject,
            ];
            git(folder.path(), &["add", "."]);
            git(folder.path(), &commit);
        }
        let since = commits_since(folder.path(), &first);
        let told: Vec<(&str, &str, Vec<&str>)> = since
            .iter()
            .map(|c| {
                (
                    c.subject.as_str(),
                    c.author.as_str(),
                    c.touches.iter().map(String::as_str).collect(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("three", "A", vec!["docs"]),
                ("two", "A", vec!["README", "src/index"])
            ]
        );
        assert!(commits_since(folder.path(), "0123456789").is_empty());
    }

    #[test]
    fn outside_of_a_work_tree_only_what_is_given_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = revision(folder.path(), &RevisionOverrides::default()).unwrap();
        assert_eq!(nothing, Revision::default());
        let overrides = RevisionOverrides {
            commit: Some("abcdef0".to_owned()),
            branch: Some("main".to_owned()),
            ..RevisionOverrides::default()
        };
        let given = revision(folder.path(), &overrides).unwrap();
        assert_eq!(given.commit.as_deref(), Some("abcdef0"));
        assert_eq!(given.branch.as_deref(), Some("main"));
    }

    #[test]
    fn another_commit_does_not_get_this_ones_subject() {
        let folder = repository();
        let overrides = RevisionOverrides {
            commit: Some("0123456789".to_owned()),
            ..RevisionOverrides::default()
        };
        let given = revision(folder.path(), &overrides).unwrap();
        assert_eq!((given.subject, given.committed_at), (None, None));
        assert_eq!(given.repository.as_deref(), Some("team/engine"));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let overrides = RevisionOverrides {
            commit: Some("HEAD~1".to_owned()),
            ..RevisionOverrides::default()
        };
        let error = revision(Path::new("."), &overrides).unwrap_err();
        assert!(error.to_string().contains("7 to 64 hex digits"), "{error}");
    }

    #[test]
    fn an_address_gives_owner_and_name_and_no_password() {
        for url in [
            "git@example.org:team/engine.git",
            "https://user:pass@example.org/team/engine.git",
            "ssh://git@example.org:22/team/engine/",
        ] {
            assert_eq!(repository_of(url).as_deref(), Some("team/engine"), "{url}");
        }
        assert_eq!(repository_of("engine"), None);
    }
}
