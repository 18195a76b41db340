//! Arbitrary schemas and bytes; see `harness/types.rs`.
#![no_main]

#[path = "../harness/mod.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    harness::types::run(data);
});
