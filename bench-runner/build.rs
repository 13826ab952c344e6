//! Records what the program is built with: part of the identity of the environment it measures in.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let version = Command::new(variable("RUSTC"))
        .arg("--version")
        .output()
        .ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    // `rustc 1.95.0 (…)`: the version names the compiler; where it came from does not.
    let version: Vec<&str> = version
        .iter()
        .flat_map(|text| text.split_whitespace())
        .take(2)
        .collect();
    println!("cargo:rustc-env=KVMARK_COMPILER={}", version.join(" "));
    let flags = variable("CARGO_ENCODED_RUSTFLAGS").replace('\u{1f}', " ");
    let flags = format!("opt-level={} {flags}", variable("OPT_LEVEL"));
    println!("cargo:rustc-env=KVMARK_FLAGS={}", flags.trim());
}
