//! Keys that share their home bucket. The secrets of the map's hash are random, so the keys are found by
//! trial, from the map's statistics.
//!
//! While one bucket is full, a new key makes a bucket overflow exactly if the full one is its home.

use super::lab::{Lab, Model};

/// How many keys with the same home are found: enough to fill two buckets, and more.
const SAME_HOME: usize = 18;
const OTHERS: usize = 12;

/// Keys of one map.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// All have the same home.
    pub(crate) home: Vec<u64>,
    /// These have other homes.
    pub(crate) other: Vec<u64>,
}

impl Keys {
    /// Finds the keys; the map is empty before and after.
    pub(crate) fn find<const N: usize, const V: usize>(lab: &Lab<N, V>) -> Self {
        let mut candidates = 1_u64..1_000_000;
        let mut home = first_seven(lab, &mut candidates);
        let mut other = Vec::new();
        for key in candidates {
            lab.add([(key, 0)]);
            let overflowed = lab.map.stats().overflowing_buckets > 0;
            lab.map.remove(key).expect("remove");
            let group = if overflowed { &mut home } else { &mut other };
            group.push(key);
            if home.len() >= SAME_HOME && other.len() >= OTHERS {
                lab.fill(&Model::new());
                other.truncate(OTHERS);
                return Self { home, other };
            }
        }
        panic!("a million keys, and not enough with the same home");
    }
}

/// Fills one bucket with seven keys, leaves nothing else in the map, and returns the keys.
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
        // Remove the keys one by one. Those whose removal leaves no full bucket were in the full one, which
        // is their home, since no bucket has overflowed yet.
        present.retain(|&key| {
            lab.map.remove(key).expect("remove");
            let was_in_it = lab.map.stats().full_buckets == 0;
            if was_in_it {
                lab.add([(key, 0)]);
            }
            was_in_it
        });
        if present.len() == 7 && lab.map.stats().full_buckets == 1 {
            return present;
        }
    }
}
