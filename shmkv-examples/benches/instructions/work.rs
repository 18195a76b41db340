//! The operations that are counted, repeated until their averages are stable.
//!
//! How many buckets and slots an operation reads depends on the hashes of all keys in
//! the map, and every map hashes with its own random seed. So the figures are averages
//! over many small maps, or a few large ones, each filled several times with new keys.
//! Because the seeds are random, the keys can be consecutive numbers.
//!
//! A figure includes the loop, a few instructions, and storing the result in memory.

use std::hint::black_box;

use shmkv_core::{ShmKey, ShmMap, StrMap, ToKey};

use crate::callgrind::counted_by_callgrind;
use crate::figure::Figure;
use crate::outcome::Outcome;

type A = Maps<10, 64, 256, [u8; 64]>;
type B = Maps<16_384, 8, 64, u64>;

/// All figures, in the order of the table.
pub(crate) const FIGURES: &[Figure] = &[
    figure("A get", A::get),
    figure("A miss", A::miss),
    figure("A update", A::update),
    figure("A set", A::set),
    figure("A insert", A::insert),
    figure("A remove", A::remove),
    figure("A many", A::many),
    figure("B get", B::get),
    figure("B miss", B::miss),
    figure("B update", B::update),
    figure("B set", B::set),
    figure("B insert", B::insert),
    figure("B remove", B::remove),
    figure("B many", B::many),
    figure("str get", text),
];

const fn figure(name: &'static str, work: fn() -> Outcome<usize>) -> Figure {
    Figure { name, work }
}

/// How many entries are inserted, at least, over all maps.
const ENTRIES: usize = 1 << 18;
/// How often each map is filled. Filling takes less time than creating.
const FILLS: usize = 8;
/// How many absent keys are looked up, for each entry.
const ABSENT: usize = 4;
/// How many keys one `get_many_into` gets.
const BATCH: usize = 64;

trait Key: Sized {
    fn nth(n: usize) -> Self;
}

impl Key for u64 {
    fn nth(n: usize) -> Self {
        n as Self
    }
}

impl Key for [u8; 64] {
    fn nth(n: usize) -> Self {
        bytemuck::cast([u64::nth(n); 8])
    }
}

/// Maps of one kind, one after the other; the fields are the keys of the current one.
struct Maps<const N: usize, const K: usize, const V: usize, Key> {
    present: Vec<Key>,
    absent: Vec<Key>,
}

type Map<const N: usize, const K: usize, const V: usize, Key> = ShmMap<N, K, V, Key, [u8; V]>;

impl<const N: usize, const K: usize, const V: usize, Name> Maps<N, K, V, Name>
where
    Name: Key + ShmKey<K>,
    for<'k> &'k Name: ToKey<Name>,
{
    /// Fills maps and does `work`, which is `operations` operations, on each full map.
    fn each(
        operations: usize,
        mut work: impl FnMut(&Self, &Map<N, K, V, Name>) -> Outcome<()>,
    ) -> Outcome<usize> {
        let maps = ENTRIES.div_ceil(FILLS * N);
        let before = &[0; V];
        let mut keys = (0..).map(Name::nth);
        for _ in 0..maps {
            let map = ShmMap::create_anonymous()?;
            for _ in 0..FILLS {
                let this = Self {
                    present: keys.by_ref().take(N).collect(),
                    absent: keys.by_ref().take(ABSENT * N).collect(),
                };
                map.clear()?;
                for key in &this.present {
                    map.insert(key, before)?;
                }
                work(&this, &map)?;
            }
        }
        Ok(maps * FILLS * operations)
    }

    fn get() -> Outcome<usize> {
        Self::each(N, |this, map| {
            counted_by_callgrind(&mut || {
                for key in &this.present {
                    black_box(&map.get(key));
                }
            });
            expect(map.contains_key(&this.present[0])?)
        })
    }

    fn miss() -> Outcome<usize> {
        Self::each(ABSENT * N, |this, map| {
            counted_by_callgrind(&mut || {
                for key in &this.absent {
                    black_box(&map.get(key));
                }
            });
            expect(!map.contains_key(&this.absent[0])?)
        })
    }

    fn update() -> Outcome<usize> {
        Self::each(N, |this, map| {
            let value = black_box(&[1; V]);
            counted_by_callgrind(&mut || {
                for key in &this.present {
                    black_box(&map.insert(key, value));
                }
            });
            expect(map.get(&this.present[0])? == Some(*value))
        })
    }

    fn set() -> Outcome<usize> {
        Self::each(N, |this, map| {
            let value = black_box(&[1; V]);
            counted_by_callgrind(&mut || {
                for key in &this.present {
                    black_box(&map.set(key, value));
                }
            });
            expect(map.get(&this.present[0])? == Some(*value))
        })
    }

    fn insert() -> Outcome<usize> {
        Self::each(N, |this, map| {
            map.clear()?;
            let value = black_box(&[1; V]);
            counted_by_callgrind(&mut || {
                for key in &this.present {
                    black_box(&map.insert(key, value));
                }
            });
            expect(map.len() == N)
        })
    }

    fn remove() -> Outcome<usize> {
        Self::each(N, |this, map| {
            counted_by_callgrind(&mut || {
                for key in &this.present {
                    black_box(&map.remove(key));
                }
            });
            expect(map.is_empty())
        })
    }

    /// `get_many_into` of [`BATCH`] keys.
    fn many() -> Outcome<usize> {
        let batches = N.div_ceil(BATCH);
        Self::each(batches * BATCH, |this, map| {
            let keys: Vec<&Name> = this.present.iter().cycle().take(batches * BATCH).collect();
            let mut values = Vec::with_capacity(BATCH);
            counted_by_callgrind(&mut || {
                for keys in keys.chunks(BATCH) {
                    black_box(&map.get_many_into(keys, &mut values));
                    black_box(&values);
                }
            });
            expect(values.iter().all(Option::is_some))
        })
    }
}

/// `get` of text: keys of 16 bytes, values of 32.
fn text() -> Outcome<usize> {
    const N: usize = 10;
    let keys: Vec<String> = (0..N).map(|n| format!("settings/{n:07}")).collect();
    // Most of the instructions handle the text, so fewer maps suffice.
    let maps = ENTRIES.div_ceil(FILLS * N);
    for _ in 0..maps {
        let map = StrMap::<N, 64, 256>::create_anonymous()?;
        for key in &keys {
            map.insert(key, "thirty-two bytes, all of it text")?;
        }
        counted_by_callgrind(&mut || {
            for key in &keys {
                black_box(&map.get(key));
            }
        });
    }
    Ok(maps * N)
}

/// Fails the run if the work did not do what it should.
fn expect(done: bool) -> Outcome<()> {
    if done {
        Ok(())
    } else {
        Err("cannot count: an operation did not do its work".into())
    }
}
