//! How likely it is that a shard of a full map is full: the binomial tail itself, where
//! the `layout` of `shmkv-core` asserts Chernoff's bound.

/// The shards of a map of `n` entries, and the buckets of each, as in `layout`.
pub(crate) fn dimensions(n: u64) -> (u64, u64) {
    let shards = match n {
        ..4096 => 1,
        _ => 1 << (n / 1024).min(1024).ilog2(),
    };
    let buckets = (n.div_ceil(shards) * 10).div_ceil(49).max(2);
    (shards, buckets)
}

/// The logarithm of x!, by Stirling's series: exact to 10^-10 from x = 10 on. No
/// smaller x occurs.
fn ln_factorial(x: f64) -> f64 {
    let tau = std::f64::consts::TAU;
    x * x.ln() - x + 0.5 * (tau * x).ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
}

/// The logarithm, to base 2, of the probability that some shard of a map of `n` entries
/// gets more of them than its buckets hold: the sum over the shards.
pub(crate) fn log2_full(n: u64) -> f64 {
    let (shards, buckets) = dimensions(n);
    let first = 7 * buckets + 1;
    if shards == 1 || first > n {
        return f64::NEG_INFINITY;
    }
    let (p, n, x) = (1.0 / shards as f64, n as f64, first as f64);
    let choose = ln_factorial(n) - ln_factorial(x) - ln_factorial(n - x);
    let ln_first = choose + x * p.ln() + (n - x) * (-p).ln_1p();
    // Beyond the mean, the ratio of successive terms is below 1 and falls, so a few
    // hundred terms suffice.
    let (mut sum, mut term, mut k) = (1.0, 1.0, x);
    while term > 1e-12 * sum && k < n {
        term *= (n - k) / (k + 1.0) * p / (1.0 - p);
        sum += term;
        k += 1.0;
    }
    (ln_first + f64::ln(sum)) / std::f64::consts::LN_2 + (shards as f64).log2()
}

/// The `n` from 4,096 to `last` with the highest probability, and that.
pub(crate) fn worst(last: u64) -> (u64, f64) {
    (4096..=last)
        .map(|n| (n, log2_full(n)))
        .fold((0, f64::NEG_INFINITY), |worst, now| {
            if now.1 > worst.1 { now } else { worst }
        })
}
