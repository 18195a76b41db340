//! Rules on what stands in a file, broken on purpose, and what only looks like it.

use super::lexer::{Kind, lex};
use super::planted::{assert_found, library};
use super::rules::upward_imports;
use super::table::{LAYERS, MOST_LINES, ONE_PLACE};
use super::text_rules;
use super::tree::Tree;

/// What must not be taken for code, and a word of code at the end.
const QUOTED: &str = r##"
//! [`crate::store::A`] is unsafe; bucket.tags.store(1); Held {}
/* crate::store::B /* nested */ unsafe Held {} tags.store(1) */
/// ```
/// use crate::store::C; unsafe { Held {} }
/// ```
const S: &str = "crate::store::D \" unsafe tags.store(1) Held {} // ";
const R: &str = r#"crate::store::E " unsafe tags.store(1) Held {} /* "#;
const B: (&[u8], u8, &CStr) = (br"unsafe\", b'\'', c"unsafe crate::store::F");
const C: [char; 4] = ['"', '\'', '\\', 'é'];
fn f<'a, 'unsafe_>(x: &'a str) -> &'a str { 'unsafe_: loop { break 'unsafe_ x } }
const N: (f64, u8) = (1.5e3, 0..2.max(3));
#![deny(unsafe_code)]
fn last() {}
"##;

#[test]
fn what_is_quoted_is_no_code() {
    let tree = library(&[("table.rs", QUOTED)]);
    assert_found(&upward_imports(&tree, LAYERS), &[]);
    assert_found(&text_rules::unlisted_unsafe(&tree, &[]), &[]);
    assert_found(&text_rules::second_places(&tree, ONE_PLACE), &[]);
    let lexed = lex(QUOTED);
    let words = || lexed.tokens.iter().filter(|token| token.kind == Kind::Word);
    assert!(
        words().any(|word| word.text == "last" && word.line == 14),
        "the lexer lost its way"
    );
    let lifetimes = lexed
        .tokens
        .iter()
        .filter(|token| token.kind == Kind::Lifetime);
    assert_eq!(lifetimes.count(), 6);
}

#[test]
fn a_long_file_is_found() {
    let (most, more) = ("\n".repeat(MOST_LINES), "\n".repeat(MOST_LINES + 1));
    let tree = Tree::planted(&[
        ("shmkv-core/src/lib.rs", &most),
        ("shmkv-core/tests/map/model.rs", &more),
        ("shmkv-examples/benches/scale/main.rs", &more),
    ]);
    let expected = [
        "shmkv-core/tests/map/model.rs:401: ",
        "shmkv-examples/benches/scale/main.rs:401: ",
    ];
    assert_found(&text_rules::long_files(&tree), &expected);
}

#[test]
fn a_file_of_no_program_is_found() {
    let tree = Tree::planted(&[
        ("shmkv-core/src/lib.rs", "mod a;\nmod b;"),
        ("shmkv-core/src/a/mod.rs", ""),
        ("shmkv-core/src/c.rs", "unsafe fn f() {}"),
        ("shmkv-core/tests/x.rs", ""),
    ]);
    let expected = [
        "src/c.rs:1: is in no program",
        "src/lib.rs:2: declares `mod b`",
    ];
    assert_found(&text_rules::unread_files(&tree), &expected);
}

#[test]
fn unsafe_code_elsewhere_is_found() {
    let sound =
        "//! Memory.\n//!\n//! # Safety\n//!\n//! (1) It is.\n// SAFETY: by (1).\nunsafe fn f() {}";
    let tree =
        |files: &[_]| text_rules::unlisted_unsafe(&library(files), &[("sys.rs", "maps memory")]);
    assert_found(&tree(&[("sys.rs", sound)]), &[]);
    let found = tree(&[
        ("sys.rs", sound),
        ("map.rs", "\nunsafe impl Send for Map {}"),
    ]);
    assert_found(&found, &["shmkv-core/src/map.rs:2: has `unsafe`"]);
    let found = tree(&[("sys.rs", "//! Memory.\nunsafe fn f() {}")]);
    assert_found(
        &found,
        &["sys.rs:1: has `unsafe`, but no section `# Safety`"],
    );
    assert_found(
        &tree(&[("sys.rs", "//! # Safety")]),
        &["sys.rs:1: is listed in UNSAFE without"],
    );
    let found = text_rules::unlisted_unsafe(&library(&[]), &[("gone.rs", "")]);
    assert_found(&found, &["there is no shmkv-core/src/gone.rs"]);
}

#[test]
fn an_argument_by_another_one_is_found() {
    let header = "//! # Safety\n";
    let argue = |comment: &str| {
        let text = format!("{header}{comment}\nunsafe fn f() {{}}");
        text_rules::unlisted_unsafe(&library(&[("sys.rs", &text)]), &[("sys.rs", "")])
    };
    assert_found(&argue("// SAFETY: as above."), &["sys.rs:2: argues"]);
    assert_found(
        &argue("// SAFETY: by (1), and\n// for the rest as above."),
        &["sys.rs:3: argues"],
    );
    assert_found(
        &argue("// SAFETY: by (1).\nfn g() {}\n// Sorted as above."),
        &[],
    );
}

#[test]
fn what_one_place_may_do_is_found_in_another() {
    let stores = "fn f() {
        bucket
            .tags
            .store(1, Release);
        let tags = &bucket.tags; tags.store(2, Release);
    }";
    let tree = library(&[
        ("table/mod.rs", "mod commit; mod write;"),
        ("table/commit.rs", stores),
        ("table/write.rs", stores),
        ("lock.rs", "fn f() -> Held { Held { shard: 1 } }"),
        (
            "store.rs",
            "fn f() -> Held<'static> { crate::lock::Held { shard: 1 } }",
        ),
    ]);
    let expected = [
        "store.rs:1: has `Held {`, only shmkv-core/src/lock.rs may",
        "table/write.rs:3: has `tags.store(`, only shmkv-core/src/table/commit.rs may",
        "table/write.rs:5: has `tags.store(`",
    ];
    assert_found(&text_rules::second_places(&tree, ONE_PLACE), &expected);
}

#[test]
fn naming_a_type_is_not_making_one() {
    let text = "impl Drop for crate::lock::Held { fn f(&self) -> &'static mut lock::Held { g(tags.load()) } }
        struct Held {} impl Held {}";
    let tree = library(&[("store.rs", text)]);
    assert_found(&text_rules::second_places(&tree, ONE_PLACE), &[]);
}

#[test]
fn tests_that_would_never_run() {
    let tree = Tree::planted(&[
        ("shmkv-core/tests/map/listed.rs", "mod part;"),
        ("shmkv-core/tests/map/part.rs", ""),
        ("shmkv-core/tests/map/forgotten.rs", "#[test] fn t() {}"),
        ("shmkv-core/tests/types/ui/case.rs", "fn main() {}"),
    ]);
    let manifest = "[[test]]\nname = \"listed\"\npath = \"tests/map/listed.rs\"\n";
    assert_found(
        &text_rules::unlisted_tests(&tree, manifest),
        &["shmkv-core/tests/map/forgotten.rs:1: is in no test program"],
    );
}
