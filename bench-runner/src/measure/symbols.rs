//! Names of the code at addresses, with what was inlined there.

use std::collections::HashMap;
use std::ffi::c_void;
use std::path::Path;
use std::rc::Rc;

/// Names that were looked up, kept.
#[derive(Debug, Default)]
pub struct Symbols {
    known: HashMap<usize, Rc<[Rc<str>]>>,
}

/// What an address is called whose code has no name.
const UNKNOWN: &str = "(unknown)";

impl Symbols {
    /// The names of a stack of return addresses (innermost first), outermost first, from the first
    /// frame on that is ours: how a thread or a program is started is the same for all.
    pub fn names(&mut self, stack: &[usize]) -> Vec<Rc<str>> {
        let mut names: Vec<Rc<str>> = Vec::new();
        for &address in stack.iter().rev() {
            names.extend(self.at(address).iter().cloned());
        }
        let is_ours = |name: &Rc<str>| {
            let plain = name.trim_start_matches(['<', '&', '(']);
            plain.starts_with("bench_runner") || plain.starts_with("kv_indexer")
        };
        let first = names.iter().position(is_ours).unwrap_or(0);
        names.drain(..first);
        names
    }

    /// The functions at an address, outermost first: several where one was inlined into another.
    fn at(&mut self, address: usize) -> Rc<[Rc<str>]> {
        if let Some(known) = self.known.get(&address) {
            return Rc::clone(known);
        }
        let mut names: Vec<Rc<str>> = Vec::new();
        backtrace::resolve(address as *mut c_void, |symbol| {
            if let Some(name) = symbol.name() {
                // Without the hash that tells one build from another.
                let name = qualified(&format!("{name:#}"), symbol.filename());
                names.push(plain(&name).into());
            }
        });
        if names.is_empty() {
            names.push(UNKNOWN.into());
        }
        names.reverse();
        let names: Rc<[Rc<str>]> = names.into();
        self.known.insert(address, Rc::clone(&names));
        names
    }
}

/// A function's name with its module. Line tables call what was inlined by its bare name, so that its
/// file has to say where it belongs; its generic arguments are left out, which are longer than all
/// else.
fn qualified(name: &str, file: Option<&Path>) -> String {
    let bare = name.split('<').next().unwrap_or(name);
    let is_bare = !bare.is_empty() && !bare.contains("::");
    match file.and_then(module).filter(|_| is_bare) {
        Some(module) => format!("{module}::{bare}"),
        None => name.to_owned(),
    }
}

/// The module of a Rust source file: `…/indexer/src/index/apply.rs` is `kv_indexer::index::apply`.
fn module(file: &Path) -> Option<String> {
    let file = file.to_str()?.strip_suffix(".rs")?;
    let (folder, within) = file.rsplit_once("/src/")?;
    let package = folder.rsplit('/').next()?;
    let krate = match package {
        "indexer" => "kv_indexer".to_owned(),
        "report" => "bench_report".to_owned(),
        "verdict" => "bench_verdict".to_owned(),
        // Packages from a registry lie in folders that end in their version.
        _ => match package.rsplit_once('-') {
            Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
            _ => package,
        }
        .replace('-', "_"),
    };
    let parts = within.split('/');
    let inner = parts.filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    Some(
        [krate.as_str()]
            .into_iter()
            .chain(inner)
            .collect::<Vec<_>>()
            .join("::"),
    )
}

/// A name as folded stacks can hold it: a semicolon would end it.
fn plain(name: &str) -> String {
    name.replace("; ", ": ").replace(';', ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_reads_from_the_outside_in_and_begins_with_our_code() {
        let mut stack = Vec::new();
        backtrace::trace(|frame| {
            stack.push(frame.ip() as usize);
            true
        });
        let names = Symbols::default().names(&stack);
        assert!(
            names[0].contains("bench_runner::measure::symbols::tests"),
            "{names:?}"
        );
        assert!(names.iter().all(|name| !name.contains(';')), "{names:?}");
    }

    #[test]
    fn what_was_inlined_is_named_by_its_file() {
        let check = |name: &str, file: &str, expected: &str| {
            assert_eq!(qualified(name, Some(Path::new(file))), expected);
        };
        let apply = "/x/bench-runner/indexer/src/index/apply.rs";
        check(
            "apply_batch<u32, a::B<c>>",
            apply,
            "kv_indexer::index::apply::apply_batch",
        );
        check(
            "{closure#0}",
            "bench-runner/src/suite/mod.rs",
            "bench_runner::suite::{closure#0}",
        );
        check(
            "load",
            "/rustc/1/library/core/src/sync/atomic.rs",
            "core::sync::atomic::load",
        );
        check(
            "find",
            "/r/hashbrown-0.16.1/src/raw/mod.rs",
            "hashbrown::raw::find",
        );
        check("kv_indexer::a", apply, "kv_indexer::a");
        check("<a as b>::c", apply, "<a as b>::c");
        check("memcpy", "../sysdeps/x86_64/memmove.S", "memcpy");
    }

    #[test]
    fn an_address_without_code_is_unknown() {
        assert_eq!(&*Symbols::default().names(&[1])[0], UNKNOWN);
    }
}
