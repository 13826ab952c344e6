//! Which code is measured: what git says of the work tree, and what the caller knows better.

use std::path::Path;

use bench_report::report::Revision;
use jiff::Timestamp;
use thiserror::Error;

use super::program::clean_command;

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
