//! shmkv itself, as any program uses it.

use shmkv_core::{ShmKey, ShmMap, ToKey};

use crate::data::{Ask, BATCH, Key};
use crate::store::{Outcome, Store, seen};
use crate::work::Work;

/// A map with a name in shared memory.
pub(crate) struct Ours<const N: usize, const K: usize, const V: usize, Key> {
    map: ShmMap<N, K, V, Key, [u8; V]>,
}

impl<const N: usize, const K: usize, const V: usize, Key: ShmKey<K>> Ours<N, K, V, Key> {
    pub(crate) fn create(name: &str) -> Outcome<Self> {
        let map = ShmMap::create(name)?;
        Ok(Self { map })
    }

    pub(crate) fn open(name: &str) -> Outcome<Self> {
        let map = ShmMap::open(name)?;
        Ok(Self { map })
    }
}

impl<const N: usize, const K: usize, const V: usize, Name> Store<Name, V> for Ours<N, K, V, Name>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    #[inline(always)]
    fn get(&mut self, ask: Ask<'_, Name>) -> Outcome<bool> {
        let value = self.map.get(ask.key)?;
        seen(&value);
        Ok(value.is_some())
    }

    // A prepared key is to come; until then this is a plain get.
    #[inline(always)]
    fn prepared(&mut self, ask: Ask<'_, Name>) -> Outcome<bool> {
        self.get(ask)
    }

    fn can(&self, _work: Work) -> bool {
        true
    }

    #[inline(always)]
    fn get_many(&mut self, asks: [Ask<'_, Name>; BATCH]) -> Outcome<usize> {
        let values = self.map.get_many(asks.map(|ask| ask.key))?;
        seen(&values);
        Ok(values.iter().flatten().count())
    }

    #[inline(always)]
    fn insert(&mut self, ask: Ask<'_, Name>, value: &[u8; V]) -> Outcome<()> {
        self.map.insert(ask.key, value)?;
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, ask: Ask<'_, Name>) -> Outcome<bool> {
        Ok(self.map.remove(ask.key)?.is_some())
    }

    fn clear(&mut self) -> Outcome<()> {
        Ok(self.map.clear()?)
    }
}
