//! A revision, built in a work tree of its own, and kept.
//!
//! Each repository has one work tree in the cache: a clone that shares the repository's objects, so
//! that nothing is registered in the repository itself. It is moved from revision to revision, so
//! that only what differs is built again, and it is always the same folder: two revisions that
//! differ in nothing that is compiled give the same program, byte for byte.
//!
//! # Layout
//! - here: recipes, and what is built by them. `tree`: work trees.

#[cfg(test)]
pub(crate) mod tests;
mod tree;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use thiserror::Error;

pub(crate) use self::tree::git;
use super::side::{Program, Side};
use crate::environment::clean_command;
use crate::interrupt::{self, Stopped};

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
        /// The end of what was said.
        said: String,
    },
    /// Somebody stopped it.
    #[error("{0}")]
    Stopped(#[source] Stopped),
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

/// How a revision becomes something that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipe {
    /// It holds this bench-runner: built with the profile `measure`.
    Runner,
    /// It holds anything: built and run by the shell, in its work tree.
    Command {
        /// Builds it; without one there is nothing to build.
        build: Option<String>,
        /// Prints Go benchmark text.
        exec: String,
    },
}

/// What the suite measures: its folder in the repository.
pub const SUBJECT: &str = "bench-runner/indexer";

/// Builds revisions of a repository.
#[derive(Debug, Clone)]
pub struct Builder {
    repository: PathBuf,
    cache: PathBuf,
    recipe: Recipe,
    heard: fn(&str),
}

/// A revision and what runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its commit, whole.
    pub commit: String,
    /// Its bench-runner, or the folder in which its command runs.
    pub place: PathBuf,
    /// Whether it was there from an earlier time.
    pub cached: bool,
}

impl Builder {
    /// Builds revisions of the repository that holds `folder`, and keeps them in `cache`.
    pub fn new(folder: &Path, cache: &Path, recipe: Recipe) -> Result<Self, BuildError> {
        let repository = git(folder, &["rev-parse", "--show-toplevel"])?;
        Ok(Self {
            repository: PathBuf::from(repository),
            cache: cache.to_owned(),
            recipe,
            heard: |_| {},
        })
    }

    /// Tells `heard` each line that a build says.
    pub fn telling(self, heard: fn(&str)) -> Self {
        Self { heard, ..self }
    }

    /// The repository's work tree.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// Where builds are kept.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The whole hash of a revision.
    pub fn commit(&self, revision: &str) -> Result<String, BuildError> {
        let commit = format!("{revision}^{{commit}}");
        git(
            &self.repository,
            &[
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &commit,
            ],
        )
        .map_err(|error| match error {
            BuildError::Git { what, said } if said.is_empty() => BuildError::Git {
                what,
                said: format!(
                    "{revision:?} is no revision of {}; fetch it, or name another",
                    self.repository.display()
                ),
            },
            other => other,
        })
    }

    /// Builds a revision, unless that was done before with the same recipe, compiler and flags.
    pub fn build(&self, revision: &str) -> Result<Built, BuildError> {
        let commit = self.commit(revision)?;
        fs::create_dir_all(&self.cache).map_err(failed("make the folder", &self.cache))?;
        let _turn = self.turn()?;
        match &self.recipe {
            Recipe::Runner => self.runner(commit, None),
            Recipe::Command { build, .. } => self.command(commit, build.as_deref()),
        }
    }

    /// Builds the bench-runner of the revision `suite` around what is measured of another: the
    /// [`SUBJECT`] of one under the suite of the other.
    pub fn build_under(&self, revision: &str, suite: &str) -> Result<Built, BuildError> {
        let (commit, suite) = (self.commit(revision)?, self.commit(suite)?);
        fs::create_dir_all(&self.cache).map_err(failed("make the folder", &self.cache))?;
        let _turn = self.turn()?;
        self.runner(commit, Some(&suite))
    }

    /// What is built as a side of a comparison. `options` are those of `run`, for a bench-runner.
    pub fn side(&self, name: &str, built: &Built, options: &[String]) -> Side {
        let program = match &self.recipe {
            Recipe::Runner => Program::Runner {
                path: built.place.clone(),
                options: options.to_vec(),
            },
            Recipe::Command { exec, .. } => Program::Command {
                words: vec!["sh".to_owned(), "-c".to_owned(), exec.clone()],
                folder: Some(built.place.clone()),
            },
        };
        Side {
            name: name.to_owned(),
            program,
            slowed: None,
        }
    }

    /// One build at a time: they share a work tree and the build products.
    fn turn(&self) -> Result<File, BuildError> {
        let path = self.cache.join("lock");
        let lock = File::create(&path).map_err(failed("make", &path))?;
        lock.lock().map_err(failed("lock", &path))?;
        Ok(lock)
    }

