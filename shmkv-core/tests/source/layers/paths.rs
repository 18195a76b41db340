//! From a path to the files that it leads to.
//!
//! A path is followed as the compiler follows it: through modules to the item, and
//! through every `use` on the way, since a `mod.rs` that re-exports an item is not
//! the file that has it. Where a name comes from another crate, the file that took
//! it from there is the one that has it.
//!
//! What no path shows is not seen: methods, whose file follows from no name, what
//! other crates' macros expand to, and macros that are in scope by their order.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::modules::{Body, Id, Mention, Program, Use};

/// Where a path leads.
#[derive(Clone, Debug)]
pub(crate) struct Found<'t> {
    pub(crate) file: &'t str,
    pub(crate) module: Id,
    /// The path names the module itself, not an item in it.
    whole: bool,
    /// Modules on the way that have the name only by a `use`, and their files.
    pub(crate) doors: Vec<(Id, &'t str)>,
}

/// One file's need of another one.
#[derive(Clone, Debug)]
pub(crate) struct Import<'t> {
    pub(crate) from: &'t str,
    pub(crate) line: usize,
    /// As it is written.
    pub(crate) path: String,
    /// The module that it is written in.
    pub(crate) module: Id,
    pub(crate) found: Found<'t>,
}

impl fmt::Display for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            line,
            path,
            found,
            ..
        } = self;
        write!(f, "{from}:{line}: imports {path} ({})", found.file)
    }
}

/// `use` items already followed, by module, body and place in it.
type Seen = HashSet<(Id, usize, usize)>;

