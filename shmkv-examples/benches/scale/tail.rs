//! How likely it is that a shard runs out of room: the binomial tail itself,
//! beside the bound of Chernoff that `shmkv-core/src/layout.rs` asserts.

/// Shards of a map of `n` entries, and buckets of each; as in `layout.rs`.
pub(crate) fn dimensions(n: u64) -> (u64, u64) {
    let shards = match n {
        ..4096 => 1,
        _ => 1 << (n / 1024).min(1024).ilog2(),
    };
    let buckets = (n.div_ceil(shards) * 10).div_ceil(49).max(2);
    (shards, buckets)
}

/// The logarithm of x!, by Stirling's series: exact to 10^-10 from 10 on, which is
/// all that is asked for.
fn ln_factorial(x: f64) -> f64 {
    let tau = std::f64::consts::TAU;
    x * x.ln() - x + 0.5 * (tau * x).ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
}

/// The logarithm, to base 2, of the chance that some shard of a full map of `n`
/// entries gets more of them than its slots hold: the sum over the shards.
pub(crate) fn log2_crowded(n: u64) -> f64 {
    let (shards, buckets) = dimensions(n);
    let first = 7 * buckets + 1;
    if shards == 1 || first > n {
        return f64::NEG_INFINITY;
    }
    let (p, n, x) = (1.0 / shards as f64, n as f64, first as f64);
    let choose = ln_factorial(n) - ln_factorial(x) - ln_factorial(n - x);
    let ln_first = choose + x * p.ln() + (n - x) * (-p).ln_1p();
    // Beyond the mean each term is smaller than the one before by a ratio that
    // falls, so a few hundred terms are all that matters.
    let (mut sum, mut term, mut k) = (1.0, 1.0, x);
    while term > 1e-12 * sum && k < n {
        term *= (n - k) / (k + 1.0) * p / (1.0 - p);
        sum += term;
        k += 1.0;
    }
    (ln_first + f64::ln(sum)) / std::f64::consts::LN_2 + (shards as f64).log2()
}

/// The worst `n` of all from 4,096 to `last`, and its chance.
pub(crate) fn worst(last: u64) -> (u64, f64) {
    (4096..=last)
        .map(|n| (n, log2_crowded(n)))
        .fold((0, f64::NEG_INFINITY), |worst, now| {
            if now.1 > worst.1 { now } else { worst }
        })
}
