//! iceoryx2's blackboard at its best: the handles of all entries are resolved before
//! anything is measured.
//!
//! A service has one writer in one process; entries can be neither added nor removed. A
//! handle is found by a scan of all keys, so resolving a million of them takes more than
//! an hour.

use std::path::Path;

use iceoryx2::port::reader::{EntryHandle, Reader};
use iceoryx2::port::writer::{EntryHandleMut, Writer};
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::blackboard::PortFactory;

use crate::data::{Access, Key};
use crate::outcome::Outcome;
use crate::store::{Store, seen};
use crate::work::Work;

type Service = ipc::Service;

/// More entries than this take minutes to resolve.
pub(crate) const MOST: usize = 50_000;

/// A service, and the handles of its entries.
pub(crate) struct Blackboard<K: Key, const V: usize> {
    // Dropped in this order.
    entries: Vec<EntryHandle<Service, K, [u8; V]>>,
    writing: Option<Writing<K, V>>,
    _reader: Reader<Service, K>,
    service: PortFactory<Service, K>,
    _node: Node<Service>,
}

/// The writer's part, which one process has.
struct Writing<K: Key, const V: usize> {
    entries: Vec<EntryHandleMut<Service, K, [u8; V]>>,
    _writer: Writer<Service, K>,
}

impl<K: Key, const V: usize> Blackboard<K, V> {
    /// Creates a blackboard with the keys number 0 to `n`. The names of all its files
    /// begin with `name`; they are in shared memory or in `directory`.
    pub(crate) fn create(directory: &Path, name: &str, n: usize) -> Outcome<Self> {
        let node = node(directory, name)?;
        let service_name = name.try_into()?;
        let mut creator = node
            .service_builder(&service_name)
            .blackboard_creator::<K>();
        for i in 0..n as u64 {
            creator = creator.add(K::nth(i), [0_u8; V]);
        }
        let service = creator.create()?;
        Self::resolve(node, service, n)
    }

    pub(crate) fn open(directory: &Path, name: &str, n: usize) -> Outcome<Self> {
        let node = node(directory, name)?;
        let service_name = name.try_into()?;
        let service = node
            .service_builder(&service_name)
            .blackboard_opener::<K>()
            .open()?;
        Self::resolve(node, service, n)
    }

    fn resolve(node: Node<Service>, service: PortFactory<Service, K>, n: usize) -> Outcome<Self> {
        let reader = service.reader_builder().create()?;
        let resolved: Result<_, _> = (0..n as u64).map(|i| reader.entry(&K::nth(i))).collect();
        Ok(Self {
            entries: resolved?,
            writing: None,
            _reader: reader,
            service,
            _node: node,
        })
    }

    /// Becomes the writer.
    #[cold]
    fn write(&mut self) -> Outcome<Writing<K, V>> {
        let writer = self.service.writer_builder().create()?;
        let resolved: Result<_, _> = (0..self.entries.len() as u64)
            .map(|i| writer.entry(&K::nth(i)))
            .collect();
        Ok(Writing {
            entries: resolved?,
            _writer: writer,
        })
    }
}

fn node(directory: &Path, name: &str) -> Outcome<Node<Service>> {
    set_log_level(LogLevel::Fatal);
    let mut config = Config::default();
    let directory = directory.to_str().ok_or("its directory is not UTF-8")?;
    let directory = directory.as_bytes();
    config
        .global
        .set_root_path(&SemanticString::new(directory)?);
    config.global.prefix = SemanticString::new(name.as_bytes())?;
    Ok(NodeBuilder::new()
        .config(&config)
        .signal_handling_mode(SignalHandlingMode::Disabled)
        .create()?)
}

impl<K: Key, const V: usize> Store<K, V> for Blackboard<K, V> {
    #[inline(always)]
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        let value = self.entries[access.entry].get();
        seen(&value);
        Ok(true)
    }

    #[inline(always)]
    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        if self.writing.is_none() {
            self.writing = Some(self.write()?);
        }
        if let Some(writing) = &self.writing {
            writing.entries[access.entry].update_with_copy(*value);
        }
        Ok(())
    }

    fn remove(&mut self, _: Access<'_, K>) -> Outcome<bool> {
        Err("entries of a blackboard cannot be removed".into())
    }

    fn clear(&mut self) -> Outcome<()> {
        Err("entries of a blackboard cannot be removed".into())
    }

    fn can(&self, work: Work) -> bool {
        !matches!(work, Work::Miss | Work::Insert | Work::Churn)
    }

    fn lend(&mut self, _users: usize) -> Outcome<()> {
        self.writing = None;
        Ok(())
    }
}
