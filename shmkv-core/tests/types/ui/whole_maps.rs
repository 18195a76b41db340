//! Types that cannot be a whole key or value, where a map is used.

use shmkv_core::{Map, ShmKey, ShmMap, ShmValue};

#[derive(ShmKey, ShmValue)]
struct Generic<T>(T);

#[derive(ShmValue)]
struct OnlyAValue(u32);

fn main() {
    let _ = Map::<8, u32, Generic<u64>>::create("/generic");
    let _ = Map::<8, String, u64>::create("/bare");
    let _ = Map::<8, f32, u64>::create("/float");
    let _ = Map::<8, u32, Option<u64>>::create("/wrapped");
    let _ = Map::<8, OnlyAValue, u64>::create("/role");
    let _ = ShmMap::<8, 4, 9, u32, u64>::create("/size");
}
