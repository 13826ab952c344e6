//! The files of the project.

use std::fs;
use std::path::Path;

use super::lexer::{Token, tokens};
use super::paths::{Named, named_paths};

/// A file with its path from the project's root.
pub(super) struct TextFile {
    pub(super) path: String,
    pub(super) text: String,
}

/// A Rust file.
pub(super) struct Source {
    pub(super) path: String,
    tokens: Vec<(Token, usize)>,
    module: Vec<String>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            tokens: tokens(text),
            module: module_of(path),
        }
    }

    pub(super) fn tokens(&self) -> &[(Token, usize)] {
        &self.tokens
    }

    /// Every path that the file names, from the crate's root or an outside crate.
    pub(super) fn paths(&self) -> Vec<Named> {
        named_paths(&self.tokens, &self.module)
    }

    /// The module of the crate that the file belongs to.
    pub(super) fn layer(&self) -> &str {
        match self.module.first() {
            Some(module) => module,
            None if self.path.ends_with("main.rs") => "main",
            None => "lib",
        }
    }
}

/// The module path of a file below `src`.
fn module_of(path: &str) -> Vec<String> {
    let below = path.rsplit_once("src/").map_or(path, |(_, below)| below);
    let mut module: Vec<_> = below
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if module
        .last()
        .is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main"))
    {
        module.pop();
    }
    module
}

/// The web app without its tests.
pub(super) fn app() -> Vec<Source> {
    rust_files("src")
        .into_iter()
        .filter(|source| !source.path.starts_with("src/tests/"))
        .collect()
}

/// Every Rust file of the project.
pub(super) fn all_rust() -> Vec<Source> {
    [rust_files("src"), rust_files("bench-runner")]
        .into_iter()
        .flatten()
        .collect()
}

/// The Rust files below a folder.
pub(super) fn rust_files(folder: &str) -> Vec<Source> {
    let files = files(folder, &["rs"]);
    files
        .iter()
        .map(|file| Source::new(&file.path, &file.text))
        .collect()
}

/// Everything that people write by hand: programs, pages, styles, queries, scripts.
pub(super) fn text_files() -> Vec<TextFile> {
    let folders = [
        "src",
        "bench-runner",
        "templates",
        "static",
        "migrations",
        "scripts",
    ];
    folders
        .into_iter()
        .flat_map(|folder| files(folder, &["rs", "html", "css", "js", "sql", "sh", "py"]))
        .collect()
}

fn files(folder: &str, extensions: &[&str]) -> Vec<TextFile> {
    let mut found = Vec::new();
    collect(folder, extensions, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &str, extensions: &[&str], found: &mut Vec<TextFile>) {
    let Ok(entries) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // Captured files and what a build leaves behind are nobody's writing.
        if is_folder
            && !matches!(
                name.as_str(),
                "target" | "fixtures" | "node_modules" | "corpus"
            )
            && !name.starts_with('.')
        {
            collect(&path, extensions, found);
        } else if extensions
            .iter()
            .any(|extension| name.ends_with(&format!(".{extension}")))
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            found.push(TextFile { path, text });
        }
    }
}
