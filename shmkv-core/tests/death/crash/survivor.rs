//! What a survivor must find after a death, and must be able to do.
//!
//! First by reading alone, through a read-only handle and through a writable one: the state before or
//! after the operation that was cut off, whole, and no other fault. Then by writing, which recovers: each
//! [`Successor`] starts from the same dead state.

use std::collections::HashSet;

use shmkv_core::AccessError;

use super::image::Image;
use super::lab::{Model, Seen, all_harmless, stamp_of, value};
use super::scenario::{Scenario, stamps};

/// The stamp of what successors write.
const SUCCESSOR: u64 = 0x1234_5678_9abc_def0;
/// The first of the keys that fill a map up.
const FILLERS: u64 = 1 << 40;
/// Maps with at most this many free entries are filled up.
const FILL_AT_MOST: usize = 32;

/// The first writer after a death.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Successor {
    /// Stores the key of the interrupted operation.
    Same,
    /// Stores another key, then fills the map up: exactly `N` entries fit.
    Other,
    /// Removes the key of the interrupted operation and stores it again.
    Remove,
    /// Empties the map.
    Clear,
}

/// All of them.
pub(crate) const SUCCESSORS: [Successor; 4] = [
    Successor::Same,
    Successor::Other,
    Successor::Remove,
    Successor::Clear,
];

/// Checks what the deaths of one operation leave.
#[derive(Default)]
pub(crate) struct Watch {
    /// The distinct dead states so far, all bytes compared.
    known: HashSet<Image>,
    /// What the last death left. Later deaths are at later points.
    latest: Option<Seen>,
    /// Whether some death left the old contents.
    before_seen: bool,
    pub(crate) takeovers: u64,
}

impl Watch {
    /// How many distinct dead states there were.
    pub(crate) fn states(&self) -> usize {
        self.known.len()
    }

    /// All checks after a death at `point`.
    pub(crate) fn examine<const N: usize, const V: usize>(
        &mut self,
        scenario: &Scenario<'_, N, V>,
        point: usize,
    ) -> Result<(), String> {
        let dead = scenario.lab.image();
        let seen = before_recovery(scenario)?;
        if scenario.lab.image() != dead {
            return Err("reading changed the map".into());
        }
        self.progress(scenario, &seen)?;
        // One successor after every death; all of them, one after the other, after a death that leaves a
        // state not seen before.
        let new = self.known.insert(dead.clone());
        for (i, successor) in SUCCESSORS.into_iter().enumerate() {
            if new || i == point % SUCCESSORS.len() {
                scenario.lab.restore(&dead);
                self.takeovers += dead.held();
                succeed(scenario, successor, &seen, &dead)
                    .map_err(|e| format!("{successor:?}: {e}"))?;
            }
        }
        Ok(())
    }

    /// Checks that the operation never goes backwards from one point to the next.
    fn progress<const N: usize, const V: usize>(
        &mut self,
        scenario: &Scenario<'_, N, V>,
        seen: &Seen,
    ) -> Result<(), String> {
        self.before_seen |= *seen == scenario.before;
        if let Some(latest) = &self.latest
            && scenario.action.is_repeatable()
        {
            for key in scenario.keys() {
                let is_old = |seen: &Seen| seen.get(&key) == scenario.before.get(&key);
                if is_old(seen) && !is_old(latest) {
                    return Err(format!("key {key} was new at an earlier point, now old"));
                }
            }
        }
        self.latest = Some(seen.clone());
        Ok(())
    }

    /// After the last point: the operation has taken effect, and some death left the old state.
    pub(crate) fn finish<const N: usize, const V: usize>(
        &self,
        scenario: &Scenario<'_, N, V>,
    ) -> Result<(), String> {
        let last = self.latest.as_ref().map(stamps);
        if last.as_ref() != Some(&scenario.after) {
            return Err("the operation that finished is not in the map".into());
        }
        if !self.before_seen {
            return Err("no death left the old state".into());
        }
        Ok(())
    }
}

/// Reads, through both handles, what a death left.
pub(crate) fn before_recovery<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
) -> Result<Seen, String> {
    let lab = scenario.lab;
    let seen = lab.read(&lab.reader, scenario.keys())?;
    if lab.read(&lab.map, scenario.keys())? != seen {
        return Err("the two handles disagree".into());
    }
    for key in scenario.keys() {
        let (old, new) = (scenario.before.get(&key), scenario.after.get(&key));
        let now = seen.get(&key);
        let fresh = scenario.start.last_number_for(old.map(|it| it.1));
        let is_new = now.map(|it| it.0) == new.copied() && now.is_none_or(|it| it.1 > fresh);
        if now != old && !is_new {
            return Err(format!("key {key}: {now:?} is neither {old:?} nor new"));
        }
    }
    all_harmless(&lab.reader.check())?;
    Ok(seen)
}

