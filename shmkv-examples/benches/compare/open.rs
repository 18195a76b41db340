//! What creating and opening takes, and what the first questions take after it,
//! by the options that concern pages. Of shmkv only.

use std::hint::black_box;
use std::time::{Duration, Instant};

use shmkv_core::{Options, ShmKey, ShmMap, ToKey};

use crate::configurations::{Label, Visit};
use crate::data::{Key, Script};
use crate::scratch::Scratch;
use crate::store::Outcome;

/// So many questions are asked of a map that has just been opened.
const FIRST: usize = 100_000;

/// The options, by name: `prefault`, `huge_pages`.
const ASKED: [(&str, bool, bool); 4] = [
    ("none", false, false),
    ("prefault", true, false),
    ("huge pages", false, true),
    ("both", true, true),
];

/// All columns, in milliseconds or MiB.
pub(crate) const HEAD: [&str; 8] = [
    "options",
    "create, ms",
    "resident, MiB",
    "huge, MiB",
    "open, ms",
    "resident, MiB",
    "first 100,000 gets, ms",
    "the next, ms",
];

/// One configuration; gives the rows of its table.
pub(crate) struct Open<'m> {
    pub(crate) scratch: &'m Scratch,
    pub(crate) repetitions: usize,
}

impl Visit for Open<'_> {
    type Result = Vec<Vec<String>>;

    fn visit<const N: usize, const K: usize, const V: usize, Name>(
        self,
        _: Label,
    ) -> Outcome<Self::Result>
    where
        Name: Key + ShmKey<K>,
        for<'k> &'k Name: ToKey<Name>,
    {
        let name = self.scratch.name("open");
        let script = Script::<Name, V>::new(N, 0);
        // A column of repetitions for each figure.
        let mut figures = vec![vec![Vec::new(); HEAD.len() - 1]; ASKED.len() + 1];
        for _ in 0..self.repetitions {
            for (at, (_, prefault, huge_pages)) in ASKED.into_iter().enumerate() {
                let options = ShmMap::<N, K, V, Name, [u8; V]>::options()
                    .prefault(prefault)
                    .huge_pages(huge_pages);
                let created = create(&options, &name, &script)?;
                let opened = open(&options, &name, &script)?;
                let mut all = vec![(at, [&created[..], &opened[1..]].concat())];
                if !prefault && !huge_pages {
                    // And by somebody who is the first to ask.
                    let opened = open(&options.huge_pages(true), &name, &script)?;
                    let of_creation = [None, None, opened[0]];
                    all.push((ASKED.len(), [&of_creation[..], &opened[1..]].concat()));
                }
                shmkv_core::unlink(&name)?;
                for (row, found) in all {
                    for (column, figure) in figures[row].iter_mut().zip(found) {
                        column.extend(figure);
                    }
                }
            }
        }
        let names = ASKED.iter().map(|asked| asked.0);
        let names = names.chain(["huge pages, of a map made without"]);
        let row = |(name, columns): (&str, Vec<Vec<f64>>)| {
            let cells = columns.into_iter().map(median);
            [name.to_owned()].into_iter().chain(cells).collect()
        };
        Ok(names.zip(figures).map(row).collect())
    }
}

/// Time, resident memory, memory in huge pages. Leaves a full map.
fn create<const N: usize, const K: usize, const V: usize, Name>(
    options: &Options<ShmMap<N, K, V, Name, [u8; V]>>,
    name: &str,
    script: &Script<Name, V>,
) -> Outcome<[Option<f64>; 3]>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    let before = resident()?;
    let start = Instant::now();
    let map = options.create(name)?;
    let time = start.elapsed();
    let resident = resident()? - before;
    let huge = map.huge_page_bytes()?;
    for (turn, (key, _)) in script.entering.iter().enumerate() {
        map.insert(key, script.value(turn))?;
    }
    Ok([Some(millis(time)), Some(resident), Some(mebi(huge))])
}

/// Memory in huge pages, time, resident memory, time of the first questions, and of
/// as many others.
fn open<const N: usize, const K: usize, const V: usize, Name>(
    options: &Options<ShmMap<N, K, V, Name, [u8; V]>>,
    name: &str,
    script: &Script<Name, V>,
) -> Outcome<[Option<f64>; 5]>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    let before = resident()?;
    let start = Instant::now();
    let map = options.open(name)?;
    let time = start.elapsed();
    let resident = resident()? - before;
    let huge = map.huge_page_bytes()?;
    let mut gets = [Duration::ZERO; 2];
    for (nth, took) in gets.iter_mut().enumerate() {
        let start = Instant::now();
        script.hits.each(nth * FIRST, FIRST, |ask, _| {
            match black_box(map.get(ask.key)?) {
                Some(_) => Ok(()),
                None => Outcome::Err("a key that is there was not found".into()),
            }
        })?;
        *took = start.elapsed();
    }
    let [first, next] = gets.map(millis);
    Ok([mebi(huge), millis(time), resident, first, next].map(Some))
}

/// MiB of this process's memory that are resident and shared.
fn resident() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("RssShmem:"));
    let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB"));
    let kilobytes: u32 = kilobytes.ok_or("/proc/self/status is unclear")?.parse()?;
    Ok(f64::from(kilobytes) / 1024.0)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mebi(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn median(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    match figures.get(figures.len() / 2) {
        None => String::new(),
        Some(figure) if *figure < 10.0 => format!("{figure:.1}"),
        Some(figure) => format!("{figure:.0}"),
    }
}
