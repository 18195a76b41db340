//! One file's tokens as modules, items, imports and mentions of paths.
//!
//! This is no parser of Rust. It knows where items begin and end, and takes any
//! other chain of names for a path; whether that leads to a file is for
//! `paths` to say.

use std::collections::HashSet;

use super::attributes::Attributes;
use super::lexer::{Kind, Token, lex};
use super::modules::{Body, Id, Mention, Place, Reader, Unread, Use};

/// Words after which an item's name follows.
const NAMING: [&str; 9] = [
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "const",
    "static",
    "macro_rules",
];
/// Words with which an item begins that ends with `;` or with a block.
const ITEMS: [&str; 16] = [
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "const",
    "static",
    "macro_rules",
    "mod",
    "use",
    "impl",
    "unsafe",
    "extern",
    "async",
    "pub",
];

pub(crate) struct Scan<'r, 't> {
    reader: &'r mut Reader<'t>,
    tokens: Vec<Token<'t>>,
    at: usize,
    /// Tokens before this one are compiled for tests only.
    test_until: usize,
    module: Id,
    place: Place<'t>,
    test: bool,
}

impl<'r, 't> Scan<'r, 't> {
    pub(crate) fn new(reader: &'r mut Reader<'t>, file: Unread<'t>) -> Self {
        let Unread {
            module,
            text,
            place,
            test,
        } = file;
        let tokens = lex(text).tokens;
        Self {
            reader,
            tokens,
            at: 0,
            test_until: 0,
            module,
            place,
            test,
        }
    }

    pub(crate) fn run(mut self) {
        self.body(self.module, self.test);
    }

