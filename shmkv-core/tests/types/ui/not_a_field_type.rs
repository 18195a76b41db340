//! Field types that the derive cannot recognise as wrong: the bounds refuse them, at the field.

use shmkv_core::{ShmKey, ShmValue};

type Real = f32;

struct Foreign;

#[derive(ShmKey)]
struct Key {
    hidden: Real,
    #[shm(max_len = 3)]
    number: u32,
}

#[derive(ShmValue)]
struct Value {
    foreign: Foreign,
    #[shm(with = u8)]
    converted: Foreign,
}

#[derive(ShmValue)]
struct ValueOnly(f32);

#[derive(ShmKey)]
struct NestsAValue(ValueOnly);

#[derive(ShmKey)]
#[shm(borrow = str)]
struct NotText(u32);

#[derive(ShmValue)]
#[shm(pod)]
struct NotPod {
    a: bool,
}

fn main() {}
