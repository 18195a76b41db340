//! Keys that share their home bucket, found by trial: a map's secrets are random, but its figures tell.
//!
//! With one bucket full, a new key makes a bucket overflow exactly if the full one is its home.

use super::lab::{Lab, Model};

/// How many keys of the same home there are: enough to fill two buckets, and more.
const CROWD: usize = 18;
const OTHERS: usize = 12;

/// Keys of one map.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// All have the same home.
    pub(crate) home: Vec<u64>,
    /// These have others.
    pub(crate) other: Vec<u64>,
}

impl Keys {
    /// Finds them; the map is empty before and after.
    pub(crate) fn find<const N: usize, const V: usize>(lab: &Lab<N, V>) -> Self {
        let mut candidates = 1_u64..1_000_000;
        let mut home = first_seven(lab, &mut candidates);
        let mut other = Vec::new();
        for key in candidates {
            lab.add([(key, 0)]);
            let passed = lab.map.stats().overflowing_buckets > 0;
            lab.map.remove(key).expect("remove");
            let group = if passed { &mut home } else { &mut other };
            group.push(key);
            if home.len() >= CROWD && other.len() >= OTHERS {
                lab.fill(&Model::new());
                other.truncate(OTHERS);
                return Self { home, other };
            }
        }
        panic!("a million keys, and not enough with the same home");
    }
}

/// Fills one bucket, and leaves nothing else in the map.
fn first_seven<const N: usize, const V: usize>(
    lab: &Lab<N, V>,
    candidates: &mut impl Iterator<Item = u64>,
) -> Vec<u64> {
    loop {
        lab.fill(&Model::new());
        let mut present = Vec::new();
        for key in candidates.by_ref().take(N) {
            lab.add([(key, 0)]);
            present.push(key);
            if lab.map.stats().full_buckets == 1 {
                break;
            }
        }
        // Taken out one by one: those whose absence makes room live in the full bucket, which is their home, since no
        // bucket has overflown yet.
        present.retain(|&key| {
            lab.map.remove(key).expect("remove");
            let made_room = lab.map.stats().full_buckets == 0;
            if made_room {
                lab.add([(key, 0)]);
            }
            made_room
        });
        if present.len() == 7 && lab.map.stats().full_buckets == 1 {
            return present;
        }
    }
}
