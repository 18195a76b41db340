//! A closure may use the map that runs it, because no user code ever runs under a lock.

use super::common::{Outcome, ensure, finishes, patient, use_everything};
use crate::support::report::Report;

pub(super) fn closures_may_use_the_map() -> Outcome {
    finishes("update", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let mut runs = 0;
        let new = map.update(1, |value| {
            runs += 1;
            use_everything(&map).expect("use of the map in a closure");
            // In the first run, the entry changes after the closure has read it.
            if runs == 1 {
                map.insert(1, 10).expect("insert");
            }
            *value += 1;
        })?;
        ensure(
            runs == 2 && new == Some(11),
            "expected update to run its closure again after a change",
        )?;
        ensure(map.get(1)? == Some(11), "the value after update")
    })?;
    finishes("get_or_insert_with", || {
        let map = patient()?;
        let got = map.get_or_insert_with(1, || {
            use_everything(&map).expect("use of the map in a closure");
            map.insert(1, 5).expect("insert");
            7
        })?;
        ensure(
            got == 5 && map.get(1)? == Some(5),
            "expected the value that was inserted first",
        )
    })?;
    finishes("retain", || {
        let map = patient()?;
        for key in 0..6 {
            map.insert(key, key)?;
        }
        map.retain(|key, _| {
            use_everything(&map).expect("use of the map in a closure");
            *key == 3
        })?;
        let left: Vec<u64> = map
            .keys()
            .filter(|key| !matches!(key, Ok(7..)))
            .collect::<Result<_, _>>()?;
        ensure(left == [3], "the keys after retain")
    })?;
    finishes("remove_if", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let mut runs = 0;
        let removed = map.remove_if(1, |value| {
            runs += 1;
            use_everything(&map).expect("use of the map in a closure");
            if runs == 1 {
                map.insert(1, 2).expect("insert");
            }
            *value > 0
        })?;
        ensure(
            runs == 2 && removed == Some(2),
            "expected remove_if to run its closure again after a change",
        )?;
        ensure(
            map.get(1)?.is_none() && map.check().is_empty(),
            "the map after remove_if",
        )
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
            "the map after removals during an iteration",
        )
    })?;
    Report::new("threads", "closures that use the map")
        .count("operations", 5)
        .print();
    Ok(())
}

/// A closure may wait for another thread that writes, because no lock is held.
pub(super) fn closures_may_use_another_thread() -> Outcome {
    finishes("a closure that waits for a writer", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let write_in_a_thread = || {
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| use_everything(&map));
                writer.join().expect("a thread").expect("write");
            });
        };
        map.update(1, |_| write_in_a_thread())?;
        map.get_or_insert_with(2, || {
            write_in_a_thread();
            2
        })?;
        map.remove_if(2, |_| {
            write_in_a_thread();
            true
        })?;
        map.retain(|_, _| {
            write_in_a_thread();
            true
        })?;
        ensure(map.check().is_empty(), "faults in the map")
    })?;
    Report::new("threads", "closures that wait for a writer")
        .count("operations", 4)
        .print();
    Ok(())
}
