//! Compares what `shmkv` prints with the files in `tests/expected`.
//!
//! `SHMKV_EXPECTED=write` updates the files.

use std::path::PathBuf;
use std::process::Command;

/// Compares with `tests/expected/{name}.txt`.
#[track_caller]
pub fn expect(name: &str, printed: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expected/{name}.txt"));
    if std::env::var_os("SHMKV_EXPECTED").is_some_and(|it| it == "write") {
        return std::fs::write(path, printed).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        printed,
        expected,
        "differs from {}:\n{printed}",
        path.display()
    );
}

/// The exit status of a command, its output and its errors.
pub fn shmkv(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_shmkv"))
        .args(arguments)
        .output()
        .unwrap();
    let [out, errors] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    format!(
        "exit status {}\n{out}{errors}",
        output.status.code().unwrap()
    )
}

/// The command line of a command, then the same.
pub fn printed(arguments: &[&str]) -> String {
    format!("$ shmkv {arguments:?}\n{}\n", shmkv(arguments))
}
