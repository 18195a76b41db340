//! Every writing operation, in an order in which each one has an effect.

use std::hint::black_box;

use shmkv_core::{AccessError, Exchange, ShmStr};

use super::format::{Texts, VALUE};
use super::known::Known;
use super::read::{ABSENT, iterate};
use super::seen::Seen;

fn text(value: &str) -> ShmStr<VALUE> {
    value.parse().expect("a short text")
}

/// Whether a write took effect; records its error. A write that could not decode the old value has taken
/// effect.
fn is_done<R>(seen: &mut Seen, operation: &str, answer: &Result<R, AccessError>) -> bool {
    let Err(error) = answer else { return true };
    seen.error(operation, error);
    matches!(error, AccessError::Decode(_))
}

/// Runs every writing operation. Needs at least six known keys and space for two more; leaves the map
/// empty.
pub(crate) fn writes<const N: usize>(
    map: &Texts<N>,
    mut known: Known,
    seen: &mut Seen,
    beat: &impl Fn(u64),
) {
    let keys = known.keys();
    let [a, b, c, d, e, f, ..] = &*keys else {
        return;
    };

    beat(20);
    for key in [a.as_str(), "new"] {
        let value = known.next(key);
        let old = map.insert(key, &*value);
        if is_done(seen, "insert", &old) {
            if let Ok(old) = old {
                seen.value(&known, key, old.as_deref());
            }
            known.learn(key, &value);
        }
        seen.lookup(&known, "get after insert", key, map.get(key));
    }

    {
        let value = known.next(a);
        let version = map.set(a, &*value);
        if is_done(seen, "set", &version) {
            known.learn(a, &value);
        }
        seen.lookup(&known, "get after set", a, map.get(a));
    }

    beat(21);
    for (key, fresh) in [(b.as_str(), false), ("fresh", true)] {
        let value = known.next(key);
        let added = map.try_insert(key, &*value);
        if let Ok(true) = added {
            if !fresh {
                seen.hidden.insert(key.to_owned());
            }
            known.learn(key, &value);
        } else {
            seen.presence(&known, "try_insert", key, added.map(|added| !added));
        }
        seen.lookup(&known, "get after try_insert", key, map.get(key));
    }

    beat(22);
    if known.entries.len() == N {
        match map.insert("too-many", "too-many=0") {
            Err(AccessError::Full { capacity }) if capacity == N => {}
            Err(error) => seen.error("insert beyond N", &error),
            Ok(_) => {
                seen.figures.push("more than N entries fit".to_owned());
                known.learn("too-many", "too-many=0");
            }
        }
    }

    beat(23);
    for key in [c.as_str(), ABSENT] {
        let value = known.next(key);
        let old = map.replace(key, &*value);
        if is_done(seen, "replace", &old) {
            if let Ok(old) = &old {
                seen.value(&known, key, old.as_deref());
            }
            if !matches!(old, Ok(None)) {
                known.learn(key, &value);
            }
        }
    }
    seen.lookup(&known, "get after replace", c, map.get(c));

    beat(24);
    exchange(map, &mut known, d, seen);

    beat(25);
    let value = known.next(e);
    let updated = map.update(e, |it| *it = text(&value));
    if let Ok(Some(_)) = updated {
        known.learn(e, &value);
    }
    seen.lookup(&known, "update", e, updated);
    seen.lookup(&known, "get after update", e, map.get(e));
    seen.lookup(&known, "update", ABSENT, map.update(ABSENT, |_| ()));

    beat(26);
    let kept = map.get_or_insert_with(f, || text(&Known::value(f, 0)));
    seen.lookup(&known, "get_or_insert_with", f, kept.map(Some));

    beat(27);
    seen.lookup(
        &known,
        "remove_if none",
        a,
        map.remove_if(a, |_| false)
            .map(|_| map.get(a).ok().flatten()),
    );
    for (operation, key) in [("remove_if", a), ("remove", b)] {
        beat(28);
        let removed = match operation {
            "remove" => map.remove(key),
            _ => map.remove_if(key, |_| true),
        };
        let done = is_done(seen, operation, &removed);
        if let Ok(old) = removed {
            seen.value(&known, key, old.as_deref());
        }
        if done {
            known.entries.remove(key);
        }
        seen.lookup(&known, "get after remove", key, map.get(key));
    }
    seen.lookup(&known, "remove", ABSENT, map.remove(ABSENT));

    beat(29);
    let kept = map.retain(|key, _| key.as_str() != c);
    // A `retain` that an error ended may have removed the key before.
    if is_done(seen, "retain", &kept) || matches!(map.get(c), Ok(None)) {
        known.entries.remove(c.as_str());
    }
    iterate(map, &known, seen);

    beat(30);
    black_box(map.flush().is_ok());
    let cleared = map.clear();
    if !is_done(seen, "clear", &cleared) {
        return; // only some shards have been cleared
    }
    known.entries.clear();
    seen.figure(map.is_empty(), "not empty after clear");
    iterate(map, &known, seen);
    for key in &keys {
        seen.lookup(&known, "get after clear", key, map.get(key));
    }
}

/// Exchanges with the current version, and with one that is no longer current.
fn exchange<const N: usize>(map: &Texts<N>, known: &mut Known, key: &str, seen: &mut Seen) {
    let found = match map.get_versioned(key) {
        Ok(Some(found)) => found,
        Ok(None) => return seen.value(known, key, None),
        Err(error) => return seen.error("get_versioned", &error),
    };
    let value = known.next(key);
    match map.compare_exchange(key, found.version, &*value) {
        Ok(Exchange::Stored(_)) => known.learn(key, &value),
        Ok(Exchange::Changed(_)) => seen
            .figures
            .push("an exchange refused the current version".to_owned()),
        Err(error) => seen.error("compare_exchange", &error),
    }
    match map.compare_exchange(key, found.version, &*value) {
        Ok(Exchange::Stored(_)) => {
            seen.figures
                .push("an exchange accepted an old version".to_owned());
            known.learn(key, &value);
        }
        Ok(Exchange::Changed(now)) => {
            let now = now.map(|now| now.value);
            seen.value(known, key, now.as_deref());
        }
        Err(error) => seen.error("compare_exchange", &error),
    }
}
