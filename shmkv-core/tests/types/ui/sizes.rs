//! Mistakes that can be detected only once sizes are known.

use shmkv_core::ShmValue;

#[derive(ShmValue)]
#[shm(size = 8)]
struct TooSmall {
    a: u64,
    b: u32,
}

#[derive(ShmValue)]
struct OfNothing {
    #[shm(max_len = 4)]
    list: Vec<()>,
}

#[derive(ShmValue)]
enum WideDiscriminant {
    A = 1000,
}

#[derive(ShmValue)]
enum NegativeDiscriminant {
    A = -1,
}

#[derive(ShmValue)]
#[repr(u64)]
enum HugeDiscriminant {
    A = 1 << 40,
}

fn main() {}