/// Lets one successor write, and checks everything.
fn succeed<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    successor: Successor,
    seen: &Seen,
    dead: &Image,
) -> Result<(), String> {
    let map = &scenario.lab.map;
    let before = map.stats();
    let mut model = stamps(seen);
    let subject = scenario.subject;
    let mut everywhere = before.shards == 1;
    match successor {
        Successor::Same => everywhere |= !put(scenario, &mut model, subject)?,
        Successor::Other => everywhere |= !put(scenario, &mut model, scenario.bystander)?,
        Successor::Remove => take(scenario, &mut model, subject)?,
        Successor::Clear => {
            map.clear().map_err(|e| format!("clear: {e}"))?;
            model.clear();
            everywhere = true;
        }
    }
    let after = map.stats();
    let takeovers = after.takeovers - before.takeovers;
    if takeovers > dead.held() || everywhere && takeovers < dead.held() {
        let held = dead.held();
        return Err(format!("{takeovers} takeovers, but {held} locks were held"));
    }
    if after.version < before.version || takeovers > 0 && after.version == before.version {
        return Err("the map's version did not grow".into());
    }
    // No version is used twice, not even one that the dead writer took and did not use.
    match successor {
        Successor::Same => {}
        Successor::Other => fill_up(scenario, &mut model)?,
        Successor::Remove | Successor::Clear => drop(put(scenario, &mut model, subject)?),
    }
    if before.shards == 1
        && let Some(found) = map.get_versioned(subject).map_err(|e| e.to_string())?
        && !matches!(successor, Successor::Other)
        && model.get(&subject) == Some(&SUCCESSOR)
        && found.version.get() <= dead.last_number()
    {
        return Err(format!("version {} was handed out before", found.version));
    }
    whole(scenario, &model)
}

/// Checks that the death has left no trace.
fn whole<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    model: &Model,
) -> Result<(), String> {
    let lab = scenario.lab;
    let seen = lab.read(&lab.reader, model.keys().copied())?;
    if stamps(&seen) != *model {
        return Err("the contents are wrong after recovery".into());
    }
    if lab.reader.len() != model.len() {
        let (len, right) = (lab.reader.len(), model.len());
        return Err(format!("len is {len}, but there are {right} entries"));
    }
    // Shards that no successor has locked yet may still need recovery.
    let faults = lab.reader.check();
    let image = lab.image();
    match faults.first() {
        Some(fault) if image.held() == 0 => Err(format!("after recovery: {fault}")),
        _ => all_harmless(&faults),
    }
}

/// Stores a key; false if the map is full. An error if the model disagrees.
fn put<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    model: &mut Model,
    key: u64,
) -> Result<bool, String> {
    let is_full = model.len() == N && !model.contains_key(&key);
    match scenario.lab.map.insert(key, value(key, SUCCESSOR)) {
        Ok(_) if is_full => Err(format!("{} entries in a map for {N}", N + 1)),
        Err(AccessError::Full { .. }) if is_full => Ok(false),
        Ok(old) => {
            let old = old.map(|bytes| stamp_of(key, &bytes)).transpose()?;
            let expected = model.insert(key, SUCCESSOR);
            if old != expected {
                return Err(format!("replaced {old:?} where {expected:?} had been read"));
            }
            Ok(true)
        }
        Err(error) => Err(format!("insert: {error}")),
    }
}

/// Removes a key. An error if the model disagrees.
fn take<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    model: &mut Model,
    key: u64,
) -> Result<(), String> {
    let old = scenario.lab.map.remove(key);
    let old = old.map_err(|e| format!("remove: {e}"))?;
    let old = old.map(|bytes| stamp_of(key, &bytes)).transpose()?;
    let expected = model.remove(&key);
    if old != expected {
        return Err(format!("removed {old:?} where {expected:?} had been read"));
    }
    Ok(())
}

/// Fills a nearly full map up: exactly `N` entries fit.
fn fill_up<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    model: &mut Model,
) -> Result<(), String> {
    if model.len() + FILL_AT_MOST < N {
        return Ok(());
    }
    for key in FILLERS.. {
        if !put(scenario, model, key)? {
            break;
        }
    }
    Ok(())
}
