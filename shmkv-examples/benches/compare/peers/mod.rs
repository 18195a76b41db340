//! The candidates.

mod concurrent;
mod ours;
mod private;

use std::ops::{Deref, DerefMut};

use shmkv_core::{ShmKey, ToKey};

use crate::data::Key;
use crate::figures::{Described, Reach};
use crate::scratch::Scratch;
use crate::store::{Outcome, Runner};
use concurrent::{Dashmap, Papaya, Scc};
use ours::Ours;
use private::{Hashbrown, Locked};

/// What all are compared with.
pub(crate) const BASE: &str = "hashbrown";
/// What this is about.
pub(crate) const OURS: &str = "shmkv";

/// A map, and how it takes part.
pub(crate) struct Candidate<K: Key, const V: usize> {
    pub(crate) name: &'static str,
    pub(crate) reach: Reach,
    /// What another process needs to open it.
    pub(crate) ticket: String,
    /// An operation takes microseconds.
    pub(crate) slow: bool,
    /// Only one process at a time may write.
    pub(crate) one_writer: bool,
    runner: Box<dyn Runner<K, V>>,
}

impl<K: Key, const V: usize> Candidate<K, V> {
    fn new(name: &'static str, reach: Reach, runner: impl Runner<K, V> + 'static) -> Self {
        Self {
            name,
            reach,
            ticket: String::new(),
            slow: false,
            one_writer: false,
            runner: Box::new(runner),
        }
    }

    pub(crate) fn described(&self) -> Described {
        Described {
            name: self.name.to_owned(),
            version: version(self.name),
            reach: self.reach,
        }
    }
}

impl<K: Key, const V: usize> Deref for Candidate<K, V> {
    type Target = dyn Runner<K, V>;

    fn deref(&self) -> &Self::Target {
        &*self.runner
    }
}

impl<K: Key, const V: usize> DerefMut for Candidate<K, V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.runner
    }
}

/// All candidates that `wanted` says yes to, empty. Who cannot take part is
/// left out, for the reason that is noted.
pub(crate) fn create<const N: usize, const K: usize, const V: usize, Name>(
    scratch: &Scratch,
    label: &str,
    wanted: impl Fn(&str) -> bool,
    notes: &mut Vec<String>,
) -> Outcome<Vec<Candidate<Name, V>>>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    let _ = &notes;
    let mut all = vec![Candidate::new(BASE, Reach::Thread, Hashbrown::new(N))];
    if wanted("mutex") {
        all.push(Candidate::new("mutex", Reach::Threads, Locked::new(N)));
    }
    if wanted("dashmap") {
        all.push(Candidate::new("dashmap", Reach::Threads, Dashmap::new(N)));
    }
    if wanted("papaya") {
        all.push(Candidate::new("papaya", Reach::Threads, Papaya::new(N)));
    }
    if wanted("scc") {
        all.push(Candidate::new("scc", Reach::Threads, Scc::new(N)));
    }
    if wanted(OURS) {
        let name = scratch.name(label);
        let map = Ours::<N, K, V, Name>::create(&name)?;
        let mut ours = Candidate::new(OURS, Reach::Processes, map);
        ours.ticket = name;
        all.push(ours);
    }
    Ok(all)
}

/// Cargo's record of what was built.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// The version of the crate behind a candidate.
fn version(candidate: &str) -> String {
    let package = match candidate {
        "mutex" => BASE,
        "shmkv" => "shmkv-core",
        name => name,
    };
    let head = format!("name = \"{package}\"\nversion = \"");
    let versions = LOCK.split(&head).skip(1);
    let latest = versions.filter_map(|rest| rest.split('"').next()).last();
    latest.unwrap_or_default().to_owned()
}
