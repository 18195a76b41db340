//! Reading without a lock.
//!
//! A slot is read like a sequence lock's data, with one addition: after the
//! version, the tag is looked at again. A version that was read before its tag
//! still matched is the version of a published slot, because whoever reuses a
//! slot first takes its tag away. So what the copy returns was in the map at
//! the second look at the tags, whatever happens to it afterwards.
//!
//! Only a rewrite of that very slot disturbs a careful reader, never a neighbour's.
//! Attempts are bounded; what to do about [`Disturbed`] is the caller's choice,
//! for it knows a clock and a lock.

use super::{Hash, Spot, Table, Tags, WRITING};
use crate::bytes::{self, ReadInto};
use crate::layout::{Bucket, Geometry, SLOTS};
use crate::sync::{self, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Part};

/// It takes another look, a more careful one, to tell. Of `get_slow` and `entries`: a
/// writer was in the way at every attempt.
#[derive(Debug)]
pub(crate) struct Disturbed;

/// How often a bucket is read again before giving up. Large enough to outlast
/// every writer that is merely busy, small enough for a 1 MiB value.
#[cfg(not(loom))]
const ATTEMPTS: usize = 128;
#[cfg(loom)]
const ATTEMPTS: usize = 2;

/// What one look at a bucket says about a key.
enum Search {
    /// It is here, with this version, or nowhere.
    Ended(Option<u64>),
    /// It may be in the next bucket.
    GoesOn,
    /// It takes another look to tell.
    Disturbed,
}

/// What one look at a slot says about a key.
enum Look {
    /// It is here, with this version; its value has been copied.
    Hit(u64),
    /// Another key is here, with this version.
    Other(u64),
    /// A writer was in the way.
    Disturbed,
}

