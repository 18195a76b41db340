//! How much of a mapping is reached through huge pages, from `/proc/self/smaps`.
//!
//! `mapping` calls it, for statistics only.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::Range;

/// Bytes of shared memory and of files, in mappings that start at these addresses,
/// that this process reaches through huge pages. The kernel walks all of the process's
/// page tables to answer.
pub(super) fn mapped_bytes(addresses: Range<usize>) -> io::Result<usize> {
    let mut inside = false;
    let mut bytes = 0;
    // Bytes, since file names in it need not be UTF-8.
    for line in BufReader::new(File::open("/proc/self/smaps")?).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if let Some(start) = start_of_mapping(&line) {
            inside = addresses.contains(&start);
        } else if inside {
            bytes += huge_kilobytes(&line).unwrap_or(0) << 10;
        }
    }
    Ok(bytes)
}

/// The start address, if this is the first line of a mapping:
/// `7f3c40000000-7f3c48000000 rw-s 00000000 00:1a 7  /dev/shm/map`
fn start_of_mapping(line: &str) -> Option<usize> {
    let (addresses, _) = line.split_once(' ')?;
    let (start, _) = addresses.split_once('-')?;
    usize::from_str_radix(start, 16).ok()
}

/// The number in `ShmemPmdMapped:   131072 kB`, or in `FilePmdMapped`.
fn huge_kilobytes(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    if !matches!(name, "ShmemPmdMapped" | "FilePmdMapped") {
        return None;
    }
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mapping = "7f3c40000000-7f3c48000000 rw-s 00000000 00:1a 7    /dev/shm/a: b-c";
        assert_eq!(start_of_mapping(mapping), Some(0x7f3c_4000_0000));
        for (line, found) in [
            ("Rss:              131072 kB", None),
            ("AnonHugePages:      2048 kB", None),
            ("ShmemPmdMapped:   131072 kB", Some(131_072)),
            ("FilePmdMapped:         0 kB", Some(0)),
            ("VmFlags: rd wr sh mr mw me ms dd hg", None),
        ] {
            assert_eq!(start_of_mapping(line), None, "{line}");
            assert_eq!(huge_kilobytes(line), found, "{line}");
        }
    }
}
