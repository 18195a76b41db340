//! After a panic in a user's closure or encoding, the map is as usable as if it had returned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use shmkv_core::field::ShmField;
use shmkv_core::schema::Schema;
use shmkv_core::{DecodeError, EncodeError, Map, ShmMap, ShmValue, ToKey, ToValue};

use super::common::{Outcome, ensure, finishes, patient, use_everything};
use crate::support::report::Report;

/// Runs `body` without printing its panics, which are expected.
fn quietly(body: impl FnOnce() -> Outcome) -> Outcome {
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = body();
    drop(std::panic::take_hook());
    outcome
}

fn panics<R>(body: impl FnOnce() -> R) -> Outcome {
    let ended = catch_unwind(AssertUnwindSafe(body));
    ensure(ended.is_err(), "expected the panic to reach the caller")
}

fn panic_after<R>(body: impl FnOnce() -> R) -> R {
    let result = body();
    if std::hint::black_box(true) {
        panic!("expected");
    }
    result
}

/// A panic in a closure leaves the entry unchanged, no lock held and nothing to recover. Other threads are
/// not affected.
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
                "a panic changed the map",
            )?;
            ensure(map.check().is_empty(), "a panic left faults")?;
            ensure(map.get(1)? == Some(1), "a panic changed the entry")?;
        }
        use_everything(&map)?;
        std::thread::scope(|scope| scope.spawn(|| use_everything(&map)).join())
            .expect("a thread")?;
        ensure(
            map.stats().takeovers == 0,
            "a panic left a lock to take over",
        )
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

/// A number. Decoding 13 panics.
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

/// A user's encoding runs before the lock is taken, a decoding after it is released: a panic in either
/// leaves the map whole.
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
            "a panic changed the map",
        )?;
        // A value that cannot be decoded is stored all the same. Replacing or removing it works, though
        // decoding the old value panics.
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
        ensure(
            map.get(2)? == Some(Fragile(3)),
            "the value was not replaced",
        )?;
        map.insert(2, Fragile(13))?;
        panics(|| map.remove(2))?;
        ensure(!map.contains_key(2)?, "the value was not removed")?;
        ensure(
            map.get(1)? == Some(Fragile(1)),
            "the other entry has changed",
        )?;
        ensure(map.check().is_empty(), "a panic left faults")?;
        ensure(
            map.stats().takeovers == 0,
            "a panic left a lock to take over",
        )
    };
    quietly(|| finishes("a map after panics", test))?;
    Report::new("threads", "encodings that panic")
        .count("operations", 10)
        .print();
    Ok(())
}
