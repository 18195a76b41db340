//! What a candidate can do, and the loops that are measured.
//!
//! A [`Store`] does one operation at a time; each candidate implements it. A [`Runner`]
//! does many: its loops are compiled for every candidate, so that operations are inlined
//! as in a program that uses the map, and no virtual call is part of what is measured.

use std::hint::black_box;

use hdrhistogram::Histogram;

use crate::clock;
use crate::data::{Access, BATCH, Key, Script};
use crate::outcome::{Failure, Outcome};
use crate::work::Work;

/// A map from keys to values of `V` bytes, one operation at a time.
pub(crate) trait Store<K: Key, const V: usize> {
    /// Copies the value and passes it to [`seen`]. Returns whether there is one.
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool>;

    /// A get by what the candidate resolved beforehand, if it [`can`](Self::can).
    fn prepared(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        self.get(access)
    }

    /// Copies the values of several keys. Returns how many there are.
    fn get_many(&mut self, accesses: [Access<'_, K>; BATCH]) -> Outcome<usize> {
        let mut found = 0;
        for access in accesses {
            found += usize::from(self.get(access)?);
        }
        Ok(found)
    }

    /// Stores the value, whether or not there was one.
    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()>;

    /// Removes the entry. Returns whether there was one.
    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool>;

    /// Removes all entries and keeps the memory.
    fn clear(&mut self) -> Outcome<()>;

    /// Fills the empty map as fast as possible. Not measured.
    fn load(&mut self, script: &Script<K, V>) -> Outcome<()> {
        for (turn, (key, entry)) in script.entering.iter().enumerate() {
            let entry = *entry as usize;
            self.insert(Access { key, entry }, script.value(turn))?;
        }
        Ok(())
    }

    /// Whether the candidate can do this work.
    fn can(&self, work: Work) -> bool {
        work != Work::Prepared
    }

    /// Says that from now on `users` other processes use the map, and this one does not.
    fn lend(&mut self, _users: usize) -> Outcome<()> {
        Ok(())
    }

    /// The same map, for another thread of this process; `None` if threads
    /// cannot share it, or if processes can.
    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        None
    }
}

/// Makes the compiler assume that the value is read where it is, so that it is copied
/// exactly once.
#[inline(always)]
pub(crate) fn seen<T>(value: &T) {
    black_box(value);
}

/// Keeps the processor from starting later instructions before earlier ones have
/// finished: so no two operations wait for memory at the same time.
#[inline(always)]
fn no_overlap() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_lfence();
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

/// A [`Store`], many operations at a time.
pub(crate) trait Runner<K: Key, const V: usize> {
    /// Does `count` operations of `work`, starting with access number `from`.
    fn run(&mut self, work: Work, script: &Script<K, V>, from: usize, count: usize) -> Outcome<()>;

    /// Does gets one by one, and records how long each takes, with one reading of the
    /// clock.
    fn latencies(
        &mut self,
        script: &Script<K, V>,
        from: usize,
        count: usize,
        histogram: &mut Histogram<u64>,
    ) -> Outcome<()>;

    /// Fills the empty map.
    fn fill(&mut self, script: &Script<K, V>) -> Outcome<()>;

    /// Removes a tenth of the entries of a full map.
    fn thin(&mut self, script: &Script<K, V>) -> Outcome<()>;

    fn clear(&mut self) -> Outcome<()>;
    fn can(&self, work: Work) -> bool;
    fn lend(&mut self, users: usize) -> Outcome<()>;
    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>>;
}

