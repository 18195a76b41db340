//! Runs this program under callgrind, which counts what is executed inside of
//! [`counted_by_callgrind`], and nothing else.

use std::env;
use std::io::ErrorKind;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::Outcome;
use crate::work::Figure;

/// Does `work`. Callgrind finds this function by its name; it is no generic one,
/// and not inlined, so that there is exactly one.
#[inline(never)]
pub(crate) fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
    // Something to do after the call, so that it is one, and not a jump.
    std::hint::black_box(());
}

/// Instructions per operation of every figure, with its name, in their order. As
/// many at once as there are processors.
pub(crate) fn count(figures: &[Figure]) -> Outcome<Vec<(String, f64)>> {
    let next = Mutex::new(figures.iter().enumerate());
    let work = || {
        let mut counted = Vec::new();
        // The lock is given back before the work begins.
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

/// Instructions per operation.
fn instructions(figure: &Figure) -> Outcome<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--collect-atstart=no",
            "--toggle-collect=*counted_by_callgrind*",
            // The sum is all that is wanted, and valgrind prints it.
            "--callgrind-out-file=/dev/null",
        ])
        .arg(env::current_exe()?)
        .args(["--count", figure.name])
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => "valgrind is not in PATH; the package of most \
                distributions is called valgrind: apt-get install valgrind"
                .to_owned(),
            _ => format!("valgrind: {error}"),
        })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{}: valgrind: {}\n{said}", figure.name, output.status).into());
    }
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let collected: f64 = match collected {
        Some((_, number)) => number.trim().parse()?,
        None => return Err(format!("valgrind counted nothing:\n{said}").into()),
    };
    let operations: f64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(collected / operations)
}
