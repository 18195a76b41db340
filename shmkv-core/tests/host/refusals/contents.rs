//! Files and descriptors that are not a segment, or a damaged one, or one of other types.

use std::fs::OpenOptions;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;

use libtest_mimic::Failed;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::pipe;
use shmkv_core::{Error, Map as TypedMap, OpenError, ShmMap, ShmStr, StrMap};

use super::cases::{Cases, KEY, Map, Reader, VALUE, existing};
use super::format::{BOOT_AT, sign};
use crate::support::directory::Directory;
use crate::support::proc::SegmentName;

/// Opens `bytes` under a name, for writing and for reading, and expects the same error of both.
fn refused(
    cases: &mut Cases,
    case: &str,
    bytes: &[u8],
    is_right: impl Fn(&OpenError) -> bool,
    parts: &[&str],
) {
    let name = SegmentName::unique();
    std::fs::write(name.path(), bytes).unwrap();
    let parts: Vec<&str> = parts.iter().copied().chain([name.as_str()]).collect();
    cases.refused(case, Map::open(name.as_str()), &is_right, &parts);
    cases.refused(case, Reader::open(name.as_str()), &is_right, &parts);
    let untouched = std::fs::read(name.path()).unwrap() == bytes;
    cases.holds("the file is unchanged", untouched);
}

fn image() -> Vec<u8> {
    std::fs::read(existing().path()).unwrap()
}

pub(crate) fn lengths() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let image = image();
    let len = image.len();
    let empty =
        |it: &OpenError| matches!(it, OpenError::NotASegment { found, .. } if found.is_empty());
    refused(
        &mut cases,
        "empty",
        b"",
        empty,
        &["not a shmkv segment", "starts with \"\""],
    );
    let text =
        |it: &OpenError| matches!(it, OpenError::NotASegment { found, .. } if found == b"some tex");
    refused(
        &mut cases,
        "text",
        &b"some text ".repeat(500),
        text,
        &["starts with \"some tex\""],
    );
    let short =
        |it: &OpenError| matches!(it, OpenError::NotASegment { found, .. } if found == b"shm");
    refused(
        &mut cases,
        "three bytes",
        b"shm",
        short,
        &["starts with \"shm\""],
    );

    for cut in [8, 9, 511] {
        let right = |it: &OpenError| matches!(*it, OpenError::Length { expected: 512, found, .. } if found == cut);
        let parts = [format!("{cut} bytes"), "instead of 512".to_owned()];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let cut = usize::try_from(cut)?;
        refused(&mut cases, "cut header", &image[..cut], right, &parts);
    }
    for other in [512, 1024, 4096.min(len - 2), len - 1, len + 1, len + 4096] {
        let mut bytes = image.clone();
        bytes.resize(other, 0);
        let right = |it: &OpenError| matches!(*it, OpenError::Length { expected, found, .. } if (expected, found) == (len as u64, other as u64));
        let parts = [format!("{other} bytes"), format!("instead of {len}")];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        refused(&mut cases, "another length", &bytes, right, &parts);
    }
    cases.report("lengths")
}

