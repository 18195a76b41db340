//! The tool `shmkv` on an arbitrary segment; see `harness/tool.rs`.
#![no_main]

#[path = "../harness/mod.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    harness::tool::run(data, false);
});
