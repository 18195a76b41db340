//! Is the source laid out as `CONTRIBUTING.md` says?
//!
//! Reads the repository's Rust files, follows every import to the file that has the
//! thing, and holds that against the tables in `layers/table.rs`. A rule that finds
//! something prints a line for each: where, what, why not, and what to do instead.
//! `layers/planted.rs` breaks every rule on purpose, in sources that are nowhere but
//! in memory, and must be found out.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)] // a test may fail loudly

#[path = "layers/attributes.rs"]
mod attributes;
#[path = "layers/lexer.rs"]
mod lexer;
#[path = "layers/modules.rs"]
mod modules;
#[path = "layers/paths.rs"]
mod paths;
#[path = "layers/planted.rs"]
mod planted;
#[path = "layers/planted_text.rs"]
mod planted_text;
#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/scan.rs"]
mod scan;
#[path = "layers/table.rs"]
mod table;
#[path = "layers/text_rules.rs"]
mod text_rules;
#[path = "layers/tree.rs"]
mod tree;

use table::{LAYERS, ONE_PLACE, UNSAFE};
use tree::Tree;

#[track_caller]
fn expect_none(rule: impl Fn(&Tree) -> Vec<String>) {
    let found = rule(&Tree::of_repository().unwrap());
    assert!(
        found.is_empty(),
        "{} found:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn no_import_runs_upward() {
    expect_none(|tree| rules::upward_imports(tree, LAYERS));
}

#[test]
fn the_table_of_layers_is_of_this_source() {
    expect_none(|tree| rules::unfit_table(tree, LAYERS));
}

#[test]
fn no_files_import_each_other() {
    expect_none(rules::circles);
}

#[test]
fn siblings_are_imported_by_their_own_names() {
    expect_none(rules::through_the_parent);
}

#[test]
fn every_file_is_read() {
    expect_none(text_rules::unread_files);
}

#[test]
fn every_test_file_is_in_a_listed_program() {
    let manifest = include_str!("../../Cargo.toml");
    expect_none(|tree| text_rules::unlisted_tests(tree, manifest));
}

#[test]
fn no_file_is_too_long() {
    expect_none(text_rules::long_files);
}

#[test]
fn unsafe_code_is_where_it_is_listed() {
    expect_none(|tree| text_rules::unlisted_unsafe(tree, UNSAFE));
}

#[test]
fn one_place_only_does_what_one_place_may() {
    expect_none(|tree| text_rules::second_places(tree, ONE_PLACE));
}
