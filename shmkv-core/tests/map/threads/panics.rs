//! Panics in a user's closures and encodings: the map stays as usable as if they had returned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use shmkv_core::field::ShmField;
use shmkv_core::schema::Schema;
use shmkv_core::{DecodeError, EncodeError, Map, ShmMap, ShmValue, ToKey, ToValue};

use super::closures::{finishes, patient, use_everything};
use super::{Outcome, ensure};
use crate::support::report::Report;

/// Runs `body`, in which panics are meant.
fn quietly(body: impl FnOnce() -> Outcome) -> Outcome {
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = body();
    drop(std::panic::take_hook());
    outcome
}

fn panics<R>(body: impl FnOnce() -> R) -> Outcome {
    let ended = catch_unwind(AssertUnwindSafe(body));
    ensure(ended.is_err(), "the panic comes through")
}

fn panic_after<R>(body: impl FnOnce() -> R) -> R {
    let result = body();
    if std::hint::black_box(true) {
        panic!("meant");
    }
    result
}

/// A panic in a closure leaves the entry as it was, no lock held, nothing to repair, other threads undisturbed.
pub(super) fn panics_in_closures() -> Outcome {
    type Operation = fn(&Map<10, u64, u64>) -> bool;
    const OPERATIONS: [Operation; 4] = [
        |map| map.update(1, |value| panic_after(|| *value = 99)).is_ok(),
        |map| map.get_or_insert_with(8, || panic_after(|| 1)).is_ok(),
        |map| map.remove_if(1, |_| panic_after(|| true)).is_ok(),
        |map| map.retain(|_, _| panic_after(|| false)).is_ok(),
    ];
    let test = || -> Outcome {
        let map = patient()?;
        for key in 0..6 {
            map.insert(key, key)?;
        }
        let version = map.version();
        for operation in OPERATIONS {
            panics(|| operation(&map))?;
            ensure(
                map.version() == version && map.len() == 6,
                "nothing changed",
            )?;
            ensure(map.check().is_empty(), "nothing to repair")?;
            ensure(map.get(1)? == Some(1), "the entry is as it was")?;
        }
        use_everything(&map)?;
        std::thread::scope(|scope| scope.spawn(|| use_everything(&map)).join())
            .expect("a thread")?;
        ensure(map.stats().takeovers == 0, "nothing was taken over")
    };
    quietly(|| finishes("a map after panics", test))?;
    Report::new("threads", "closures that panic")
        .count("operations", OPERATIONS.len())
        .print();
    Ok(())
}

/// Panics when it is encoded.
struct Bomb;

impl ToKey<u64> for Bomb {
    fn encode_into(&self, _: &mut [u8]) -> Result<(), EncodeError> {
        panic_after(|| Ok(()))
    }
}

impl ToValue<Fragile> for Bomb {
    fn encode_into(&self, _: &mut [u8]) -> Result<(), EncodeError> {
        panic_after(|| Ok(()))
    }
}

/// A number of which 13 panics when it is decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fragile(u64);

impl<R> ShmField<R> for Fragile {
    const LEN: usize = 8;
    const SCHEMA: &'static Schema = &Schema::Pod {
        name: "Fragile",
        size: 8,
        fields: &[],
    };

    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        out.copy_from_slice(&self.0.to_le_bytes());
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let number = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
        match number {
            13 => panic_after(|| Ok(Self(number))),
            _ => Ok(Self(number)),
        }
    }
}

impl ShmValue<8> for Fragile {}

/// A user's encoding that panics runs before the lock, one that decodes after it: the map is whole either way.
pub(super) fn panics_in_encodings() -> Outcome {
    type Odd = ShmMap<10, 8, 8, u64, Fragile>;
    let test = || -> Outcome {
        let options = Odd::options().lock_timeout(Duration::from_secs(3600));
        let map = options.create_anonymous()?;
        map.insert(1, Fragile(1))?;
        let version = map.version();
        panics(|| map.insert(Bomb, Fragile(2)))?;
        panics(|| map.insert(1, Bomb))?;
        panics(|| map.try_insert(2, Bomb))?;
        panics(|| map.remove(Bomb))?;
        panics(|| map.get(Bomb).is_ok())?;
        ensure(
            map.version() == version && map.len() == 1,
            "nothing changed",
        )?;
        // What cannot be decoded has been stored; what replaces or removes it does so.
        map.insert(2, Fragile(13))?;
        panics(|| map.get(2).is_ok())?;
        panics(|| map.update(2, |value| value.0 = 1))?;
        panics(|| {
            map.iter()
                .map(|entry| entry.is_ok())
                .filter(|ok| *ok)
                .count()
        })?;
        panics(|| map.insert(2, Fragile(3)))?;
        ensure(map.get(2)? == Some(Fragile(3)), "replaced all the same")?;
        map.insert(2, Fragile(13))?;
        panics(|| map.remove(2))?;
        ensure(!map.contains_key(2)?, "removed all the same")?;
        ensure(map.get(1)? == Some(Fragile(1)), "the other entry")?;
        ensure(map.check().is_empty(), "nothing to repair")?;
        ensure(map.stats().takeovers == 0, "nothing was taken over")
    };
    quietly(|| finishes("a map after panics", test))?;
    Report::new("threads", "encodings that panic")
        .count("operations", 10)
        .print();
    Ok(())
}
