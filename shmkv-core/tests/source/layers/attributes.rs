//! What the attributes of an item say that matters here: is it compiled for tests
//! only, which file is it in, does a macro leave its module.

use super::lexer::{Kind, Token};

/// What the attributes of the item that follows say.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'t> {
    /// Only tests compile it.
    pub(crate) test: bool,
    /// The files that `path` attributes name, also conditional ones.
    pub(crate) paths: Vec<&'t str>,
    /// It is a macro of the crate's root.
    pub(crate) exported: bool,
}

impl<'t> Attributes<'t> {
    /// Adds what an attribute says; `tokens` are those between its brackets.
    pub(crate) fn add(&mut self, tokens: &[Token<'t>]) {
        let Some((name, rest)) = tokens.split_first() else {
            return;
        };
        self.test |= name.is("test") || (name.is("cfg") && needs_test(rest).0);
        self.exported |= name.is("macro_export");
        if name.is("path") || name.is("cfg_attr") {
            for part in tokens.windows(3) {
                if part[0].is("path") && part[1].is("=") && part[2].kind == Kind::Literal {
                    self.paths.push(part[2].text.trim_matches('"'));
                }
            }
        }
    }
}

/// Whether a `cfg` predicate holds in tests only; `tokens` begin at its `(`, or at
/// the predicate. Also how many of them it takes.
fn needs_test(tokens: &[Token<'_>]) -> (bool, usize) {
    let Some(first) = tokens.first() else {
        return (false, 0);
    };
    if first.is("(") {
        let (needs, len) = needs_test(&tokens[1..]);
        return (needs, len + 2);
    }
    if !tokens.get(1).is_some_and(|next| next.is("(")) {
        let len = tokens
            .iter()
            .take_while(|token| !token.is(",") && !token.is(")"))
            .count();
        return (first.is("test") && len == 1, len);
    }
    let mut parts = Vec::new();
    let mut at = 2;
    while tokens.get(at).is_some_and(|token| !token.is(")")) {
        let (needs, len) = needs_test(&tokens[at..]);
        parts.push(needs);
        at += len;
        at += usize::from(tokens.get(at).is_some_and(|token| token.is(",")));
    }
    let needs = match first.text {
        "all" => parts.contains(&true),
        "any" => !parts.is_empty() && !parts.contains(&false),
        _ => false,
    };
    (needs, at + 1)
}
