//! Two workers at once: two processes, or two threads for maps in private memory.
//!
//! A worker process is this program again, which opens the maps by their names as any
//! program would. It exists for one configuration and reads [`Order`]s from its standard
//! input, one per line; when that ends, it exits.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use serde::{Deserialize, Serialize};
use shmkv_core::{ShmKey, ToKey};

use crate::clock;
use crate::configurations::{Label, Visit};
use crate::data::{Key, Script};
use crate::measure;
use crate::orders::{Done, Latencies, Order, latencies, perform};
use crate::outcome::Outcome;
use crate::peers::{self, Context};
use crate::scratch::Scratch;
use crate::store::Runner;

/// The task of a worker process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) label: Label,
    /// The process that owns the run.
    pub(crate) owner: u32,
    /// 0 or 1.
    pub(crate) worker: usize,
    pub(crate) processor: usize,
    pub(crate) candidates: Vec<String>,
}

impl Visit for Task {
    type Result = ();

    /// The main function of a worker process.
    fn visit<const N: usize, const K: usize, const V: usize, Name>(
        self,
        label: Label,
    ) -> Outcome<()>
    where
        Name: Key + ShmKey<K>,
        for<'k> &'k Name: ToKey<Name>,
    {
        clock::pin(&[self.processor])?;
        let script = Script::<Name, V>::new(N, 1 + self.worker as u64);
        let scratch = Scratch::of(self.owner);
        let context = Context {
            scratch: &scratch,
            label,
            processors: &[self.processor],
        };
        let mut stores = BTreeMap::new();
        for name in &self.candidates {
            let mut store = peers::open::<N, K, V, Name>(&context, name)
                .map_err(|error| format!("cannot open {name}: {error}"))?;
            measure::tour(&mut *store, &script)?;
            stores.insert(name.clone(), (store, latencies()?));
        }
        let mut clock_alone = latencies()?;
        println!("ready");
        for line in std::io::stdin().lines() {
            let order: Order = serde_json::from_str(&line?)?;
            let done = match stores.get_mut(&order.candidate) {
                Some((store, histogram)) => {
                    perform(&order, Some(&mut **store), &script, histogram)?
                }
                None => perform::<Name, V>(&order, None, &script, &mut clock_alone)?,
            };
            println!("{}", serde_json::to_string(&done)?);
        }
        Ok(())
    }
}

/// A process that takes orders.
pub(crate) struct Worker {
    child: Child,
    /// `None` once it was asked to exit.
    orders: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    pub(crate) fn start(task: &Task) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--worker")
            .arg(serde_json::to_string(task)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let answers = child.stdout.take().ok_or("no pipe")?;
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers).lines(),
        })
    }

    /// Waits until it has opened all maps.
    pub(crate) fn ready(&mut self) -> Outcome<()> {
        self.answer().map(drop)
    }

    fn order(&mut self, order: &Order) -> Outcome<()> {
        let orders = self.orders.as_mut().ok_or("no pipe")?;
        writeln!(orders, "{}", serde_json::to_string(order)?)?;
        Ok(())
    }

    fn answer(&mut self) -> Outcome<String> {
        let line = self.answers.next();
        Ok(line.ok_or("a worker process exited early")??)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Err(error) = self.child.wait() {
            eprintln!("cannot wait for a worker process: {error}");
        }
    }
}

/// Gives each worker its order, and waits for all.
pub(crate) fn command(workers: &mut [Worker], orders: &[Order]) -> Outcome<Vec<Done>> {
    let at_work = workers.iter_mut().zip(orders);
    for (worker, order) in at_work {
        worker.order(order)?;
    }
    let answers = workers.iter_mut().zip(orders);
    answers
        .map(|(worker, _)| Ok(serde_json::from_str(&worker.answer()?)?))
        .collect()
}

/// What one thread needs to work on a map in private memory.
pub(crate) struct Share<'s, K: Key, const V: usize> {
    pub(crate) runner: Box<dyn Runner<K, V> + Send>,
    pub(crate) script: &'s Script<K, V>,
    pub(crate) latencies: Latencies,
    pub(crate) processor: usize,
}

/// As [`command`], for threads.
pub(crate) fn command_threads<K: Key, const V: usize>(
    shares: &mut [Share<'_, K, V>],
    orders: &[Order],
) -> Outcome<Vec<Done>> {
    thread::scope(|scope| {
        let at_work = shares.iter_mut().zip(orders).map(|(share, order)| {
            scope.spawn(move || {
                clock::pin(&[share.processor])?;
                let runner: &mut dyn Runner<K, V> = &mut *share.runner;
                perform(order, Some(runner), share.script, &mut share.latencies)
            })
        });
        let threads: Vec<_> = at_work.collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread
                .join()
                .unwrap_or_else(|_| Err("a thread panicked".into()))
        };
        threads.into_iter().map(join).collect()
    })
}
