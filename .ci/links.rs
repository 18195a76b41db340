//! Are the links of the documentation alive?
//!
//! ```sh
//! rustc --edition 2024 -O -o target/links .ci/links.rs
//! target/links --self-test
//! target/links target/doc/shmkv_core README.md
//! ```
//!
//! Reads every HTML page in the folders, with the source pages that rustdoc keeps
//! beside them, and every Markdown file that it is given. A target that is a file must
//! be there, a fragment must be an id or a heading of its page, an address must be one
//! that a reader elsewhere can open. Nothing is fetched. One line for each dead link.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::{fs, io};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let alive = match arguments.first().map(String::as_str) {
        None => Err(io::Error::other("name folders of HTML, or Markdown files")),
        Some("--self-test") => self_test(),
        Some(_) => check_all(&arguments),
    };
    if let Err(error) = &alive {
        eprintln!("cannot check links: {error}");
    }
    ExitCode::from(u8::from(!alive.unwrap_or(false)))
}

/// Prints what is dead, and how many links there are.
fn check_all(arguments: &[String]) -> io::Result<bool> {
    let mut checker = Checker::default();
    for argument in arguments {
        checker.argument(Path::new(argument))?;
    }
    let Checker { dead, links, .. } = checker;
    dead.iter().for_each(|line| println!("{line}"));
    println!("{links} links, {} of them dead", dead.len());
    Ok(dead.is_empty() && links > 0)
}

#[derive(Default)]
struct Checker {
    pages: HashMap<PathBuf, Rc<Page>>,
    dead: BTreeSet<String>,
    links: usize,
}

impl Checker {
    fn argument(&mut self, path: &Path) -> io::Result<()> {
        if !path.is_dir() {
            return self.check(path, None);
        }
        let root = path.parent().unwrap_or(path);
        let sources = root.join("src").join(path.file_name().unwrap_or_default());
        self.folder(&sources, root)?;
        self.folder(path, root)
    }

    fn folder(&mut self, folder: &Path, root: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry?.path();
            if path.is_dir() {
                self.folder(&path, root)?;
            } else if is(&path, "html") {
                self.check(&path, Some(root))?;
            }
        }
        Ok(())
    }

    /// Checks a page. `root`: the folder that is published, out of which no link may lead.
    fn check(&mut self, path: &Path, root: Option<&Path>) -> io::Result<()> {
        let page = self.page(path)?;
        self.links += page.links.len();
        for (line, target) in &page.links {
            if let Some(why) = self.fault(path, target, root) {
                let page = path.display();
                self.dead
                    .insert(format!("{page}:{line}: links to \"{target}\": {why}"));
            }
        }
        Ok(())
    }

    fn page(&mut self, path: &Path) -> io::Result<Rc<Page>> {
        if let Some(page) = self.pages.get(path) {
            return Ok(page.clone());
        }
        let named = |error| io::Error::other(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(named)?;
        let mut page = Page::default();
        if is(path, "md") {
            page.markdown(&text);
        } else {
            page.tags(&text);
        }
        let page = Rc::new(page);
        self.pages.insert(path.to_owned(), page.clone());
        Ok(page)
    }

    /// Why `target` is dead, if it is.
    fn fault(&mut self, from: &Path, target: &str, root: Option<&Path>) -> Option<String> {
        if let Some(why) = address_fault(target) {
            return why.map(str::to_owned);
        }
        let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
        let file = decoded(until(file, |c| c == '?'));
        let mut path = match file.as_str() {
            "" => from.to_owned(),
            file => without_dots(&from.with_file_name("").join(file)),
        };
        if let Some(root) = root {
            if !path.starts_with(root) {
                return Some("it leads out of what is published".to_owned());
            }
            if path.is_dir() {
                path.push("index.html");
            }
        }
        if !path.exists() {
            return Some(format!("there is no {}", path.display()));
        }
        if fragment.is_empty() || !(is(&path, "html") || is(&path, "md")) {
            return None;
        }
        let anchors = &self.page(&path).ok()?.anchors;
        // As it is, as rustdoc has it, or decoded. `#3-7`, lines, is for a script to find.
        let is_line = |id: &str| id.parse::<u32>().is_ok() && anchors.contains(id);
        let (from, to) = fragment.split_once('-').unwrap_or(("", ""));
        let known = anchors.contains(fragment) || anchors.contains(&decoded(fragment));
        let known = known || (is_line(from) && is_line(to));
        (!known).then(|| format!("{} has no #{fragment}", path.display()))
    }
}

/// `text` up to the first `end`.
fn until(text: &str, end: impl FnMut(char) -> bool) -> &str {
    &text[..text.find(end).unwrap_or(text.len())]
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|of_path| of_path == extension)
}