impl<S: Store<K, V>, K: Key, const V: usize> Runner<K, V> for S {
    #[inline(never)]
    fn run(&mut self, work: Work, script: &Script<K, V>, from: usize, count: usize) -> Outcome<()> {
        let (hits, misses) = (&script.hits, &script.misses);
        match work {
            Work::Get => hits.each(from, count, |access, _| expect(self.get(access)?, true)),
            Work::Serial => hits.each(from, count, |access, _| {
                no_overlap();
                expect(self.get(access)?, true)
            }),
            Work::Miss => misses.each(from, count, |access, _| expect(self.get(access)?, false)),
            Work::Prepared => hits.each(from, count, |access, _| {
                expect(self.prepared(access)?, true)
            }),
            Work::Many => hits.batches(from, count, |accesses| {
                expect(self.get_many(accesses)? == BATCH, true)
            }),
            Work::Update => {
                let mut turn = 0;
                hits.each(from, count, |access, _| {
                    turn += 1;
                    self.insert(access, script.value(turn))
                })
            }
            Work::Mix { updates } => {
                let mut turn = 0;
                hits.each(from, count, |access, die| {
                    if die < updates {
                        turn += 1;
                        self.insert(access, script.value(turn))
                    } else {
                        expect(self.get(access)?, true)
                    }
                })
            }
            Work::Hot => (0..count).try_for_each(|_| {
                let (key, entry) = &script.entering[0];
                let entry = *entry as usize;
                expect(self.get(black_box(Access { key, entry }))?, true)
            }),
            Work::Insert => {
                for (turn, (key, entry)) in
                    script.entering.iter().enumerate().skip(from).take(count)
                {
                    let entry = *entry as usize;
                    self.insert(Access { key, entry }, script.value(turn))?;
                }
                Ok(())
            }
            Work::Churn => churn(self, script, from, count),
            Work::Latency => Err("latencies are measured one by one".into()),
        }
    }

    #[inline(never)]
    fn latencies(
        &mut self,
        script: &Script<K, V>,
        from: usize,
        count: usize,
        histogram: &mut Histogram<u64>,
    ) -> Outcome<()> {
        let mut last = clock::now()?;
        script.hits.each(from, count, |access, _| {
            expect(self.get(access)?, true)?;
            let time = clock::now()?;
            histogram.saturating_record(time - last);
            // Recording is not part of a latency.
            last = clock::now()?;
            Ok(())
        })
    }

    fn fill(&mut self, script: &Script<K, V>) -> Outcome<()> {
        self.load(script)
    }

    fn thin(&mut self, script: &Script<K, V>) -> Outcome<()> {
        for (key, entry) in &script.entering[ninety_percent(script.n)..] {
            let entry = *entry as usize;
            expect(self.remove(Access { key, entry })?, true)?;
        }
        Ok(())
    }

    fn clear(&mut self) -> Outcome<()> {
        Store::clear(self)
    }

    fn can(&self, work: Work) -> bool {
        Store::can(self, work)
    }

    fn lend(&mut self, users: usize) -> Outcome<()> {
        Store::lend(self, users)
    }

    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        Store::twin(self)
    }
}

/// The number of entries during churn: 90 %.
pub(crate) fn ninety_percent(n: usize) -> usize {
    n - n.div_ceil(10)
}

/// Removes the oldest entry, and inserts the one that was removed first.
#[inline(always)]
fn churn<S: Store<K, V>, K: Key, const V: usize>(
    store: &mut S,
    script: &Script<K, V>,
    from: usize,
    count: usize,
) -> Outcome<()> {
    let n = script.n;
    let mut old = from % n;
    let mut new = (from + ninety_percent(n)) % n;
    for turn in 0..count {
        let (key, entry) = &script.entering[old];
        let entry = *entry as usize;
        expect(store.remove(Access { key, entry })?, true)?;
        let (key, entry) = &script.entering[new];
        let entry = *entry as usize;
        store.insert(Access { key, entry }, script.value(turn))?;
        old = if old + 1 == n { 0 } else { old + 1 };
        new = if new + 1 == n { 0 } else { new + 1 };
    }
    Ok(())
}

/// Ends the run if a candidate returns a wrong answer.
#[inline(always)]
fn expect(found: bool, expected: bool) -> Outcome<()> {
    if found == expected {
        Ok(())
    } else {
        Err(wrong(expected))
    }
}

#[cold]
fn wrong(expected: bool) -> Failure {
    if expected {
        "a key was not found".into()
    } else {
        "an absent key was found".into()
    }
}
