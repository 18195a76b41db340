//! Every rule, broken on purpose, and what only looks as if it were.

use super::rules;
use super::table::LAYERS;
use super::text_rules;
use super::tree::Tree;

/// All layers that the plants are in.
const LIB: &str = "
    extern crate self as shmkv_core;
    mod sync; mod bytes; mod lock; mod layout; mod table; mod codec; mod error;
    mod sys; mod segment; mod store; mod map; mod untyped;
    pub use map::ShmMap;
";

/// A library of these files and an empty one for every other layer.
pub(crate) fn library(files: &[(&str, &str)]) -> Tree {
    let mut all = vec![("shmkv-core/src/lib.rs".to_owned(), LIB)];
    let planted = |name: &str| files.iter().any(|(file, _)| file.starts_with(name));
    for layer in LAYERS.iter().filter(|layer| !planted(layer.name)) {
        all.push((format!("shmkv-core/src/{}.rs", layer.name), ""));
    }
    all.extend(
        files
            .iter()
            .map(|&(file, text)| (format!("shmkv-core/src/{file}"), text)),
    );
    let all: Vec<(&str, &str)> = all
        .iter()
        .map(|(file, text)| (file.as_str(), *text))
        .collect();
    Tree::planted(&all)
}

fn upward(files: &[(&str, &str)]) -> Vec<String> {
    let tree = library(files);
    assert_eq!(
        text_rules::unread_files(&tree),
        [""; 0],
        "the plant is whole"
    );
    rules::upward_imports(&tree, LAYERS)
}

fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let tree = library(files);
    assert_eq!(
        text_rules::unread_files(&tree),
        [""; 0],
        "the plant is whole"
    );
    rules::circles(&tree)
}

/// As many lines as expected, each with what is expected of it.
#[track_caller]
pub(crate) fn assert_found(found: &[String], expected: &[&str]) {
    let all = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.contains(expected));
    assert!(all, "expected {expected:#?}, found {found:#?}");
}

#[test]
fn an_upward_import_is_found() {
    let found = upward(&[
        ("table.rs", "\nuse crate::store::Store;"),
        ("store.rs", "pub struct Store;"),
    ]);
    assert_found(
        &found,
        &["shmkv-core/src/table.rs:2: imports crate::store::Store"],
    );
    let found = upward(&[("codec.rs", "use crate::sync::AtomicU64;")]);
    assert_found(&found, &["codec.rs:1: imports crate::sync::AtomicU64"]);
    let found = upward(&[("map.rs", "use crate::untyped::UntypedMap;")]);
    assert_found(&found, &["map.rs:1: imports crate::untyped::UntypedMap"]);
}

#[test]
fn an_upward_import_is_found_in_braces_with_another_name_and_as_a_glob() {
    let tree = "use crate::{
        sync::{self, AtomicU64 as Word},
        layout::{Bucket, Shard},
        store::{
            read::{Ladder as Steps, deep::{self}},
        },
    };
    pub(crate) use crate::sys::*;";
    let found = upward(&[("table.rs", tree)]);
    let expected = [
        "table.rs:5: imports crate::store::read::Ladder",
        "table.rs:5: imports crate::store::read::deep",
        "table.rs:8: imports crate::sys",
    ];
    assert_found(&found, &expected);
}

#[test]
fn an_upward_path_is_found_in_code() {
    let code = "fn f<T: crate::map::Shape>(x: &T) -> [u8; 2] {
        let y = x.map(|x| crate::store::read(x)?);
        vec![1..crate::segment::LAST, <crate::untyped::UntypedMap as Clone>::clone(y)]
    }";
    let expected = [
        "table.rs:1: imports crate::map::Shape",
        "table.rs:2: imports crate::store::read",
        "table.rs:3: imports crate::segment::LAST",
        "table.rs:3: imports crate::untyped::UntypedMap",
    ];
    assert_found(&upward(&[("table.rs", code)]), &expected);
}

#[test]
fn super_is_the_parent_of_the_module_it_is_in() {
    let files = [
        ("table/mod.rs", "mod lookup; use super::store::A;"),
        (
            "table/lookup.rs",
            "use super::super::store::B;\nmod inner {\n use super::super::super::store::C;\n}",
        ),
        (
            "lock.rs",
            "mod deep { mod deeper { fn f() { super::super::super::sys::wait() } } }",
        ),
        (
            "layout.rs",
            "mod store { pub fn own() {} } fn f() { store::own(); self::store::own() }",
        ),
    ];
    let expected = [
        "lock.rs:1: imports super::super::super::sys::wait",
        "table/lookup.rs:1: imports super::super::store::B",
        "table/lookup.rs:3: imports super::super::super::store::C",
        "table/mod.rs:1: imports super::store::A",
    ];
    assert_found(&upward(&files), &expected);
}

