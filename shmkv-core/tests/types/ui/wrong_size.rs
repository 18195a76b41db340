//! A wrong `K` or `V` names the size that would fit.

use shmkv_core::{ShmKey, ShmValue, ToKey, ToValue, field::KeyFootprint};

#[derive(ShmKey)]
struct SensorId {
    site: u32,
    #[shm(max_len = 10)]
    name: String,
}

#[derive(ShmValue)]
struct Generic<T>(T);

fn key<const K: usize, Key: ShmKey<K>>() {}
fn value<const V: usize, Value: ShmValue<V>>() {}
fn sized<Key: KeyFootprint>() {}
fn ask<Key>(_: impl ToKey<Key>) {}
fn store<Value>(_: impl ToValue<Value>) {}

fn main() {
    key::<8, SensorId>();
    value::<8, Generic<u64>>();
    sized::<Vec<u8>>();
    ask::<SensorId>("boiler");
    store::<u64>("boiler");
    store::<shmkv_core::ShmStr<8>>(String::new());
}
