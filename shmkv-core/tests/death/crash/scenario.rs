//! Operations to kill: the state from which each starts, and the contents before and after it.
//!
//! The small map has four buckets of at most seven live entries. A "displaced" entry found its home bucket
//! full and is in the next one, a "two hops" entry in the one after that: the overflow counters of the
//! buckets it passed are raised before it is published, and lowered after it is removed.

use super::action::Action;
use super::image::Image;
use super::keys::Keys;
use super::lab::{ABSENT, Lab, Model, Seen};
use crate::support::step;

/// Entries of the small map: four buckets, one shard.
pub(crate) const SMALL: usize = 19;
pub(crate) type SmallLab = Lab<SMALL, 256>;
/// Entries of the map with four shards.
pub(crate) const SHARDED: usize = 4096;
pub(crate) type ShardedLab = Lab<SHARDED, 16>;

/// One operation on a map in a known state.
pub(crate) struct Scenario<'l, const N: usize, const V: usize> {
    pub(crate) name: String,
    pub(crate) lab: &'l Lab<N, V>,
    pub(crate) action: Action,
    /// The map's memory before the operation.
    pub(crate) start: Image,
    /// The memory in which a writer registers before `start` is put back. Registering locks a shard, and
    /// in `start` that would already recover it.
    register_in: Option<Image>,
    /// What the map holds at the start.
    pub(crate) before: Seen,
    /// What it holds after the operation.
    pub(crate) after: Model,
    /// The key of the operation.
    pub(crate) subject: u64,
    /// Another key; in the same shard if the map has only one.
    pub(crate) bystander: u64,
}

impl<'l, const N: usize, const V: usize> Scenario<'l, N, V> {
    /// Fills the map with `entries`, in this order.
    fn new(
        lab: &'l Lab<N, V>,
        name: &str,
        entries: &[u64],
        (subject, bystander): (u64, u64),
        action: Action,
    ) -> Self {
        lab.fill(&Model::new());
        lab.add(entries.iter().zip(1001..).map(|(key, stamp)| (*key, stamp)));
        let before = lab
            .read(&lab.reader, entries.iter().copied())
            .expect("a sound start");
        assert_eq!(lab.map.check(), []);
        let mut after = stamps(&before);
        action.apply(&mut after);
        Self {
            name: name.into(),
            lab,
            action,
            start: lab.image(),
            register_in: None,
            before,
            after,
            subject,
            bystander,
        }
    }

    /// The operation of a writer that starts from `memory`, which a death in this scenario left; `seen`
    /// are its contents.
    pub(crate) fn successor(&self, memory: Image, seen: Seen, action: Action) -> Self {
        let mut after = stamps(&seen);
        action.apply(&mut after);
        // An id far from those of the dead writers, which the memory may name as holders of locks.
        let register_in = self.start.clone().with_ids(self.start.ids() + 64);
        Self {
            name: format!("{}, then {action:?}", self.name),
            lab: self.lab,
            action,
            start: memory,
            register_in: Some(register_in),
            before: seen,
            after,
            subject: self.subject,
            bystander: self.bystander,
        }
    }

    /// Puts the starting memory back.
    pub(crate) fn reset(&self) {
        self.lab.restore(&self.start);
    }

    /// The operation of a process that has written before; for a plan that is warmed up.
    pub(crate) fn run(&self) {
        if let Some(image) = &self.register_in {
            self.lab.restore(image);
        }
        assert_eq!(self.lab.map.remove(ABSENT).expect("register"), None);
        if self.register_in.is_some() {
            self.reset();
        }
        step::begin();
        self.action.run(&self.lab.map, &self.before);
    }

    /// The operation as the first write of a process, which registers first.
    pub(crate) fn run_first(&self) {
        step::begin();
        self.action.run(&self.lab.map, &self.before);
    }

    /// Every key that may be in the map, each once.
    pub(crate) fn keys(&self) -> impl Iterator<Item = u64> {
        let more = self.after.keys();
        let more = more.filter(|key| !self.before.contains_key(key));
        self.before.keys().chain(more).copied()
    }
}

/// The contents without the versions.
pub(crate) fn stamps(seen: &Seen) -> Model {
    seen.iter()
        .map(|(key, (stamp, _))| (*key, *stamp))
        .collect()
}

/// Operations on the map with one shard.
pub(crate) fn small<'l>(lab: &'l SmallLab, keys: &Keys) -> Vec<Scenario<'l, SMALL, 256>> {
    let (home, other) = (&keys.home, &keys.other);
    let case = |name: &str, homes: usize, others: usize, at: usize, action: fn(u64) -> Action| {
        let entries = [&home[..homes], &other[..others]].concat();
        let about = (home[at], home[if at == 0 { 1 } else { 0 }]);
        Scenario::new(lab, name, &entries, about, action(home[at]))
    };
    vec![
        case("insert/new, at home", 3, 3, 5, Action::Insert),
        case("insert/new, displaced", 7, 2, 7, Action::Insert),
        case("insert/new, two hops", 14, 2, 14, Action::Insert),
        case("insert/update, at home", 7, 2, 2, Action::Insert),
        case("insert/update, displaced", 9, 2, 8, Action::Insert),
        case("insert/full", 15, 4, 16, Action::InsertFull),
        case("remove/others displaced", 9, 2, 1, Action::Remove),
        case("remove/displaced", 9, 2, 8, Action::Remove),
        case("remove/two hops", 16, 2, 15, Action::Remove),
        case("try_insert/displaced", 7, 2, 7, Action::TryInsert),
        case("replace/displaced", 9, 2, 7, Action::Replace),
        case("update/displaced", 9, 2, 8, Action::Update),
        case(
            "get_or_insert_with/displaced",
            7,
            2,
            7,
            Action::GetOrInsertWith,
        ),
        case("compare_exchange/stored", 9, 2, 8, Action::CompareExchange),
        case(
            "compare_exchange/changed",
            9,
            2,
            8,
            Action::CompareExchangeStale,
        ),
        case("remove_if/displaced", 9, 2, 8, Action::RemoveIf),
        case("retain", 16, 2, 15, |_| Action::Retain),
        case("clear", 16, 2, 15, |_| Action::Clear),
    ]
}

/// Operations on the map with four shards when it is full or nearly so, where the counter `reserved`
/// decides.
pub(crate) fn sharded(lab: &ShardedLab) -> Vec<Scenario<'_, SHARDED, 16>> {
    let most = SHARDED as u64;
    let case = |name: &str, entries: u64, at: u64, action: fn(u64) -> Action| {
        let entries: Vec<u64> = (1..=entries).collect();
        Scenario::new(lab, name, &entries, (at, 1), action(at))
    };
    vec![
        case("sharded/insert the last", most - 1, most, Action::Insert),
        case("sharded/remove", most, most / 2, Action::Remove),
        case("sharded/insert, full", most, most + 1, Action::InsertFull),
    ]
}
