//! `shmkv stats`, `schema` and `check`.

use std::collections::HashSet;
use std::io::Write;
use std::thread;
use std::time::{Duration, SystemTime};

use shmkv_core::Fault;
use shmkv_core::schema::{ParsedField, ParsedSchema, Value};
use shmkv_core::untyped::UntypedReader;

use super::escape::printable;
use super::json::Json;
use super::location::Location;
use super::report::{failed, unreadable};
use super::status::Status;
use super::table::Table;
use crate::failure::Failure;

/// Prints sizes and counts.
pub(super) fn stats(
    location: &Location,
    json: bool,
    out: &mut dyn Write,
) -> Result<Status, Failure> {
    let map = location.reader()?;
    let stats = map.stats();
    let alive = map.live_writers().map_err(|error| {
        failed(
            format_args!("cannot count the live writers of {location}"),
            &error,
        )
    })?;
    let number = |number: usize| Value::Unsigned(number as u128);
    let age = map.created().duration_since(SystemTime::UNIX_EPOCH);
    let figures = [
        ("entries", number(stats.entries)),
        ("capacity", number(stats.capacity)),
        ("key bytes", number(map.key_size())),
        ("value bytes", number(map.value_size())),
        ("bytes", number(stats.bytes)),
        ("shards", number(stats.shards)),
        ("buckets", number(stats.buckets)),
        ("full buckets", number(stats.full_buckets)),
        ("overflowing buckets", number(stats.overflowing_buckets)),
        ("version", Value::Unsigned(stats.version.into())),
        ("writers ever", Value::Unsigned(stats.writers.into())),
        ("writers alive", number(alive)),
        ("takeovers", Value::Unsigned(stats.takeovers.into())),
        (
            "created, unix seconds",
            age.map_or(Value::Null, |age| Value::Unsigned(age.as_secs().into())),
        ),
    ];
    if json {
        let named = |(name, value): (&str, _)| (name.replace(", ", " ").replace(' ', "_"), value);
        let figures = figures.into_iter().map(named).collect();
        writeln!(out, "{}", Json(&Value::Map(figures)))?;
    } else {
        let mut table = Table::new(["FIGURE", "VALUE"]);
        for (name, value) in figures {
            table.push([name.to_owned(), Json(&value).to_string()]);
        }
        table.write(out)?;
    }
    Ok(Status::Done)
}

/// Prints the types of keys and values.
pub(super) fn schema(location: &Location, out: &mut dyn Write) -> Result<Status, Failure> {
    let map = location.reader()?;
    let types = [
        ("key", map.key_schema(), map.key_fingerprint()),
        ("value", map.value_schema(), map.value_fingerprint()),
    ];
    for (role, schema, fingerprint) in types {
        writeln!(out, "{role}, fingerprint {fingerprint:#018x}")?;
        let mut table = Table::new(["AT", "BYTES", "FIELD", "TYPE"]);
        parts(schema, 0, role, &mut table);
        table.write(out)?;
    }
    Ok(Status::Done)
}

/// A row for a type, and one for each part of it. `at` is the offset in the key or
/// value; for a part of a list's elements, in the first element.
fn parts(schema: &ParsedSchema, at: usize, path: &str, table: &mut Table<4>) {
    table.push([
        at.to_string(),
        schema.size().to_string(),
        printable(path),
        short(schema),
    ]);
    let fields = |fields: &[ParsedField], of: &str, table: &mut Table<4>| {
        for field in fields {
            let path = format!("{of}.{}", field.name);
            parts(&field.schema, at.saturating_add(field.offset), &path, table);
        }
    };
    match schema {
        ParsedSchema::Struct { fields: all, .. } | ParsedSchema::Pod { fields: all, .. } => {
            fields(all, path, table);
        }
        ParsedSchema::Enum {
            variants,
            tag_width,
            ..
        } => {
            for variant in variants {
                let path = format!("{path}::{}", variant.name);
                table.push([
                    at.to_string(),
                    tag_width.to_string(),
                    printable(&path),
                    format!("= {}", variant.tag),
                ]);
                fields(&variant.fields, &path, table);
            }
        }
        ParsedSchema::Tuple(items) => {
            let mut at = at;
            for (index, item) in items.iter().enumerate() {
                parts(item, at, &format!("{path}.{index}"), table);
                at = at.saturating_add(item.size());
            }
        }
        ParsedSchema::Option(inner) if is_compound(inner) => {
            parts(inner, at.saturating_add(1), &format!("{path}?"), table);
        }
        ParsedSchema::Array { element, .. } if is_compound(element) => {
            parts(element, at, &format!("{path}[]"), table);
        }
        ParsedSchema::Vec { element, max_len } if is_compound(element) => {
            let all = element.size().saturating_mul(*max_len);
            let length = schema.size().saturating_sub(all);
            parts(
                element,
                at.saturating_add(length),
                &format!("{path}[]"),
                table,
            );
        }
        _ => {}
    }
}

