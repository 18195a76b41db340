//! Facts about this machine: randomness, the boot, the clock.
//!
//! `segment` and `store` call it; nothing here touches an object.

use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// An unpredictable seed.
pub(crate) fn random_seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The id of the machine's current boot, never 0; containers have the host's.
pub(crate) fn boot_id() -> io::Result<[u64; 2]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
    let id = u128::from_str_radix(&digits, 16).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "/proc/sys/kernel/random/boot_id holds no UUID",
        )
    })?;
    Ok([(id >> 64) as u64, id as u64])
}

/// Nanoseconds since the Unix epoch; 0 if the clock is set before it.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

/// A time limit whose clock starts at the first question, so that an operation which
/// never waits never reads the clock.
#[derive(Debug)]
pub(crate) struct Deadline {
    limit: Duration,
    since: Option<Instant>,
}

impl Deadline {
    /// A time limit whose clock has not started.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, since: None }
    }

    /// Whether the limit has passed since the first call.
    pub(crate) fn has_passed(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() >= self.limit
    }

    /// How long ago it was first asked; zero if it never was.
    pub(crate) fn elapsed(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
