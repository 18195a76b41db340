//! The rules on what stands in a file. Each answers with what it found, a line for each.

use std::collections::BTreeSet;

use super::lexer::{Comment, Kind, Token, lex};
use super::modules::read;
use super::table::{MOST_LINES, OnePlace};
use super::tree::{CORE, Tree};

/// Nothing escapes the other rules: every file is some program's, every `mod` has one.
pub(crate) fn unread_files(tree: &Tree) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut known = BTreeSet::new();
    for root in tree.roots() {
        let program = read(tree, root);
        let bodies = program.modules.iter().flat_map(|module| &module.bodies);
        known.extend(bodies.map(|body| body.file));
        for (file, line, name) in program.missing {
            found.insert(format!(
                "{file}:{line}: declares `mod {name}`, but has no file for it"
            ));
        }
    }
    let is_test = |file: &str| file.split('/').nth(1) == Some("tests");
    for (file, _) in tree
        .files()
        .filter(|(file, _)| !is_test(file) && !known.contains(file))
    {
        found.insert(format!(
            "{file}:1: is in no program: declare it, or remove it"
        ));
    }
    found.into_iter().collect()
}

/// Every file of the core's tests belongs to a program that the manifest lists: cargo finds
/// none by itself there, so a test without an entry would never run. (The cases in `ui` are
/// programs that another one compiles.)
pub(crate) fn unlisted_tests(tree: &Tree, manifest: &str) -> Vec<String> {
    let paths = manifest.lines().filter_map(|line| {
        let path = line.strip_prefix("path = \"")?.strip_suffix('"')?;
        tree.file(&format!("shmkv-core/{path}"))
    });
    let mut known = BTreeSet::new();
    for (root, _) in paths {
        let program = read(tree, root);
        let bodies = program.modules.iter().flat_map(|module| &module.bodies);
        known.extend(bodies.map(|body| body.file));
    }
    let tests = tree.files().map(|(file, _)| file);
    let tests = tests.filter(|file| file.starts_with("shmkv-core/tests/"));
    tests
        .filter(|file| !file.contains("/ui/") && !known.contains(file))
        .map(|file| {
            format!("{file}:1: is in no test program: add a `[[test]]` entry to shmkv-core/Cargo.toml, or declare it in a program")
        })
        .collect()
}

/// No file is longer than a reader can keep in mind.
pub(crate) fn long_files(tree: &Tree) -> Vec<String> {
    let lengths = tree
        .files()
        .map(|(file, text)| (file, text.lines().count()));
    let long = lengths.filter(|&(_, lines)| lines > MOST_LINES);
    long.map(|(file, lines)| {
        format!("{file}:{lines}: ends here, {MOST_LINES} lines are the most: take out a part that has a name")
    })
    .collect()
}

/// `unsafe` stands in listed files only, and each of them argues why it is sound.
pub(crate) fn unlisted_unsafe(tree: &Tree, listed: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in tree.files() {
        let Some(short) = file.strip_prefix(CORE) else {
            continue;
        };
        let lexed = lex(text);
        let first = lexed
            .tokens
            .iter()
            .find(|token| token.is("unsafe"))
            .map(|token| token.line);
        let is_listed = listed.iter().any(|&(name, _)| name == short);
        let argues = text.lines().any(|line| line.trim_end() == "//! # Safety");
        match first {
            Some(line) if !is_listed => found.push(format!(
                "{file}:{line}: has `unsafe`: move that to a file that UNSAFE lists, or list this one"
            )),
            None if is_listed => found.push(format!(
                "{file}:1: is listed in UNSAFE without having any: remove its line"
            )),
            Some(_) if !argues => found.push(format!(
                "{file}:1: has `unsafe`, but no section `# Safety` in its header: add one, numbered"
            )),
            _ => {}
        }
        found.extend(arguments_by_another(&lexed.comments).map(|line| {
            format!(
                "{file}:{line}: argues \"as above\", which code that moves leaves behind: say it"
            )
        }));
    }
    for (name, _) in listed {
        if tree.file(&format!("{CORE}{name}")).is_none() {
            found.push(format!("UNSAFE: there is no {CORE}{name}: remove its line"));
        }
    }
    found
}

/// The lines on which a `SAFETY` comment, of one line or several, points elsewhere.
fn arguments_by_another(comments: &[Comment<'_>]) -> impl Iterator<Item = usize> {
    let mut last = 0;
    let mut argues = false;
    comments.iter().filter_map(move |comment| {
        // A comment of several lines is several comments.
        argues = comment.text.contains("SAFETY") || (argues && comment.line == last + 1);
        last = comment.line;
        let refers = argues && comment.text.to_lowercase().contains("as above");
        refers.then_some(comment.line)
    })
}

/// What only one file may do, no other does.
pub(crate) fn second_places(tree: &Tree, places: &[OnePlace]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in tree.files().filter(|(file, _)| file.starts_with(CORE)) {
        let tokens = lex(text).tokens;
        for place in places
            .iter()
            .filter(|place| file[CORE.len()..] != *place.file)
        {
            let OnePlace {
                code,
                file: only,
                why,
            } = place;
            let wanted = lex(code).tokens;
            for (at, here) in tokens.windows(wanted.len()).enumerate() {
                let same = here
                    .iter()
                    .zip(&wanted)
                    .all(|(a, b)| (a.kind, a.text) == (b.kind, b.text));
                if same && !names_a_type(&tokens[..at]) {
                    let line = here[0].line;
                    found.push(format!(
                        "{file}:{line}: has `{code}`, only {CORE}{only} may: {why}"
                    ));
                }
            }
        }
    }
    found
}

/// Whether what follows `before` is a type before a block rather than a value:
/// `impl Drop for lock::Held {`, `-> &Held {`, `struct Held {`.
fn names_a_type(mut before: &[Token<'_>]) -> bool {
    while let [rest @ .., last] = before {
        before = match rest {
            [rest @ .., _] if last.is("::") => rest,
            _ if last.is("&") || last.is("mut") || last.kind == Kind::Lifetime => rest,
            _ => break,
        };
    }
    let of_a_type = ["struct", "enum", "union", "trait", "impl", "for", "->"];
    before
        .last()
        .is_some_and(|last| of_a_type.iter().any(|word| last.is(word)))
}
