//! `shmkv show`, `get`, `set`, `remove`.

use std::io::Write;

use shmkv_core::schema::{ParsedSchema, Value};
use shmkv_core::{DecodeError, UntypedMap, UntypedReader};

use super::json::Json;
use super::notation::{encode, plain, printable};
use super::place::Place;
use super::table::Table;
use super::{Status, complain, order};
use crate::Failure;

/// Shows all entries.
pub(super) fn show(
    place: &Place,
    json: bool,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    let map = place.reader()?;
    let entries = sorted(&map)?;
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
        let message = format!("{damaged} of {} entries are damaged", entries.len());
        complain(errors, &message.into());
        return Ok(Status::No);
    }
    Ok(Status::Done)
}

/// Prints one value.
pub(super) fn get(
    place: &Place,
    key: &str,
    json: bool,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    let map = place.reader()?;
    let Some(found) = map.get(&key_bytes(&map, key)?)? else {
        return Ok(no_such_key(key, errors));
    };
    let value = map.value_schema().decode(&found.value)?;
    if json {
        writeln!(out, "{}", Json(&value))?;
    } else {
        writeln!(out, "{}", plain(&value))?;
    }
    Ok(Status::Done)
}

/// Stores one value.
pub(super) fn set(place: &Place, key: &str, value: &str) -> Result<Status, Failure> {
    let map = place.map()?;
    let key = key_bytes(&map, key)?;
    let value = encode(map.value_schema(), value).map_err(|error| format!("the value: {error}"))?;
    map.insert(&key, &value)?;
    keep(place, &map)?;
    Ok(Status::Done)
}

/// Removes one key.
pub(super) fn remove(place: &Place, key: &str, errors: &mut dyn Write) -> Result<Status, Failure> {
    let map = place.map()?;
    match map.remove(&key_bytes(&map, key)?)? {
        Some(_) => {
            keep(place, &map)?;
            Ok(Status::Done)
        }
        None => Ok(no_such_key(key, errors)),
    }
}

/// A map in a file that was changed and not flushed is refused after a restart.
fn keep(place: &Place, map: &UntypedMap) -> Result<(), Failure> {
    if place.is_file() {
        map.flush()?;
    }
    Ok(())
}

fn key_bytes(map: &UntypedReader, key: &str) -> Result<Vec<u8>, Failure> {
    encode(map.key_schema(), key).map_err(|error| format!("the key: {error}").into())
}

fn no_such_key(key: &str, errors: &mut dyn Write) -> Status {
    complain(errors, &format!("there is no key {key}").into());
    Status::No
}

/// A key or value, or why there is none in these bytes.
type Part<'a> = Result<Value, (DecodeError, &'a [u8])>;

struct Entry<'a> {
    key: Part<'a>,
    value: Part<'a>,
}

/// The bytes of a key and of its value.
type Pair = (Vec<u8>, Vec<u8>);

/// The bytes of all entries, sorted by key; last come the keys that make no sense.
///
/// Only bytes are kept, since there are no more of them than the segment has. Values
/// may take many times that, all the more if their type is hostile.
fn sorted(map: &UntypedReader) -> Result<Vec<Pair>, Failure> {
    let mut entries = Vec::new();
    for entry in map {
        let (key, value) = entry?;
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
        fn decode<'a>(schema: &ParsedSchema, bytes: &'a [u8]) -> Part<'a> {
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

    /// `{"key":…,"value":…}`; with `"error"` if it is damaged.
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

fn cell(part: &Part<'_>) -> String {
    match part {
        Ok(value) => plain(value),
        Err((error, _)) => format!("<damaged: {}>", printable(&error.to_string())),
    }
}
