//! A program's modules: what each file declares, defines, imports and mentions.
//!
//! [`read`] starts at a program's first file and follows every `mod`, also those
//! with a `path` attribute. Alternatives for different platforms are one module
//! with several bodies. No `cfg` is decided, with one exception: what only tests
//! compile is marked as such.

use std::collections::{HashMap, HashSet};

use super::scan::Scan;
use super::tree::{Tree, folder_and_stem, join};

/// The index of a module in its [`Program`].
pub(crate) type Id = usize;

/// The modules of a program; the first is its root.
#[derive(Debug, Default)]
pub(crate) struct Program<'t> {
    pub(crate) modules: Vec<Module<'t>>,
    /// Macros that `macro_export` puts into the root, and the files that have them.
    pub(crate) exported: HashMap<&'t str, &'t str>,
    /// The program's own name, if it gives itself one: `extern crate self as …`.
    pub(crate) own_name: Option<&'t str>,
    /// `mod` items whose file is not there: the declaring file, the line, the name.
    pub(crate) missing: Vec<(&'t str, usize, &'t str)>,
}

/// A module, in a file of its own or inline.
#[derive(Debug)]
pub(crate) struct Module<'t> {
    pub(crate) parent: Option<Id>,
    /// The nearest module, this or a parent, that is a file of its own.
    pub(crate) of_file: Id,
    pub(crate) children: HashMap<&'t str, Id>,
    pub(crate) bodies: Vec<Body<'t>>,
}

/// The text of a module, or of one alternative of it.
#[derive(Debug)]
pub(crate) struct Body<'t> {
    pub(crate) file: &'t str,
    /// Whether only tests compile it.
    pub(crate) test: bool,
    /// Names of the items that it defines, without modules.
    pub(crate) defines: HashSet<&'t str>,
    pub(crate) uses: Vec<Use<'t>>,
    pub(crate) mentions: Vec<Mention<'t>>,
}

/// One name, or one glob, that a `use` item imports.
#[derive(Clone, Debug)]
pub(crate) struct Use<'t> {
    pub(crate) path: Vec<&'t str>,
    /// The name that it is known by here; `None` for a glob.
    pub(crate) name: Option<&'t str>,
    /// `pub`, also `pub(crate)` and the like.
    pub(crate) public: bool,
    pub(crate) line: usize,
    pub(crate) test: bool,
}

/// A path, or a single name, outside of `use` items.
#[derive(Clone, Debug)]
pub(crate) struct Mention<'t> {
    pub(crate) path: Vec<&'t str>,
    pub(crate) line: usize,
    pub(crate) test: bool,
}

/// Where the modules are looked for that a text declares.
pub(crate) struct Place<'t> {
    pub(crate) file: &'t str,
    /// The folder of the files of its modules.
    pub(crate) folder: String,
}

/// Reads the program whose first file is `root`.
pub(crate) fn read<'t>(tree: &'t Tree, root: &str) -> Program<'t> {
    let mut reader = Reader {
        tree,
        program: Program::default(),
        files: Vec::new(),
    };
    reader.module(None, None);
    reader.queue_file(0, root, true, false);
    while let Some(file) = reader.files.pop() {
        Scan::new(&mut reader, file).run();
    }
    reader.program
}

/// A file that is a module's, and not read yet.
pub(crate) struct Unread<'t> {
    pub(crate) module: Id,
    pub(crate) text: &'t str,
    pub(crate) place: Place<'t>,
    pub(crate) test: bool,
}

/// The program as far as it has been read.
pub(crate) struct Reader<'t> {
    tree: &'t Tree,
    pub(crate) program: Program<'t>,
    files: Vec<Unread<'t>>,
}

impl<'t> Reader<'t> {
    /// The module `name` in `parent`, new unless there is one already.
    /// Its text is in the file of `of_file`, or in its own.
    pub(crate) fn module(&mut self, inside: Option<(Id, &'t str)>, of_file: Option<Id>) -> Id {
        let next = self.program.modules.len();
        if let Some((parent, name)) = inside {
            let children = &mut self.program.modules[parent].children;
            let id = *children.entry(name).or_insert(next);
            if id != next {
                return id;
            }
        }
        self.program.modules.push(Module {
            parent: inside.map(|(parent, _)| parent),
            of_file: of_file.unwrap_or(next),
            children: HashMap::new(),
            bodies: Vec::new(),
        });
        next
    }

    /// `mod name;` in `place`, with the `path`s that attributes give it.
    pub(crate) fn declared(
        &mut self,
        (parent, name): (Id, &'t str),
        paths: &[&str],
        place: &Place<'t>,
        line: usize,
        test: bool,
    ) {
        let id = self.module(Some((parent, name)), None);
        let beside = folder_and_stem(place.file).0;
        let mut found = false;
        for path in paths {
            found |= self.queue_file(id, &join(beside, path), true, test);
        }
        if paths.is_empty() {
            let folder = &place.folder;
            found = self.queue_file(id, &format!("{folder}/{name}.rs"), false, test)
                || self.queue_file(id, &format!("{folder}/{name}/mod.rs"), true, test);
        }
        if !found {
            self.program.missing.push((place.file, line, name));
        }
    }

    /// Whether there is such a file. `owns_folder`: its modules are beside it.
    fn queue_file(&mut self, module: Id, path: &str, owns_folder: bool, test: bool) -> bool {
        let Some((file, text)) = self.tree.file(path) else {
            return false;
        };
        let (folder, stem) = folder_and_stem(file);
        let folder = if owns_folder {
            folder.to_owned()
        } else {
            format!("{folder}/{stem}")
        };
        let place = Place { file, folder };
        self.files.push(Unread {
            module,
            text,
            place,
            test,
        });
        true
    }
}
