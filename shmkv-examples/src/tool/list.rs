//! `shmkv list`.

use std::fs;
use std::io::{self, Write};

use shmkv_core::OpenError;
use shmkv_core::schema::Value;
use shmkv_core::untyped::UntypedReader;

use super::escape::printable;
use super::json::Json;
use super::location::{DIRECTORY, Location};
use super::report::{complain, failed};
use super::status::Status;
use super::table::Table;
use crate::failure::{Failure, chain};

/// Lists the maps in shared memory. Skips other files; reports maps that cannot be
/// opened.
pub(super) fn list(
    json: bool,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    let mut denied = 0;
    let mut table = Table::new([
        "NAME", "BYTES", "ENTRIES", "CAPACITY", "WRITERS", "KEY", "VALUE",
    ]);
    let names = names().map_err(|error| failed(format_args!("cannot list {DIRECTORY}"), &error))?;
    for name in names {
        let map = match Location::Name(name.clone()).try_reader() {
            Ok(map) => map,
            // Not a map, or removed in the meantime.
            Err(OpenError::NotASegment { .. } | OpenError::NotFound { .. }) => continue,
            Err(OpenError::Io { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                denied += 1;
                continue;
            }
            Err(error) => {
                complain(errors, chain(&error));
                status = Status::Failed;
                continue;
            }
        };
        let line = Line::of(&map);
        if json {
            writeln!(out, "{}", Json(&line.json(name)))?;
        } else {
            let count = |count: Option<usize>| count.map_or("?".into(), |it| it.to_string());
            table.push([
                printable(&name),
                line.bytes.to_string(),
                line.entries.to_string(),
                line.capacity.to_string(),
                count(line.writers),
                line.key,
                line.value,
            ]);
        }
    }
    if !json {
        table.write(out)?;
    }
    if denied > 0 {
        let files = if denied == 1 { "file" } else { "files" };
        complain(
            errors,
            format_args!("skipped {denied} {files} in {DIRECTORY}: permission denied"),
        );
    }
    Ok(status)
}

/// The names of all files that could be maps, sorted.
fn names() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(DIRECTORY)? {
        let entry = entry?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if let (true, Ok(name)) = (is_file, entry.file_name().into_string()) {
            names.push(format!("/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

struct Line {
    bytes: usize,
    entries: usize,
    capacity: usize,
    writers: Option<usize>,
    key: String,
    value: String,
}

impl Line {
    fn of(map: &UntypedReader) -> Self {
        Self {
            bytes: map.bytes(),
            entries: map.len(),
            capacity: map.capacity(),
            writers: map.live_writers().ok(),
            key: map.key_schema().to_string(),
            value: map.value_schema().to_string(),
        }
    }

    fn json(self, name: String) -> Value {
        let number = |number: usize| Value::Unsigned(number as u128);
        let fields = [
            ("name", Value::Text(name)),
            ("bytes", number(self.bytes)),
            ("entries", number(self.entries)),
            ("capacity", number(self.capacity)),
            ("writers", self.writers.map_or(Value::Null, number)),
            ("key", Value::Text(self.key)),
            ("value", Value::Text(self.value)),
        ];
        let named = |(name, value): (&str, _)| (name.to_owned(), value);
        Value::Map(fields.into_iter().map(named).collect())
    }
}
