//! What a candidate can do, and the loops that make it do so.
//!
//! [`Store`] is one operation at a time, as each candidate's own file gives it.
//! [`Runner`] is many at a time: its loops are compiled for every candidate, so
//! that operations are inlined as in a program that uses it, and no call through
//! a table is inside what is measured.

use std::error::Error;
use std::hint::black_box;

use hdrhistogram::Histogram;

use crate::clock;
use crate::data::{Ask, BATCH, Key, Script};
use crate::work::Work;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;
pub(crate) type Outcome<T> = Result<T, Failure>;

/// A map from keys to values of `V` bytes, one operation at a time.
pub(crate) trait Store<K: Key, const V: usize> {
    /// Copies the value out and lets [`seen`] look at it; whether there is one.
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool>;

    /// A get through what the candidate has resolved beforehand, if it
    /// [`can`](Self::can).
    fn prepared(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        self.get(ask)
    }

    /// How many of the keys have a value, all of which are copied out.
    fn get_many(&mut self, asks: [Ask<'_, K>; BATCH]) -> Outcome<usize> {
        let mut found = 0;
        for ask in asks {
            found += usize::from(self.get(ask)?);
        }
        Ok(found)
    }

    /// Stores the value, whether or not there was one.
    fn insert(&mut self, ask: Ask<'_, K>, value: &[u8; V]) -> Outcome<()>;

    /// Removes the entry; whether there was one.
    fn remove(&mut self, ask: Ask<'_, K>) -> Outcome<bool>;

    /// Removes all entries and keeps the memory.
    fn clear(&mut self) -> Outcome<()>;

    /// Fills the empty map in the fastest way there is; not measured.
    fn load(&mut self, script: &Script<K, V>) -> Outcome<()> {
        for (turn, (key, entry)) in script.entering.iter().enumerate() {
            let entry = *entry as usize;
            self.insert(Ask { key, entry }, script.value(turn))?;
        }
        Ok(())
    }

    /// Whether it can do this work at all.
    fn can(&self, work: Work) -> bool {
        work != Work::Prepared
    }

    /// Told that from now on so many others use the map, and this one does not.
    fn lend(&mut self, _users: usize) -> Outcome<()> {
        Ok(())
    }

    /// The same map, for another thread of this process; `None` if threads
    /// cannot share it, or if processes can.
    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        None
    }
}

/// Makes the compiler believe that the value is looked at, where it is: the copy
/// is made, once.
#[inline(always)]
pub(crate) fn seen<T>(value: &T) {
    black_box(value);
}

/// Lets the processor begin nothing of what follows before what came before has
/// ended: no waiting for memory overlaps.
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
    /// Does `count` operations of `work`, from number `from` of its list on.
    fn run(&mut self, work: Work, script: &Script<K, V>, from: usize, count: usize) -> Outcome<()>;

    /// Does gets one by one, and notes how long each takes, with the reading of
    /// the clock.
    fn latencies(
        &mut self,
        script: &Script<K, V>,
        from: usize,
        count: usize,
        histogram: &mut Histogram<u64>,
    ) -> Outcome<()>;

    /// Fills what is empty.
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
            Work::Get => hits.each(from, count, |ask, _| expect(self.get(ask)?, true)),
            Work::Serial => hits.each(from, count, |ask, _| {
                no_overlap();
                expect(self.get(ask)?, true)
            }),
            Work::Miss => misses.each(from, count, |ask, _| expect(self.get(ask)?, false)),
            Work::Prepared => hits.each(from, count, |ask, _| expect(self.prepared(ask)?, true)),
            Work::Many => hits.batches(from, count, |asks| {
                expect(self.get_many(asks)? == BATCH, true)
            }),
            Work::Update => {
                let mut turn = 0;
                hits.each(from, count, |ask, _| {
                    turn += 1;
                    self.insert(ask, script.value(turn))
                })
            }
            Work::Mix { updates } => {
                let mut turn = 0;
                hits.each(from, count, |ask, die| {
                    if die < updates {
                        turn += 1;
                        self.insert(ask, script.value(turn))
                    } else {
                        expect(self.get(ask)?, true)
                    }
                })
            }
            Work::Hot => (0..count).try_for_each(|_| {
                let (key, entry) = &script.entering[0];
                let entry = *entry as usize;
                expect(self.get(black_box(Ask { key, entry }))?, true)
            }),
            Work::Insert => {
                for (turn, (key, entry)) in
                    script.entering.iter().enumerate().skip(from).take(count)
                {
                    let entry = *entry as usize;
                    self.insert(Ask { key, entry }, script.value(turn))?;
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
        script.hits.each(from, count, |ask, _| {
            expect(self.get(ask)?, true)?;
            let time = clock::now()?;
            histogram.saturating_record(time - last);
            // What recording takes is nobody's latency.
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
            expect(self.remove(Ask { key, entry })?, true)?;
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

/// How many entries live while entries come and go: 90 %.
pub(crate) fn ninety_percent(n: usize) -> usize {
    n - n.div_ceil(10)
}

/// Removes the oldest of 90 % and inserts the one that was away longest.
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
        expect(store.remove(Ask { key, entry })?, true)?;
        let (key, entry) = &script.entering[new];
        let entry = *entry as usize;
        store.insert(Ask { key, entry }, script.value(turn))?;
        old = if old + 1 == n { 0 } else { old + 1 };
        new = if new + 1 == n { 0 } else { new + 1 };
    }
    Ok(())
}

/// A candidate that answers wrongly is not measured.
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
        "an entry is missing".into()
    } else {
        "an absent key has an entry".into()
    }
}
