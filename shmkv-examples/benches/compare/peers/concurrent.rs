//! Concurrent maps in private memory, for the threads of one process. All hash with
//! foldhash, like hashbrown.

use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::RandomState;

use crate::data::{Access, Key};
use crate::outcome::Outcome;
use crate::store::{Runner, Store, seen};

#[derive(Clone)]
pub(crate) struct Dashmap<K: Key, const V: usize>(Arc<DashMap<K, [u8; V], RandomState>>);

impl<K: Key, const V: usize> Dashmap<K, V> {
    pub(crate) fn new(n: usize) -> Self {
        let hasher = RandomState::default();
        Self(Arc::new(DashMap::with_capacity_and_hasher(n, hasher)))
    }
}

impl<K: Key, const V: usize> Store<K, V> for Dashmap<K, V> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let value = self.0.get(access.key).map(|found| *found);
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.0.insert(*access.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        Ok(self.0.remove(access.key).is_some())
    }

    fn clear(&mut self) -> Outcome<()> {
        self.0.clear();
        Ok(())
    }

    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        Some(Box::new(self.clone()))
    }
}

#[derive(Clone)]
pub(crate) struct Papaya<K: Key, const V: usize>(Arc<papaya::HashMap<K, [u8; V], RandomState>>);

impl<K: Key, const V: usize> Papaya<K, V> {
    pub(crate) fn new(n: usize) -> Self {
        let hasher = RandomState::default();
        Self(Arc::new(papaya::HashMap::with_capacity_and_hasher(
            n, hasher,
        )))
    }
}

impl<K: Key, const V: usize> Store<K, V> for Papaya<K, V> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let value = self.0.pin().get(access.key).copied();
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.0.pin().insert(*access.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        Ok(self.0.pin().remove(access.key).is_some())
    }

    fn clear(&mut self) -> Outcome<()> {
        self.0.pin().clear();
        Ok(())
    }

    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        Some(Box::new(self.clone()))
    }
}

#[derive(Clone)]
pub(crate) struct Scc<K: Key, const V: usize>(Arc<scc::HashMap<K, [u8; V], RandomState>>);

impl<K: Key, const V: usize> Scc<K, V> {
    pub(crate) fn new(n: usize) -> Self {
        let hasher = RandomState::default();
        Self(Arc::new(scc::HashMap::with_capacity_and_hasher(n, hasher)))
    }
}

impl<K: Key, const V: usize> Store<K, V> for Scc<K, V> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let value = self.0.read_sync(access.key, |_, value| *value);
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.0.upsert_sync(*access.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        Ok(self.0.remove_sync(access.key).is_some())
    }

    fn clear(&mut self) -> Outcome<()> {
        self.0.clear_sync();
        Ok(())
    }

    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        Some(Box::new(self.clone()))
    }
}
