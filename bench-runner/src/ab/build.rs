//! A revision, built in a work tree of its own, and kept.
//!
//! Each repository has one work tree in the cache: a clone that shares the repository's objects, so
//! that nothing is registered in the repository itself. It is moved from revision to revision, so
//! that only what differs is built again, and it is always the same folder: two revisions that
//! differ in nothing that is compiled give the same program, byte for byte.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use thiserror::Error;

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
        let tree = self.tree("tree")?;
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
        check_out(&tree, suite.unwrap_or(&commit))?;
        if suite.is_some() {
            take_over(&tree, &commit)?;
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
        let tree = self.tree(&name)?;
        check_out(&tree, &commit)?;
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

    /// A work tree of the repository, made where it is not there yet.
    fn tree(&self, name: &str) -> Result<PathBuf, BuildError> {
        let tree = self.path(name);
        if tree.join(".git").is_dir() {
            return Ok(tree);
        }
        if tree.exists() {
            fs::remove_dir_all(&tree).map_err(failed("remove", &tree))?;
        }
        let (from, to) = (self.repository.to_string_lossy(), tree.to_string_lossy());
        let arguments = ["clone", "--quiet", "--shared", "--no-checkout", &from, &to];
        git(&self.repository, &arguments)?;
        Ok(tree)
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

fn check_out(tree: &Path, commit: &str) -> Result<(), BuildError> {
    git(
        tree,
        &["checkout", "--quiet", "--force", "--detach", commit],
    )
    .map(drop)
}

/// Puts the [`SUBJECT`] of a commit in the place of the one that is checked out. The next
/// [`check_out`] takes it away again.
fn take_over(tree: &Path, commit: &str) -> Result<(), BuildError> {
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
pub(crate) mod tests {
    use super::*;

    /// A repository that tests commit to.
    pub(crate) struct Repository(pub(crate) tempfile::TempDir);

    impl Repository {
        pub(crate) fn new() -> Self {
            let new = Self(tempfile::tempdir().unwrap());
            new.git(&["init", "--quiet", "--initial-branch=main"]);
            new
        }

        pub(crate) fn git(&self, arguments: &[&str]) -> String {
            let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
            git(self.0.path(), &[&identity[..], arguments].concat()).unwrap()
        }

        /// Commits files; returns the commit.
        pub(crate) fn commit(&self, message: &str, files: &[(&str, &str)]) -> String {
            for (name, text) in files {
                let path = self.0.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            self.git(&["add", "."]);
            self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
            self.git(&["rev-parse", "HEAD"])
        }

        pub(crate) fn builder(&self, cache: &Path, recipe: Recipe) -> Builder {
            Builder::new(self.0.path(), cache, recipe).unwrap()
        }
    }

    /// A repository whose first commit builds a bench-runner that needs no dependency, whose second
    /// changes nothing that is compiled, and whose third does not build.
    fn runners() -> Repository {
        let repository = Repository::new();
        let manifest = "[package]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n\n[profile.measure]\ninherits = \"release\"\ndebug = \"line-tables-only\"\n";
        let lock = "version = 4\n\n[[package]]\nname = \"bench-runner\"\nversion = \"1.0.0\"\n";
        repository.commit(
            "one",
            &[
                ("Cargo.toml", manifest),
                ("Cargo.lock", lock),
                ("src/main.rs", "fn main() {}\n"),
            ],
        );
        repository.commit("two", &[("README.md", "words")]);
        repository.commit("three", &[("src/main.rs", "fn main() { broken }\n")]);
        repository
    }

    #[test]
    fn a_revision_is_built_once_and_leaves_no_trace_in_the_repository() {
        let (repository, cache) = (runners(), tempfile::tempdir().unwrap());
        let builder = repository.builder(cache.path(), Recipe::Runner);
        let built = builder.build("HEAD~1").unwrap();
        assert!(!built.cached && built.place.is_file());
        assert!(Command::new(&built.place).status().unwrap().success());
        let again = builder.build("HEAD~1").unwrap();
        assert!(again.cached && again.place == built.place);
        let trees = repository.git(&["worktree", "list"]);
        assert_eq!(trees.lines().count(), 1, "{trees}");
        assert_eq!(repository.git(&["status", "--porcelain"]), "");

        // Nothing that is compiled differs: the same program.
        let before = builder.build("HEAD~2").unwrap();
        assert!(!before.cached && before.place != built.place);
        let side = |built| builder.side("it", built, &[]).fingerprint();
        assert!(side(&before).is_some() && side(&before) == side(&built));
    }

    #[test]
    fn what_is_measured_of_one_revision_is_built_under_the_suite_of_another() {
        let (repository, cache) = (runners(), tempfile::tempdir().unwrap());
        let level = format!("{SUBJECT}/level");
        let main = |version: u8| {
            let level = format!("include_str!(\"../{level}\")");
            format!("fn main() {{ print!(\"suite {version}, level {{}}\", {level}) }}\n")
        };
        let old = repository.commit("old", &[("src/main.rs", &main(1)), (&level, "50")]);
        let new = [("src/main.rs", &*main(2)), (&level, "70")];
        let more = format!("{SUBJECT}/more");
        repository.commit("new", &[new[0], new[1], (&more, "")]);
        let builder = repository.builder(cache.path(), Recipe::Runner);
        let says = |built: Built| {
            let output = Command::new(&built.place).output().unwrap();
            (String::from_utf8(output.stdout).unwrap(), built.cached)
        };
        let text = |text: &str, cached| (text.to_owned(), cached);
        let under = |revision: &str| builder.build_under(revision, "HEAD");
        assert_eq!(
            says(under("HEAD~1").unwrap()),
            text("suite 2, level 50", false)
        );
        assert_eq!(under("HEAD~1").unwrap().commit, old);
        assert_eq!(
            says(under("HEAD~1").unwrap()),
            text("suite 2, level 50", true)
        );
        // Nothing of it stays behind.
        assert_eq!(
            says(builder.build("HEAD").unwrap()),
            text("suite 2, level 70", false)
        );
        assert_eq!(
            says(builder.build("HEAD~1").unwrap()),
            text("suite 1, level 50", false)
        );

        // What the suite has come to need since is missed.
        let main = format!("const _: &str = include_str!(\"../{more}\");\n{}", main(3));
        repository.commit("newer", &[("src/main.rs", &main)]);
        let error = under("HEAD~2").unwrap_err().to_string();
        let said = format!("{SUBJECT} of {old} under the suite of ");
        assert!(
            error.starts_with(&said) && error.contains("more"),
            "{error}"
        );
        let never = under("HEAD~3").unwrap_err().to_string();
        assert!(never.contains(SUBJECT), "{never}");
    }

    #[test]
    fn what_does_not_build_says_why() {
        let (repository, cache) = (runners(), tempfile::tempdir().unwrap());
        let builder = repository.builder(cache.path(), Recipe::Runner);
        let error = builder.build("HEAD").unwrap_err().to_string();
        assert!(error.contains("cannot find value `broken`"), "{error}");
        let unknown = builder.build("nothing").unwrap_err().to_string();
        assert!(
            unknown.contains("\"nothing\" is no revision of"),
            "{unknown}"
        );
    }

    #[test]
    fn a_command_runs_in_the_work_tree_of_its_revision() {
        let (repository, cache) = (Repository::new(), tempfile::tempdir().unwrap());
        let line = |ns: u32| format!("BenchmarkA 100 {ns} ns/op\n");
        repository.commit("one", &[("level", &line(50))]);
        repository.commit("two", &[("level", &line(70))]);
        repository.commit("three", &[("level", "nothing")]);
        let recipe = Recipe::Command {
            build: Some(
                "grep -q ns level && cp level made || { echo no level >&2; exit 1; }".to_owned(),
            ),
            exec: "cat made".to_owned(),
        };
        let builder = repository.builder(cache.path(), recipe);
        let mean = |revision: &str| {
            let built = builder.build(revision).unwrap();
            let turn = builder.side(revision, &built, &[]).turn().unwrap();
            (
                turn.figures.values().next().unwrap().samples[0],
                built.cached,
            )
        };
        assert_eq!(mean("HEAD~2"), (50.0, false));
        assert_eq!(mean("HEAD~1"), (70.0, false));
        assert_eq!(mean("HEAD~2"), (50.0, true));
        let error = builder.build("HEAD").unwrap_err().to_string();
        assert!(error.ends_with("does not build: no level"), "{error}");
    }
}
