//! What the program says where nobody listens any more.

use std::process::{Command, Stdio};

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("kvmark.db");
    let copy = folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let calls: [&[&str]; 5] = [
        &["token", "create", "--scope", "read"],
        &["token", "list"],
        &["backup", copy],
        &["verify", copy],
        &["rebuild", "--check"],
    ];
    for arguments in calls {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kvmark"))
            .args(arguments)
            .arg("--database")
            .arg(&store)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
    }
}
