//! Kills hundreds of writers with SIGKILL in the middle of their work, and checks that
//! the map stays whole.
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin survive_crash [SECONDS]
//! ```
//!
//! Four kinds of process share a map of 64 entries with values of 256 bytes:
//!
//! - a *victim* writes as fast as it can until it is killed; then the next victim
//!   starts;
//! - a *survivor* writes too, and takes over the lock of each victim that died while
//!   holding it;
//! - two *readers*, which have read-only handles, verify every value;
//! - the *parent* kills the victims and judges. Its exit status is 1 if anything was
//!   wrong.

use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fmt, process, thread};

use shmkv_core::{Version, Versioned};
use shmkv_examples::record::{KEYS, LASTING, Record, Records, RecordsReader, mix};
use shmkv_examples::{Failure, Program, RemoveName, Stop, run};

const USAGE: &str = "usage: survive_crash [SECONDS]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(|| match arguments[..] {
        [] => parent(Duration::from_secs(5)),
        ["victim" | "survivor", name] => writer(name),
        ["reader", name] => reader(name),
        [seconds] => match seconds.parse().map(Duration::try_from_secs_f64) {
            Ok(Ok(duration)) => parent(duration),
            _ => Err(format!("{seconds:?} is not a number of seconds; {USAGE}").into()),
        },
        _ => Err(format!("too many arguments; {USAGE}").into()),
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

    println!("killing writers for {duration:?}, while 1 other writer and 2 readers work");
    let mut survivor = Program::start_connected(&["survivor", &name])?;
    survivor.wait_for_line()?;
    let reader = || Program::start_connected(&["reader", &name]);
    let readers = [reader()?, reader()?];

    let mut kills = 0;
    let start = Instant::now();
    // Go on after the given time until at least one victim died holding the lock:
    // before that, no lock has been taken over.
    while start.elapsed() < duration || takeovers(&records) == 0 {
        let mut victim = Program::start_connected(&["victim", &name])?;
        victim.wait_for_line()?;
        // Kill each victim after another time.
        let pause = Duration::from_micros(mix(kills) % 3000);
        if !stop.wait(pause) {
            return Err("interrupted".into());
        }
        victim.kill()?;
        kills += 1;
        if start.elapsed() > duration + Duration::from_secs(60) {
            return Err(format!("none of {kills} victims died holding the lock").into());
        }
    }

    let survived = survivor.finish()?;
    let mut seen = Verdict::default();
    for reader in readers {
        seen.add(&reader.finish()?)?;
    }

    // The last victim may have died holding the lock, and no process has written since.
    // One write takes the lock over and repairs the counters.
    records.insert(0, Record::new(0, 0, 1))?;
    let faults = records.check();

    println!("kills      {kills}");
    println!(
        "takeovers  {} (victims that died holding the lock)",
        takeovers(&records)
    );
    println!("survivor   {}", survived.trim());
    println!("{seen}");
    println!("faults     {} (found by the map's own check)", faults.len());
    if seen.wrong() > 0 || seen.verified == 0 || !faults.is_empty() {
        return Err(format!("the map did not survive: {seen:?} {faults:?}").into());
    }
    println!("The map survived.");
    Ok(())
}

fn takeovers(records: &RecordsReader) -> u64 {
    records.stats().takeovers
}

/// Writes as fast as it can. Victim and survivor do the same work; only the survivor is
/// asked to stop.
fn writer(name: &str) -> Result<(), Failure> {
    let stop = Stop::at_end_of_input();
    let records = Records::open(name)?;
    let me = u64::from(process::id());
    let mut slowest = Duration::ZERO;
    let mut round = 0;
    while !stop.is_requested() {
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
            println!("working"); // The parent waits for this line.
        }
    }
    println!("{round} changes, the slowest in {slowest:.1?}");
    Ok(())
}

/// Reads and verifies every value.
fn reader(name: &str) -> Result<(), Failure> {
    let stop = Stop::at_end_of_input();
    let records = Records::open_read_only(name)?;
    let mut verdict = Verdict::default();
    let mut newest = [None; KEYS as usize];
    while !stop.is_requested() {
        for (key, newest) in (0..).zip(&mut newest) {
            verdict.judge(key, records.get_versioned(key)?, newest);
        }
        for entry in &records {
            let (key, record) = entry?;
            verdict.judge_value(key, &record);
        }
        thread::yield_now();
    }
    // The parent parses this; see `Verdict::add`.
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
    /// Values whose bytes all came from one write for their key.
    verified: u64,
    /// All other values.
    torn: u64,
    /// Lookups that did not find a key although no process removes it.
    missing: u64,
    /// Values that were older than one read before.
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
            eprintln!("torn value of key {key}: {record:?}");
        }
    }

    fn wrong(&self) -> u64 {
        self.torn + self.missing + self.backwards
    }

    /// Adds the numbers that a reader printed.
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
            let figure = figures.next().ok_or("a reader printed too few numbers")?;
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
