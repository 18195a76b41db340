//! Closures that use the map that runs them: no user code ever runs under a lock.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use shmkv_core::{AccessError, Map};

use super::{Outcome, ensure};
use crate::support::report::Report;

/// Runs `body` in a thread of its own; one that waits for itself is found out. The map's lock timeout is longer.
pub(super) fn finishes(what: &str, body: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
    let thread = std::thread::spawn(body);
    let begun = Instant::now();
    while !thread.is_finished() {
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(format!("{what} hangs").into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    thread.join().expect("the thread's own answer")
}

/// A map whose operations, were they to wait for a lock of their own thread, would wait for good.
pub(super) fn patient() -> Result<Map<10, u64, u64>, Failed> {
    let options = Map::<10, u64, u64>::options().lock_timeout(Duration::from_secs(3600));
    Ok(options.create_anonymous()?)
}

/// Everything that a map can do, on all its keys.
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

pub(super) fn closures_may_use_the_map() -> Outcome {
    finishes("update", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let mut runs = 0;
        let new = map.update(1, |value| {
            runs += 1;
            use_everything(&map).expect("the map in its own closure");
            // The first time, the entry changes behind the closure's back.
            if runs == 1 {
                map.insert(1, 10).expect("insert");
            }
            *value += 1;
        })?;
        ensure(
            runs == 2 && new == Some(11),
            "update runs again after a change",
        )?;
        ensure(map.get(1)? == Some(11), "update")
    })?;
    finishes("get_or_insert_with", || {
        let map = patient()?;
        let got = map.get_or_insert_with(1, || {
            use_everything(&map).expect("the map in its own closure");
            map.insert(1, 5).expect("insert");
            7
        })?;
        ensure(
            got == 5 && map.get(1)? == Some(5),
            "the first to insert wins",
        )
    })?;
    finishes("retain", || {
        let map = patient()?;
        for key in 0..6 {
            map.insert(key, key)?;
        }
        map.retain(|key, _| {
            use_everything(&map).expect("the map in its own closure");
            *key == 3
        })?;
        let left: Vec<u64> = map
            .keys()
            .filter(|key| !matches!(key, Ok(7..)))
            .collect::<Result<_, _>>()?;
        ensure(left == [3], "retain keeps what it is told to")
    })?;
    finishes("remove_if", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let mut runs = 0;
        let removed = map.remove_if(1, |value| {
            runs += 1;
            use_everything(&map).expect("the map in its own closure");
            if runs == 1 {
                map.insert(1, 2).expect("insert");
            }
            *value > 0
        })?;
        ensure(
            runs == 2 && removed == Some(2),
            "remove_if looks again after a change",
        )?;
        ensure(map.get(1)?.is_none() && map.check().is_empty(), "remove_if")
    })?;
    finishes("iteration", || {
        let map = patient()?;
        for key in 0..6 {
            map.insert(key, key)?;
        }
        for entry in &map {
            let (key, _) = entry?;
            map.remove(key)?;
        }
        ensure(
            map.is_empty() && map.check().is_empty(),
            "removed while iterating",
        )
    })?;
    Report::new("threads", "closures that use the map")
        .count("operations", 5)
        .print();
    Ok(())
}

/// While a closure waits for another thread, that thread writes: no lock is held.
pub(super) fn closures_may_use_another_thread() -> Outcome {
    finishes("a closure that waits for a writer", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let elsewhere = || {
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| use_everything(&map));
                writer.join().expect("a thread").expect("write");
            });
        };
        map.update(1, |_| elsewhere())?;
        map.get_or_insert_with(2, || {
            elsewhere();
            2
        })?;
        map.remove_if(2, |_| {
            elsewhere();
            true
        })?;
        map.retain(|_, _| {
            elsewhere();
            true
        })?;
        ensure(map.check().is_empty(), "check")
    })?;
    Report::new("threads", "closures that wait for a writer")
        .count("operations", 4)
        .print();
    Ok(())
}