/// For a target that is no file's: what is wrong with it, if anything is.
fn address_fault(target: &str) -> Option<Option<&'static str>> {
    if target.is_empty() {
        return Some(Some("it has no target"));
    }
    if target.starts_with('/') {
        return Some(Some("it depends on where the page is: make it relative"));
    }
    let is_scheme = |scheme: &str| scheme.chars().all(char::is_alphanumeric);
    let (scheme, rest) = target.split_once(':').filter(|parts| is_scheme(parts.0))?;
    let host = until(rest.trim_start_matches('/'), |c| "/?#:".contains(c));
    let own = ["localhost", "127.", "0.0.0.0", "192.168.", "10.", "["];
    Some(match scheme {
        "data" => None,
        "mailto" if rest.contains('@') => None,
        "http" | "https" if !own.iter().any(|own| host.starts_with(own)) => {
            let good = rest.starts_with("//") && host.trim_matches('.').contains('.');
            (!good || rest.contains(char::is_whitespace)).then_some("its form is wrong")
        }
        _ => Some("a reader elsewhere cannot open that"),
    })
}

/// `path` without `..`, whatever is there.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let climbs = part == Component::ParentDir && plain.file_name().is_some();
        if !(climbs && plain.pop()) {
            plain.push(part);
        }
    }
    plain
}

/// `%20` and the like as what they are.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).unwrap_or("");
        match u8::from_str_radix(code, 16) {
            Ok(byte) => bytes.extend([&[byte], &part.as_bytes()[2..]].concat()),
            Err(_) => bytes.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a page links to, by line, and what may be linked to in it.
#[derive(Default)]
struct Page {
    links: Vec<(usize, String)>,
    anchors: HashSet<String>,
}

impl Page {
    fn link(&mut self, text: &str, at: usize, target: &str) {
        let line = text[..at].matches('\n').count() + 1;
        self.links.push((line, target.to_owned()));
    }

    /// Adds the links and ids of all tags in `text`.
    fn tags(&mut self, text: &str) {
        let mut at = 0;
        while let Some(found) = text[at..].find('<') {
            at += found;
            let rest = &text[at..];
            let name = until(&rest[1..], |c: char| !c.is_ascii_alphanumeric());
            let start = at;
            at += 1 + name.len();
            if rest.starts_with("<!--") {
                at = rest.find("-->").map_or(text.len(), |end| start + end);
            }
            while !name.is_empty()
                && let Some((key, value, end)) = attribute(text, at)
            {
                at = end;
                match key {
                    "href" | "src" => self.link(text, start, &plain(value)),
                    "id" => drop(self.anchors.insert(plain(value))),
                    "name" if name == "a" => drop(self.anchors.insert(plain(value))),
                    _ => {}
                }
            }
            if name == "script" || name == "style" {
                let end = text[at..].find(&format!("</{name}"));
                at = end.map_or(text.len(), |end| at + end);
            }
        }
    }

    fn markdown(&mut self, text: &str) {
        let (prose, headings) = without_code(text);
        self.tags(&prose);
        for heading in headings {
            let slug = slug(&heading);
            let numbered = (1..).map(|number| format!("{slug}-{number}"));
            let mut slugs = [slug.clone()].into_iter().chain(numbered);
            self.anchors
                .extend(slugs.find(|slug| !self.anchors.contains(slug)));
        }
        // `[text](target "title")`, images too, and addresses in `<>`.
        for (at, _) in prose.match_indices("](") {
            let mut depth = 0;
            let ends = |c: char| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth < 0
            };
            let target = until(&prose[at + 2..], ends).trim_start();
            let target = until(target, char::is_whitespace);
            self.link(&prose, at, target.trim_matches(['<', '>']));
        }
        for (at, _) in prose.match_indices("<http") {
            self.link(&prose, at, until(&prose[at + 1..], |c| c == '>'));
        }
        // `[id]: target`, and `[text][id]`, which needs one.
        let mut known = HashSet::new();
        for (at, _) in prose.match_indices("]:") {
            let line = prose[..at].rfind('\n').map_or(0, |end| end + 1);
            if let Some(id) = prose[line..at].trim_start().strip_prefix('[') {
                known.insert(id.to_lowercase());
                let target = until(prose[at + 2..].trim_start(), char::is_whitespace);
                self.link(&prose, at, target.trim_matches(['<', '>']));
            }
        }
        for (at, _) in prose.match_indices("][") {
            let id = until(&prose[at + 2..], |c| c == ']');
            let text = prose[..at].rsplit('[').next().unwrap_or("");
            let id = if id.is_empty() { text } else { id };
            if !known.contains(&id.to_lowercase()) {
                self.link(&prose, at, &format!("[{id}]"));
            }
        }
    }
}

/// The attribute at `at` in a tag: name, value, and where it ends.
fn attribute(text: &str, at: usize) -> Option<(&str, &str, usize)> {
    let rest = text[at..].trim_start_matches(|c: char| c.is_whitespace() || c == '/');
    let len = rest.find(|c: char| c.is_whitespace() || "=>/".contains(c))?;
    if len == 0 {
        return None; // the tag's end
    }
    let (key, rest) = rest.split_at(len);
    let (value, rest) = match rest.strip_prefix('=') {
        None => ("", rest),
        Some(value) => match value.chars().next().filter(|first| "\"'".contains(*first)) {
            Some(quote) => value[1..].split_once(quote)?,
            None => value.split_at(value.find(|c: char| c.is_whitespace() || c == '>')?),
        },
    };
    Some((key, value, text.len() - rest.len()))
}

