//! The candidates.

mod concurrent;
mod iceoryx;
mod lmdb;
mod ours;
mod private;
mod redis;
mod robust;

use std::ops::{Deref, DerefMut};

use shmkv_core::{ShmKey, ToKey};

use crate::configurations::Label;
use crate::data::Key;
use crate::figures::{Described, Reach};
use crate::scratch::Scratch;
use crate::store::{Outcome, Runner};
use concurrent::{Dashmap, Papaya, Scc};
use iceoryx::Blackboard;
use lmdb::Lmdb;
use ours::Ours;
use private::{Hashbrown, Locked};
use redis::Redis;
use robust::Robust;

/// What all are compared with.
pub(crate) const BASE: &str = "hashbrown";
/// What this is about.
pub(crate) const OURS: &str = "shmkv";
/// The same, in huge pages.
const HUGE: &str = "shmkv-huge";

/// A map, and how it takes part.
pub(crate) struct Candidate<K: Key, const V: usize> {
    pub(crate) name: &'static str,
    pub(crate) reach: Reach,
    /// An operation takes microseconds.
    pub(crate) slow: bool,
    /// Only one process at a time may write.
    pub(crate) one_writer: bool,
    runner: Box<dyn Runner<K, V>>,
}

impl<K: Key, const V: usize> Candidate<K, V> {
    fn new(name: &'static str, reach: Reach, runner: impl Runner<K, V> + 'static) -> Self {
        Self::boxed(name, reach, Box::new(runner))
    }

    fn boxed(name: &'static str, reach: Reach, runner: Box<dyn Runner<K, V>>) -> Self {
        Self {
            name,
            reach,
            slow: false,
            one_writer: false,
            runner,
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

/// Where candidates are made.
pub(crate) struct Place<'p> {
    pub(crate) scratch: &'p Scratch,
    pub(crate) label: Label,
    /// Where a server may run.
    pub(crate) processors: &'p [usize],
}

/// All candidates that `wanted` says yes to, empty. Who cannot take part is
/// left out, and the notes say why.
pub(crate) fn create<const N: usize, const K: usize, const V: usize, Name>(
    place: &Place<'_>,
    wanted: impl Fn(&str) -> bool,
    notes: &mut Vec<String>,
) -> Vec<Candidate<Name, V>>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
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
    for name in [OURS, HUGE, "robust mutex", "iceoryx2", "lmdb", "redis"] {
        // Where everything is near, the size of pages makes no difference.
        if !wanted(name) || (name == HUGE && N < 100_000) {
            continue;
        }
        match create_shared::<N, K, V, Name>(place, name) {
            Ok(candidate) => all.push(candidate),
            Err(error) => {
                eprintln!("{name}: LEFT OUT: {error}");
                notes.push(format!("{name} is left out: {error}."));
            }
        }
    }
    all
}

/// A candidate that processes share.
fn create_shared<const N: usize, const K: usize, const V: usize, Name>(
    place: &Place<'_>,
    name: &'static str,
) -> Outcome<Candidate<Name, V>>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    let file = format!("{}-{name}", place.label.word()).replace([' ', ','], "-");
    let path = place.scratch.path(&file);
    let of = |runner| Candidate::<Name, V>::boxed(name, Reach::Processes, runner);
    let mut candidate = match name {
        OURS | HUGE => of(Box::new(Ours::<N, K, V, Name>::create(
            &place.scratch.name(&file),
            name == HUGE,
        )?)),
        "robust mutex" => of(Box::new(Robust::create(&path, N)?)),
        "lmdb" => of(Box::new(Lmdb::open(&path)?)),
        "redis" => {
            redis::version().ok_or("no redis-server in PATH")?;
            of(Box::new(Redis::start(&path, place.processors)?))
        }
        _ if N > iceoryx::MOST => {
            return Err("it finds a key by a scan, so resolving N of them takes time N²".into());
        }
        _ => of(Box::new(Blackboard::create(
            &place.scratch.path("iceoryx2"),
            &service(place.scratch, &file),
            N,
        )?)),
    };
    candidate.slow = matches!(name, "lmdb" | "redis");
    candidate.one_writer = name == "iceoryx2";
    Ok(candidate)
}

/// Opens what another process has created.
pub(crate) fn open<const N: usize, const K: usize, const V: usize, Name>(
    place: &Place<'_>,
    name: &str,
) -> Outcome<Box<dyn Runner<Name, V>>>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    let file = format!("{}-{name}", place.label.word()).replace([' ', ','], "-");
    let path = place.scratch.path(&file);
    Ok(match name {
        OURS | HUGE => {
            let of = place.scratch.name(&file);
            Box::new(Ours::<N, K, V, Name>::open(&of, name == HUGE)?)
        }
        "robust mutex" => Box::new(Robust::open(&path, N)?),
        "lmdb" => Box::new(Lmdb::open(&path)?),
        "redis" => Box::new(Redis::connect(&path)?),
        "iceoryx2" => Box::new(Blackboard::open(
            &place.scratch.path("iceoryx2"),
            &service(place.scratch, &file),
            N,
        )?),
        other => return Err(format!("{other} is not for processes").into()),
    })
}

/// A service's name, and the beginning of its files' names.
fn service(scratch: &Scratch, file: &str) -> String {
    scratch.name(file).trim_start_matches('/').to_owned()
}

/// Cargo's record of what was built.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// The version of what is behind a candidate.
fn version(candidate: &str) -> String {
    match candidate {
        "redis" => redis::version().unwrap_or_default(),
        "mutex" => format!("of std around {BASE}"),
        "robust mutex" => "of pthread around a table of this benchmark's".to_owned(),
        "lmdb" => format!("through heed {}", locked("heed")),
        OURS | HUGE => locked("shmkv-core"),
        name => locked(name),
    }
}

/// The latest version of a package that Cargo has chosen.
fn locked(package: &str) -> String {
    let head = format!("name = \"{package}\"\nversion = \"");
    let versions = LOCK.split(&head).skip(1);
    let latest = versions.filter_map(|rest| rest.split('"').next()).last();
    latest.unwrap_or_default().to_owned()
}
