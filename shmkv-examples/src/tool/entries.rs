//! `shmkv show`, `get`, `set`, `remove`.

use std::cmp::Ordering;
use std::io::Write;

use shmkv_core::{DecodeError, ParsedSchema, UntypedReader, Value};

use super::json::Json;
use super::notation::{encode, plain, printable};
use super::place::Place;
use super::table::Table;
use super::{Status, complain};
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
    if json {
        for entry in &entries {
            writeln!(out, "{}", Json(&entry.json()))?;
        }
    } else {
        let mut table = Table::new(["KEY", "VALUE"]);
        for entry in &entries {
            table.push([cell(&entry.key), cell(&entry.value)]);
        }
        table.write(out)?;
    }
    match entries.iter().filter(|entry| entry.is_damaged()).count() {
        0 => Ok(Status::Done),
        damaged => {
            let message = format!("{damaged} of {} entries are damaged", entries.len());
            complain(errors, &message.into());
            Ok(Status::No)
        }
    }
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
    Ok(Status::Done)
}

/// Removes one key.
pub(super) fn remove(place: &Place, key: &str, errors: &mut dyn Write) -> Result<Status, Failure> {
    let map = place.map()?;
    match map.remove(&key_bytes(&map, key)?)? {
        Some(_) => Ok(Status::Done),
        None => Ok(no_such_key(key, errors)),
    }
}

fn key_bytes(map: &UntypedReader, key: &str) -> Result<Vec<u8>, Failure> {
    encode(map.key_schema(), key).map_err(|error| format!("the key: {error}").into())
}

fn no_such_key(key: &str, errors: &mut dyn Write) -> Status {
    complain(errors, &format!("there is no key {key}").into());
    Status::No
}

/// A key or value, or why there is none in these bytes.
type Part = Result<Value, (DecodeError, Vec<u8>)>;

struct Entry {
    key: Part,
    value: Part,
}

/// All entries, sorted by key.
fn sorted(map: &UntypedReader) -> Result<Vec<Entry>, Failure> {
    let decode = |schema: &ParsedSchema, bytes: Vec<u8>| {
        schema.decode(&bytes).map_err(|error| (error, bytes))
    };
    let mut entries = Vec::new();
    for entry in map {
        let (key, value) = entry?;
        entries.push(Entry {
            key: decode(map.key_schema(), key),
            value: decode(map.value_schema(), value),
        });
    }
    entries.sort_by(|a, b| match (&a.key, &b.key) {
        (Ok(a), Ok(b)) => compare(a, b),
        (Err((_, a)), Err((_, b))) => a.cmp(b),
        (a, b) => a.is_err().cmp(&b.is_err()),
    });
    Ok(entries)
}

impl Entry {
    fn is_damaged(&self) -> bool {
        self.key.is_err() || self.value.is_err()
    }

    /// `{"key":…,"value":…}`; with `"error"` if it is damaged.
    fn json(&self) -> Value {
        let mut fields = Vec::new();
        let mut errors = Vec::new();
        for (name, part) in [("key", &self.key), ("value", &self.value)] {
            let value = match part {
                Ok(value) => value.clone(),
                Err((error, bytes)) => {
                    errors.push(format!("{name}: {error}"));
                    Value::Bytes(bytes.clone())
                }
            };
            fields.push((name.to_owned(), value));
        }
        if !errors.is_empty() {
            fields.push(("error".to_owned(), Value::Text(errors.join("; "))));
        }
        Value::Map(fields)
    }
}

fn cell(part: &Part) -> String {
    match part {
        Ok(value) => plain(value),
        Err((error, _)) => format!("<damaged: {}>", printable(&error.to_string())),
    }
}

/// The order of values of one type.
fn compare(a: &Value, b: &Value) -> Ordering {
    fn rank(value: &Value) -> u8 {
        match value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Unsigned(_) => 2,
            Value::Signed(_) => 3,
            Value::F32(_) => 4,
            Value::F64(_) => 5,
            Value::Text(_) => 6,
            Value::Bytes(_) => 7,
            Value::List(_) => 8,
            Value::Map(_) => 9,
        }
    }
    fn all<'a, T: 'a>(a: &'a [T], b: &'a [T], compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
        let pairs = a.iter().zip(b).map(|(a, b)| compare(a, b));
        pairs
            .fold(Ordering::Equal, Ordering::then)
            .then(a.len().cmp(&b.len()))
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Unsigned(a), Value::Unsigned(b)) => a.cmp(b),
        (Value::Signed(a), Value::Signed(b)) => a.cmp(b),
        (Value::F32(a), Value::F32(b)) => a.total_cmp(b),
        (Value::F64(a), Value::F64(b)) => a.total_cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => all(a, b, compare),
        (Value::Map(a), Value::Map(b)) => all(a, b, |(name, value), (other_name, other)| {
            name.cmp(other_name).then_with(|| compare(value, other))
        }),
        _ => rank(a).cmp(&rank(b)),
    }
}
