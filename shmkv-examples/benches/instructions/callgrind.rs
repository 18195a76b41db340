//! Runs this program under callgrind, which counts the instructions executed inside
//! [`counted_by_callgrind`], and no others.

use std::env;
use std::io::ErrorKind;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::figure::Figure;
use crate::outcome::Outcome;

/// Does `work`. Callgrind finds this function by its name. It is neither generic nor
/// inlined, so that there is exactly one of it.
#[inline(never)]
pub(crate) fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
    // Keeps the compiler from turning the call into a jump, which callgrind would not
    // see return.
    std::hint::black_box(());
}

/// The name of every figure and its instructions per operation, in order. Runs as many
/// processes at once as there are processors.
pub(crate) fn count(figures: &[Figure]) -> Outcome<Vec<(String, f64)>> {
    let next = Mutex::new(figures.iter().enumerate());
    let work = || {
        let mut counted = Vec::new();
        // The lock is released before the work begins.
        while let Some((at, figure)) = next.lock().ok().and_then(|mut next| next.next()) {
            counted.push((at, figure.name.to_owned(), instructions(figure)?));
        }
        Outcome::Ok(counted)
    };
    let processors = thread::available_parallelism()?.get();
    let mut all = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a thread panicked")??);
        }
        Outcome::Ok(())
    })?;
    all.sort_by_key(|(at, ..)| *at);
    Ok(all
        .into_iter()
        .map(|(_, name, count)| (name, count))
        .collect())
}

/// Instructions per operation of one figure.
fn instructions(figure: &Figure) -> Outcome<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--collect-atstart=no",
            "--toggle-collect=*counted_by_callgrind*",
            // Only the sum is needed, and valgrind prints it.
            "--callgrind-out-file=/dev/null",
        ])
        .arg(env::current_exe()?)
        .args(["--count", figure.name])
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                "cannot run valgrind: it is not in PATH; install the package valgrind, for \
                 instance with apt-get install valgrind"
                    .to_owned()
            }
            _ => format!("cannot run valgrind: {error}"),
        })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let status = output.status;
        return Err(format!("cannot count {}: valgrind: {status}\n{said}", figure.name).into());
    }
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let collected: f64 = match collected {
        Some((_, number)) => number.trim().parse()?,
        None => {
            return Err(format!("cannot count {}: no sum in\n{said}", figure.name).into());
        }
    };
    let operations: f64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(collected / operations)
}