    /// `suite`: the commit whose suite measures it; its own, where there is none.
    fn runner(&self, commit: String, suite: Option<&str>) -> Result<Built, BuildError> {
        let tree = self.path("tree");
        tree::made(&self.repository, &tree)?;
        let under = suite.map_or_else(String::new, |suite| format!("-under-{suite}"));
        let program = |key: &str| {
            let name = format!("{commit}{under}-{key}");
            self.cache.join("programs").join(name)
        };
        // The compiler that the work tree at hand asks for; a revision may ask for another.
        let built = program(&key(&tree));
        if built.is_file() {
            return Ok(Built {
                commit,
                place: built,
                cached: true,
            });
        }
        tree::check_out(&tree, suite.unwrap_or(&commit))?;
        if suite.is_some() {
            tree::take_over(&tree, &commit)?;
        }
        let built = program(&key(&tree));
        let folder = built.parent().unwrap_or(&self.cache);
        fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
        let target = self.cache.join("target");
        let mut cargo = clean_command("cargo");
        cargo
            .current_dir(&tree)
            .args(["build", "--profile", "measure"])
            .args(["--package", "bench-runner", "--bin", "bench-runner"])
            .env("CARGO_TARGET_DIR", &target);
        let what = match suite {
            // The lock file is the suite's, and the subject may need other versions.
            Some(suite) => format!("{SUBJECT} of {commit} under the suite of {suite}"),
            None => {
                cargo.arg("--locked");
                commit.clone()
            }
        };
        self.succeeds(&mut cargo, &what)?;
        let made = target.join("measure").join("bench-runner");
        // Beside its place first: a program that is there is whole.
        let beside = built.with_extension(std::process::id().to_string());
        fs::copy(&made, &beside).map_err(failed("copy", &made))?;
        fs::rename(&beside, &built).map_err(failed("move", &beside))?;
        Ok(Built {
            commit,
            place: built,
            cached: false,
        })
    }

    /// A command runs in a work tree of its revision, which is kept.
    fn command(&self, commit: String, build: Option<&str>) -> Result<Built, BuildError> {
        let how = hex(&Sha256::digest(build.unwrap_or_default()));
        let name = format!("trees/{commit}-{}", &how[..8]);
        let mark = self.path(&format!("{name}.built"));
        if mark.is_file() {
            let place = self.path(&name);
            return Ok(Built {
                commit,
                place,
                cached: true,
            });
        }
        let tree = self.path(&name);
        tree::made(&self.repository, &tree)?;
        tree::check_out(&tree, &commit)?;
        if let Some(build) = build {
            let mut shell = clean_command("sh");
            self.succeeds(shell.current_dir(&tree).args(["-c", build]), &commit)?;
        }
        File::create(&mark).map_err(failed("make", &mark))?;
        Ok(Built {
            commit,
            place: tree,
            cached: false,
        })
    }

    /// Builds; an error has what matters of what was said.
    fn succeeds(&self, build: &mut Command, revision: &str) -> Result<(), BuildError> {
        let program = PathBuf::from(build.get_program());
        let failed = |source| failed("run", &program)(source);
        build
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let (mut child, _group) = interrupt::start(build).map_err(failed)?;
        let mut said = Vec::new();
        for line in child
            .stderr
            .take()
            .map(BufReader::new)
            .into_iter()
            .flat_map(|text| text.split(b'\n'))
        {
            let line = String::from_utf8_lossy(&line.map_err(failed)?).into_owned();
            (self.heard)(&line);
            said.push(line);
        }
        let status = child.wait().map_err(failed)?;
        // Whatever was stopped may well build.
        interrupt::check().map_err(BuildError::Stopped)?;
        if status.success() {
            return Ok(());
        }
        Err(BuildError::Build {
            revision: revision.to_owned(),
            said: gist(&said).unwrap_or_else(|| status.to_string()),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        let repository = hex(&Sha256::digest(
            self.repository.as_os_str().as_encoded_bytes(),
        ));
        self.cache
            .join("repositories")
            .join(&repository[..16])
            .join(name)
    }
}

/// Where built programs are kept: the user's cache folder (XDG).
pub fn default_cache() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    of("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| of("HOME").map(|home| Path::new(&home).join(".cache")))
        .map(|cache| cache.join("kvmark/builds"))
}

/// What a program depends on beside its revision: the compiler and its flags.
fn key(tree: &Path) -> String {
    let version = clean_command("rustc").current_dir(tree).arg("-vV").output();
    let mut hash = Sha256::new();
    hash.update(version.map(|output| output.stdout).unwrap_or_default());
    let changes_builds = |name: &str| {
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"].contains(&name)
            || name.starts_with("CARGO_PROFILE_")
            || name.starts_with("CARGO_BUILD_RUSTFLAGS")
    };
    let mut flags: Vec<_> = std::env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(changes_builds))
        .collect();
    flags.sort();
    for (name, value) in flags {
        hash.update(name.as_encoded_bytes());
        hash.update(value.as_encoded_bytes());
    }
    hex(&hash.finalize())[..8].to_owned()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What matters of what was said: the compiler's errors, or else the last lines.
fn gist(said: &[String]) -> Option<String> {
    let errors = said.iter().filter(|line| line.starts_with("error"));
    let errors: Vec<&str> = errors.take(3).map(String::as_str).collect();
    let last = &said[said.len().saturating_sub(3)..];
    let gist = if errors.is_empty() {
        last.join("; ")
    } else {
        errors.join("; ")
    };
    Some(gist).filter(|gist| !gist.is_empty())
}

fn failed(what: &'static str, path: &Path) -> impl Fn(std::io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File {
        what,
        path: path.clone(),
        source,
    }
}
