//! Changing the table, under a shard's lock.
//!
//! A change is prepared aside, in a vacant slot, and published with one store
//! to the bucket's tags. Whoever dies before that store has changed nothing
//! that a reader can see; whoever dies after it leaves counters that `recover`
//! computes anew. All stores that recovery relies on are releases, so that the
//! compiler keeps them in the order in which they are written here: a process
//! is killed between two machine instructions, not between two statements.

use super::{Exclusive, Guess, Hash, Intent, NUMBER, Place, Slot, Table, Tags, WRITING};
use crate::bytes::{self, ReadInto};
use crate::layout::{Bucket, Geometry, Shard};
use crate::sync::{
    self, AtomicU8,
    Ordering::{self, AcqRel, Relaxed, Release},
    Part,
};

/// What must hold for a value to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nothing.
    Always,
    /// The key is absent.
    Absent,
    /// The key is present.
    Present,
    /// The key is present with this version.
    Version(u64),
}

/// What is to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) hash: Hash,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) condition: Condition,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// The new version, unless the condition did not hold.
    pub(crate) version: Option<u64>,
    /// The version found, whose value has been copied, if the key was present.
    pub(crate) found: Option<u64>,
}

/// Why a new key was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// `N` entries are reserved. With one shard that is exact; with several it
    /// must be decided by [`Table::count_exactly`] under all locks.
    Reserved,
    /// No bucket of the shard has room, though the map is not full.
    Shard,
    /// There must be room, by the rules that all writers keep, and is not.
    Damaged,
}

/// Where a live entry was found.
struct Found {
    /// The bucket, of the whole table.
    at: usize,
    /// Its tags.
    tags: Tags,
    slot: usize,
    version: u64,
}

/// The counters of a bucket reach this and stay there.
const STICKY: u8 = u8::MAX;

/// The ordering of the store that publishes. On x86-64 a release store is
/// enough for linearizability across keys, since the unlock that follows is a
/// full barrier and stores are seen by all others in one order.
const PUBLISH: Ordering = if cfg!(target_arch = "x86_64") {
    Release
} else {
    Ordering::SeqCst
};