    fn token(&self, ahead: usize) -> Option<Token<'t>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn is(&self, ahead: usize, text: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is(text))
    }

    fn word(&self, ahead: usize) -> Option<&'t str> {
        self.token(ahead)
            .filter(|token| token.kind == Kind::Word)
            .map(|token| token.text)
    }

    fn previous(&self, back: usize, text: &str) -> bool {
        self.at
            .checked_sub(back)
            .is_some_and(|before| self.tokens[before].is(text))
    }

    /// The text of `module`, up to its closing brace or the end of the file.
    fn body(&mut self, module: Id, test: bool) {
        let mut body = Body {
            file: self.place.file,
            test,
            defines: HashSet::new(),
            uses: Vec::new(),
            mentions: Vec::new(),
        };
        let mut depth = 0_usize;
        let mut attributes = Attributes::default();
        let mut public = false;
        while let Some(token) = self.token(0) {
            if token.is("#") && (self.is(1, "[") || (self.is(1, "!") && self.is(2, "["))) {
                self.attribute(&mut attributes);
                continue;
            }
            if attributes.test {
                self.test_until = self.test_until.max(self.end_of_item());
            }
            let test = test || self.at < self.test_until;
            if token.is("pub") {
                public = true;
                self.visibility();
                continue;
            }
            let before = std::mem::take(&mut attributes);
            let public = std::mem::take(&mut public);
            match token.text {
                _ if token.kind != Kind::Word && token.kind != Kind::Mark => self.at += 1,
                "{" | "(" | "[" => {
                    depth += 1;
                    self.at += 1;
                }
                "}" | ")" | "]" => {
                    self.at += 1;
                    match depth.checked_sub(1) {
                        Some(less) => depth = less,
                        None => break,
                    }
                }
                "mod" if self.word(1).is_some() && (self.is(2, ";") || self.is(2, "{")) => {
                    self.module(module, &before, test);
                }
                "use" if !self.is(1, "<") => {
                    self.at += 1;
                    self.tree(&mut Vec::new(), public, test, &mut body.uses);
                }
                "extern" if self.is(1, "crate") => self.external(module, test, &mut body.uses),
                word if NAMING.contains(&word) => {
                    self.definition(word, depth, before.exported, &mut body);
                }
                _ if token.kind == Kind::Word => self.mention(test, &mut body.mentions),
                _ => self.at += 1,
            }
        }
        self.reader.program.modules[module].bodies.push(body);
    }

    /// `pub`, `pub(crate)`, `pub(in path)`; the path is no import.
    fn visibility(&mut self) {
        self.at += 1;
        let limited = ["crate", "super", "self", "in"]
            .iter()
            .any(|word| self.is(1, word));
        if self.is(0, "(") && limited {
            while self.token(0).is_some() && !self.is(0, ")") {
                self.at += 1;
            }
            self.at += 1;
        }
    }

    fn attribute(&mut self, attributes: &mut Attributes<'t>) {
        let inner = self.is(1, "!");
        self.at += if inner { 2 } else { 1 };
        let start = self.at + 1;
        self.skip_group();
        if !inner {
            attributes.add(&self.tokens[start..self.at - 1]);
        }
    }

    /// From an opening bracket to behind the one that closes it.
    fn skip_group(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.token(0) {
            self.at += 1;
            if ["(", "[", "{"].iter().any(|open| token.is(open)) {
                depth += 1;
            } else if [")", "]", "}"].iter().any(|close| token.is(close)) {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
        }
    }

    /// The index behind the item, field, arm or statement that begins here.
    fn end_of_item(&self) -> usize {
        let is_item = self.word(0).is_some_and(|word| ITEMS.contains(&word));
        let is_use = (self.at..self.at + 12)
            .map_while(|at| self.tokens.get(at))
            .find(|token| token.is("use") || token.is("{") || token.is(";"))
            .is_some_and(|token| token.is("use"));
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token.text {
                "(" | "[" | "{" if token.kind == Kind::Mark => depth += 1,
                ")" | "]" | "}" if token.kind == Kind::Mark => {
                    let Some(less) = depth.checked_sub(1) else {
                        return at;
                    };
                    depth = less;
                    if depth == 0 && token.is("}") && !is_use {
                        return at + 1;
                    }
                }
                ";" if depth == 0 => return at + 1,
                "," if depth == 0 && !is_item => return at + 1,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// `mod name;` or `mod name { … }`.
    fn module(&mut self, parent: Id, attributes: &Attributes<'t>, test: bool) {
        let (Some(name), Some(token)) = (self.word(1), self.token(0)) else {
            return;
        };
        let inline = self.is(2, "{");
        self.at += 3;
        let inside = (parent, name);
        if !inline {
            let line = token.line;
            self.reader
                .declared(inside, &attributes.paths, &self.place, line, test);
            return;
        }
        let of_file = self.reader.program.modules[parent].of_file;
        let id = self.reader.module(Some(inside), Some(of_file));
        let folder = format!("{}/{name}", self.place.folder);
        let outer = std::mem::replace(&mut self.place.folder, folder);
        self.body(id, test);
        self.place.folder = outer;
    }

    /// The rest of a `use` item, or a branch of it.
    fn tree(&mut self, path: &mut Vec<&'t str>, public: bool, test: bool, uses: &mut Vec<Use<'t>>) {
        let depth = path.len();
        let push = |path: &[&'t str], name, line, uses: &mut Vec<Use<'t>>| {
            uses.push(Use {
                path: path.to_vec(),
                name,
                public,
                line,
                test,
            });
        };
        if self.is(0, "::") {
            path.push(""); // another crate, whatever is called so here
            self.at += 1;
        }
        while let Some(token) = self.token(0) {
            self.at += 1;
            match token.text {
                "$" | "::" => {}
                "*" => {
                    push(path, None, token.line, uses);
                    break;
                }
                "{" => {
                    while !self.is(0, "}") && self.token(0).is_some() {
                        self.tree(path, public, test, uses);
                        self.at += usize::from(self.is(0, ","));
                    }
                    self.at += 1;
                    break;
                }
                _ if token.kind == Kind::Word => {
                    // `{self}` is what stands before the brace.
                    if token.text != "self" || path.is_empty() {
                        path.push(token.text);
                    }
                    if self.is(0, "::") {
                        continue;
                    }
                    let mut name = path.last().copied();
                    if self.is(0, "as") {
                        name = self.word(1);
                        self.at += 2;
                    }
                    push(path, name, token.line, uses);
                    break;
                }
                _ => break,
            }
        }
        path.truncate(depth);
    }

    /// `extern crate name;` or `extern crate name as other;`
    fn external(&mut self, module: Id, test: bool, uses: &mut Vec<Use<'t>>) {
        let (Some(name), Some(token)) = (self.word(2), self.token(0)) else {
            self.at += 1;
            return;
        };
        let known_as = if self.is(3, "as") {
            self.word(4)
        } else {
            Some(name)
        };
        if name == "self" && module == 0 {
            self.reader.program.own_name = known_as;
        } else {
            let path = vec!["", name];
            uses.push(Use {
                path,
                name: known_as,
                public: false,
                line: token.line,
                test,
            });
        }
        self.at += if self.is(3, "as") { 5 } else { 3 };
    }

    /// `fn name`, `macro_rules! name` and so on; the name alone.
    fn definition(&mut self, word: &str, depth: usize, exported: bool, body: &mut Body<'t>) {
        self.at += 1;
        if word == "macro_rules" {
            self.at += usize::from(self.is(0, "!"));
        }
        self.at += usize::from(self.is(0, "mut"));
        let Some(name) = self.word(0) else {
            return; // `fn(u32)`, `*const T`
        };
        if NAMING.contains(&name) || ["unsafe", "extern", "async", "crate"].contains(&name) {
            return; // `const fn`; `*const crate::T`
        }
        if self.is(1, "::") {
            return; // `*const layout::T`
        }
        self.at += 1;
        if depth == 0 {
            body.defines.insert(name);
        }
        if exported {
            self.reader.program.exported.insert(name, self.place.file);
        }
    }

    /// A chain of names, unless it goes on from something else.
    fn mention(&mut self, test: bool, mentions: &mut Vec<Mention<'t>>) {
        let goes_on = self.previous(1, "::") || (self.previous(1, ".") && !self.previous(2, "."));
        // `::name` begins with another crate's name, unless it goes on from `name` or `<T>`.
        let before = self.at.checked_sub(2).and_then(|at| self.tokens.get(at));
        let leading = self.previous(1, "::")
            && !before.is_some_and(|token| token.kind == Kind::Word || token.is(">"));
        let Some(first) = self.token(0) else {
            return;
        };
        // A macro's own crate: what stands after it is for the macro's callers.
        let of_macro = first.is("crate") && self.previous(1, "$");
        let mut path = vec![if of_macro { "$crate" } else { first.text }];
        if leading {
            path.insert(0, "");
        }
        self.at += 1;
        while self.is(0, "::")
            && let Some(next) = self.word(1)
        {
            path.push(next);
            self.at += 2;
        }
        // `name: …` is a field, a parameter or a variable.
        if (leading || !goes_on) && !(path.len() == 1 && self.is(0, ":")) {
            mentions.push(Mention {
                path,
                line: first.line,
                test,
            });
        }
    }
}