impl<G: Geometry> Table<'_, G> {
    /// Looks `key` up, copies its value to `value`, and returns its version;
    /// `None` if it is absent.
    ///
    /// Looks at one slot of one bucket, the first whose tag matches. That is nearly
    /// always the right one. If it does not tell, because the key may live in a later
    /// bucket, the slot has another key, or a writer is in the way, then
    /// [`get_along`](Self::get_along) is next, and after that
    /// [`get_slow`](Self::get_slow), which looks with care.
    ///
    /// Linearizes at the second look at the tags of the bucket that holds the
    /// key; a miss at its first look, or right after the removal that it saw.
    #[inline(always)]
    pub(crate) fn get<S: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut S,
    ) -> Result<Option<u64>, Disturbed> {
        match self.look_into(self.home(hash), hash, key, value) {
            Search::Ended(found) => Ok(found),
            Search::GoesOn | Search::Disturbed => Err(Disturbed),
        }
    }

    /// As [`get`](Self::get), in all buckets of the path, one slot each.
    #[inline(always)]
    pub(crate) fn get_along<S: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut S,
    ) -> Result<Option<u64>, Disturbed> {
        let mut at = self.home(hash);
        for _ in 0..self.buckets_per_shard() {
            match self.look_into(at, hash, key, value) {
                Search::Ended(found) => return Ok(found),
                Search::GoesOn => at = self.after_at(at),
                Search::Disturbed => return Err(Disturbed),
            }
        }
        Ok(None)
    }

    /// One look at one bucket.
    #[inline(always)]
    fn look_into<S: ReadInto + ?Sized>(
        &self,
        at: usize,
        hash: Hash,
        key: &[u8],
        value: &mut S,
    ) -> Search {
        let bucket = self.bucket_at(at);
        let tags = Tags(sync::load_first(&bucket.tags));
        let Some(i) = tags.first_matching(hash.tag()) else {
            return if passed(bucket, hash) {
                Search::GoesOn
            } else {
                Search::Ended(None)
            };
        };
        // That no tag has changed is more than need be, and quicker to see.
        let still = |now: &AtomicU64| Tags(now.load(Relaxed)) == tags;
        let same = |_, words: &[_]| bytes::equal(words, key);
        match self.look(at, i, still, same, value) {
            Look::Hit(version) => Search::Ended(Some(version)),
            Look::Other(_) | Look::Disturbed => Search::Disturbed,
        }
    }

    /// As [`get`](Self::get), of a key that seems to be in this slot.
    #[inline(always)]
    pub(crate) fn get_at<S: ReadInto + ?Sized>(
        &self,
        spot: Spot,
        hash: Hash,
        key: &[u8],
        value: &mut S,
    ) -> Result<Option<u64>, Disturbed> {
        let same = |_, words: &[_]| bytes::equal(words, key);
        self.get_there(spot, hash, same, value)
    }

    /// As [`get_at`](Self::get_at), of an entry that had this version when it was
    /// read. If what is there now has it, too, it is the same entry: in a shard no
    /// version is given twice. So the slot must be one of the key's shard.
    #[inline(always)]
    pub(crate) fn get_again<S: ReadInto + ?Sized>(
        &self,
        spot: Spot,
        version: u64,
        hash: Hash,
        value: &mut S,
    ) -> Result<Option<u64>, Disturbed> {
        self.get_there(spot, hash, |now, _| now == version, value)
    }

    #[inline(always)]
    fn get_there<S: ReadInto + ?Sized>(
        &self,
        spot: Spot,
        hash: Hash,
        same: impl FnOnce(u64, &[AtomicU64]) -> bool,
        value: &mut S,
    ) -> Result<Option<u64>, Disturbed> {
        let Spot { at, slot } = spot;
        // There was no first look, or long ago: this is it, too.
        let still = |tags: &_| Tags(sync::load_first(tags)).of(slot) == hash.tag();
        match self.look(at, slot, still, same, value) {
            Look::Hit(version) => Ok(Some(version)),
            Look::Other(_) | Look::Disturbed => Err(Disturbed),
        }
    }

    /// As [`get`](Self::get), looking at each bucket until what it says can be
    /// believed.
    pub(crate) fn get_slow<S: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut S,
    ) -> Result<Option<u64>, Disturbed> {
        let mut at = self.home(hash);
        for _ in 0..self.buckets_per_shard() {
            let mut attempts = 0;
            loop {
                match self.search(at, hash.tag(), key, value) {
                    Ok(None) => break,
                    Ok(found) => return Ok(found),
                    Err(Disturbed) if attempts == ATTEMPTS => return Err(Disturbed),
                    Err(Disturbed) => pause(),
                }
                attempts += 1;
            }
            if !passed(self.bucket_at(at), hash) {
                return Ok(None);
            }
            at = self.after_at(at);
        }
        Ok(None)
    }

    /// One look at one slot whose tag matched; whether it `still` does, a second look
    /// at the tags tells, and whether it is the `same` key, its version and its words.
    #[inline(always)]
    fn look<S: ReadInto + ?Sized>(
        &self,
        at: usize,
        i: usize,
        still: impl FnOnce(&AtomicU64) -> bool,
        same: impl FnOnce(u64, &[AtomicU64]) -> bool,
        value: &mut S,
    ) -> Look {
        // First, so that the compiler knows that the slot is there, too.
        let bucket = self.bucket_at(at);
        let slot = self.slot_at(at, i);
        let version = sync::load_acquire(Part::SlotVersionAcquire, slot.version);
        let still = still(&bucket.tags);
        if !sync::check_of(Part::TagRecheck, still) || version & WRITING != 0 {
            return Look::Disturbed;
        }
        let same = same(version, slot.key);
        if same {
            value.copy_from(slot.value);
        }
        sync::fence_of(Part::CopyFence, Acquire);
        let now = slot.version.load(Relaxed);
        if !sync::check_of(Part::VersionRecheck, now == version) {
            Look::Disturbed
        } else if same {
            Look::Hit(version)
        } else {
            Look::Other(version)
        }
    }

    /// Searches one bucket, looking at every slot whose tag matches.
    fn search<S: ReadInto + ?Sized>(
        &self,
        at: usize,
        tag: u8,
        key: &[u8],
        value: &mut S,
    ) -> Result<Option<u64>, Disturbed> {
        let bucket = self.bucket_at(at);
        let tags = Tags(sync::load_first(&bucket.tags));
        let matches = tags.matching(tag);
        let mut versions = [0; SLOTS];
        for i in matches {
            let still = |now: &AtomicU64| Tags(now.load(Relaxed)).of(i) == tag;
            let same = |_, words: &[_]| bytes::equal(words, key);
            match self.look(at, i, still, same, value) {
                Look::Hit(version) => return Ok(Some(version)),
                Look::Other(version) => versions[i] = version,
                Look::Disturbed => return Err(Disturbed),
            }
        }
        // Only other keys' slots matched. That is a miss if those slots are all
        // the matches there are and none was rewritten: else the key may have
        // moved from a slot that was yet to be looked at to one that had been.
        // The tags are read after the last copy, by its fence; the versions
        // after the tags, by this one: a slot of which the version still stands
        // has not changed from its look until after these tags.
        let now = Tags(bucket.tags.load(Relaxed)).matching(tag);
        sync::fence_of(Part::MissFence, Acquire);
        if !sync::check_of(Part::MissMaskRecheck, now == matches) {
            return Err(Disturbed);
        }
        for i in matches {
            let now = self.slot_at(at, i).version.load(Relaxed);
            if !sync::check_of(Part::MissVersionRecheck, now == versions[i]) {
                return Err(Disturbed);
            }
        }
        Ok(None)
    }

    /// Collects the entries that live in one bucket of the whole table, all at
    /// one moment.
    pub(crate) fn entries(&self, bucket: usize, into: &mut Entries) -> Result<(), Disturbed> {
        for _ in 0..ATTEMPTS {
            if self.collect(bucket, into) {
                return Ok(());
            }
            pause();
        }
        Err(Disturbed)
    }

    /// Collects twice, in effect: what was read stands if tags and versions are
    /// still the same when everything has been read. It was all there when the
    /// tags were read again: every version was read before that, and after.
    fn collect(&self, at: usize, into: &mut Entries) -> bool {
        let bucket = self.bucket_at(at);
        into.clear();
        let mut versions = [0; SLOTS];
        let tags = Tags(sync::load_first(&bucket.tags));
        for i in tags.live() {
            let slot = self.slot_at(at, i);
            let version = sync::load_acquire(Part::SlotVersionAcquire, slot.version);
            let start = into.bytes.len();
            let dimensions = self.geometry.dimensions();
            let entry_len = dimensions.key_len + dimensions.value_len;
            into.bytes.resize(start + Entries::VERSION + entry_len, 0);
            let (number, entry) = into.bytes[start..].split_at_mut(Entries::VERSION);
            let (key, value) = entry.split_at_mut(dimensions.key_len);
            number.copy_from_slice(&version.to_ne_bytes());
            key.copy_from(slot.key);
            value.copy_from(slot.value);
            versions[i] = version;
        }
        let now = Tags(bucket.tags.load(Relaxed));
        sync::fence_of(Part::CollectFence, Acquire);
        let same = |i| {
            let now = self.slot_at(at, i).version.load(Relaxed);
            now == versions[i] && now & WRITING == 0
        };
        sync::check_of(Part::CollectTagsRecheck, now == tags)
            && sync::check_of(Part::CollectVersionRecheck, tags.live().all(same))
    }
}

