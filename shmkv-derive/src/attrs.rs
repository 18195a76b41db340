//! Reading the `#[shm(…)]` attributes of types, fields and variants.
//!
//! An attribute that is misspelt, repeated or misplaced is an error that lists
//! the attributes allowed there.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Ident, LitStr, Path, Token, Type};

use crate::mistakes::Mistakes;

/// The attributes of a type.
#[derive(Default)]
pub(crate) struct TypeAttrs {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) tag: Option<Ident>,
    pub(crate) size: Option<Expr>,
    pub(crate) borrow: Option<Type>,
    pub(crate) pod: Option<Path>,
}

/// The attributes of a field, or of a variant, which accepts `rename` only.
#[derive(Default)]
pub(crate) struct FieldAttrs {
    pub(crate) max_len: Option<Expr>,
    pub(crate) rename: Option<LitStr>,
    pub(crate) skip: Option<Path>,
    pub(crate) with: Option<Type>,
}

impl TypeAttrs {
    pub(crate) fn new(attrs: &[Attribute], mistakes: &mut Mistakes) -> Self {
        let mut found = Self::default();
        each(attrs, mistakes, |meta| {
            if meta.path.is_ident("crate") {
                set(&mut found.krate, &meta, || {
                    meta.value()?.call(Path::parse_mod_style)
                })
            } else if meta.path.is_ident("name") {
                set(&mut found.name, &meta, || name(&meta))
            } else if meta.path.is_ident("tag") {
                set(&mut found.tag, &meta, || tag(&meta))
            } else if meta.path.is_ident("size") {
                set(&mut found.size, &meta, || meta.value()?.parse())
            } else if meta.path.is_ident("borrow") {
                set(&mut found.borrow, &meta, || meta.value()?.parse())
            } else if meta.path.is_ident("pod") {
                set(&mut found.pod, &meta, || Ok(meta.path.clone()))
            } else {
                Err(meta.error(
                    "unknown `shm` attribute on a type; expected one of `borrow`, `crate`, \
                     `name`, `pod`, `size`, `tag`",
                ))
            }
        });
        found
    }
}

impl FieldAttrs {
    pub(crate) fn of_field(attrs: &[Attribute], mistakes: &mut Mistakes) -> Self {
        let mut found = Self::default();
        each(attrs, mistakes, |meta| {
            if meta.path.is_ident("max_len") {
                set(&mut found.max_len, &meta, || meta.value()?.parse())
            } else if meta.path.is_ident("rename") {
                set(&mut found.rename, &meta, || name(&meta))
            } else if meta.path.is_ident("skip") {
                set(&mut found.skip, &meta, || Ok(meta.path.clone()))
            } else if meta.path.is_ident("with") {
                set(&mut found.with, &meta, || meta.value()?.parse())
            } else {
                Err(meta.error(
                    "unknown `shm` attribute on a field; expected one of `max_len`, `rename`, \
                     `skip`, `with`",
                ))
            }
        });
        found
    }

    pub(crate) fn of_variant(attrs: &[Attribute], mistakes: &mut Mistakes) -> Self {
        let mut found = Self::default();
        each(attrs, mistakes, |meta| {
            if meta.path.is_ident("rename") {
                set(&mut found.rename, &meta, || name(&meta))
            } else {
                Err(meta.error("unknown `shm` attribute on a variant; expected `rename`"))
            }
        });
        found
    }
}

/// Calls `read` for each entry of each `#[shm(…)]`.
fn each(
    attrs: &[Attribute],
    mistakes: &mut Mistakes,
    mut read: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("shm")) {
        let mut wrong = Vec::new();
        let outcome = attr.parse_nested_meta(|meta| {
            let rest = meta.input;
            if let Err(error) = read(meta) {
                wrong.push(error);
                // Skip to the next entry, which may be wrong as well.
                while !rest.is_empty() && !rest.peek(Token![,]) {
                    rest.parse::<TokenTree>()?;
                }
            }
            Ok(())
        });
        for error in wrong.into_iter().chain(outcome.err()) {
            mistakes.add(error);
        }
    }
}

/// Stores what `read` returns, unless the attribute was given before.
fn set<T>(
    attribute: &mut Option<T>,
    meta: &ParseNestedMeta<'_>,
    read: impl FnOnce() -> syn::Result<T>,
) -> syn::Result<()> {
    if attribute.replace(read()?).is_some() {
        let name = meta.path.to_token_stream();
        return Err(Error::new(
            meta.path.span(),
            format_args!("`{name}` is given twice: remove one"),
        ));
    }
    Ok(())
}

fn name(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let name: LitStr = meta.value()?.parse()?;
    match name.value().len() {
        1..=255 => Ok(name),
        _ => Err(Error::new(name.span(), "a schema name has 1 to 255 bytes")),
    }
}

fn tag(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    let width: Ident = meta.value()?.parse()?;
    if ["u8", "u16", "u32"].iter().any(|known| width == known) {
        Ok(width)
    } else {
        Err(Error::new(
            width.span(),
            "unsupported type of a tag; expected `u8`, `u16` or `u32`",
        ))
    }
}
