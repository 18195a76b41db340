//! Two processes that fill one map at once: neither takes the other's space, neither loses a key.

use std::collections::HashSet;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use shmkv_core::{AccessError, Map};

use super::equal::{equal, message};
use crate::support::proc;
use crate::support::report::Report;
use crate::support::seed::seed;
use crate::support::shared::SharedWords;

/// How long two processes insert and remove.
const CHURN: Duration = Duration::from_secs(3);

pub(super) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("churn_single_shard", churn::<1_000>),
        Trial::test("churn_sharded", churn::<8_192>),
        Trial::test("fill_together_1", || fill_together::<1>(400)),
        Trial::test("fill_together_10", || fill_together::<10>(400)),
        Trial::test("fill_together_1000", || fill_together::<1_000>(50)),
        Trial::test("fill_together_8192", || fill_together::<8_192>(20)),
    ]
}

/// Runs `main` in two processes that begin together, and returns the result of each.
fn together(main: impl Fn(u64) -> Result<u64, Failed>) -> Result<[u64; 2], Failed> {
    // Two results, and the number of processes that are ready.
    let words = SharedWords::new(3);
    let children = [0, 1].map(|half| {
        proc::fork_child(|| {
            words[2].fetch_add(1, SeqCst);
            while words[2].load(SeqCst) < 2 {
                std::hint::spin_loop();
            }
            match main(half) {
                Ok(result) => {
                    words[half as usize].store(result, SeqCst);
                    0
                }
                Err(failed) => {
                    eprintln!("process {half}: {}", message(&failed));
                    1
                }
            }
        })
    });
    for child in children {
        equal("exit", &child.exit_code(Duration::from_secs(60)), &Ok(0))?;
    }
    Ok([words[0].load(SeqCst), words[1].load(SeqCst)])
}

/// Each process has half of the keys, of which exactly as many exist as fit, and knows what it must find.
/// The map is between nine tenths full and full to the last entry, and no insert is refused.
fn churn<const N: usize>() -> Result<(), Failed> {
    let seed = seed();
    let map = Map::<N, u64, u64>::create_anonymous()?;
    let half_of = N as u64 / 2;
    let operations = SharedWords::new(2);
    let counts = together(|half| {
        let mut random = fastrand::Rng::with_seed(seed ^ half);
        let mut model = vec![None; half_of as usize];
        let mut live = 0;
        let mut done = 0_u64;
        let start = Instant::now();
        while start.elapsed() < CHURN {
            // How full to keep the half in this round, which is long enough to get there.
            let share = random.u64(90..=100);
            for _ in 0..20_000 {
                let i = random.usize(..model.len());
                let key = 2 * i as u64 + half;
                done += 1;
                if random.u8(..4) == 0 {
                    equal("get", &map.get(key)?, &model[i])?;
                    continue;
                }
                let removes = model[i].is_some() && random.bool() && live * 100 > half_of * share;
                let old = if removes {
                    live -= 1;
                    map.remove(key)?
                } else {
                    live += u64::from(model[i].is_none());
                    map.insert(key, done)?
                };
                equal("old value", &old, &model[i])?;
                model[i] = (!removes).then_some(done);
            }
        }
        for (i, value) in model.iter().enumerate() {
            equal("get at the end", &map.get(2 * i as u64 + half)?, value)?;
        }
        operations[half as usize].store(done, SeqCst);
        Ok(live)
    })?;
    let live = (counts[0] + counts[1]) as usize;
    let mut violations = Vec::new();
    let mut require = |outcome: Result<(), Failed>| {
        violations.extend(outcome.err().as_ref().map(message));
    };
    let keys: Vec<u64> = map.keys().collect::<Result<_, _>>()?;
    let distinct: HashSet<u64> = keys.iter().copied().collect();
    require(equal("len", &map.len(), &live));
    require(equal("iteration", &keys.len(), &live));
    require(equal("distinct keys", &distinct.len(), &live));
    require(equal("check", &map.check(), &vec![]));
    let done: u64 = operations.iter().map(|word| word.load(SeqCst)).sum();
    Report::new("capacity", &format!("two processes, N = {N}"))
        .count("operations", done)
        .count("entries at the end", live)
        .note("seed", seed)
        .require(&violations)
}

/// Both processes insert as many keys as fit, all different, into one map: exactly `N` succeed.
fn fill_together<const N: usize>(rounds: usize) -> Result<(), Failed> {
    let (mut refused, mut shared) = (0, 0);
    let mut violations = Vec::new();
    for _ in 0..rounds {
        let map = Map::<N, u64, u64>::create_anonymous()?;
        let mut require = |outcome: Result<(), Failed>| {
            violations.extend(outcome.err().as_ref().map(message));
        };
        let counts = together(|half| {
            let mut stored = Vec::new();
            for i in 0..N as u64 {
                let key = 2 * i + half;
                match map.insert(key, key) {
                    Ok(None) => stored.push(key),
                    Err(AccessError::Full { .. }) => {}
                    other => return Err(format!("insert: {other:?}").into()),
                }
            }
            let mut found = Vec::new();
            for i in 0..N as u64 {
                found.extend(map.get(2 * i + half)?);
            }
            equal("found", &found, &stored)?;
            Ok(stored.len() as u64)
        })?;
        require(equal(
            "entries of both",
            &(counts[0] + counts[1]),
            &(N as u64),
        ));
        require(equal("len", &map.len(), &N));
        require(equal("iteration", &map.iter().count(), &N));
        require(equal("check", &map.check(), &vec![]));
        refused += 2 * N as u64 - counts[0] - counts[1];
        shared += usize::from(counts[0] > 0 && counts[1] > 0);
    }
    Report::new("capacity", &format!("two fill one map, N = {N}"))
        .count("rounds", rounds)
        .count("of them with entries of both", shared)
        .count("inserts refused", refused)
        .require(&violations)
}
