//! What the source may do where: the tables that the rules go by.
//!
//! They are also documentation. A change of the layout changes a line here, and a
//! line that no longer says what is there fails the check like any other mistake.

/// A module at the top of `shmkv-core/src`, and what it may import.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    /// Modules that stand further up in [`LAYERS`]: an import never runs upward.
    pub(crate) sees: &'static [&'static str],
}

const fn layer(name: &'static str, sees: &'static [&'static str]) -> Layer {
    Layer { name, sees }
}

/// The layers, lowest first. `lib.rs` lists them all and is not among them; tests,
/// `models` too, may see anything.
#[rustfmt::skip] // one line per module
pub(crate) const LAYERS: &[Layer] = &[
    // On any memory, and under loom: no system call.
    layer("sync",    &[]),
    layer("bytes",   &["sync"]),
    layer("lock",    &["sync"]),
    layer("layout",  &["sync", "bytes"]),
    layer("table",   &["sync", "bytes", "lock", "layout"]),
    // How types become bytes, and what may go wrong: nothing of how bytes are kept.
    layer("codec",   &[]),
    layer("error",   &["codec"]),
    // On this host: a segment, and this process among its writers.
    layer("sys",     &["sync"]),
    layer("segment", &["sync", "bytes", "lock", "layout", "table", "codec", "error", "sys"]),
    layer("store",   &["sync", "bytes", "lock", "layout", "table", "codec", "error", "sys", "segment"]),
    // What people call: with types, and by schema.
    layer("map",     &["bytes", "layout", "table", "codec", "error", "store"]),
    layer("untyped", &["bytes", "layout", "table", "codec", "error", "store"]),
];

/// The most lines of a Rust file.
pub(crate) const MOST_LINES: usize = 400;

/// Files of `shmkv-core/src` that may say `unsafe`, each with the reason. Each has a
/// section `# Safety` in its header, by whose numbers its blocks argue.
#[rustfmt::skip] // one line per file
pub(crate) const UNSAFE: &[(&str, &str)] = &[
    ("sync/only_atomics.rs", "promises that a struct of atomics may be seen in shared memory"),
    ("bytes/buffer.rs",      "memory that is not zeroed before it is written"),
    ("bytes/sse2.rs",        "instructions that move 16 bytes at a time"),
    ("sys/fork.rs",          "handlers that every fork runs"),
    ("sys/futex.rs",         "a system call without wrapper"),
    ("sys/liveness.rs",      "pages that tell of a writer's life, and of a fork"),
    ("sys/mapping.rs",       "maps and unmaps memory that other processes change"),
    ("segment/mod.rs",       "sees a mapping's bytes as the structs of the layout"),
];

/// What only one file of `shmkv-core/src` may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnePlace {
    /// The code, token by token, however it is broken into lines.
    pub(crate) code: &'static str,
    pub(crate) file: &'static str,
    pub(crate) why: &'static str,
}

const fn one_place(code: &'static str, file: &'static str, why: &'static str) -> OnePlace {
    OnePlace { code, file, why }
}

const PUBLISHING: &str =
    "a slot becomes live, or stops being live, by the protocol and no other way";
const PROOF: &str = "a proof that anyone could make would prove nothing";

#[rustfmt::skip] // one line per place
pub(crate) const ONE_PLACE: &[OnePlace] = &[
    one_place("tags.store(",            "table/commit.rs", PUBLISHING),
    one_place("tags.swap(",             "table/commit.rs", PUBLISHING),
    one_place("tags.compare_exchange(", "table/commit.rs", PUBLISHING),
    one_place("Held {",                 "lock.rs",         PROOF),
];
