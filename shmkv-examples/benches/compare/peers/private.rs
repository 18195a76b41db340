//! Maps in private memory: hashbrown, alone and behind a mutex. hashbrown alone is the
//! practical limit, with which all others are compared.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use crate::data::{Access, Key};
use crate::outcome::Outcome;
use crate::store::{Runner, Store, seen};

/// hashbrown with its own hasher, foldhash.
pub(crate) struct Hashbrown<K, const V: usize>(HashMap<K, [u8; V]>);

impl<K: Key, const V: usize> Hashbrown<K, V> {
    pub(crate) fn new(n: usize) -> Self {
        Self(HashMap::with_capacity(n))
    }
}

impl<K: Key, const V: usize> Store<K, V> for Hashbrown<K, V> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let value = self.0.get(access.key).copied();
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
}

/// The same behind std's mutex, for several threads.
#[derive(Clone)]
pub(crate) struct Locked<K, const V: usize>(Arc<Mutex<HashMap<K, [u8; V]>>>);

impl<K: Key, const V: usize> Locked<K, V> {
    pub(crate) fn new(n: usize) -> Self {
        Self(Arc::new(Mutex::new(HashMap::with_capacity(n))))
    }
}

impl<K: Key, const V: usize> Store<K, V> for Locked<K, V> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = map.get(access.key).copied();
        drop(map);
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(*access.key, *value);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(map.remove(access.key).is_some())
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
