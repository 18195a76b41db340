//! `shmkv show`, `get`, `set` and `remove`.

use std::io::Write;

use shmkv_core::DecodeError;
use shmkv_core::schema::{ParsedSchema, Value};
use shmkv_core::untyped::{UntypedMap, UntypedReader};

use super::escape::printable;
use super::json::Json;
use super::location::Location;
use super::notation::{encode, plain};
use super::order;
use super::report::{complain, failed, unreadable};
use super::status::Status;
use super::table::Table;
use crate::failure::Failure;

/// Prints all entries.
pub(super) fn show(
    location: &Location,
    json: bool,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    let map = location.reader()?;
    let entries = sorted(location, &map)?;
    let mut damaged = 0;
    let mut table = Table::new(["KEY", "VALUE"]);
    for entry in &entries {
        let entry = Entry::decode(&map, entry);
        damaged += usize::from(entry.is_damaged());
        if json {
            writeln!(out, "{}", Json(&entry.into_json()))?;
        } else {
            table.push([cell(&entry.key), cell(&entry.value)]);
        }
    }
    if !json {
        table.write(out)?;
    }
    if damaged > 0 {
        let count = entries.len();
        complain(
            errors,
            format_args!(
                "{location} has damaged entries, {damaged} of {count}; \
                 'shmkv check {location}' lists all faults"
            ),
        );
        return Ok(Status::No);
    }
    Ok(Status::Done)
}

/// Prints the value of one key.
pub(super) fn get(
    location: &Location,
    key: &str,
    json: bool,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    let map = location.reader()?;
    let what = format!("cannot get {key} from {location}");
    let found = map.get(&encode_key(location, &map, key)?);
    let Some(found) = found.map_err(|error| failed(&what, &error))? else {
        return Ok(no_such_key(location, key, errors));
    };
    let value = map.value_schema().decode(&found.value);
    let value =
        value.map_err(|error| failed(format_args!("{what}: the value is damaged"), &error))?;
    if json {
        writeln!(out, "{}", Json(&value))?;
    } else {
        writeln!(out, "{}", plain(&value))?;
    }
    Ok(Status::Done)
}

/// Stores one value.
pub(super) fn set(location: &Location, key: &str, value: &str) -> Result<Status, Failure> {
    let map = location.map()?;
    let key_bytes = encode_key(location, &map, key)?;
    let value = encode(map.value_schema(), value)
        .map_err(|error| invalid("value", location, &error.to_string()))?;
    map.insert(&key_bytes, &value)
        .map_err(|error| failed(format_args!("cannot set {key} in {location}"), &error))?;
    flush(location, &map)?;
    Ok(Status::Done)
}

/// Removes one key.
pub(super) fn remove(
    location: &Location,
    key: &str,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    let map = location.map()?;
    let removed = map
        .remove(&encode_key(location, &map, key)?)
        .map_err(|error| failed(format_args!("cannot remove {key} from {location}"), &error))?;
    if removed.is_none() {
        return Ok(no_such_key(location, key, errors));
    }
    flush(location, &map)?;
    Ok(Status::Done)
}

/// Flushes a map in a file: after a restart, a file that was changed and not flushed
/// is refused.
fn flush(location: &Location, map: &UntypedMap) -> Result<(), Failure> {
    if location.is_file() {
        map.flush().map_err(|error| {
            let what = format!("changed {location}, but cannot flush it to its device");
            failed(what, &error)
        })?;
    }
    Ok(())
}

fn encode_key(location: &Location, map: &UntypedReader, key: &str) -> Result<Vec<u8>, Failure> {
    encode(map.key_schema(), key).map_err(|error| invalid("key", location, &error.to_string()))
}

/// A typed key or value that is not of its type.
fn invalid(role: &str, location: &Location, why: &str) -> Failure {
    format!("invalid {role}: {why}; 'shmkv schema {location}' shows the types").into()
}

fn no_such_key(location: &Location, key: &str, errors: &mut dyn Write) -> Status {
    complain(errors, format_args!("{location} has no key {key}"));
    Status::No
}

/// A key or value, or the bytes from which none can be decoded, and why.
type Decoded<'a> = Result<Value, (DecodeError, &'a [u8])>;

struct Entry<'a> {
    key: Decoded<'a>,
    value: Decoded<'a>,
}

/// The bytes of a key and of its value.
type Pair = (Vec<u8>, Vec<u8>);

/// The bytes of all entries, sorted by key; keys that cannot be decoded come last.
///
/// Bytes rather than values: the bytes are no more than the segment has, while values
/// can take many times that, above all if their type is hostile.
fn sorted(location: &Location, map: &UntypedReader) -> Result<Vec<Pair>, Failure> {
    let mut entries = Vec::new();
    for entry in map {
        let (key, value) = entry.map_err(|error| unreadable(location, &error))?;
        let rank = map.key_schema().decode(&key);
        let rank = rank.map(|decoded| order::rank(&decoded, key.len()));
        entries.push((rank.is_err(), rank.unwrap_or_default(), key, value));
    }
    entries.sort_unstable();
    let bytes = entries.into_iter().map(|(_, _, key, value)| (key, value));
    Ok(bytes.collect())
}

impl<'a> Entry<'a> {
    fn decode(map: &UntypedReader, (key, value): &'a Pair) -> Self {
        fn decode<'a>(schema: &ParsedSchema, bytes: &'a [u8]) -> Decoded<'a> {
            schema.decode(bytes).map_err(|error| (error, bytes))
        }
        Self {
            key: decode(map.key_schema(), key),
            value: decode(map.value_schema(), value),
        }
    }

    fn is_damaged(&self) -> bool {
        self.key.is_err() || self.value.is_err()
    }

    /// `{"key":…,"value":…}`, with an `"error"` if it is damaged.
    fn into_json(self) -> Value {
        let mut fields = Vec::new();
        let mut errors = Vec::new();
        for (name, part) in [("key", self.key), ("value", self.value)] {
            let value = part.unwrap_or_else(|(error, bytes)| {
                errors.push(format!("{name}: {error}"));
                Value::Bytes(bytes.to_vec())
            });
            fields.push((name.to_owned(), value));
        }
        if !errors.is_empty() {
            fields.push(("error".to_owned(), Value::Text(errors.join("; "))));
        }
        Value::Map(fields)
    }
}

fn cell(part: &Decoded<'_>) -> String {
    match part {
        Ok(value) => plain(value),
        Err((error, _)) => format!("<damaged: {}>", printable(&error.to_string())),
    }
}
