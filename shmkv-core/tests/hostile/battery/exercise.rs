//! Opens, reads and writes a segment of any bytes in every way. The fuzz target `segment` calls nothing
//! else.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shmkv_core::untyped::{UntypedMap, UntypedReader};

use super::format::{CONTROL_AT, SHARDS_AT, Texts, word};
use super::known::Known;
use super::read::reads;
use super::seen::Seen;
use super::write::writes;

/// The capacity of the map.
pub(crate) const N: usize = 10;
/// How many keys its undamaged version holds.
pub(crate) const KEYS: usize = 8;

/// The handles through which a segment is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handles {
    /// Read-only ones too. They wait for writers that seem to be at work, 100 ms each time.
    All,
    /// Writable ones, which take the lock instead of waiting.
    Writable,
    /// Those of tools, which learn the sizes and types from the segment itself.
    Untyped,
}

/// What the undamaged version of the map holds.
pub(crate) fn known() -> Known {
    let mut known = Known::default();
    for key in (0..KEYS).map(|i| format!("key-{i}")) {
        known.learn(&key, &Known::value(&key, 0));
    }
    known
}

/// The bytes of an undamaged segment.
pub(crate) fn good_image() -> Vec<u8> {
    let name = Name::new();
    let map = Texts::<N>::create(&name.0).expect("create");
    for key in known().keys() {
        map.insert(&*key, &*Known::value(&key, 0)).expect("insert");
    }
    std::fs::read(name.path()).expect("read")
}

/// Makes a segment of `bytes`, opens it in every way, and reads and writes it in every way. Returns how many
/// handles could be opened, and what was seen.
///
/// It must return whatever the bytes are, and [`Seen::endless`] must be empty. The caller judges all other
/// answers.
pub(crate) fn exercise(bytes: &[u8], handles: Handles, beat: &impl Fn(u64)) -> (usize, Seen) {
    let name = Name::new();
    std::fs::write(name.path(), bytes).expect("write");
    let mut seen = Seen::default();
    let opened = if handles == Handles::Untyped {
        untyped(&name, bytes, &mut seen, beat)
    } else {
        all_operations(&name, handles, &mut seen, beat)
    };
    (opened, seen)
}

/// As [`exercise`], but `bytes` replaces everything after the header of an undamaged segment while it is
/// open. Its writer is registered and holds no lock.
pub(crate) fn exercise_open(
    good: &[u8],
    bytes: &[u8],
    handles: Handles,
    beat: &impl Fn(u64),
) -> (usize, Seen) {
    let name = Name::new();
    std::fs::write(name.path(), good).expect("write");
    let options = Texts::<N>::options().lock_timeout(LOCK_TIMEOUT);
    let writer = options.open(&name.0).expect("open");
    let reader = options.open_read_only(&name.0).expect("open");
    writer.replace("absent", "").expect("register");

    let file = OpenOptions::new().write(true).open(name.path());
    let body = &bytes[CONTROL_AT.min(bytes.len())..];
    let overwritten = file.and_then(|file| file.write_all_at(body, CONTROL_AT as u64));
    overwritten.expect("overwrite");
    let mut seen = Seen::default();
    if handles == Handles::All {
        reads(&reader, &known(), false, &mut seen, beat);
    }
    reads(&writer, &known(), true, &mut seen, beat);
    writes(&writer, known(), &mut seen, beat);
    let opened = all_operations(&name, Handles::Writable, &mut seen, beat);
    (2 + opened, seen)
}

/// Long enough to take over the lock of a dead writer.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_millis(10);

fn all_operations(name: &Name, handles: Handles, seen: &mut Seen, beat: &impl Fn(u64)) -> usize {
    let options = Texts::<N>::options().lock_timeout(LOCK_TIMEOUT);
    let mut opened = 0;
    beat(40);
    if let Ok(reader) = options.open_read_only(&name.0) {
        opened += 1;
        if handles == Handles::All {
            reads(&reader, &known(), false, seen, beat);
        }
    }
    beat(41);
    if let Ok(writer) = options.open_or_create(&name.0) {
        opened += 1;
        reads(&writer, &known(), true, seen, beat);
        writes(&writer, known(), seen, beat);
    }
    opened
}

/// Runs every operation of a tool that knows neither the sizes nor the types.
fn untyped(name: &Name, bytes: &[u8], seen: &mut Seen, beat: &impl Fn(u64)) -> usize {
    let mut opened = 0;
    beat(50);
    if let Ok(reader) = UntypedReader::open(&name.0) {
        opened += 1;
        black_box((
            reader.stats(),
            reader.check(),
            reader.live_writers().is_ok(),
        ));
        black_box(format!("{reader:?} {:?}", reader.created()));
    }
    beat(51);
    let Ok(map) = UntypedMap::open(&name.0) else {
        return opened;
    };
    opened += 1;
    // These handles wait ten seconds for a live holder. Ids are small here, so only a small lock word can
    // name one.
    let lock = word(bytes, SHARDS_AT) & 0x3fff_ffff;
    if (1..100).contains(&lock) {
        return opened;
    }
    let most = map.stats().buckets * 8;
    beat(52);
    for (i, entry) in map.iter().enumerate() {
        if i == most {
            seen.endless.push("an untyped iteration".to_owned());
            break;
        }
        match entry {
            Ok((key, value)) => {
                black_box(map.key_schema().show(&key).to_string());
                black_box(map.value_schema().show(&value).to_string());
                seen.note(map.get(&key));
            }
            Err(error) => seen.note(Err::<(), _>(error)),
        }
    }
    for first in 0..20 {
        beat(60 + u64::from(first));
        let mut key = vec![0; map.key_size()];
        key[0] = first;
        seen.note(map.insert(&key, &vec![first; map.value_size()]));
        seen.note(map.get(&key));
        if first % 3 == 0 {
            seen.note(map.remove(&key));
        }
    }
    seen.note(map.get(b""));
    seen.note(map.insert(&vec![0; map.key_size() + 1], b""));
    opened
}

/// A name that no other segment has; dropping it removes the object.
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        // Relaxed: only distinctness matters.
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self(format!("/shmkv-test-{pid}-exercise-{count}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn path(&self) -> String {
        format!("/dev/shm{}", self.0)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}
