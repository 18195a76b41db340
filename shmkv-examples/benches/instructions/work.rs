//! The operations that are counted, each as often as makes its figure steady.
//!
//! How many buckets and slots an operation looks at depends on the hashes of all
//! keys in the map, and every map hashes with a random seed of its own. So there are
//! many small maps, or a few large ones, and each is filled several times, with keys
//! that are new. These can be plain numbers, for the same reason.
//!
//! A figure includes the loop, which is a few instructions, and that the result is in
//! memory afterwards.

use std::hint::black_box;

use shmkv_core::{ShmKey, ShmMap, StrMap, ToKey};

use crate::Outcome;
use crate::callgrind::counted_by_callgrind;

/// An operation on maps of one kind.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    work: fn() -> Outcome<usize>,
}

impl Figure {
    /// Does the work, and tells how many operations it was.
    pub(crate) fn operations(&self) -> Outcome<usize> {
        (self.work)()
    }
}

type A = Maps<10, 64, 256, [u8; 64]>;
type B = Maps<16_384, 8, 64, u64>;

/// All of them, in the order of the table.
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

/// So many entries are filled in at least, all in all.
const ENTRIES: usize = 1 << 18;
/// How often a map is filled. Filling takes less time than creating.
const FILLS: usize = 8;
/// So many absent keys are asked for, for each entry.
const ABSENT: usize = 4;
/// How many keys `get_many_into` is asked for at once.
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

/// Maps of one kind, one after the other, and the keys of the one that is there.
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
    /// Does `work`, so many operations, on a map whenever it is full.
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

    /// Gets of [`BATCH`] keys at once.
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

/// Gets of text: keys of 16 bytes, values of 32.
fn text() -> Outcome<usize> {
    const N: usize = 10;
    let keys: Vec<String> = (0..N).map(|n| format!("settings/{n:07}")).collect();
    // Most of the instructions are about the text, so fewer maps will do.
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

/// Work that did not do what it should is not worth counting.
fn expect(done: bool) -> Outcome<()> {
    if done {
        Ok(())
    } else {
        Err("the map is not as it should be".into())
    }
}
