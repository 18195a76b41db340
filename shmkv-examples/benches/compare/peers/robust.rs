//! What one writes without a library: a hash table in shared memory, behind a robust,
//! process-shared pthread mutex.
//!
//! The table is open addressing with linear probing and without tombstones. Hash, key
//! and value are side by side, and about as many slots are vacant as in hashbrown. The
//! mutex of a dead holder is taken over, but an unfinished change stays unfinished, which
//! shmkv's promises rule out.

use std::fs::File;
use std::hash::BuildHasher;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::path::Path;
use std::ptr::NonNull;
use std::slice;

use foldhash::fast::FixedState;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use crate::data::{Access, Key};
use crate::outcome::Outcome;
use crate::store::{Store, seen};

/// The bytes of the first page, which the mutex has for itself.
const HEAD: usize = 4096;

/// One entry, or none if all bytes are zero.
#[repr(C)]
#[derive(Clone, Copy)]
struct Slot<K, const V: usize> {
    /// Never 0 in an entry.
    hash: u64,
    key: K,
    value: [u8; V],
}

/// A mapping: a [`HEAD`] with the mutex, then the slots.
pub(crate) struct Robust<K, const V: usize> {
    memory: NonNull<libc::c_void>,
    /// A power of two.
    slots: usize,
    hasher: FixedState,
    entries: PhantomData<K>,
}

impl<K: Key, const V: usize> Robust<K, V> {
    pub(crate) fn create(path: &Path, n: usize) -> Outcome<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        file.set_len(Self::length(n) as u64)?;
        let map = Self::map(&file, n)?;
        map.initialise()?;
        Ok(map)
    }

    pub(crate) fn open(path: &Path, n: usize) -> Outcome<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Self::map(&file, n)
    }

    fn slots(n: usize) -> usize {
        (n + n / 2).next_power_of_two()
    }

    fn length(n: usize) -> usize {
        HEAD + Self::slots(n) * size_of::<Slot<K, V>>()
    }

    fn map(file: &File, n: usize) -> Outcome<Self> {
        const { assert!(align_of::<Slot<K, V>>() <= HEAD) };
        let length = NonZeroUsize::new(Self::length(n)).ok_or("no entries")?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping; the file is as long as it.
        let memory = unsafe { mmap(None, length, access, MapFlags::MAP_SHARED, file, 0) }?;
        Ok(Self {
            memory,
            slots: Self::slots(n),
            hasher: FixedState::with_seed(0x5eed),
            entries: PhantomData,
        })
    }

    fn mutex(&self) -> *mut libc::pthread_mutex_t {
        self.memory.as_ptr().cast()
    }

    /// Initialises the mutex. No other process may have the file open.
    fn initialise(&self) -> io::Result<()> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the function initialises what the pointer points to.
        check(unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: the function has initialised them.
        let mut attributes = unsafe { attributes.assume_init() };
        let shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: `attributes` are initialised.
        check(unsafe { libc::pthread_mutexattr_setpshared(&raw mut attributes, shared) })?;
        let robust = libc::PTHREAD_MUTEX_ROBUST;
        // SAFETY: `attributes` are initialised, as for the call before.
        check(unsafe { libc::pthread_mutexattr_setrobust(&raw mut attributes, robust) })?;
        // SAFETY: the mutex is at the start of the mapping, and no thread uses it yet.
        check(unsafe { libc::pthread_mutex_init(self.mutex(), &raw const attributes) })
    }

    /// Locks the table.
    #[inline(always)]
    fn lock(&mut self) -> io::Result<Guard<'_, K, V>> {
        let mutex = self.mutex();
        // SAFETY: the mutex was initialised before any other process opened the file.
        match unsafe { libc::pthread_mutex_lock(mutex) } {
            0 => {}
            libc::EOWNERDEAD => {
                // SAFETY: this thread has just locked it.
                check(unsafe { libc::pthread_mutex_consistent(mutex) })?;
            }
            error => check(error)?,
        }
        // SAFETY: `HEAD` is inside the mapping.
        let start = unsafe { self.memory.as_ptr().cast::<u8>().add(HEAD) };
        // SAFETY: the mapping holds that many slots, is aligned to pages, and any
        // bytes are slots. The mutex, which all processes use, is held for as long
        // as the slice lives.
        let slots = unsafe { slice::from_raw_parts_mut(start.cast(), self.slots) };
        Ok(Guard { mutex, slots })
    }

    #[inline(always)]
    fn hash(&self, key: &K) -> u64 {
        self.hasher.hash_one(key) | 1
    }
}

fn check(error: libc::c_int) -> io::Result<()> {
    if error == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(error))
    }
}

// SAFETY: the mapping belongs to the value, wherever it goes.
unsafe impl<K: Send, const V: usize> Send for Robust<K, V> {}

impl<K, const V: usize> Drop for Robust<K, V> {
    fn drop(&mut self) {
        let length = HEAD + self.slots * size_of::<Slot<K, V>>();
        // SAFETY: the mapping was made with this length; no guard is left.
        if let Err(error) = unsafe { munmap(self.memory, length) } {
            eprintln!("munmap: {error}");
        }
    }
}

/// The table, locked.
struct Guard<'m, K, const V: usize> {
    mutex: *mut libc::pthread_mutex_t,
    slots: &'m mut [Slot<K, V>],
}

impl<K, const V: usize> Drop for Guard<'_, K, V> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this thread has locked it.
        unsafe { libc::pthread_mutex_unlock(self.mutex) };
    }
}

impl<K: Key, const V: usize> Guard<'_, K, V> {
    /// The index of the entry, or else of the slot where it would be.
    #[inline(always)]
    fn find(&self, hash: u64, key: &K) -> (usize, bool) {
        let mut at = self.home(hash);
        loop {
            let slot = &self.slots[at];
            if slot.hash == hash && slot.key == *key {
                return (at, true);
            }
            if slot.hash == 0 {
                return (at, false);
            }
            at = self.next(at);
        }
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.slots.len() - 1)
    }

    #[inline(always)]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// Empties a slot, and moves entries after it closer to their home slots.
    fn vacate(&mut self, mut hole: usize) {
        let mask = self.slots.len() - 1;
        let mut at = self.next(hole);
        while self.slots[at].hash != 0 {
            let home = self.home(self.slots[at].hash);
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
            at = self.next(at);
        }
        self.slots[hole].hash = 0;
    }
}

impl<K: Key, const V: usize> Store<K, V> for Robust<K, V> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let hash = self.hash(access.key);
        let table = self.lock()?;
        let (at, found) = table.find(hash, access.key);
        let value = found.then(|| table.slots[at].value);
        drop(table);
        seen(&value);
        Ok(value.is_some())
    }

    #[inline(always)]
    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        let hash = self.hash(access.key);
        let table = self.lock()?;
        let (at, found) = table.find(hash, access.key);
        let slot = &mut table.slots[at];
        slot.value = *value;
        if !found {
            slot.key = *access.key;
            slot.hash = hash;
        }
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let hash = self.hash(access.key);
        let mut table = self.lock()?;
        let (at, found) = table.find(hash, access.key);
        if found {
            table.vacate(at);
        }
        Ok(found)
    }

    fn clear(&mut self) -> Outcome<()> {
        for slot in self.lock()?.slots.iter_mut() {
            slot.hash = 0;
        }
        Ok(())
    }
}
