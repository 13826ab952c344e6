//! This program: its fingerprint, its build, and the environment of what it starts.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::process::Command;

use sha2::{Digest, Sha256};

/// SHA-256 of the running program's file, lower-case hex; `None` where it cannot be read.
pub fn binary_sha256() -> Option<String> {
    let mut file = File::open(std::env::current_exe().ok()?).ok()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    Some(
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}

/// Whether the program was built with optimisation: figures of one that was not say nothing.
pub fn is_optimised() -> bool {
    !env!("KVMARK_FLAGS").starts_with("opt-level=0")
}

/// A command without secrets in its environment: what the runner starts is code under test, which
/// has no business with tokens.
pub fn clean_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if is_secret(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

/// `KVMARK_*`, `GITHUB_*`, and whatever names a token or a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("KVMARK_")
        || name.starts_with("GITHUB_")
        || name.contains("TOKEN")
        || name.contains("SECRET")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_the_rest() {
        for name in [
            "KVMARK_TOKEN",
            "KVMARK_SERVER",
            "GITHUB_SHA",
            "npm_token",
            "AWS_SECRET_KEY",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PATH", "HOME", "CARGO_HOME", "LANG"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_a_sha256() {
        let hash = binary_sha256();
        assert!(
            hash.as_ref().is_some_and(|hash| hash.len() == 64),
            "{hash:?}"
        );
        assert_eq!(hash, binary_sha256());
    }
}
