//! shmkv itself, as any program uses it.

use shmkv_core::{AccessError, Prepared, ShmKey, ShmMap, ToKey};

use crate::data::{Access, BATCH, Key};
use crate::outcome::Outcome;
use crate::store::{Store, seen};
use crate::work::Work;

/// A map with a name in shared memory.
pub(crate) struct Ours<const N: usize, const K: usize, const V: usize, Key: 'static> {
    /// Never dropped, because the prepared keys borrow it.
    map: &'static ShmMap<N, K, V, Key, [u8; V]>,
    prepared: Vec<Prepared<'static, N, K, V, Key, [u8; V]>>,
    many: Vec<Option<[u8; V]>>,
}

impl<const N: usize, const K: usize, const V: usize, Name> Ours<N, K, V, Name>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    pub(crate) fn create(name: &str, huge_pages: bool) -> Outcome<Self> {
        Self::of(ShmMap::options().huge_pages(huge_pages).create(name)?)
    }

    pub(crate) fn open(name: &str, huge_pages: bool) -> Outcome<Self> {
        Self::of(ShmMap::options().huge_pages(huge_pages).open(name)?)
    }

    fn of(map: ShmMap<N, K, V, Name, [u8; V]>) -> Outcome<Self> {
        let map: &'static _ = Box::leak(Box::new(map));
        let entries = 0..N as u64;
        let prepared: Result<_, _> = entries.map(|i| map.prepare(Name::nth(i))).collect();
        Ok(Self {
            map,
            prepared: prepared?,
            many: Vec::new(),
        })
    }
}

impl<const N: usize, const K: usize, const V: usize, Name> Store<Name, V> for Ours<N, K, V, Name>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    #[inline(always)]
    fn get(&mut self, access: Access<'_, Name>) -> Outcome<bool> {
        let answer = self.map.get(access.key);
        seen(&answer);
        is_some(answer)
    }

    #[inline(always)]
    fn prepared(&mut self, access: Access<'_, Name>) -> Outcome<bool> {
        let key = self.prepared.get(access.entry).ok_or("no such entry")?;
        let answer = key.get();
        seen(&answer);
        is_some(answer)
    }

    fn can(&self, _work: Work) -> bool {
        true
    }

    #[inline(always)]
    fn get_many(&mut self, accesses: [Access<'_, Name>; BATCH]) -> Outcome<usize> {
        let keys = accesses.map(|access| access.key);
        self.map.get_many_into(&keys, &mut self.many)?;
        seen(&self.many);
        Ok(self.many.iter().flatten().count())
    }

    #[inline(always)]
    fn insert(&mut self, access: Access<'_, Name>, value: &[u8; V]) -> Outcome<()> {
        self.map.set(access.key, value)?;
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, access: Access<'_, Name>) -> Outcome<bool> {
        Ok(self.map.remove(access.key)?.is_some())
    }

    fn clear(&mut self) -> Outcome<()> {
        Ok(self.map.clear()?)
    }
}

/// Whether there is a value, without moving it once more.
#[inline(always)]
fn is_some<T>(answer: Result<Option<T>, AccessError>) -> Outcome<bool> {
    let found = matches!(answer, Ok(Some(_)));
    match answer {
        Ok(_) => Ok(found),
        Err(error) => Err(error.into()),
    }
}
