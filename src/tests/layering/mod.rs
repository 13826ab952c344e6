//! The house's walls: who may import whom, and what no file may hold. Read from the sources, so that
//! a new import that breaks the layering turns red before anyone has to notice it in a review.
//!
//! # Layout
//! - [`table`]: the rules. [`source`]: the files. [`lexer`], [`paths`]: every path that a file names.

mod lexer;
mod paths;
mod source;
mod table;

use lexer::Token;
use source::{Source, text_files};
use table::{APP_CRATES, APP_LAYERS, CRATES, Layer, ONLY_IN, PURE_CRATE, VOCABULARY};

/// Longest file that is allowed; most should stay far below.
const MAX_LINES: usize = 600;

/// Longest `main` of a program.
const MAX_MAIN_LINES: usize = 60;

#[track_caller]
fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_web_app_imports_downward_only() {
    let mut broken = Vec::new();
    let sources = source::app();
    for source in &sources {
        let name = source.layer();
        let Some(layer) = APP_LAYERS.iter().find(|layer| layer.name == name) else {
            broken.push(format!(
                "{}: `{name}` has no place in the table of layers",
                source.path
            ));
            continue;
        };
        for path in source.paths() {
            if let Some(reason) = forbidden(layer, &path.segments) {
                broken.push(format!("{}:{}: {reason}", source.path, path.line));
            }
        }
    }
    assert!(sources.len() > 20, "the web app's sources were not found");
    assert_none(&broken);
}

/// Why a layer may not name a path, if it may not.
fn forbidden(layer: &Layer, path: &[String]) -> Option<String> {
    let (first, second) = (
        path.first()?.as_str(),
        path.get(1).map_or("", String::as_str),
    );
    let may = |target: &str| layer.may.contains(&target) || layer.may.contains(&"*");
    if first == "crate" {
        let is_layer = APP_LAYERS.iter().any(|other| other.name == second);
        let is_refused = is_layer && second != layer.name && !may(second);
        return is_refused.then(|| format!("`{}` may not import `{second}`", layer.name));
    }
    if first == "bench_runner" && layer.name != "demo" {
        return Some("only `demo` may name the runner".to_owned());
    }
    if APP_CRATES.contains(&first) {
        let full = path.join("::");
        let is_allowed =
            |prefix: &&str| full == **prefix || full.starts_with(&format!("{prefix}::"));
        let allowed = VOCABULARY.iter().any(is_allowed) || layer.may.iter().any(is_allowed);
        return (!allowed && !may("*"))
            .then(|| format!("`{}` may not import `{full}`", layer.name));
    }
    None
}

