//! The rules on imports. Each answers with what it found, a line for each.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::read;
use super::paths::Import;
use super::table::Layer;
use super::tree::{CORE, Tree};

/// The first file of the library.
const LIBRARY: &str = "shmkv-core/src/lib.rs";

/// Every module of the library sees only what its line of the table says.
pub(crate) fn upward_imports(tree: &Tree, layers: &[Layer]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for import in read(tree, LIBRARY).imports() {
        let here = layer_of(import.from);
        let Some(layer) = layers.iter().find(|layer| layer.name == here) else {
            continue; // `lib.rs`; a module without a line is the next rule's
        };
        let doors = import.found.doors.iter().map(|&(_, file)| file);
        let files = doors.chain([import.found.file]);
        // A macro that users call has to go through what users see.
        let front = |layer: &&str| *layer == "lib" && import.path.starts_with("$crate");
        let mut there = files.map(layer_of).filter(|layer| !front(layer));
        if let Some(there) = there.find(|there| *there != here && !layer.sees.contains(there)) {
            let sees = match layer.sees {
                [] => "nothing".to_owned(),
                sees => sees.join(", "),
            };
            let why = format!(
                "{import}, but `{here}` sees {sees}, not `{there}`: \
                 move what both need down, or have it handed in"
            );
            found.insert((import.from, import.line, why));
        }
    }
    found.into_iter().map(|(_, _, why)| why).collect()
}

/// The table of layers has every module of the library, and sees downward.
pub(crate) fn unfit_table(tree: &Tree, layers: &[Layer]) -> Vec<String> {
    let mut found = Vec::new();
    let modules = read(tree, LIBRARY).modules;
    let is_layer =
        |id: usize| modules[id].of_file == id && modules[id].bodies.iter().any(|body| !body.test);
    let children = modules[0].children.iter();
    let names: BTreeSet<&str> = children
        .filter(|&(_, &id)| is_layer(id))
        .map(|(&name, _)| name)
        .collect();
    for name in names
        .iter()
        .filter(|name| !layers.iter().any(|layer| layer.name == **name))
    {
        found.push(format!("LAYERS: the module `{name}` has no line: add one"));
    }
    for (place, Layer { name, sees }) in layers.iter().enumerate() {
        if !names.contains(name) {
            found.push(format!(
                "LAYERS: there is no module `{name}`: remove its line"
            ));
        }
        let lower = &layers[..place];
        for seen in sees
            .iter()
            .filter(|seen| !lower.iter().any(|layer| layer.name == **seen))
        {
            found.push(format!(
                "LAYERS: `{name}` sees `{seen}`, which is not below it"
            ));
        }
    }
    found
}

/// No files of any program import each other, directly or round a corner.
pub(crate) fn circles(tree: &Tree) -> Vec<String> {
    let mut found = BTreeSet::new();
    for root in tree.roots() {
        let mut edges = Edges::new();
        for import in read(tree, root).imports() {
            let of_file = edges.entry(import.from).or_default();
            of_file.entry(import.found.file).or_insert(import);
        }
        // One after the other, the shortest first; each is taken apart once it is told.
        while let Some(circle) = shortest_circle(&edges) {
            let steps = circle
                .windows(2)
                .map(|pair| edges[pair[0]][pair[1]].to_string());
            let steps: Vec<String> = steps.collect();
            let steps = steps.join(", and ");
            found.insert(format!(
                "{steps}: a circle: move what both need to a file below"
            ));
            for pair in circle.windows(2) {
                edges.get_mut(pair[0]).and_then(|to| to.remove(pair[1]));
            }
        }
    }
    found.into_iter().collect()
}

/// The first import of each file, by the file that needs it and the file it needs.
type Edges<'t> = BTreeMap<&'t str, BTreeMap<&'t str, Import<'t>>>;

/// A shortest circle: its files in order, the first also last.
fn shortest_circle<'t>(edges: &Edges<'t>) -> Option<Vec<&'t str>> {
    edges
        .keys()
        .filter_map(|start| circle_from(edges, start))
        .min_by_key(Vec::len)
}

/// A shortest circle through `start`, breadth first.
fn circle_from<'t>(edges: &Edges<'t>, start: &'t str) -> Option<Vec<&'t str>> {
    let mut paths = vec![vec![start]];
    let mut known = BTreeSet::new();
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            let last = path.last().and_then(|last| edges.get(last));
            for &next in last.into_iter().flat_map(BTreeMap::keys) {
                let path: Vec<_> = path.iter().copied().chain([next]).collect();
                if next == start {
                    return Some(path);
                }
                if known.insert(next) {
                    longer.push(path);
                }
            }
        }
        paths = longer;
    }
    None
}

/// A child does not take a sibling's name through their parent's re-export: it says
/// which sibling, `super::sibling::Name`.
pub(crate) fn through_the_parent(tree: &Tree) -> Vec<String> {
    let mut found = BTreeSet::new();
    for root in tree.roots() {
        let program = read(tree, root);
        let imports = program.imports();
        for import in imports
            .iter()
            .filter(|import| import.path.starts_with("super::"))
        {
            let door = import.found.doors.iter().find(|&&(door, file)| {
                let door = program.modules[door].of_file;
                file != import.from
                    && program.is_inside(import.module, door)
                    && program.is_inside(import.found.module, door)
            });
            if let Some((_, door)) = door {
                let why = format!("{import} through {door}: name the sibling that has it");
                found.insert((import.from, import.line, why));
            }
        }
    }
    found.into_iter().map(|(_, _, why)| why).collect()
}

/// The top module of the library that a file belongs to.
fn layer_of(file: &str) -> &str {
    let inside = file.strip_prefix(CORE).unwrap_or(file);
    let (top, _) = inside.split_once('/').unwrap_or((inside, ""));
    top.trim_end_matches(".rs")
}