#[test]
fn an_upward_import_is_found_behind_a_re_export() {
    // Of what may be seen, by what may not.
    let files = [
        ("lock.rs", "use crate::bytes::Word;"),
        ("bytes.rs", "pub use crate::sync::Word;"),
    ];
    assert_found(&upward(&files), &["lock.rs:1: imports crate::bytes::Word"]);
    // Of what may not be seen, by what may.
    let files = [
        ("map.rs", "use crate::store::Segment;"),
        ("store.rs", "pub use crate::segment::*;"),
        ("segment.rs", "pub struct Segment;"),
    ];
    assert_found(
        &upward(&files),
        &["map.rs:1: imports crate::store::Segment (shmkv-core/src/segment.rs)"],
    );
    // By the front page, and by the crate's own name.
    let files = [
        (
            "codec.rs",
            "use crate::ShmMap;\nuse shmkv_core::map::ShmMap as Same;\nfn f(x: ::shmkv_core::map::Map) {}",
        ),
        ("map.rs", "pub struct ShmMap;"),
    ];
    let expected = [
        "codec.rs:1: imports crate::ShmMap",
        "codec.rs:2: imports shmkv_core::map::ShmMap",
        "codec.rs:3: imports ::shmkv_core::map::Map",
    ];
    assert_found(&upward(&files), &expected);
}

#[test]
fn alternatives_for_platforms_are_read() {
    let choice =
        "#[cfg_attr(unix, path = \"one.rs\")] #[cfg_attr(not(unix), path = \"two.rs\")] mod moves;
        #[path = \"elsewhere/three.rs\"] mod three;";
    let files = [
        ("bytes/mod.rs", choice),
        ("bytes/one.rs", "use crate::table::Table;"),
        ("bytes/two.rs", "fn f() { crate::table::f() }"),
        ("bytes/elsewhere/three.rs", "use super::super::table::g;"),
    ];
    let expected = [
        "three.rs:1: imports super::super::table::g",
        "one.rs:1: ",
        "two.rs:1: ",
    ];
    assert_found(&upward(&files), &expected);
}

#[test]
fn a_table_that_does_not_fit_is_found() {
    assert_found(&rules::unfit_table(&library(&[]), LAYERS), &[]);
    let lowest = &LAYERS[1..];
    let found = rules::unfit_table(&library(&[]), lowest);
    assert!(
        found
            .iter()
            .any(|line| line.contains("LAYERS: the module `sync` has no line")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|line| line.contains("`bytes` sees `sync`, which is not below")),
        "{found:?}"
    );
    let found = rules::unfit_table(
        &Tree::planted(&[("shmkv-core/src/lib.rs", "")]),
        &LAYERS[..1],
    );
    assert_found(&found, &["there is no module `sync`"]);
}

#[test]
fn a_circle_of_two_files_is_found() {
    let files = [
        ("table/mod.rs", "mod hash; mod slot;"),
        ("table/hash.rs", "use super::slot::Slot; pub struct Hash;"),
        (
            "table/slot.rs",
            "pub struct Slot; fn f() { super::hash::Hash; }",
        ),
    ];
    let expected = "shmkv-core/src/table/hash.rs:1: imports super::slot::Slot (shmkv-core/src/table/slot.rs), and \
        shmkv-core/src/table/slot.rs:1: imports super::hash::Hash (shmkv-core/src/table/hash.rs): a circle";
    assert_found(&circles(&files), &[expected]);
}

#[test]
fn a_circle_through_re_exports_is_found() {
    let parent = "mod hash; mod slot;
        pub(crate) use hash::Hash; pub(crate) use self::slot::{Slot as Place, *};";
    let named = [
        ("table/mod.rs", parent),
        ("table/hash.rs", "use super::Place; pub struct Hash;"),
        ("table/slot.rs", "use crate::table::Hash; pub struct Slot;"),
    ];
    assert_found(
        &circles(&named),
        &["table/hash.rs:1: imports super::Place (shmkv-core/src/table/slot.rs)"],
    );
    let by_glob = [
        ("table/mod.rs", parent),
        (
            "table/hash.rs",
            "pub struct Hash; fn f() { super::find(); }",
        ),
        ("table/slot.rs", "use super::*; pub fn find(hash: Hash) {}"),
    ];
    assert_found(
        &circles(&by_glob),
        &["table/hash.rs:1: imports super::find"],
    );
}