impl<'t> Program<'t> {
    /// All that files need of other files, but for tests.
    ///
    /// A re-export of what is in a module's own children is no import; that the
    /// re-exporting file uses the name itself is.
    pub(crate) fn imports(&self) -> Vec<Import<'t>> {
        let mut imports = Vec::new();
        for (id, module) in self.modules.iter().enumerate() {
            for body in module.bodies.iter().filter(|body| !body.test) {
                self.imports_of(id, body, &mut imports);
            }
        }
        imports
    }

    fn imports_of(&self, id: Id, body: &Body<'t>, imports: &mut Vec<Import<'t>>) {
        let own = self.modules[id].of_file;
        let mut push = |path: &[&str], line, found: Found<'t>| {
            // Nor do the alternatives of one module import each other.
            if found.file != body.file && found.module != id {
                let path = path.join("::");
                imports.push(Import {
                    from: body.file,
                    line,
                    path,
                    module: id,
                    found,
                });
            }
        };
        let mut imported: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut globs = false;
        for item in body.uses.iter().filter(|item| !item.test) {
            globs |= item.name.is_none();
            for found in self.meant(body, item, self.follow(id, &item.path, &mut Seen::new())) {
                if item.public && self.is_inside(found.module, own) {
                    continue;
                }
                imported
                    .entry(item.name.unwrap_or("*"))
                    .or_default()
                    .push(found.file);
                push(&item.path, item.line, found);
            }
        }
        for Mention { path, line, test } in &body.mentions {
            let head = path[0];
            let rooted = path.len() > 1
                && (matches!(head, "crate" | "$crate" | "self" | "super" | "")
                    || Some(head) == self.own_name
                    || self.modules[id].children.contains_key(head));
            let bound = || body.uses.iter().any(|item| item.name == Some(head));
            if *test || !(rooted || globs || bound()) {
                continue;
            }
            let all = self.follow(id, path, &mut Seen::new());
            let only_modules = all.iter().all(|found| found.whole);
            for found in all.into_iter().filter(|found| only_modules || !found.whole) {
                // Its `use` has been counted.
                let known = imported
                    .get(head)
                    .is_some_and(|files| files.contains(&found.file));
                if !known {
                    push(path, *line, found);
                }
            }
        }
    }

    /// Of a module and an item that have one name, what `body` imports `item` for.
    fn meant(&self, body: &Body<'t>, item: &Use<'t>, found: Vec<Found<'t>>) -> Vec<Found<'t>> {
        let is_one = found.iter().all(|one| one.whole == found[0].whole);
        if is_one || item.public {
            return found;
        }
        let says = |longer: bool| {
            let mut mentions = body.mentions.iter();
            mentions.any(|said| Some(said.path[0]) == item.name && (said.path.len() > 1) == longer)
        };
        found.into_iter().filter(|one| says(one.whole)).collect()
    }

    /// Where `path` leads from `module`; nowhere if it is another crate's.
    fn follow(&self, module: Id, path: &[&'t str], seen: &mut Seen) -> Vec<Found<'t>> {
        let Some((&head, rest)) = path.split_first() else {
            return Vec::new();
        };
        match head {
            "crate" | "$crate" => self.walk(0, rest, seen),
            "self" | "super" => self.walk(module, path, seen),
            "" => match rest.split_first() {
                Some((&name, rest)) if Some(name) == self.own_name => self.walk(0, rest, seen),
                _ => Vec::new(),
            },
            _ if Some(head) == self.own_name => self.walk(0, rest, seen),
            _ => self.look_up(module, head, rest, seen),
        }
    }

    /// Where `path` leads in `module`, which is there, whatever it names.
    fn walk(&self, module: Id, path: &[&'t str], seen: &mut Seen) -> Vec<Found<'t>> {
        let Some((&head, rest)) = path.split_first() else {
            return self.files(module, true);
        };
        match head {
            "self" => self.walk(module, rest, seen),
            "super" => self.walk(self.modules[module].parent.unwrap_or(0), rest, seen),
            _ => {
                let found = self.look_up(module, head, rest, seen);
                // What a macro made is in the file that calls it.
                if found.is_empty() {
                    self.files(module, false)
                } else {
                    found
                }
            }
        }
    }

    fn files(&self, module: Id, whole: bool) -> Vec<Found<'t>> {
        let bodies = self.modules[module].bodies.iter().filter(|body| !body.test);
        let found = |body: &Body<'t>| Found {
            file: body.file,
            module,
            whole,
            doors: Vec::new(),
        };
        bodies.map(found).collect()
    }

    /// What `name`, and `rest` in it, are in `module`; nothing if it has no such name.
    fn look_up(&self, module: Id, name: &str, rest: &[&'t str], seen: &mut Seen) -> Vec<Found<'t>> {
        let mut found = Vec::new();
        if let Some(&child) = self.modules[module].children.get(name) {
            found = self.walk(child, rest, seen);
            if !rest.is_empty() {
                return found;
            }
        }
        let bodies = &self.modules[module].bodies;
        let defines = |body: &&Body<'t>| !body.test && body.defines.contains(name);
        for body in bodies.iter().filter(defines) {
            found.push(Found {
                file: body.file,
                module,
                whole: false,
                doors: Vec::new(),
            });
        }
        for (index, body) in bodies.iter().enumerate() {
            let by_use = |item: &Use<'t>| item.name == Some(name);
            for (place, item) in body
                .uses
                .iter()
                .enumerate()
                .filter(|(_, item)| by_use(item))
            {
                if !seen.insert((module, index, place)) {
                    continue;
                }
                let path: Vec<_> = item.path.iter().chain(rest).copied().collect();
                let mut there = self.follow(module, &path, seen);
                if there.is_empty() {
                    let doors = Vec::new();
                    found.push(Found {
                        file: body.file,
                        module,
                        whole: false,
                        doors,
                    });
                }
                for one in &mut there {
                    one.doors.insert(0, (module, body.file));
                }
                found.append(&mut there);
            }
        }
        if found.is_empty() {
            found = self.through_globs(module, name, rest, seen);
        }
        if found.is_empty()
            && module == 0
            && let Some(file) = self.exported.get(name)
        {
            found.push(Found {
                file,
                module,
                whole: false,
                doors: Vec::new(),
            });
        }
        found
    }

    fn through_globs(
        &self,
        module: Id,
        name: &str,
        rest: &[&'t str],
        seen: &mut Seen,
    ) -> Vec<Found<'t>> {
        let mut found = Vec::new();
        for (index, body) in self.modules[module].bodies.iter().enumerate() {
            let globs = body
                .uses
                .iter()
                .enumerate()
                .filter(|(_, item)| item.name.is_none());
            for (place, item) in globs {
                if !seen.insert((module, index, place)) {
                    continue;
                }
                for target in self.follow(module, &item.path, seen) {
                    if target.whole {
                        for mut one in self.look_up(target.module, name, rest, seen) {
                            one.doors.insert(0, (module, body.file));
                            found.push(one);
                        }
                    }
                }
            }
        }
        found
    }

    /// Whether `module` is `outer` or in it.
    pub(crate) fn is_inside(&self, module: Id, outer: Id) -> bool {
        let parent = |&module: &Id| self.modules[module].parent;
        std::iter::successors(Some(module), parent).any(|module| module == outer)
    }
}