pub(crate) fn headers() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let image = image();
    let with = |at: usize, bytes: &[u8], signed: bool| {
        let mut image = image.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        if signed {
            sign(&mut image);
        }
        image
    };
    let version = |it: &OpenError| {
        matches!(
            it,
            OpenError::LayoutVersion {
                expected: 1,
                found: 7,
                ..
            }
        )
    };
    let bytes = with(8, &7_u32.to_ne_bytes(), true);
    refused(
        &mut cases,
        "layout",
        &bytes,
        version,
        &["layout version is 7", "this program's is 1"],
    );
    let bytes = with(8, &7_u32.to_ne_bytes(), false);
    refused(
        &mut cases,
        "layout, another checksum",
        &bytes,
        version,
        &["layout version is 7"],
    );

    let order = |it: &OpenError| matches!(it, OpenError::ByteOrder { .. });
    let mut bytes = image.clone();
    bytes[12..16].reverse();
    refused(
        &mut cases,
        "byte order",
        &bytes,
        order,
        &["other byte order"],
    );
    bytes[8..12].copy_from_slice(&1_u32.swap_bytes().to_ne_bytes());
    refused(
        &mut cases,
        "all swapped",
        &bytes,
        order,
        &["other byte order"],
    );

    let features = |it: &OpenError| matches!(it, OpenError::Features { unknown: 0x24, .. });
    let bytes = with(16, &0x24_u64.to_ne_bytes(), true);
    refused(&mut cases, "features", &bytes, features, &["0x24"]);

    let damaged = |it: &OpenError| matches!(it, OpenError::Damaged { .. });
    let bytes = with(12, &[9; 4], true);
    refused(
        &mut cases,
        "byte order mark",
        &bytes,
        damaged,
        &["invalid byte-order mark"],
    );
    let bytes = with(88, &[9; 8], false);
    refused(
        &mut cases,
        "seed",
        &bytes,
        damaged,
        &["header checksum mismatch"],
    );
    // Inconsistent words with a correct checksum, as from a program with other constants.
    for at in [56, 64, 72, 80, 112, 120] {
        let bytes = with(at, &5_u32.to_ne_bytes(), true);
        refused(
            &mut cases,
            "inconsistent",
            &bytes,
            damaged,
            &["inconsistent header"],
        );
    }
    let bytes = with(image.len() - 1, &[!image[image.len() - 1]], false);
    refused(
        &mut cases,
        "schema",
        &bytes,
        damaged,
        &["schema checksum mismatch"],
    );

    let name = SegmentName::unique();
    std::fs::write(name.path(), with(24, &[1; 8], true))?;
    cases.holds(
        "optional features are ignored",
        Map::open(name.as_str()).is_ok(),
    );
    cases.report("headers")
}

pub(crate) fn types() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let name = existing();
    let name = name.as_str();
    let sizes = |other: [u64; 3]| move |it: &OpenError| matches!(it, OpenError::Sizes { expected, found: [10, 8, 16], .. } if *expected == other);
    let wrong = ShmMap::<20, 8, 16>::open(name);
    cases.refused(
        "N",
        wrong,
        sizes([20, 8, 16]),
        &[name, "N is 10 in the segment, 20 in this program"],
    );
    let wrong = ShmMap::<10, 4, 16>::open(name);
    cases.refused(
        "K",
        wrong,
        sizes([10, 4, 16]),
        &[name, "K is 8 in the segment, 4 in this program"],
    );
    let wrong = ShmMap::<10, 8, 17>::open(name);
    cases.refused(
        "V",
        wrong,
        sizes([10, 8, 17]),
        &["V is 16 in the segment, 17 in this program"],
    );
    let parts = [
        "N is 10 in the segment, 1 in this program",
        "K is 8 in the segment, 2 in this program",
        "V is 16 in the segment, 3 in this program",
    ];
    let wrong = ShmMap::<1, 2, 3>::open_read_only(name);
    cases.refused("all", wrong, sizes([1, 2, 3]), &parts);

    // The same sizes and other types.
    let other = |it: &OpenError| matches!(it, OpenError::Types { differences, .. } if !differences.is_empty());
    let wrong = TypedMap::<10, u64, [u8; 16]>::open(name);
    cases.refused("key type", wrong, other, &[name, "key:", "u64", "u8"]);
    let wrong = StrMap::<10, 8, 16>::open(name);
    cases.refused(
        "both types",
        wrong,
        other,
        &[name, "key:", "value:", "text"],
    );
    let wrong = ShmMap::<10, 8, 16, [u8; 8], ShmStr<16>>::open_read_only(name);
    cases.refused("value type", wrong, other, &[name, "value:", "text"]);
    cases.report("types")
}

/// An anonymous file of `bytes` with these seals.
fn sealed(bytes: &[u8], seals: SealFlag) -> OwnedFd {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let fd = memfd_create(c"shmkv-test", flags).unwrap();
    let file = std::fs::File::from(fd);
    file.write_all_at(bytes, 0).unwrap();
    if !seals.is_empty() {
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).unwrap();
    }
    file.into()
}