#[test]
fn outside_crates_stay_in_the_layer_that_owns_them() {
    let mut broken = Vec::new();
    for source in source::app() {
        for path in source.paths() {
            let first = path.segments.first().map_or("", String::as_str);
            let owner = ONLY_IN.iter().find(|(name, _)| *name == first);
            if let Some((name, owner)) = owner.filter(|(_, owner)| *owner != source.layer()) {
                broken.push(format!(
                    "{}:{}: only `{owner}` may name `{name}`",
                    source.path, path.line
                ));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn the_crates_import_downward_only() {
    let mut broken = Vec::new();
    for (folder, may) in CRATES {
        let sources = source::rust_files(folder);
        assert!(!sources.is_empty(), "{folder} has no sources");
        for source in sources {
            for path in source.paths() {
                let full = path.segments.join("::");
                let allowed = may
                    .iter()
                    .any(|may| full == *may || full.starts_with(&format!("{may}::")));
                if is_our_crate(&path.segments) && !allowed {
                    broken.push(format!(
                        "{}:{}: may not import `{full}`",
                        source.path, path.line
                    ));
                }
            }
        }
    }
    assert_none(&broken);
}

fn is_our_crate(path: &[String]) -> bool {
    let ours = [
        "kvmark",
        "bench_runner",
        "bench_report",
        "bench_verdict",
        "kv_indexer",
        "kv_indexer_counted",
    ];
    path.first()
        .is_some_and(|first| ours.contains(&first.as_str()))
}

#[test]
fn the_judge_knows_no_clock_no_files_no_network() {
    let mut broken = Vec::new();
    for source in source::rust_files(PURE_CRATE.folder) {
        let is_stats = source.path.starts_with(PURE_CRATE.stats);
        for path in source.paths() {
            let full = path.segments.join("::");
            let names = |list: &[&str]| {
                list.iter()
                    .any(|prefix| full == *prefix || full.starts_with(&format!("{prefix}::")))
            };
            if names(PURE_CRATE.never) || (is_stats && names(PURE_CRATE.never_in_stats)) {
                broken.push(format!(
                    "{}:{}: may not name `{full}`",
                    source.path, path.line
                ));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn measuring_code_never_prints_and_unsafe_stays_where_it_has_reasons() {
    const MEASURING: [&str; 3] = [
        "bench-runner/src/measure/",
        "bench-runner/src/suite/",
        "bench-runner/src/workload/",
    ];
    // The peers' harness is no part of the product; its allocator counts as the runner's does. The
    // allocator's settings are calls into the system's library.
    const UNSAFE: [&str; 4] = [
        "bench-runner/src/measure/",
        "bench-runner/indexer/",
        "bench-runner/peers/",
        "src/command/memory.rs",
    ];
    const PRINTS: [&str; 6] = ["println", "eprintln", "print", "eprint", "stdout", "stderr"];
    let within =
        |path: &str, folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
    let mut broken = Vec::new();
    for source in source::all_rust() {
        for (token, line) in source.tokens() {
            let Token::Ident(name) = token else { continue };
            if within(&source.path, &MEASURING) && PRINTS.contains(&name.as_str()) {
                broken.push(format!(
                    "{}:{line}: measuring code may not print (`{name}`)",
                    source.path
                ));
            }
            if name == "unsafe" && !within(&source.path, &UNSAFE) {
                broken.push(format!("{}:{line}: no `unsafe` here", source.path));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
    ];
    let mut broken = Vec::new();
    for source in source::all_rust() {
        let tokens = source.tokens();
        for (index, (token, line)) in tokens.iter().enumerate() {
            let Token::Ident(name) = token else { continue };
            let next = tokens.get(index + 1).map(|(token, _)| token);
            let before = index
                .checked_sub(1)
                .and_then(|before| tokens.get(before))
                .map(|(token, _)| token);
            let is_macro = next == Some(&Token::Punct('!'));
            let is_attribute = before == Some(&Token::Punct('['));
            if is_macro && matches!(name.as_str(), "todo" | "unimplemented" | "dbg") {
                broken.push(format!("{}:{line}: `{name}!`", source.path));
            }
            if is_attribute && name == "ignore" {
                broken.push(format!("{}:{line}: a test that never runs", source.path));
            }
        }
    }
    for file in text_files() {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(*mark)) {
                broken.push(format!("{}:{}: `{mark}`", file.path, index + 1));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn what_forms_a_baseline_is_written_once_in_sql() {
    let clause = ["in ('nightly', ", "'sample')"].concat();
    let files = text_files();
    let holders = files.iter().filter(|file| file.text.contains(&clause));
    let holders: Vec<&str> = holders.map(|file| file.path.as_str()).collect();
    assert_eq!(holders, ["src/store/baseline.rs"]);
}

#[test]
fn files_stay_short_and_lie_where_they_are_looked_for() {
    let mut broken = Vec::new();
    let files = text_files();
    for file in &files {
        let lines = file.text.lines().count();
        let is_main = matches!(
            file.path.as_str(),
            "src/main.rs" | "bench-runner/src/main.rs"
        );
        let limit = if is_main { MAX_MAIN_LINES } else { MAX_LINES };
        if lines > limit {
            broken.push(format!("{}: {lines} lines, {limit} are allowed", file.path));
        }
        let folder = file.path.strip_suffix(".rs").map(|stem| format!("{stem}/"));
        if folder.is_some_and(|folder| files.iter().any(|other| other.path.starts_with(&folder))) {
            broken.push(format!("{}: belongs into its folder, as mod.rs", file.path));
        }
    }
    assert_none(&broken);
}

#[test]
fn a_broken_rule_is_seen() {
    let source = Source::new(
        "src/store/x.rs",
        "use crate::{domain, web::{self, router as r}};\n\
         // crate::chart in a comment, \"crate::chart\" in a text\n\
         fn f<'a>(x: &'a str) -> char { super::super::chart::draw(\"crate::jobs\", r#\"axum::\"#, ':'); '\\'' }\n\
         mod tests { use super::super::jobs; }\n\
         use bench_report::{metric::Unit, report::{Report, RunKind}};\n\
         #[derive(askama::Template)] struct S;",
    );
    let found: Vec<_> = source
        .paths()
        .into_iter()
        .map(|path| format!("{} {}", path.line, path.segments.join("::")))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @"
        1 crate::domain
        1 crate::web
        1 crate::web::router
        3 crate::chart::draw
        4 crate::store::jobs
        5 bench_report::metric::Unit
        5 bench_report::report::Report
        5 bench_report::report::RunKind
        6 askama::Template
        ");
    let store = APP_LAYERS
        .iter()
        .find(|layer| layer.name == "store")
        .unwrap();
    let broken: Vec<_> = source
        .paths()
        .iter()
        .filter_map(|path| forbidden(store, &path.segments))
        .collect();
    insta::assert_snapshot!(broken.join("\n"), @"
        `store` may not import `web`
        `store` may not import `web`
        `store` may not import `chart`
        `store` may not import `bench_report::report::Report`
        ");
}
