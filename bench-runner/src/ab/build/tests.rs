#![expect(
    clippy::unwrap_used,
    reason = "a test may fail where git cannot be run"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use super::tree::git;
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
