//! What the self-tests share: their outcome, the futex calls, and a protocol to be killed in.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

use libtest_mimic::Failed;
use nix::libc;

use crate::support::shared::SharedWords;

pub(crate) type Outcome = Result<(), Failed>;

pub(crate) fn ensure(right: bool, what: impl Into<String>) -> Outcome {
    if right {
        Ok(())
    } else {
        Err(what.into().into())
    }
}

/// A correct protocol: fills the spare copy, then publishes it with one store to word 0, as the map
/// does. The copies are words 2 and 3, and words 4 and 5.
pub(crate) fn publish(words: &SharedWords) {
    let spare = 1 - words[0].load(Relaxed);
    let at = usize::try_from(2 + 2 * spare).expect("small");
    words[at].store(7, Relaxed);
    words[at + 1].store(7, Relaxed);
    words[0].store(spare, Release);
}

/// Whether the published copy is whole.
pub(crate) fn published(words: &SharedWords) -> Result<(), String> {
    let at = usize::try_from(2 + 2 * words[0].load(Relaxed)).expect("small");
    let (a, b) = (words[at].load(Relaxed), words[at + 1].load(Relaxed));
    if a == b && (a == 0 || a == 7) {
        Ok(())
    } else {
        Err(format!("torn: {a} and {b}"))
    }
}

pub(crate) fn futex_wait(word: &AtomicU64, timeout: Option<Duration>) {
    let timeout = timeout.map(|time| libc::timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: i64::from(time.subsec_nanos()),
    });
    let timeout = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the word is mapped and aligned, the timeout null or valid.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, 0, timeout) };
}

pub(crate) fn futex_wake(word: &AtomicU64) -> i64 {
    // SAFETY: the word is mapped and aligned.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) }
}
