//! How long shmkv takes to create and open a map, and for the first gets after it, with
//! the options that concern pages.

use std::hint::black_box;
use std::time::{Duration, Instant};

use shmkv_core::{Options, ShmKey, ShmMap, ToKey};

use crate::configurations::{Label, Visit};
use crate::data::{Key, Script};
use crate::outcome::Outcome;
use crate::scratch::Scratch;

/// How many gets are measured after opening, twice.
const FIRST: usize = 100_000;

/// The options: a name, `prefault` and `huge_pages`.
const OPTIONS: [(&str, bool, bool); 4] = [
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

/// Measures one configuration; the result is the rows of its table.
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
        let mut figures = vec![vec![Vec::new(); HEAD.len() - 1]; OPTIONS.len() + 1];
        for _ in 0..self.repetitions {
            for (at, (_, prefault, huge_pages)) in OPTIONS.into_iter().enumerate() {
                let options = ShmMap::<N, K, V, Name, [u8; V]>::options()
                    .prefault(prefault)
                    .huge_pages(huge_pages);
                let created = create(&options, &name, &script)?;
                let opened = open(&options, &name, &script)?;
                let mut all = vec![(at, [&created[..], &opened[1..]].concat())];
                if !prefault && !huge_pages {
                    // A map without huge pages, opened by a process that asks for them.
                    let opened = open(&options.huge_pages(true), &name, &script)?;
                    let of_creation = [None, None, opened[0]];
                    all.push((OPTIONS.len(), [&of_creation[..], &opened[1..]].concat()));
                }
                shmkv_core::unlink(&name)?;
                for (row, found) in all {
                    for (column, figure) in figures[row].iter_mut().zip(found) {
                        column.extend(figure);
                    }
                }
            }
        }
        let names = OPTIONS.iter().map(|options| options.0);
        let names = names.chain(["huge pages, on opening only"]);
        let row = |(name, columns): (&str, Vec<Vec<f64>>)| {
            let cells = columns.into_iter().map(median);
            [name.to_owned()].into_iter().chain(cells).collect()
        };
        Ok(names.zip(figures).map(row).collect())
    }
}

/// Creates a map and fills it. Returns the time, the resident memory and the memory in
/// huge pages.
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

/// Opens the map. Returns the memory in huge pages, the time, the resident memory, and the
/// times of the first gets and of as many after them.
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
        script.hits.each(nth * FIRST, FIRST, |access, _| {
            match black_box(map.get(access.key)?) {
                Some(_) => Ok(()),
                None => Outcome::Err("a key was not found".into()),
            }
        })?;
        *took = start.elapsed();
    }
    let [first, next] = gets.map(millis);
    Ok([mebi(huge), millis(time), resident, first, next].map(Some))
}

/// The resident shared memory of this process, in MiB.
fn resident() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("RssShmem:"));
    let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB"));
    let kilobytes: u32 = kilobytes
        .ok_or("no RssShmem in /proc/self/status")?
        .parse()?;
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
