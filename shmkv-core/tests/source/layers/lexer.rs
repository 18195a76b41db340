//! Rust source as tokens and comments.
//!
//! A rule that looked at text would take a path in a comment, a string or a
//! documentation example for an import. What is here is the lexical part of the
//! language reference as far as stable Rust uses it: nested comments, raw and
//! prefixed strings, characters apart from lifetimes, raw identifiers.

/// What a token is, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a keyword.
    Word,
    /// A number, a character or a string.
    Literal,
    /// `'a`, with its quote.
    Lifetime,
    /// Anything else: one character, or `::`, `->`, `=>`.
    Mark,
}

/// A token, as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind,
    pub(crate) text: &'s str,
    pub(crate) line: usize,
}

impl Token<'_> {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, Kind::Word | Kind::Mark)
    }
}

/// A comment, with its slashes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comment<'s> {
    pub(crate) text: &'s str,
    pub(crate) line: usize,
}

/// A file's tokens and comments, each in order.
#[derive(Debug, Default)]
pub(crate) struct Lexed<'s> {
    pub(crate) tokens: Vec<Token<'s>>,
    pub(crate) comments: Vec<Comment<'s>>,
}

/// Takes `source` apart. It is source that compiles; of any other, some tokens.
pub(crate) fn lex(source: &str) -> Lexed<'_> {
    let mut lexer = Lexer {
        source,
        at: 0,
        line: 1,
    };
    let mut lexed = Lexed::default();
    while let Some(first) = lexer.peek() {
        let (start, line) = (lexer.at, lexer.line);
        if first.is_whitespace() {
            lexer.skip(first);
            continue;
        }
        if lexer.rest().starts_with("//") || lexer.rest().starts_with("/*") {
            lexer.comment();
            lexed.comments.push(Comment {
                text: &source[start..lexer.at],
                line,
            });
            continue;
        }
        let kind = lexer.token(first);
        lexed.tokens.push(Token {
            kind,
            text: &source[start..lexer.at],
            line,
        });
    }
    lexed
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    line: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character after the next one.
    fn second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    fn skip(&mut self, next: char) {
        self.at += next.len_utf8();
        self.line += usize::from(next == '\n');
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        while let Some(next) = self.peek().filter(|&next| wanted(next)) {
            self.skip(next);
        }
    }

    /// Skips all up to and with `end`.
    fn skip_past(&mut self, end: &str) {
        let len = self
            .rest()
            .find(end)
            .map_or(self.rest().len(), |found| found + end.len());
        self.line += self.rest()[..len].matches('\n').count();
        self.at += len;
    }

    fn comment(&mut self) {
        if self.rest().starts_with("//") {
            self.skip_while(|next| next != '\n');
            return;
        }
        let mut depth = 0;
        while let Some(next) = self.peek() {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.skip(next);
            }
        }
    }

    fn token(&mut self, first: char) -> Kind {
        match first {
            '"' => self.string(),
            '\'' => self.quote(),
            '0'..='9' => {
                self.skip_while(is_inside_word);
                // `1.5`, but neither `1..5` nor `1.max(5)`.
                if self.peek() == Some('.') && self.second().is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                    self.skip_while(is_inside_word);
                }
                Kind::Literal
            }
            _ if is_inside_word(first) => self.word(),
            _ => {
                self.skip(first);
                let joined = matches!(
                    (first, self.peek()),
                    (':', Some(':')) | ('-' | '=', Some('>'))
                );
                self.at += usize::from(joined);
                Kind::Mark
            }
        }
    }

    /// A word, or the literal of which it is the prefix.
    fn word(&mut self) -> Kind {
        let start = self.at;
        self.skip_while(is_inside_word);
        let prefix = &self.source[start..self.at];
        if matches!(prefix, "r" | "br" | "cr") {
            let hashes = self.rest().len() - self.rest().trim_start_matches('#').len();
            if self.rest()[hashes..].starts_with('"') {
                let end = format!("\"{}", "#".repeat(hashes));
                self.at += hashes + 1;
                self.skip_past(&end);
                return Kind::Literal;
            }
            if prefix == "r" && hashes == 1 {
                self.at += 1;
                self.skip_while(is_inside_word);
            }
            return Kind::Word;
        }
        match (prefix, self.peek()) {
            ("b" | "c", Some('"')) => self.string(),
            ("b", Some('\'')) => self.quote(),
            _ => Kind::Word,
        }
    }

    /// From the opening quote of a string in which `\` escapes.
    fn string(&mut self) -> Kind {
        self.escaped('"');
        Kind::Literal
    }

    /// A character or a lifetime.
    fn quote(&mut self) -> Kind {
        let mut after = self.rest().chars().skip(1);
        let (inside, end) = (after.next(), after.next());
        if inside == Some('\\') || end == Some('\'') {
            self.escaped('\'');
            return Kind::Literal;
        }
        self.at += 1;
        self.skip_while(is_inside_word);
        Kind::Lifetime
    }

    fn escaped(&mut self, quote: char) {
        self.at += 1;
        while let Some(next) = self.peek() {
            self.skip(next);
            if next == quote {
                return;
            }
            if next == '\\'
                && let Some(escaped) = self.peek()
            {
                self.skip(escaped);
            }
        }
    }
}

fn is_inside_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
