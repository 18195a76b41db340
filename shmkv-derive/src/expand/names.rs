//! The names that generated code declares.
//!
//! Hygiene separates locals from locals, but not from items: a user's `const tag`
//! would turn a binding `tag` into a pattern that compares with the constant. So
//! the names are unusual as well as hygienic.

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
