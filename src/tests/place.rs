//! A repository whose benchmarks are a script, so that the figures are known, and the real runner in
//! it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A machine with a repository.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A repository whose script runs at a level of 100.
    pub(crate) fn new() -> Self {
        Self::measuring(&["Work"])
    }

    /// One whose script measures several benchmarks.
    pub(crate) fn measuring(benchmarks: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        std::fs::create_dir(place.repository()).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place.commit(&[("bench.sh", &script(benchmarks)), ("level", "100.0")]);
        place
    }

    pub(crate) fn repository(&self) -> std::path::PathBuf {
        self.folder.path().join("repository")
    }

    /// What git says.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_at(None, arguments)
    }

    /// What git says, which takes this time for the present.
    pub(crate) fn git_at(&self, time: Option<&str>, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.repository())
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(arguments);
        if let Some(time) = time {
            git.envs([("GIT_AUTHOR_DATE", time), ("GIT_COMMITTER_DATE", time)]);
        }
        let done = git.output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            std::fs::write(self.repository().join(name), text).unwrap();
        }
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", "a commit"]);
    }

    /// Runs the runner in the repository, measuring by the script.
    pub(crate) fn runner(&self, arguments: &[&str]) -> Done {
        let own = ["--environment", "e2e", "--exec", "sh bench.sh"];
        self.tool(&[arguments, &own].concat())
    }

    /// Runs the runner in the repository, with just these arguments.
    pub(crate) fn tool(&self, arguments: &[&str]) -> Done {
        let done = Command::new(env!("CARGO_BIN_EXE_kvmark"))
            .current_dir(self.repository())
            .args(["__runner"])
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done {
            code: done.status.code().unwrap(),
            printed: text(done.stdout),
            said: text(done.stderr),
        }
    }

    /// A report of what is committed, as `run` measures it.
    pub(crate) fn report(&self) -> Value {
        let out = self.path("report.json");
        let arguments = [
            "run", "--kind", "nightly", "--branch", "main", "--out", &out,
        ];
        let done = self.runner(&arguments);
        assert_eq!(done.code, 0, "{done:?}");
        serde_json::from_slice(&std::fs::read(Path::new(&out)).unwrap()).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

/// Prints six results of each benchmark at the level that is committed.
pub(crate) fn script(benchmarks: &[&str]) -> String {
    let lines = benchmarks
        .iter()
        .map(|name| format!("echo \"Benchmark{name} 100 $(cat level) ns/op\"; "));
    format!(
        "for i in 1 2 3 4 5 6; do {}done\n",
        lines.collect::<String>()
    )
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    /// On standard output.
    pub(crate) printed: String,
    /// On standard error.
    pub(crate) said: String,
}

impl Done {
    /// All that it wrote.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.printed, self.said)
    }
}
