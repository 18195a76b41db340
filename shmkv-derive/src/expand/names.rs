//! Names of what generated code declares.
//!
//! A user's `const tag` would turn a binding `tag` into a pattern that compares
//! with it: hygiene separates locals from locals, not from items. So the names
//! are odd, as well as hygienic.

use proc_macro2::{Ident, Span};

macro_rules! names {
    ($($function:ident $name:literal,)*) => {$(
        pub(super) fn $function() -> Ident {
            Ident::new($name, Span::mixed_site())
        }
    )*};
}

names! {
    bytes "__shm_bytes",
    discriminant "__SHM_DISCRIMINANT",
    error "__shm_error",
    out "__shm_out",
    part "__shm_part",
    parts "__shm_parts",
    tag "__shm_tag",
    text "__shm_text",
}