pub(crate) fn descriptors() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let image = image();
    let (shrink, grow) = (SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_GROW);
    let unsealed = |it: &OpenError| matches!(it, OpenError::Unsealed);
    let part = ["not sealed against shrinking"];
    for seals in [SealFlag::empty(), grow] {
        cases.refused(
            "unsealed",
            Map::from_fd(sealed(&image, seals)),
            unsealed,
            &part,
        );
        let read = Map::options().from_fd_read_only(sealed(&image, seals));
        cases.refused("unsealed, read", read, unsealed, &part);
    }
    let name = existing();
    let map = Map::open(name.as_str())?;
    let named = map.as_fd().try_clone_to_owned()?;
    cases.refused("a named segment", Map::from_fd(named), unsealed, &part);
    let (end, _other) = pipe()?;
    let io = |it: &OpenError| matches!(it, OpenError::Io { .. });
    cases.refused("a pipe", Map::from_fd(end), io, &["not a regular file"]);

    let not_a_segment = |it: &OpenError| matches!(it, OpenError::NotASegment { .. });
    let wrong = Map::from_fd(sealed(b"some text", shrink));
    cases.refused(
        "text",
        wrong,
        not_a_segment,
        &["the anonymous segment", "starts with \"some tex\""],
    );
    let wrong = Map::from_fd(sealed(b"", shrink));
    cases.refused(
        "empty",
        wrong,
        not_a_segment,
        &["the anonymous segment", "starts with \"\""],
    );
    let wrong = Map::from_fd(sealed(&image[..1000], shrink));
    let length = |it: &OpenError| matches!(it, OpenError::Length { .. });
    cases.refused("cut short", wrong, length, &["1000 bytes"]);
    let wrong = ShmMap::<11, 8, 16>::from_fd(sealed(&image, shrink));
    let sizes = |it: &OpenError| matches!(it, OpenError::Sizes { .. });
    cases.refused(
        "other sizes",
        wrong,
        sizes,
        &["N is 10 in the segment, 11 in this program"],
    );
    let wrong = StrMap::<10, 8, 16>::from_fd(sealed(&image, shrink));
    let types = |it: &OpenError| matches!(it, OpenError::Types { .. });
    cases.refused("other types", wrong, types, &["text"]);
    // Sealed against writing, so it cannot be mapped writable.
    let wrong = Map::from_fd(sealed(&image, shrink | SealFlag::F_SEAL_WRITE));
    cases.refused(
        "write-protected",
        wrong,
        io,
        &["cannot map the anonymous segment"],
    );
    let copy = Map::from_fd(sealed(&image, shrink))?;
    cases.holds("a good copy", copy.get(KEY)? == Some(VALUE));
    cases.report("descriptors")
}

/// Makes the file one of another boot, as a restart of the machine would.
fn restart(directory: &Directory) {
    let file = OpenOptions::new()
        .write(true)
        .open(directory.file("map"))
        .unwrap();
    file.write_all_at(&[7; 16], BOOT_AT as u64).unwrap();
}

pub(crate) fn stale_files() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let stale = |it: &OpenError| matches!(it, OpenError::Stale { .. });
    let directory = Directory::new();
    let path = directory.file("map");
    let options = Map::options();
    let parts = [path.to_str().unwrap(), "restarted"];

    let map = Map::create_at(&path)?;
    map.insert(KEY, VALUE)?;
    drop(map);
    cases.holds("no restart", Map::open_at(&path)?.get(KEY)? == Some(VALUE));
    restart(&directory);
    cases.refused("not flushed", Map::open_at(&path), stale, &parts);
    cases.refused(
        "not flushed, read",
        options.open_read_only_at(&path),
        stale,
        &parts,
    );
    let wrong = options.open_or_create_at(&path);
    let or_create = |it: &Error| matches!(it, Error::Open(it) if stale(it));
    cases.refused("not flushed, or create", wrong, or_create, &parts);

    std::fs::remove_file(&path)?;
    let map = Map::create_at(&path)?;
    map.insert(KEY, VALUE)?;
    map.flush()?;
    drop(map);
    restart(&directory);
    cases.holds(
        "flushed, read",
        options.open_read_only_at(&path)?.get(KEY)? == Some(VALUE),
    );
    // Opening for writing does not change the file yet, so another restart may follow.
    cases.holds("flushed", Map::open_at(&path)?.get(KEY)? == Some(VALUE));
    restart(&directory);
    cases.holds(
        "flushed, opened",
        Map::open_at(&path)?.get(KEY)? == Some(VALUE),
    );

    Map::open_at(&path)?.insert(KEY, [1; 16])?;
    restart(&directory);
    cases.refused(
        "changed after the flush",
        Map::open_at(&path),
        stale,
        &parts,
    );

    // A named segment does not outlast a restart, so the boot is not compared.
    let name = existing();
    let file = OpenOptions::new().write(true).open(name.path())?;
    file.write_all_at(&[7; 16], BOOT_AT as u64)?;
    cases.holds("a named map", Map::open(name.as_str()).is_ok());
    cases.report("stale files")
}