impl<G: Geometry> Table<'_, G> {
    /// Stores a value if its condition holds.
    ///
    /// If the key is present, the value that was found is copied to `old`, whether
    /// or not the condition holds; unless its bucket has no vacant slot, which by the
    /// rules it has. Linearizes at the store to the tags.
    pub(crate) fn store<S: ReadInto + ?Sized>(
        &self,
        held: Exclusive<'_>,
        change: Change<'_>,
        old: &mut S,
    ) -> Result<Stored, NoRoom> {
        let place = self.place(change.hash);
        debug_assert_eq!(held.shard, place.shard);
        let Some(change) = self.measured(change) else {
            return Err(NoRoom::Damaged);
        };
        if let Some(found) = self.find(place, change.key) {
            // As a guess has it.
            let to = found.tags.vacant_from(found.slot + 1);
            let to = to.ok_or(NoRoom::Damaged)?;
            return Ok(self.replace(held, change, &found, to, old));
        }
        let version = match change.condition {
            Condition::Always | Condition::Absent => {
                Some(self.add(place, change.key, change.value)?)
            }
            Condition::Present | Condition::Version(_) => None,
        };
        Ok(Stored {
            version,
            found: None,
        })
    }

    /// The same change. Its key and value are as long as the map's, which the
    /// compiler knows and cannot see where they come from out of line.
    #[inline(always)]
    fn measured<'a>(&self, change: Change<'a>) -> Option<Change<'a>> {
        let value_len = self.geometry.dimensions().value_len;
        Some(Change {
            key: self.measured_key(change.key)?,
            value: change.value.get(..value_len)?,
            ..change
        })
    }

    #[inline(always)]
    fn measured_key<'a>(&self, key: &'a [u8]) -> Option<&'a [u8]> {
        key.get(..self.geometry.dimensions().key_len)
    }

    /// As [`store`](Self::store), for a key of which a [`Guess`] from before the
    /// lock was taken still holds; `None` if it does not.
    #[inline(always)]
    pub(crate) fn store_as_guessed<S: ReadInto + ?Sized>(
        &self,
        held: Exclusive<'_>,
        change: Change<'_>,
        guess: Guess,
        old: &mut S,
    ) -> Option<Stored> {
        let Guess { at, tags, slot, to } = guess;
        debug_assert_eq!(held.shard, self.shard_of(at));
        let now = Tags(self.bucket_at(at).tags.load(Relaxed));
        let words = self.slot_at(at, slot);
        if !sync::check_of(Part::GuessRecheck, now == tags) || !bytes::equal(words.key, change.key)
        {
            return None;
        }
        let found = Found {
            at,
            tags,
            slot,
            version: number_of(&words),
        };
        Some(self.replace(held, change, &found, to, old))
    }

    /// Publishes a new value for a live entry, in the slot `to` of its bucket, if
    /// the condition holds.
    #[inline(always)]
    fn replace<S: ReadInto + ?Sized>(
        &self,
        held: Exclusive<'_>,
        change: Change<'_>,
        found: &Found,
        to: usize,
        old: &mut S,
    ) -> Stored {
        old.copy_from(self.slot_at(found.at, found.slot).value);
        let holds = match change.condition {
            Condition::Always | Condition::Present => true,
            Condition::Absent => false,
            Condition::Version(expected) => found.version == expected,
        };
        let mut version = None;
        if holds {
            let shard = self.shard(held.shard);
            let number = take_number(shard);
            self.fill(found.at, to, number, change.key, change.value);
            let tags = found.tags.moved(found.slot, to, change.hash.tag());
            publish(self.bucket_at(found.at), tags);
            commit(shard, number);
            version = Some(number);
        }
        Stored {
            version,
            found: Some(found.version),
        }
    }

    /// Removes `key`, if it is present and, where `expected` is given, has that
    /// version; returns the version found and copies its value to `old`.
    ///
    /// Linearizes at the store to the tags.
    pub(crate) fn remove<S: ReadInto + ?Sized>(
        &self,
        held: Exclusive<'_>,
        hash: Hash,
        key: &[u8],
        expected: Option<u64>,
        old: &mut S,
    ) -> Option<u64> {
        let place = self.place(hash);
        debug_assert_eq!(held.shard, place.shard);
        let key = self.measured_key(key)?;
        let found = self.find(place, key)?;
        old.copy_from(self.slot_at(found.at, found.slot).value);
        if expected.is_some_and(|expected| expected != found.version) {
            return Some(found.version);
        }
        let shard = self.shard(place.shard);
        let target = found.at % self.buckets_per_shard();
        begin(
            shard,
            Intent::Path {
                home: place.home,
                target,
            },
        );
        let number = take_number(shard);
        let lower = || {
            self.pass(place, target, |count| match count {
                0 | STICKY => count,
                _ => count - 1,
            });
        };
        if !sync::step_of(Part::OverflowLowerLast) {
            lower();
        }
        publish(self.bucket_at(found.at), found.tags.with(found.slot, 0));
        if !sync::step_of(Part::IntentLast) {
            shard.intent.store(0, Release);
        }
        if sync::step_of(Part::OverflowLowerLast) {
            lower();
        }
        let live = shard.live.load(Relaxed);
        shard.live.store(live.saturating_sub(1), Release);
        if self.shard_count() > 1 {
            self.shared.reserved.fetch_sub(1, AcqRel);
        }
        finish(shard, number);
        Some(found.version)
    }

    /// Removes every entry of the locked shard; readers see them go bucket by
    /// bucket.
    pub(crate) fn clear(&self, held: Exclusive<'_>) {
        let shard = self.shard(held.shard);
        begin(shard, Intent::All);
        let number = take_number(shard);
        let mut removed = 0;
        for i in 0..self.buckets_per_shard() {
            let bucket = self.bucket(held.shard, i);
            removed += Tags(bucket.tags.load(Relaxed)).live().count() as u64;
            publish(bucket, Tags(0));
        }
        for i in 0..self.buckets_per_shard() {
            for count in &self.bucket(held.shard, i).overflow {
                count.store(0, Release);
            }
        }
        shard.live.store(0, Release);
        if self.shard_count() > 1 {
            self.shared.reserved.fetch_sub(removed, AcqRel);
        }
        finish(shard, number);
    }

    /// Looks `key` up under the lock, for those whom writers disturb too often.
    pub(crate) fn get_locked<S: ReadInto + ?Sized>(
        &self,
        held: Exclusive<'_>,
        hash: Hash,
        key: &[u8],
        value: &mut S,
    ) -> Option<u64> {
        let place = self.place(hash);
        debug_assert_eq!(held.shard, place.shard);
        let found = self.find(place, key)?;
        value.copy_from(self.slot_at(found.at, found.slot).value);
        Some(found.version)
    }

    /// Sets `reserved` to the number of entries that live. All shards' locks must
    /// be held, so that none changes.
    pub(crate) fn count_exactly(&self, all: &[Exclusive<'_>]) {
        debug_assert_eq!(all.len(), self.shard_count());
        if let [shard] = self.shards {
            // Counted anew, so that a damaged counter cannot fill a map.
            shard.live.store(self.live_in(0), Release);
        }
        self.shared.reserved.store(self.len() as u64, Release);
    }

    /// Counts the entries of a shard by their tags.
    pub(super) fn live_in(&self, shard: usize) -> u64 {
        (0..self.buckets_per_shard())
            .map(|i| {
                Tags(self.bucket(shard, i).tags.load(Relaxed))
                    .live()
                    .count() as u64
            })
            .sum()
    }

    /// Finds a key; under the lock nothing moves.
    #[inline(always)]
    fn find(&self, place: Place, key: &[u8]) -> Option<Found> {
        let mut index = place.home;
        for _ in 0..self.buckets_per_shard() {
            let at = place.shard * self.buckets_per_shard() + index;
            let bucket = self.bucket_at(at);
            let tags = Tags(bucket.tags.load(Relaxed));
            for slot in tags.matching(place.tag) {
                let words = self.slot_at(at, slot);
                if bytes::equal(words.key, key) {
                    return Some(Found {
                        at,
                        tags,
                        slot,
                        version: number_of(&words),
                    });
                }
            }
            if bucket.overflow[place.class].load(Relaxed) == 0 {
                return None;
            }
            index = self.after(index);
        }
        None
    }

    /// Publishes a new entry, in the first bucket on its path that has room.
    #[inline(always)]
    fn add(&self, place: Place, key: &[u8], value: &[u8]) -> Result<u64, NoRoom> {
        let shard = self.shard(place.shard);
        let live = shard.live.load(Relaxed);
        if self.shard_count() == 1 && live >= self.capacity() as u64 {
            return Err(NoRoom::Reserved);
        }
        let mut target = place.home;
        let mut hops = 0;
        let tags = loop {
            let tags = Tags(self.bucket(place.shard, target).tags.load(Relaxed));
            if tags.has_room() {
                break tags;
            }
            hops += 1;
            if hops == self.buckets_per_shard() {
                // The only shard of a map has room for `N` entries; one of
                // several has it in all likelihood.
                let one = self.shard_count() == 1;
                return Err(if one { NoRoom::Damaged } else { NoRoom::Shard });
            }
            target = self.after(target);
        };
        let Some(to) = tags.vacant_from(shard.next.load(Relaxed) as usize) else {
            return Err(NoRoom::Damaged);
        };
        if self.shard_count() > 1
            && self.shared.reserved.fetch_add(1, AcqRel) >= self.capacity() as u64
        {
            self.shared.reserved.fetch_sub(1, AcqRel);
            return Err(NoRoom::Reserved);
        }
        begin(
            shard,
            Intent::Path {
                home: place.home,
                target,
            },
        );
        let number = take_number(shard);
        let at = place.shard * self.buckets_per_shard() + target;
        self.fill(at, to, number, key, value);
        let raise = || self.pass(place, target, |count| count.saturating_add(1));
        if sync::step_of(Part::OverflowRaiseFirst) {
            raise();
        }
        publish(self.bucket(place.shard, target), tags.with(to, place.tag));
        if !sync::step_of(Part::OverflowRaiseFirst) {
            raise();
        }
        shard.live.store(live.saturating_add(1), Release);
        finish(shard, number);
        Ok(number)
    }

    /// Writes a vacant slot.
    #[inline(always)]
    fn fill(&self, at: usize, slot: usize, number: u64, key: &[u8], value: &[u8]) {
        #[cfg(loom)]
        assert_eq!(
            Tags(self.bucket_at(at).tags.load(Relaxed)).of(slot),
            0,
            "a slot that lives is written"
        );
        let slot = self.slot_at(at, slot);
        if sync::step_of(Part::MarkWriting) {
            slot.version.store(WRITING | number, Release);
        }
        // A reader that copies one of the words below finds the mark.
        sync::fence_of(Part::MarkFence, Release);
        bytes::store(slot.key, key);
        bytes::store(slot.value, value);
        let release = sync::order_of(Part::SlotVersionRelease, Release);
        slot.version.store(number, release);
    }

    /// Changes the counters that a key of this class leaves on its way to the
    /// bucket `target`.
    fn pass(&self, place: Place, target: usize, change: impl Fn(u8) -> u8) {
        let mut index = place.home;
        while index != target {
            let count: &AtomicU8 = &self.bucket(place.shard, index).overflow[place.class];
            count.store(change(count.load(Relaxed)), Release);
            index = self.after(index);
        }
    }
}

