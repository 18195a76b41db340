//! LMDB through heed, as fast as possible: on tmpfs, without syncing, with writes into
//! the mapping. Each operation is a transaction, as in a program that reads current data
//! and publishes its own.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions};

use crate::data::{Access, BATCH, Key, Script};
use crate::outcome::Outcome;
use crate::store::{Store, seen};

/// The size of the mapping: more than any configuration needs. Unused parts are free.
const ADDRESSES: usize = 8 << 30;

/// An environment with one database.
pub(crate) struct Lmdb<K: Key> {
    env: Env,
    entries: Database<Bytes, Bytes, K::Order>,
}

impl<K: Key> Lmdb<K> {
    /// Opens what is in the directory, or creates it.
    pub(crate) fn open(directory: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(directory)?;
        let mut options = EnvOpenOptions::new();
        options.map_size(ADDRESSES);
        let flags = EnvFlags::NO_SYNC
            | EnvFlags::NO_META_SYNC
            | EnvFlags::WRITE_MAP
            | EnvFlags::MAP_ASYNC
            | EnvFlags::NO_READ_AHEAD
            | EnvFlags::NO_MEM_INIT;
        // SAFETY: these flags give up durability, and protection from stray writes of
        // this process.
        unsafe { options.flags(flags) };
        // SAFETY: only LMDB changes the files; each process opens them once.
        let env = unsafe { options.open(directory) }?;
        let mut transaction = env.write_txn()?;
        let entries = env
            .database_options()
            .types::<Bytes, Bytes>()
            .key_comparator::<K::Order>()
            .create(&mut transaction)?;
        transaction.commit()?;
        Ok(Self { env, entries })
    }
}

impl<K: Key, const V: usize> Store<K, V> for Lmdb<K> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let transaction = self.env.read_txn()?;
        let found = self
            .entries
            .get(&transaction, bytemuck::bytes_of(access.key))?;
        let value: Option<[u8; V]> = found.map(TryInto::try_into).transpose()?;
        seen(&value);
        Ok(value.is_some())
    }

    /// All keys in one transaction.
    fn get_many(&mut self, accesses: [Access<'_, K>; BATCH]) -> Outcome<usize> {
        let transaction = self.env.read_txn()?;
        let mut count = 0;
        for access in accesses {
            let found = self
                .entries
                .get(&transaction, bytemuck::bytes_of(access.key))?;
            let value: Option<[u8; V]> = found.map(TryInto::try_into).transpose()?;
            seen(&value);
            count += usize::from(value.is_some());
        }
        Ok(count)
    }

    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        let mut transaction = self.env.write_txn()?;
        let key = bytemuck::bytes_of(access.key);
        self.entries.put(&mut transaction, key, value)?;
        Ok(transaction.commit()?)
    }

    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let mut transaction = self.env.write_txn()?;
        let key = bytemuck::bytes_of(access.key);
        let found = self.entries.delete(&mut transaction, key)?;
        transaction.commit()?;
        Ok(found)
    }

    fn clear(&mut self) -> Outcome<()> {
        let mut transaction = self.env.write_txn()?;
        self.entries.clear(&mut transaction)?;
        Ok(transaction.commit()?)
    }

    fn load(&mut self, script: &Script<K, V>) -> Outcome<()> {
        let mut transaction = self.env.write_txn()?;
        for (turn, (key, _)) in script.entering.iter().enumerate() {
            let key = bytemuck::bytes_of(key);
            self.entries
                .put(&mut transaction, key, script.value(turn))?;
        }
        Ok(transaction.commit()?)
    }
}
