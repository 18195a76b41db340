//! The tool `shmkv`, on arbitrary segments.
//!
//! ```text
//! input  := commands:u8  entries:u8  patches:u8  typed key  typed value
//!           schema  contents  patch…  damage…
//! patch  := word:u8  value:u64            in the header; then its checksum is corrected
//! damage := at:u16  bytes                 anywhere after the header
//! ```
//!
//! All others are `len:u16` and bytes. The contents are cut into keys and values and
//! inserted: so a lookup finds entries of arbitrary bytes, in a map of arbitrary types.
//! If the schema is invalid, the contents are the whole file.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::sync::LazyLock;

use shmkv_core::schema::ParsedSchema;
use shmkv_core::untyped::UntypedMap;
use shmkv_examples::tool::{self, Status};

use super::battery::exercise::{Name, good_image};
use super::battery::format::{CONTROL_AT, SHARDS_AT, empty, set_word, sign, word};
use super::depth::Depth;
use super::input::Input;
use super::printable::assert_printable;

/// Bits of `commands`.
pub(crate) const SHOW: u8 = 1;
pub(crate) const CHECK: u8 = 2;
pub(crate) const FIGURES: u8 = 4;
pub(crate) const LOOKUPS: u8 = 8;
pub(crate) const WRITES: u8 = 16;
pub(crate) const ALL: u8 = 31;

/// The largest entries that are tried, in bytes.
const LARGEST: usize = 1 << 12;
/// The most bytes that the output for one entry may have.
const MOST: usize = 1 << 22;

/// Runs one input. Without `patience`, a damaged map is not checked: `check` takes twenty
/// passes over one, with pauses.
pub(crate) fn run(data: &[u8], patience: bool) -> Depth {
    let mut input = Input(data);
    let (commands, n, patches) = (
        input.byte(),
        usize::from(input.byte() % 32),
        input.byte() % 8,
    );
    let typed = [input.text(), input.text()];
    let (schema, contents) = (input.bytes(), input.bytes());

    let is_damaged = input.0.len() > usize::from(patches) * 9;
    let commands = if is_damaged && !patience {
        commands & !CHECK
    } else {
        commands
    };
    let name = Name::new();
    let sizes = ParsedSchema::from_blob(schema).map(|(key, value)| [n, key.size(), value.size()]);
    match sizes {
        Ok([n, k, v]) if n > 0 && k > 0 && k + v <= LARGEST => {
            let image = segment([n, k, v], schema, contents, patches, input);
            std::fs::write(name.path(), image).expect("write");
        }
        _ => std::fs::write(name.path(), contents).expect("write"),
    }
    shmkv(&name, commands, &typed)
}

/// A map with entries made of `contents`, then patched and damaged by the rest of
/// `input`.
fn segment(
    sizes: [usize; 3],
    schema: &[u8],
    contents: &[u8],
    patches: u8,
    mut input: Input<'_>,
) -> Vec<u8> {
    static HEADER: LazyLock<Vec<u8>> = LazyLock::new(good_image);
    let [_, k, v] = sizes;
    let name = Name::new();
    std::fs::write(name.path(), empty(&HEADER, sizes, schema)).expect("write");
    // If the schema contradicts the sizes, the tool must find out.
    if let Ok(map) = UntypedMap::open(name.as_str()) {
        for entry in contents.chunks_exact(k + v) {
            let (key, value) = entry.split_at(k);
            if map.insert(key, value).is_err() {
                break;
            }
        }
    }
    let mut image = std::fs::read(name.path()).expect("read");
    for _ in 0..patches {
        let at = usize::from(input.byte()) % (CONTROL_AT / 8) * 8;
        set_word(&mut image, at, u64::from_le_bytes(input.word()));
    }
    if patches > 0 {
        sign(&mut image);
    }
    while !input.0.is_empty() {
        let after_header = image.len() - CONTROL_AT;
        let at = CONTROL_AT + input.number() % after_header;
        let bytes = input.bytes();
        let len = bytes.len().min(image.len() - at);
        image[at..at + len].copy_from_slice(&bytes[..len]);
    }
    image
}

/// Runs every command on the map `name`.
fn shmkv(name: &Name, commands: u8, typed: &[String; 2]) -> Depth {
    let name = name.as_str();
    let [key, value] = typed.each_ref().map(String::as_str);
    let mut depth = Depth::Refused;
    if commands & FIGURES != 0 {
        for arguments in [&["schema", name][..], &["stats", "--json", name]] {
            if prints(arguments).0 == Status::Done {
                depth = depth.max(Depth::Types);
            }
        }
    }
    if commands & SHOW != 0 {
        prints(&["show", name]);
        let (status, shown) = prints(&["show", "--json", name]);
        if status != Status::Failed && !shown.is_empty() {
            depth = Depth::Values;
        }
    }
    if commands & CHECK != 0 {
        prints(&["check", name]);
    }
    if commands & LOOKUPS != 0 {
        prints(&["get", name, "--", key]);
    }
    // A writer would wait for a lock whose holder seems to be alive.
    if commands & WRITES != 0 && is_unlocked(name) {
        prints(&["set", name, "--", key, value]);
        prints(&["remove", name, "--", key]);
        prints(&["unlink", name]);
    }
    depth
}

/// Runs a command, and asserts that its output is printable and bounded.
fn prints(arguments: &[&str]) -> (Status, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let arguments = ["shmkv"].iter().chain(arguments);
    let status = tool::run(arguments, &mut out, &mut errors);
    let [out, errors] = [out, errors].map(|text| String::from_utf8(text).expect("UTF-8"));
    for text in [&out, &errors] {
        assert_printable(text);
        assert!(text.len() < 32 * MOST, "{} bytes are printed", text.len());
    }
    assert_eq!(
        status == Status::Failed,
        !errors.is_empty() && status != Status::No,
        "{errors}"
    );
    (status, out)
}

fn is_unlocked(name: &str) -> bool {
    const HOLDER: u64 = (1 << 30) - 1;
    let mut start = [0; SHARDS_AT + 8];
    let path = format!("/dev/shm{name}");
    let read = OpenOptions::new().read(true).open(path);
    let read = read.and_then(|file| file.read_exact_at(&mut start, 0));
    read.is_err() || matches!(word(&start, SHARDS_AT) & HOLDER, 0 | HOLDER)
}