/// The version of a live entry, under the lock. Other bits are damage, which a
/// change repairs.
#[inline(always)]
fn number_of(slot: &Slot<'_>) -> u64 {
    (slot.version.load(Relaxed) & NUMBER).max(1)
}

/// Says which counters are about to change.
#[inline(always)]
fn begin(shard: &Shard, intent: Intent) {
    if sync::step_of(Part::IntentFirst) {
        shard.intent.store(intent.to_word(), Release);
    }
}

/// Takes the shard's next number. It is stored before it is used: if its taker
/// dies it is burnt, for a reader may have seen it.
#[inline(always)]
pub(super) fn take_number(shard: &Shard) -> u64 {
    let number = (shard.next.load(Relaxed).wrapping_add(1) & NUMBER).max(1);
    if sync::step_of(Part::NumberFirst) {
        shard.next.store(number, Release);
    }
    number
}

/// The commit point of every change.
#[inline(always)]
fn publish(bucket: &Bucket, tags: Tags) {
    let order = sync::order_of(Part::PublishRelease, PUBLISH);
    bucket.tags.store(tags.0, order);
}

/// The change with this number is complete.
#[inline(always)]
pub(super) fn commit(shard: &Shard, number: u64) {
    if !sync::step_of(Part::NumberFirst) {
        shard.next.store(number, Release);
    }
    shard.committed.store(number, Release);
}

/// All counters agree again.
#[inline(always)]
fn finish(shard: &Shard, number: u64) {
    commit(shard, number);
    shard.intent.store(0, Release);
}
