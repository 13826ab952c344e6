//! Work trees: git as a program, and a clone that is moved from revision to revision.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{BuildError, SUBJECT, failed};
use crate::environment::clean_command;

/// What git says; an error has what it said instead.
pub(crate) fn git(repository: &Path, arguments: &[&str]) -> Result<String, BuildError> {
    let mut command: Command = clean_command("git");
    let output = command
        .arg("-C")
        .arg(repository)
        .args(arguments)
        .output()
        .map_err(failed("run", Path::new("git")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(BuildError::Git {
        what: format!("git {}", arguments.join(" ")),
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// A work tree of the repository at `tree`, made where it is not there yet. It shares the
/// repository's objects.
pub(super) fn made(repository: &Path, tree: &Path) -> Result<(), BuildError> {
    if tree.join(".git").is_dir() {
        return Ok(());
    }
    if tree.exists() {
        fs::remove_dir_all(tree).map_err(failed("remove", tree))?;
    }
    let (from, to) = (repository.to_string_lossy(), tree.to_string_lossy());
    let arguments = ["clone", "--quiet", "--shared", "--no-checkout", &from, &to];
    git(repository, &arguments).map(drop)
}

/// Moves a work tree to a commit, whatever stands in it.
pub(super) fn check_out(tree: &Path, commit: &str) -> Result<(), BuildError> {
    git(
        tree,
        &["checkout", "--quiet", "--force", "--detach", commit],
    )
    .map(drop)
}

/// Puts the [`SUBJECT`] of a commit in the place of the one that is checked out. The next
/// [`check_out`] takes it away again.
pub(super) fn take_over(tree: &Path, commit: &str) -> Result<(), BuildError> {
    let gone = [
        "rm",
        "-r",
        "--quiet",
        "--force",
        "--ignore-unmatch",
        "--",
        SUBJECT,
    ];
    git(tree, &gone)?;
    git(tree, &["checkout", "--quiet", commit, "--", SUBJECT]).map(drop)
}
