//! The candidates: shmkv and the maps that it is compared with.
//!
//! The other files here are a [`Store`](crate::store::Store) each; this one creates and
//! opens them by their names.

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
use crate::outcome::Outcome;
use crate::scratch::Scratch;
use crate::store::Runner;
use concurrent::{Dashmap, Papaya, Scc};
use iceoryx::Blackboard;
use lmdb::Lmdb;
use ours::Ours;
use private::{Hashbrown, Locked};
use redis::Redis;
use robust::Robust;

/// The map that all others are compared with.
pub(crate) const BASE: &str = "hashbrown";
/// The map of this repository.
pub(crate) const OURS: &str = "shmkv";
/// The same, in huge pages.
const HUGE: &str = "shmkv-huge";

/// A map, and what the benchmark must know of it.
pub(crate) struct Candidate<K: Key, const V: usize> {
    pub(crate) name: &'static str,
    pub(crate) reach: Reach,
    /// Whether an operation takes microseconds.
    pub(crate) slow: bool,
    /// Whether only one process at a time can write.
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

/// What creating or opening a candidate depends on.
pub(crate) struct Context<'p> {
    pub(crate) scratch: &'p Scratch,
    pub(crate) label: Label,
    /// The processors on which a server may run.
    pub(crate) processors: &'p [usize],
}

/// Creates all candidates that are `wanted`, empty. Those that cannot be created are left
/// out, and the notes say why.
pub(crate) fn create<const N: usize, const K: usize, const V: usize, Name>(
    context: &Context<'_>,
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
        // In a map that fits the caches, the size of pages makes no difference.
        if !wanted(name) || (name == HUGE && N < 100_000) {
            continue;
        }
        match create_shared::<N, K, V, Name>(context, name) {
            Ok(candidate) => all.push(candidate),
            Err(error) => {
                eprintln!("LEFT OUT: {name}: {error}");
                notes.push(format!("{name} is left out: {error}."));
            }
        }
    }
    all
}

/// Creates a candidate that processes share.
fn create_shared<const N: usize, const K: usize, const V: usize, Name>(
    context: &Context<'_>,
    name: &'static str,
) -> Outcome<Candidate<Name, V>>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    let file = format!("{}-{name}", context.label.word()).replace([' ', ','], "-");
    let path = context.scratch.path(&file);
    let of = |runner| Candidate::<Name, V>::boxed(name, Reach::Processes, runner);
    let mut candidate = match name {
        OURS | HUGE => of(Box::new(Ours::<N, K, V, Name>::create(
            &context.scratch.name(&file),
            name == HUGE,
        )?)),
        "robust mutex" => of(Box::new(Robust::create(&path, N)?)),
        "lmdb" => of(Box::new(Lmdb::open(&path)?)),
        "redis" => {
            redis::version().ok_or("no redis-server in PATH")?;
            of(Box::new(Redis::start(&path, context.processors)?))
        }
        _ if N > iceoryx::MOST => {
            return Err("it finds a key by a scan, so resolving N keys takes N² steps".into());
        }
        _ => of(Box::new(Blackboard::create(
            &context.scratch.path("iceoryx2"),
            &service(context.scratch, &file),
            N,
        )?)),
    };
    candidate.slow = matches!(name, "lmdb" | "redis");
    candidate.one_writer = name == "iceoryx2";
    Ok(candidate)
}

/// Opens a candidate that another process created.
pub(crate) fn open<const N: usize, const K: usize, const V: usize, Name>(
    context: &Context<'_>,
    name: &str,
) -> Outcome<Box<dyn Runner<Name, V>>>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    let file = format!("{}-{name}", context.label.word()).replace([' ', ','], "-");
    let path = context.scratch.path(&file);
    Ok(match name {
        OURS | HUGE => {
            let of = context.scratch.name(&file);
            Box::new(Ours::<N, K, V, Name>::open(&of, name == HUGE)?)
        }
        "robust mutex" => Box::new(Robust::open(&path, N)?),
        "lmdb" => Box::new(Lmdb::open(&path)?),
        "redis" => Box::new(Redis::connect(&path)?),
        "iceoryx2" => Box::new(Blackboard::open(
            &context.scratch.path("iceoryx2"),
            &service(context.scratch, &file),
            N,
        )?),
        other => return Err(format!("processes cannot share {other}").into()),
    })
}

/// The name of an iceoryx2 service, with which the names of its files begin.
fn service(scratch: &Scratch, file: &str) -> String {
    scratch.name(file).trim_start_matches('/').to_owned()
}

/// Cargo's record of the versions that were built.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// The version of a candidate.
fn version(candidate: &str) -> String {
    match candidate {
        "redis" => redis::version().unwrap_or_default(),
        "mutex" => format!("(std's, around {BASE})"),
        "robust mutex" => "(pthread's, around a table of this benchmark)".to_owned(),
        "lmdb" => format!("through heed {}", locked("heed")),
        OURS | HUGE => locked("shmkv-core"),
        name => locked(name),
    }
}

/// The latest version of a package in Cargo's record.
fn locked(package: &str) -> String {
    let head = format!("name = \"{package}\"\nversion = \"");
    let versions = LOCK.split(&head).skip(1);
    let latest = versions.filter_map(|rest| rest.split('"').next()).last();
    latest.unwrap_or_default().to_owned()
}
