//! Maps in private memory: hashbrown, alone and behind a mutex. The first is the
//! practical limit, and what all others are compared with.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use crate::data::{Ask, Key};
use crate::store::{Outcome, Runner, Store, seen};

/// hashbrown with its own hasher, foldhash.
pub(crate) struct Hashbrown<K, const V: usize>(HashMap<K, [u8; V]>);

impl<K: Key, const V: usize> Hashbrown<K, V> {
    pub(crate) fn new(n: usize) -> Self {
        Self(HashMap::with_capacity(n))
    }
}

impl<K: Key, const V: usize> Store<K, V> for Hashbrown<K, V> {
    #[inline(always)]
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        let value = self.0.get(ask.key).copied();
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
}

/// The same, for any thread that holds std's mutex.
#[derive(Clone)]
pub(crate) struct Locked<K, const V: usize>(Arc<Mutex<HashMap<K, [u8; V]>>>);

impl<K: Key, const V: usize> Locked<K, V> {
    pub(crate) fn new(n: usize) -> Self {
        Self(Arc::new(Mutex::new(HashMap::with_capacity(n))))
    }
}

impl<K: Key, const V: usize> Store<K, V> for Locked<K, V> {
    #[inline(always)]
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = map.get(ask.key).copied();
        drop(map);
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, ask: Ask<'_, K>, value: &[u8; V]) -> Outcome<()> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(*ask.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(map.remove(ask.key).is_some())
    }

    fn clear(&mut self) -> Outcome<()> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.clear();
        Ok(())
    }

    fn twin(&self) -> Option<Box<dyn Runner<K, V> + Send>> {
        Some(Box::new(self.clone()))
    }
}
