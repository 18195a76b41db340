//! Attributes that do not exist, are repeated, or are in the wrong place.

use shmkv_core::{ShmKey, ShmValue};

#[derive(ShmValue)]
#[shm(naem = "x")]
struct MisspeltOnType(u8);

#[derive(ShmValue)]
struct MisspeltOnField {
    #[shm(max_length = 4)]
    a: String,
    #[shm(max_len = 4, max_len = 5)]
    b: String,
    #[shm(skip, max_len = 4)]
    c: String,
    #[shm(with = u8, max_len = 4)]
    d: String,
    #[shm(rename = "")]
    e: u8,
    #[shm(rename = "e", skip)]
    f: u8,
}

#[derive(ShmValue)]
#[shm(tag = u16)]
struct TagOnStruct(u8);

#[derive(ShmValue)]
#[shm(tag = u64)]
enum WideTag {
    #[shm(skip)]
    A,
}

#[derive(ShmValue)]
struct SameName {
    a: u8,
    #[shm(rename = "a")]
    b: u8,
}

#[derive(ShmKey)]
#[shm(borrow = str)]
struct TwoFields(u8, u8);

#[derive(ShmKey)]
#[shm(naem = "x", tga = u8, borrow = str)]
struct AllAreReported(u8, u8);

#[derive(ShmKey)]
#[shm(borrow = [u8])]
struct BorrowBytes([u8; 4]);

#[derive(Clone, Copy, ShmValue)]
#[shm(pod, size = 8)]
struct PodSize {
    #[shm(skip)]
    a: u8,
}

#[derive(ShmValue)]
#[shm(pod)]
enum PodEnum {
    A,
}

fn main() {}
