//! A repository whose benchmarks are a script, so that the figures are known, and the real runner in
//! it.

use std::process::Command;

/// Prints six results of the level that is committed.
const SCRIPT: &str =
    "for i in 1 2 3 4 5 6; do echo \"BenchmarkWork 100 $(cat level) ns/op\"; done\n";

/// A folder with a repository in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A repository whose script runs at a level of 100.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        std::fs::create_dir(place.repository()).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place.commit(&[("bench.sh", SCRIPT), ("level", "100.0")]);
        place
    }

    pub(crate) fn repository(&self) -> std::path::PathBuf {
        self.folder.path().join("repository")
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .current_dir(self.repository())
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            std::fs::write(self.repository().join(name), text).unwrap();
        }
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", "a commit"]);
    }

    /// Runs the runner in the repository; its exit code, what it printed, and what it said beside.
    pub(crate) fn runner(&self, arguments: &[&str]) -> (i32, String, String) {
        let done = Command::new(env!("CARGO_BIN_EXE_kvmark"))
            .current_dir(self.repository())
            .args(["__runner"])
            .args(arguments)
            .args(["--environment", "e2e", "--exec", "sh bench.sh"])
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            done.status.code().unwrap(),
            text(done.stdout),
            text(done.stderr),
        )
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}
