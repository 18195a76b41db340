//! Every operation on an arbitrary segment; see `harness/segment.rs`.
#![no_main]

#[path = "../harness/mod.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    harness::segment::run(data);
});
