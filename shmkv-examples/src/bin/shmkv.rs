//! Inspects and changes any map, without knowing its types.
//!
//! ```text
//! cargo run -p shmkv-examples --bin shmkv -- list
//! cargo run -p shmkv-examples --bin shmkv -- show /shmkv-store
//! cargo run -p shmkv-examples --bin shmkv -- help
//! ```

use std::io::{self, BufWriter};
use std::process::ExitCode;

use shmkv_examples::tool;

fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    tool::run(std::env::args_os(), &mut out, &mut io::stderr().lock()).into()
}