/// `text` with what its entities stand for.
fn plain(text: &str) -> String {
    let entities = ["&lt;<", "&gt;>", "&quot;\"", "&#39;'", "&amp;&"];
    let replace = |text: String, entity: &str| {
        let (name, meaning) = entity.split_at(entity.len() - 1);
        text.replace(name, meaning)
    };
    entities.into_iter().fold(text.to_owned(), replace)
}

/// `text` with spaces for code, line by line as long; and its headings.
fn without_code(text: &str) -> (String, Vec<String>) {
    let blank = |code: &str| code.replace(|c| c != '\n', " ");
    let (mut prose, mut headings) = (String::new(), Vec::new());
    let mut fence = None;
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        let mark = Some(until(start, |c| !"`~".contains(c))).filter(|mark| mark.len() >= 3);
        if mark.is_some() || fence.is_some() {
            prose += &blank(line);
            fence = if fence == mark { None } else { fence.or(mark) };
            continue;
        }
        let title = start.trim_start_matches('#');
        if title.len() < start.len() && title.starts_with(' ') {
            headings.push(title.trim().to_owned());
        }
        prose += line;
    }
    // Code in a line: from some backticks to as many, in the same paragraph.
    let mut at = 0;
    while let Some(found) = prose[at..].find('`') {
        at += found;
        let rest = prose[at..].split("\n\n").next().unwrap_or("");
        let inside = rest.trim_start_matches('`');
        let ticks = &rest[..rest.len() - inside.len()];
        let is_end = |&end: &usize| {
            let after = &inside[end + ticks.len()..];
            !after.starts_with('`') && !inside[..end].ends_with('`')
        };
        let end = inside.match_indices(ticks).map(|(end, _)| end).find(is_end);
        let len = end.map_or(ticks.len(), |end| end + 2 * ticks.len());
        let code = blank(&prose[at..at + len]);
        prose.replace_range(at..at + len, &code);
        at += code.len();
    }
    (prose, headings)
}

/// The id that a heading gets on GitHub.
fn slug(heading: &str) -> String {
    let mut text = heading.to_owned();
    while let Some(middle) = text.find("](")
        && let Some(end) = text[middle..].find(')')
    {
        text.replace_range(middle..=middle + end, "");
    }
    let kept = text.to_lowercase().replace(' ', "-");
    kept.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "")
}

/// Dead links, planted among others in a folder of their own, are found; no others.
/// Every dead target, and no other one, has `X` in it, or is nothing.
fn self_test() -> io::Result<bool> {
    let folder = std::env::temp_dir().join(format!("links-{}", std::process::id()));
    let alive = r##"<!-- <a href=no> --><script src="../a.js">"<a href='no'>"</script><a href="#">
        <i id=3></i><a name=7><a href=b.html#a%20b><a class="x"href="../lib/#3-7">
        <a href='https://docs.rs/x'><a href="?search=x&amp;y"><img src="data:,">"##;
    let dead = r##"<a href="X.html"><a href="#X"><a href='b.html#X'><img src="X.svg"><a href="">
        <a href=http://localhost:80/X><a href="https://X"><a href="http:X.org"><a href="/X">
        <a href="../../X.md"><a href="file:X"><script src="../X.js"></script><a href="#3-X">"##;
    let markdown = "# A `code`: *one*\n## A `code`: *one*\n## [To][X] one [there](X.md)\n\
        [a](#a-code-one) [b](m.md#a-code-one-1) ![c](doc/lib/b.html \"t\") [d][E] <https://docs.rs>\n\
        `[no](no.md)` ``[no] ` (no.md)`` <img src=\"X.png\"> [f](#X) [g](doc/lib/b.html#X)\n\
        ```text\n[no](no.md)\n```\n[h](http://127.0.0.1/X) ![i](X(1).svg)\n\n[e]: doc\n[z]: X.txt\n";
    fs::create_dir_all(folder.join("doc/lib"))?;
    fs::write(folder.join("doc/a.js"), "")?;
    fs::write(folder.join("X.md"), "there, but not published")?;
    fs::write(folder.join("doc/lib/index.html"), [alive, dead].concat())?;
    fs::write(folder.join("doc/lib/b.html"), "<p id='a b'>")?;
    fs::write(folder.join("m.md"), markdown.replace("X.md", "X2.md"))?;
    let mut checker = Checker::default();
    checker.argument(&folder.join("doc/lib"))?;
    checker.argument(&folder.join("m.md"))?;
    fs::remove_dir_all(&folder)?;
    let is_planted = |line: &String| line.contains('X') || line.contains("\"\"");
    let (found, planted) = (&checker.dead, 13 + 8);
    let good = found.len() == planted && found.iter().all(is_planted);
    if !good {
        println!("self-test: {planted} dead links were planted, found: {found:#?}");
    }
    Ok(good)
}