/// The entries of one bucket, copied out; the memory is used again.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    bytes: Vec<u8>,
}

impl Entries {
    const VERSION: usize = size_of::<u64>();

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes one entry out: its version, and its key's and its value's bytes.
    pub(crate) fn pop<R>(
        &mut self,
        key_len: usize,
        value_len: usize,
        take: impl FnOnce(u64, &[u8], &[u8]) -> R,
    ) -> Option<R> {
        let start = self
            .bytes
            .len()
            .checked_sub(Self::VERSION + key_len + value_len)?;
        let (number, entry) = self.bytes[start..].split_first_chunk()?;
        let (key, value) = entry.split_at(key_len);
        let taken = take(u64::from_ne_bytes(*number), key, value);
        self.bytes.truncate(start);
        Some(taken)
    }
}

/// Whether a key of this class may live beyond this bucket.
///
/// Read after the tags, whose load acquires: 0 says that none lives beyond, or
/// that it was removed since. It is acquired in turn: who saw a removal sees what
/// came before it.
#[inline(always)]
fn passed(bucket: &Bucket, hash: Hash) -> bool {
    let passed = bucket.overflow[hash.class()].load(Relaxed);
    sync::fence_of(Part::OverflowAcquire, Acquire);
    passed != 0
}

/// Between two attempts.
fn pause() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}
