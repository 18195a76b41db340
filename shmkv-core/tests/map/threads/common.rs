//! What the trials share: their outcome, a map, and a use of everything that it can do.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use shmkv_core::{AccessError, Map};

pub(super) type Outcome = Result<(), Failed>;

pub(super) fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// Runs `body` in a thread of its own, and fails if it does not end: a thread that waits for its own lock
/// would not, since the lock timeout of [`patient`] maps is longer.
pub(super) fn finishes(what: &str, body: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
    let thread = std::thread::spawn(body);
    let begun = Instant::now();
    while !thread.is_finished() {
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(format!("{what} hangs").into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    thread.join().expect("a thread")
}

/// A map with a lock timeout of an hour.
pub(super) fn patient() -> Result<Map<10, u64, u64>, Failed> {
    let options = Map::<10, u64, u64>::options().lock_timeout(Duration::from_secs(3600));
    Ok(options.create_anonymous()?)
}

/// Runs every kind of operation, on all keys.
pub(super) fn use_everything(map: &Map<10, u64, u64>) -> Result<(), AccessError> {
    map.insert(8, 1)?;
    map.try_insert(9, 1)?;
    map.update(8, |value| *value += 1)?;
    map.get_or_insert_with(7, || 3)?;
    if let Some(seen) = map.get_versioned(8)? {
        map.compare_exchange(8, seen.version, 9)?.is_stored();
    }
    map.replace(9, 2)?;
    map.remove(9)?;
    map.remove_if(8, |value| *value > 0)?;
    map.retain(|key, _| *key < 7)?;
    map.flush()?;
    for entry in map {
        entry?;
    }
    Ok(())
}
