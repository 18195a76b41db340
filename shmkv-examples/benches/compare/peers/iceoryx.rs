//! iceoryx2's blackboard at its best: every entry's handle is resolved before
//! anything is measured.
//!
//! A service has one writer in one process; entries can be neither added nor
//! removed. Handles are found by a scan of all keys, so that maps of a million
//! entries cannot be made in any useful time.

use std::path::Path;

use iceoryx2::port::reader::{EntryHandle, Reader};
use iceoryx2::port::writer::{EntryHandleMut, Writer};
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::blackboard::PortFactory;

use crate::data::{Ask, Key};
use crate::store::{Outcome, Store, seen};
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

/// What only one process has.
struct Writing<K: Key, const V: usize> {
    entries: Vec<EntryHandleMut<Service, K, [u8; V]>>,
    _writer: Writer<Service, K>,
}

impl<K: Key, const V: usize> Blackboard<K, V> {
    /// Makes the blackboard with keys number 0 to `n`. All its files are named
    /// after `name` and are in shared memory or in `directory`.
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
    let directory = directory.to_str().ok_or("not text")?.as_bytes();
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
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        let value = self.entries[ask.entry].get();
        seen(&value);
        Ok(true)
    }

    #[inline(always)]
    fn insert(&mut self, ask: Ask<'_, K>, value: &[u8; V]) -> Outcome<()> {
        if self.writing.is_none() {
            self.writing = Some(self.write()?);
        }
        if let Some(writing) = &self.writing {
            writing.entries[ask.entry].update_with_copy(*value);
        }
        Ok(())
    }

    fn remove(&mut self, _: Ask<'_, K>) -> Outcome<bool> {
        Err("a blackboard cannot lose entries".into())
    }

    fn clear(&mut self) -> Outcome<()> {
        Err("a blackboard cannot lose entries".into())
    }

    fn can(&self, work: Work) -> bool {
        !matches!(work, Work::Miss | Work::Insert | Work::Churn)
    }

    fn lend(&mut self, _users: usize) -> Outcome<()> {
        self.writing = None;
        Ok(())
    }
}
