//! Several mistakes in one type: each is reported, at its own field type.

use std::collections::HashMap;

use shmkv_core::ShmKey;

#[derive(ShmKey)]
struct Key {
    name: String,
    list: Vec<u8>,
    temp: f32,
    maybe: Option<f64>,
    index: usize,
    offset: [isize; 2],
    text: &'static str,
    words: Option<String>,
    #[shm(max_len = 4)]
    nested: Vec<String>,
    raw: *const u8,
    boxed: Box<u8>,
    map: HashMap<u8, u8>,
    call: fn(),
}

fn main() {}
