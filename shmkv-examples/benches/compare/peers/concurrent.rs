//! Concurrent maps in private memory, for the threads of one process. All hash
//! with foldhash, as hashbrown does.

use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::RandomState;

use crate::data::{Ask, Key};
use crate::store::{Outcome, Runner, Store, seen};

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
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        let value = self.0.get(ask.key).map(|found| *found);
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, ask: Ask<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.0.insert(*ask.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        Ok(self.0.remove(ask.key).is_some())
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
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        let value = self.0.pin().get(ask.key).copied();
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, ask: Ask<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.0.pin().insert(*ask.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        Ok(self.0.pin().remove(ask.key).is_some())
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
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        let value = self.0.read_sync(ask.key, |_, value| *value);
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, ask: Ask<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.0.upsert_sync(*ask.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        Ok(self.0.remove_sync(ask.key).is_some())
    }

    fn clear(&mut self) -> Outcome<()> {
        self.0.clear_sync();
        Ok(())
    }

    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        Some(Box::new(self.clone()))
    }
}
