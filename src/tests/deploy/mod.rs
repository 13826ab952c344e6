//! The files that are copied into other houses: workflows, scripts, units, rules, dashboard, and what
//! Prometheus is told; each by the program that reads it in earnest.
//!
//! The programs are beside the interpreter `CHECKS_PYTHON`, else in `.venv/bin` at the root of the
//! repository, where ./test.sh puts them. With the variable set, a missing one is a failure.

mod grafana;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kvmark::domain::Scope;
use serde_json::json;

use crate::app::TestApp;
use crate::builders::report;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of ./test.sh's folder; none, said, where it is not there and nobody demanded it.
fn program(name: &str) -> Option<PathBuf> {
    let wanted = std::env::var_os("CHECKS_PYTHON").map(PathBuf::from);
    let python = wanted
        .clone()
        .unwrap_or_else(|| root().join(".venv/bin/python"));
    let program = python.with_file_name(name);
    if program.is_file() {
        return Some(program);
    }
    let why = format!("there is no {}", program.display());
    assert!(wanted.is_none(), "{why}");
    eprintln!("skipped: {why}; ./test.sh installs it");
    None
}

#[track_caller]
fn passes(program: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    let output = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// All files of a folder with that ending.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no .{ending}");
    found
}

#[test]
fn workflows_are_what_github_reads() {
    let Some(checker) = program("check-jsonschema") else {
        return;
    };
    let schema = ["--builtin-schema", "vendor.github-workflows"].map(PathBuf::from);
    let workflows = files(".github/workflows", "yml");
    passes(&checker, schema.into_iter().chain(workflows));
}

#[test]
fn no_workflow_gives_a_strangers_code_a_secret() {
    for path in files(".github/workflows", "yml") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        assert!(text.contains("permissions:\n  contents: read"), "{name}");
        assert!(!text.contains("pull_request_target"), "{name}");
        let runs_strangers = text.contains("\n  pull_request:");
        assert!(!(runs_strangers && text.contains("secrets.")), "{name}");
        // What a title or a branch is called must never become part of a script.
        for line in text.lines().filter(|line| line.contains("run:")) {
            assert!(!line.contains("${{"), "{name}: {line}");
        }
    }
}

#[test]
fn scripts_are_plain_shell_without_traps() {
    let Some(checker) = program("shellcheck") else {
        return;
    };
    let args = ["--shell=sh", "--severity=style"].map(PathBuf::from);
    passes(&checker, args.into_iter().chain(files("deploy/ci", "sh")));
}

#[test]
fn each_script_says_how_it_is_called_when_it_is_called_wrongly() {
    for path in files("deploy/ci", "sh") {
        let output = Command::new(&path)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir(std::env::temp_dir())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let name = path.display();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(!said.trim().is_empty(), "{name}");
    }
}

#[test]
fn alert_rules_are_what_prometheus_reads() {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let output = passes(
        &promtool,
        ["check", "rules", "deploy/prometheus/alerts.yml"],
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("SUCCESS: 8 rules found"), "{said}");
    passes(
        &promtool,
        [
            "check",
            "config",
            "--syntax-only",
            "deploy/prometheus/scrape.yml",
        ],
    );
    passes(&promtool, ["test", "rules", "src/tests/deploy/rules.yml"]);
}

#[test]
fn the_container_is_built_from_what_is_there_and_starts_as_it_says() {
    let text = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lines = |word: &'static str| text.lines().filter_map(move |l| l.strip_prefix(word));
    // The toolchain is the one that the workspace asks for.
    let build = lines("FROM rust:").next().unwrap();
    let version = build.split('-').next().unwrap();
    assert!(manifest.contains(&format!("rust-version = \"{version}\"")));
    // What is copied out of the build is what the workspace builds.
    let built = lines("COPY --from=build ").next().unwrap();
    let programs: Vec<&str> = built
        .split(' ')
        .filter_map(|path| path.strip_prefix("/build/target/release/"))
        .collect();
    assert_eq!(programs, ["kvmark", "bench-runner"]);
    assert!(root().join("src/main.rs").is_file());
    assert!(root().join("bench-runner/src/main.rs").is_file());
    // Everything is copied in but what `.dockerignore` leaves out, and none of that is kept in git.
    assert_eq!(lines("COPY . .").count(), 1);
    let ignored = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    let kept = std::fs::read_to_string(root().join(".gitignore")).unwrap();
    for line in ignored.lines().filter(|line| !line.starts_with('#')) {
        assert!(line == "/.git" || kept.lines().any(|k| k == line), "{line}");
    }
    // It starts as its last line says; only where the store lies and which port is another here.
    let folder = tempfile::tempdir().unwrap();
    let command: Vec<String> = serde_json::from_str(lines("CMD ").next().unwrap()).unwrap();
    let data = folder.path().to_str().unwrap();
    let command = command
        .iter()
        .map(|word| word.replace(":8080", ":0").replace("/data", data));
    let mut server = Command::new(env!("CARGO_BIN_EXE_kvmark"))
        .args(command)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let stdout = server.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut said).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(said.contains("http://0.0.0.0:"), "{said}");
}

#[test]
fn units_are_what_systemd_reads() {
    let Ok(found) = Command::new("systemd-analyze").arg("--version").output() else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    assert!(found.status.success());
    // The programs that units start are there, as they are after an installation.
    let folder = tempfile::tempdir().unwrap();
    let mut units = Vec::new();
    for ending in ["service", "timer"] {
        for path in files("deploy/systemd", ending) {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace("/usr/local/bin/bench-runner", "/bin/true");
            let text = text.replace("/usr/local/bin/kvmark", "/bin/true");
            let unit = folder.path().join(path.file_name().unwrap());
            std::fs::write(&unit, text).unwrap();
            units.push(unit);
        }
    }
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .args(&units)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // What it only warns of is a mistake here.
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("kvmark"))
        .collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

#[tokio::test]
async fn what_prometheus_is_told_is_what_it_reads() {
    let Some(python) = program("python") else {
        return;
    };
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for days in (0..4).rev() {
        let mut sent = report(days, &[("A \"quoted\" \\ \n", 100.0), ("B", 50.0)]);
        sent["benchmarks"][1]["metrics"][0]["target"] = json!({"op": "<", "value": 60.0});
        sent["benchmarks"][0]["name"] = json!("A \"quoted\" \\");
        assert_eq!(app.upload(&token, &sent).await.status, 201);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.txt");
    std::fs::write(&file, app.get("/metrics").await.body).unwrap();
    let script = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
found = {f.name: f for f in families(open(sys.argv[1]).read())}
assert len(found['kvmark_series_value'].samples) == 2, found
names = {s.labels['benchmark'] for s in found['kvmark_series_value'].samples}
assert names == {'A \"quoted\" \\\\', 'B'}, names
assert found['kvmark_http_request_duration_seconds'].type == 'histogram'
assert found['kvmark_uploads'].samples[0].value == 4
";
    passes(&python, ["-c", script, file.to_str().unwrap()]);
}

#[tokio::test]
async fn the_description_is_openapi() {
    let Some(python) = program("python") else {
        return;
    };
    let app = TestApp::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, app.get("/api/openapi.json").await.body).unwrap();
    let args = ["-m", "openapi_spec_validator", file.to_str().unwrap()];
    passes(&python, args);
}