#[test]
fn a_circle_of_three_files_is_found() {
    let files = [
        ("table/mod.rs", "mod a; mod b; mod c; mod d;"),
        ("table/a.rs", "use super::b::B; pub struct A;"),
        ("table/b.rs", "use super::{c::C, d}; pub struct B;"),
        ("table/c.rs", "pub struct C(super::a::A);"),
        ("table/d.rs", "use super::c;"),
    ];
    let found = circles(&files);
    assert_found(&found, &["a.rs:1: imports super::b::B"]);
    assert_eq!(found[0].matches(" imports ").count(), 3, "{found:?}");
}

#[test]
fn a_circle_of_parent_and_child_is_found() {
    let child = ("bytes/buffer.rs", "use super::WORD; pub fn fill() {}");
    let parents = [
        "mod buffer; const WORD: usize = 8; fn f() { buffer::fill() }",
        "mod buffer; const WORD: usize = 8; use buffer::fill;",
        "mod buffer; const WORD: usize = 8; pub use buffer::fill; fn f() { fill() }",
    ];
    for parent in parents {
        let found = circles(&[("bytes/mod.rs", parent), child]);
        assert_found(&found, &["bytes/buffer.rs:1: imports super::WORD"]);
    }
}

#[test]
fn circles_of_other_programs_are_found() {
    let tree = Tree::planted(&[
        ("shmkv-derive/src/lib.rs", "mod a; mod b;"),
        ("shmkv-derive/src/a.rs", "use crate::b::B; pub struct A;"),
        ("shmkv-derive/src/b.rs", "use crate::a::A; pub struct B;"),
        (
            "shmkv-examples/benches/scale/main.rs",
            "mod size; const SEED: u64 = 1; fn main() { size::run() }",
        ),
        (
            "shmkv-examples/benches/scale/size.rs",
            "use crate::SEED; pub fn run() {}",
        ),
        (
            "shmkv-examples/fuzz/fuzz_targets/tool.rs",
            "#[path = \"../harness/mod.rs\"] mod harness;",
        ),
        (
            "shmkv-examples/fuzz/harness/mod.rs",
            "mod x; fn f() { x::g() }",
        ),
        (
            "shmkv-examples/fuzz/harness/x.rs",
            "pub fn g() { super::f() }",
        ),
    ]);
    let expected = [
        "derive/src/a.rs:1: ",
        "benches/scale/main.rs:1: ",
        "fuzz/harness/mod.rs:1: ",
    ];
    assert_found(&rules::circles(&tree), &expected);
}

#[test]
fn what_is_no_circle_is_none() {
    let files = [
        // A parent declares and re-exports; its children need each other one way.
        (
            "table/mod.rs",
            "mod a; mod b; pub use a::A; pub use self::b::B; pub mod shown { pub use super::b::B; }",
        ),
        ("table/a.rs", "use super::b::B; pub struct A;"),
        ("table/b.rs", "pub struct B; #[cfg(test)] mod tests;"),
        // A module and a function of one name: only the module is needed.
        (
            "sys/mod.rs",
            "mod futex; mod host; pub fn futex() { host::f() }",
        ),
        (
            "sys/host.rs",
            "use super::futex; pub fn f() { futex::wait() }",
        ),
        ("sys/futex.rs", "pub fn wait() {}"),
        // Tests see all of their crate.
        (
            "table/b/tests.rs",
            "use super::*; use super::super::a::A; use crate::table::A as Same;",
        ),
        (
            "lock.rs",
            "mod inner { use super::*; } use inner::f; #[cfg(test)] fn g() { crate::table::A; }",
        ),
        (
            "map.rs",
            "#[cfg(all(test, not(loom)))] mod tests { use crate::untyped::UntypedMap; }
            #[cfg(test)] use crate::sys::{a, b}; fn f() {}",
        ),
    ];
    assert_found(&circles(&files), &[]);
    assert_found(&upward(&files), &[]);
}

#[test]
fn a_name_taken_through_the_parent_is_found() {
    let tree = library(&[
        (
            "table/mod.rs",
            "mod hash; mod slot; pub use hash::Hash; pub(super) const N: usize = 1;",
        ),
        ("table/hash.rs", "pub struct Hash;"),
        (
            "table/slot.rs",
            "use super::{Hash, N}; use super::hash::Hash as Same;",
        ),
    ]);
    let found = rules::through_the_parent(&tree);
    assert_found(
        &found,
        &[
            "table/slot.rs:1: imports super::Hash (shmkv-core/src/table/hash.rs) through shmkv-core/src/table/mod.rs",
        ],
    );
}
