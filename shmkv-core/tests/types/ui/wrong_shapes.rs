//! Types that have no fixed encoding at all.

use shmkv_core::{ShmKey, ShmValue};

#[derive(ShmValue)]
union Union {
    a: u8,
}

#[derive(ShmValue)]
enum Never {}

#[derive(ShmValue)]
struct Borrows<'a> {
    text: &'a str,
}

#[derive(ShmValue)]
#[shm(size = 8)]
struct GenericSize<T>(T);

#[derive(ShmKey)]
#[shm(pod)]
struct GenericPod<T>(T);

#[derive(ShmValue)]
#[repr(C, packed(2))]
struct Packed {
    a: u8,
    b: u32,
}

fn main() {}
