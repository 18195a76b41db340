//! Writers are killed with SIGKILL in the middle of their work, again and
//! again, while others go on.
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin survive_crash [SECONDS]
//! ```
//!
//! Four kinds of process share a map of 64 entries of 256 bytes:
//!
//! - a *victim* writes as fast as it can until it is killed; then the next one
//!   comes, hundreds of them;
//! - a *survivor* writes too, and takes over the lock whenever a victim died
//!   with it;
//! - two *readers*, which may only read, verify every value;
//! - the parent kills, counts, and judges. It ends with 1 if anything was wrong.

use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fmt, process, thread};

use shmkv_core::{Version, Versioned};
use shmkv_examples::record::{KEYS, LASTING, Record, Records, RecordsReader, mix};
use shmkv_examples::{Failure, Program, RemoveName, Stop, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(|| match arguments[..] {
        [] => parent(Duration::from_secs(5)),
        ["victim" | "survivor", name] => writer(name),
        ["reader", name] => reader(name),
        [seconds] => match seconds.parse().map(Duration::try_from_secs_f64) {
            Ok(Ok(duration)) => parent(duration),
            _ => Err(format!("usage: survive_crash [SECONDS]; {seconds:?} is no number").into()),
        },
        _ => Err("usage: survive_crash [SECONDS]".into()),
    })
}

fn parent(duration: Duration) -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    let name = format!("/shmkv-survive-crash-{}", process::id());
    let records = Records::create(&name)?;
    let _remove = RemoveName(&name);
    for key in 0..LASTING {
        records.insert(key, Record::new(key, 0, 0))?;
    }

    println!("killing writers for {duration:?}, with 2 readers and 1 other writer at work");
    let mut survivor = Program::start_connected(&["survivor", &name])?;
    survivor.wait_for_line()?;
    let reader = || Program::start_connected(&["reader", &name]);
    let readers = [reader()?, reader()?];

    let mut kills = 0;
    let start = Instant::now();
    // For the time that was asked for, and on until somebody has been hit with
    // the lock in its hand: before that, nothing has been shown.
    while start.elapsed() < duration || takeovers(&records) == 0 {
        let mut victim = Program::start_connected(&["victim", &name])?;
        victim.wait_for_line()?;
        // Another moment of its work every time.
        let pause = Duration::from_micros(mix(kills) % 3000);
        if !stop.wait(pause) {
            return Err("interrupted".into());
        }
        victim.kill()?;
        kills += 1;
        if start.elapsed() > duration + Duration::from_secs(60) {
            return Err(format!("none of {kills} victims held the lock when it died").into());
        }
    }

    let survived = survivor.finish()?;
    let mut seen = Verdict::default();
    for reader in readers {
        seen.add(&reader.finish()?)?;
    }

    // The last victim may have died with the lock, and nobody has written
    // since. One write takes over, and puts the counters right.
    records.insert(0, Record::new(0, 0, 1))?;
    let faults = records.check();

    println!("kills      {kills}");
    println!(
        "takeovers  {} (the victim held the lock when it died)",
        takeovers(&records)
    );
    println!("survivor   {}", survived.trim());
    println!("{seen}");
    println!("faults     {} in the map's own check", faults.len());
    if seen.wrong() > 0 || seen.verified == 0 || !faults.is_empty() {
        return Err(format!("the map did not survive: {seen:?} {faults:?}").into());
    }
    println!("The map survived.");
    Ok(())
}

fn takeovers(records: &RecordsReader) -> u64 {
    records.stats().takeovers
}

/// Writes as fast as it can. Victim and survivor do the same work; only one of
/// them is ever asked to stop.
fn writer(name: &str) -> Result<(), Failure> {
    let stop = Stop::at_end_of_input();
    let records = Records::open(name)?;
    let me = u64::from(process::id());
    let mut slowest = Duration::ZERO;
    let mut round = 0;
    while !stop.is_wanted() {
        round += 1;
        let start = Instant::now();
        let key = mix(me ^ (round << 32)) % KEYS;
        if key >= LASTING && round % 2 == 0 {
            records.remove(key)?;
        } else {
            records.insert(key, Record::new(key, me, round))?;
        }
        slowest = slowest.max(start.elapsed());
        if round == 1 {
            println!("working"); // The parent waits for it.
        }
    }
    println!("{round} changes, the slowest took {slowest:.1?}");
    Ok(())
}

/// Reads and verifies.
fn reader(name: &str) -> Result<(), Failure> {
    let stop = Stop::at_end_of_input();
    let records = Records::open_read_only(name)?;
    let mut verdict = Verdict::default();
    let mut newest = [None; KEYS as usize];
    while !stop.is_wanted() {
        for (key, newest) in (0..).zip(&mut newest) {
            verdict.judge(key, records.get_versioned(key)?, newest);
        }
        for entry in &records {
            let (key, record) = entry?;
            verdict.judge_value(key, &record);
        }
        thread::yield_now();
    }
    // For the parent; see `Verdict::add`.
    println!(
        "{} {} {} {} {}",
        verdict.reads, verdict.verified, verdict.torn, verdict.missing, verdict.backwards
    );
    Ok(())
}

/// What a reader saw.
#[derive(Debug, Default)]
struct Verdict {
    reads: u64,
    /// Values that were one write's, for their key, from end to end.
    verified: u64,
    /// Values that were not.
    torn: u64,
    /// Keys that were absent though nobody ever removes them.
    missing: u64,
    /// Values that were older than one seen before.
    backwards: u64,
}

impl Verdict {
    fn judge(&mut self, key: u64, found: Option<Versioned<Record>>, newest: &mut Option<Version>) {
        match found {
            Some(found) => {
                self.judge_value(key, &found.value);
                if newest.replace(found.version) > Some(found.version) {
                    self.backwards += 1;
                }
            }
            None => {
                self.reads += 1;
                self.missing += u64::from(key < LASTING);
            }
        }
    }

    fn judge_value(&mut self, key: u64, record: &Record) {
        self.reads += 1;
        if record.is_whole(key) {
            self.verified += 1;
        } else {
            self.torn += 1;
            eprintln!("torn: under {key}, {record:?}");
        }
    }

    fn wrong(&self) -> u64 {
        self.torn + self.missing + self.backwards
    }

    /// Adds what a reader printed.
    fn add(&mut self, line: &str) -> Result<(), Failure> {
        let all = [
            &mut self.reads,
            &mut self.verified,
            &mut self.torn,
            &mut self.missing,
            &mut self.backwards,
        ];
        let mut figures = line.split_whitespace();
        for sum in all {
            let figure = figures.next().ok_or("a reader reported too little")?;
            *sum += figure.parse::<u64>()?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "reads      {}", self.reads)?;
        writeln!(f, "verified   {}", self.verified)?;
        write!(
            f,
            "torn = {}, missing = {}, backwards = {}",
            self.torn, self.missing, self.backwards
        )
    }
}
