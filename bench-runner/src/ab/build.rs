//! A revision, built in a work tree of its own, and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use crate::environment::clean_command;

/// Why a revision gives no program.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Git does not know it, or is not there.
    #[error("{what} failed: {said}")]
    Git {
        /// What was tried.
        what: String,
        /// What git said.
        said: String,
    },
    /// It does not build.
    #[error("{revision} does not build: {said}")]
    Build {
        /// Which.
        revision: String,
        /// The end of what cargo said.
        said: String,
    },
    /// A file cannot be handled.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A revision and its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its commit, whole.
    pub commit: String,
    /// Its bench-runner.
    pub program: PathBuf,
    /// Whether it was there from an earlier time.
    pub cached: bool,
}

/// Builds the bench-runner of a revision of the repository at `repository`, with the profile
/// `measure`. Programs are kept in `cache` by commit; build products of all revisions are shared.
pub fn build(repository: &Path, revision: &str, cache: &Path) -> Result<Built, BuildError> {
    let commit = git(
        repository,
        &["rev-parse", "--verify", &format!("{revision}^{{commit}}")],
    )?;
    let program = cache.join("programs").join(&commit);
    if program.is_file() {
        return Ok(Built {
            commit,
            program,
            cached: true,
        });
    }
    let folder = program.parent().unwrap_or(cache);
    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    let tree = cache.join("trees").join(&commit);
    let _removed_at_the_end = WorkTree::add(repository, &tree, &commit)?;
    let target = cache.join("target");
    cargo(&tree, &target, &commit)?;
    let made = target.join("measure").join("bench-runner");
    // Beside its place first: a program that is there is whole.
    let beside = program.with_extension(std::process::id().to_string());
    fs::copy(&made, &beside).map_err(failed("copy", &made))?;
    fs::rename(&beside, &program).map_err(failed("move", &beside))?;
    Ok(Built {
        commit,
        program,
        cached: false,
    })
}

/// Where built programs are kept: the user's cache folder (XDG).
pub fn default_cache() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    of("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| of("HOME").map(|home| Path::new(&home).join(".cache")))
        .map(|cache| cache.join("kvmark/builds"))
}

fn cargo(tree: &Path, target: &Path, revision: &str) -> Result<(), BuildError> {
    let arguments = ["build", "--quiet", "--locked", "--profile", "measure"];
    let output = clean_command("cargo")
        .current_dir(tree)
        .args(arguments)
        .args(["--package", "bench-runner", "--bin", "bench-runner"])
        .env("CARGO_TARGET_DIR", target)
        .output()
        .map_err(failed("run", Path::new("cargo")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("error"))
        .take(3)
        .collect();
    Err(BuildError::Build {
        revision: revision.to_owned(),
        said: errors.join("; "),
    })
}

/// A work tree that is taken away again.
struct WorkTree<'a> {
    repository: &'a Path,
    tree: &'a Path,
}

impl<'a> WorkTree<'a> {
    fn add(repository: &'a Path, tree: &'a Path, commit: &str) -> Result<Self, BuildError> {
        // One that an earlier, killed build left behind is in the way.
        let left = WorkTree { repository, tree };
        left.remove();
        let path = tree.to_string_lossy();
        git(
            repository,
            &[
                "worktree", "add", "--quiet", "--detach", "--force", &path, commit,
            ],
        )?;
        Ok(left)
    }

    fn remove(&self) {
        let path = self.tree.to_string_lossy();
        // Nothing depends on it: a work tree that stays is only in the way of the next build, which
        // removes it.
        let _ = git(self.repository, &["worktree", "remove", "--force", &path]);
    }
}

impl Drop for WorkTree<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

fn git(repository: &Path, arguments: &[&str]) -> Result<String, BuildError> {
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

fn failed(what: &'static str, path: &Path) -> impl Fn(std::io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File {
        what,
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test may fail where git cannot be run"
)]
mod tests {
    use super::*;

    /// A repository whose first commit builds a bench-runner that needs no dependency, and whose
    /// second one does not build.
    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let run = |arguments: &[&str]| {
            let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
            git(folder.path(), &[&identity[..], arguments].concat()).unwrap();
        };
        file(
            "Cargo.toml",
            "[package]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n\n[profile.measure]\ninherits = \"release\"\n",
        );
        file(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n",
        );
        file("src/main.rs", "fn main() {}\n");
        run(&["init", "--quiet", "--initial-branch=main"]);
        run(&["add", "."]);
        run(&["commit", "--quiet", "--message", "one"]);
        file("src/main.rs", "fn main() { broken }\n");
        run(&["commit", "--quiet", "--all", "--message", "two"]);
        folder
    }

    #[test]
    fn a_revision_is_built_once_and_leaves_no_work_tree() {
        let (repository, cache) = (repository(), tempfile::tempdir().unwrap());
        let built = build(repository.path(), "HEAD~1", cache.path()).unwrap();
        assert!(!built.cached && built.program.is_file());
        assert!(Command::new(&built.program).status().unwrap().success());
        let again = build(repository.path(), "HEAD~1", cache.path()).unwrap();
        assert!(again.cached && again.program == built.program);
        let trees = git(repository.path(), &["worktree", "list"]).unwrap();
        assert_eq!(trees.lines().count(), 1, "{trees}");
    }

    #[test]
    fn what_does_not_build_says_why() {
        let (repository, cache) = (repository(), tempfile::tempdir().unwrap());
        let error = build(repository.path(), "HEAD", cache.path()).unwrap_err();
        assert!(
            error.to_string().contains("cannot find value `broken`"),
            "{error}"
        );
        let unknown = build(repository.path(), "nothing", cache.path()).unwrap_err();
        assert!(matches!(unknown, BuildError::Git { .. }), "{unknown}");
    }
}