fn is_compound(schema: &ParsedSchema) -> bool {
    match schema {
        ParsedSchema::Struct { .. } | ParsedSchema::Enum { .. } | ParsedSchema::Tuple(_) => true,
        ParsedSchema::Pod { fields, .. } => !fields.is_empty(),
        ParsedSchema::Option(inner) => is_compound(inner),
        ParsedSchema::Array { element, .. } | ParsedSchema::Vec { element, .. } => {
            is_compound(element)
        }
        _ => false,
    }
}

/// The type without its fields, which have rows of their own.
fn short(schema: &ParsedSchema) -> String {
    match schema {
        ParsedSchema::Struct { name, .. } => format!("struct {}", printable(name)),
        ParsedSchema::Enum { name, .. } => format!("enum {}", printable(name)),
        ParsedSchema::Pod { name, size, .. } => format!("pod({size}) {}", printable(name))
            .trim_end()
            .to_owned(),
        ParsedSchema::Tuple(items) => format!("tuple of {}", items.len()),
        ParsedSchema::Option(inner) => format!("Option<{}>", short(inner)),
        ParsedSchema::Array { element, len } => format!("[{}; {len}]", short(element)),
        ParsedSchema::Vec { element, max_len } => format!("Vec<{}>({max_len})", short(element)),
        leaf => leaf.to_string(),
    }
}

/// How often a map is checked until one pass finds no fault. While writers work, a
/// single pass finds faults that are none.
const PASSES: usize = 20;
/// The time between two passes.
const PAUSE: Duration = Duration::from_millis(5);
/// How many faults are printed. The rest are only counted.
const SHOWN: usize = 100;

/// Checks the memory of a map, and its entries against their types.
pub(super) fn check(location: &Location, out: &mut dyn Write) -> Result<Status, Failure> {
    let map = location.reader()?;
    let lasting = lasting_faults(&map);
    let unfinished: HashSet<usize> = lasting.iter().filter_map(unfinished_shard).collect();
    let awaits_repair =
        |fault: &&Fault| repaired_shard(fault).is_some_and(|it| unfinished.contains(&it));
    let awaiting = lasting.iter().filter(awaits_repair).count();

    let mut faults = Faults::default();
    for fault in lasting.iter().filter(|fault| !awaits_repair(fault)) {
        faults.add(|| fault.to_string());
    }
    let mut entries = 0;
    for entry in &map {
        let (key, value) = entry.map_err(|error| unreadable(location, &error))?;
        entries += 1;
        let key = map.key_schema().decode(&key).map(drop);
        let value = map.value_schema().decode(&value).map(drop);
        for (role, decoded) in [("key", key), ("value", value)] {
            if let Err(error) = decoded {
                faults.add(|| format!("the {role} of an entry is not of its type: {error}"));
            }
        }
    }

    for fault in &faults.shown {
        writeln!(out, "{}", printable(fault))?;
    }
    if awaiting > 0 {
        writeln!(
            out,
            "unfinished change: its writer is still at work, or it died and the next writer repairs it"
        )?;
    }
    match faults.count {
        0 => writeln!(out, "no faults; {entries} entries")?,
        1 => writeln!(out, "1 fault; {entries} entries")?,
        count => writeln!(out, "{count} faults; {entries} entries")?,
    }
    Ok(if faults.count == 0 {
        Status::Done
    } else {
        Status::No
    })
}

/// Faults: the first ones as text, all of them counted.
#[derive(Default)]
struct Faults {
    shown: Vec<String>,
    count: usize,
}

impl Faults {
    fn add(&mut self, fault: impl FnOnce() -> String) {
        if self.count < SHOWN {
            self.shown.push(fault());
        }
        self.count += 1;
    }
}

/// The faults that every pass finds. A single pass finds others while writers work,
/// because it reads counters and entries at different moments.
fn lasting_faults(map: &UntypedReader) -> Vec<Fault> {
    let mut lasting = map.check();
    for _ in 1..PASSES {
        if lasting.is_empty() {
            break;
        }
        thread::sleep(PAUSE);
        let seen: HashSet<Fault> = map.check().into_iter().collect();
        lasting.retain(|fault| seen.contains(fault));
    }
    lasting
}

/// The shard of a fault that is expected while a change is unfinished: the next writer
/// of the shard repairs it.
fn repaired_shard(fault: &Fault) -> Option<usize> {
    match fault {
        Fault::Count { shard, .. } | Fault::CounterHigh { shard, .. } => Some(*shard),
        unfinished => unfinished_shard(unfinished),
    }
}

/// The shard of an unfinished change.
fn unfinished_shard(fault: &Fault) -> Option<usize> {
    match fault {
        Fault::Unfinished { shard } => Some(*shard),
        _ => None,
    }
}
