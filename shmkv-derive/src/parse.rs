//! From the tokens of a type to an [`Input`].
//!
//! **Invariant.** Whatever can be wrong and shows in the tokens is reported here,
//! with the rest of the type's mistakes; nothing after this step fails.

use std::collections::HashSet;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, GenericParam, Ident, Index, LitStr, Member, Meta, Token, Type,
    parse_quote,
};

use crate::attrs::{FieldAttrs, TypeAttrs};
use crate::check;
use crate::deprecated::mentions_deprecated;
use crate::input::{Body, Codec, Field, Input, Tag, Variant};
use crate::mistakes::Mistakes;
use crate::role::Role;

/// Checks `input`, to which the derive for `role` is applied.
pub(crate) fn parse(input: DeriveInput, role: Role) -> syn::Result<Input> {
    let mut mistakes = Mistakes::default();
    let attrs = TypeAttrs::new(&input.attrs, &mut mistakes);
    generics(&input, &attrs, &mut mistakes);
    if attrs.pod.is_none() {
        packed(&input.attrs, &mut mistakes);
    }

    let body = match &input.data {
        Data::Struct(data) => {
            if let Some(tag) = &attrs.tag {
                mistakes.at(tag, "a struct has no tag: remove `tag`, which is for enums");
            }
            let fields = fields(&data.fields, role, attrs.pod.is_some(), &mut mistakes);
            match &attrs.pod {
                Some(pod) => Body::Pod(pod.clone(), fields),
                None => Body::Struct(fields),
            }
        }
        Data::Enum(data) => {
            if let Some(pod) = &attrs.pod {
                mistakes.at(
                    pod,
                    "an enum cannot be `Pod`: remove `pod`; the enum is stored as a tag and its fields",
                );
            }
            if data.variants.is_empty() {
                mistakes.at(
                    &input.ident,
                    "an enum without variants has no values to store: add a variant",
                );
            }
            let repr = repr(&input.attrs);
            let tag = tag(
                &attrs,
                repr,
                data.variants.len(),
                &input.ident,
                &mut mistakes,
            );
            Body::Enum(tag, variants(data, role, &mut mistakes))
        }
        Data::Union(data) => {
            mistakes.at(
                data.union_token,
                "a union does not record which of its fields is valid: use an enum",
            );
            Body::Struct(Vec::new())
        }
    };
    if let (Some(_), Some(size)) = (&attrs.pod, &attrs.size) {
        mistakes.at(
            size,
            "a `pod` type is stored at its size in memory: remove `size`",
        );
    }
    let borrow = borrow(&attrs, &body, &mut mistakes);
    let name = schema_name(attrs.name.as_ref(), &input.ident, &mut mistakes);
    mistakes.done(Input {
        role,
        krate: attrs.krate.unwrap_or_else(|| parse_quote!(::shmkv_core)),
        ident: input.ident,
        generics: input.generics,
        name,
        size: attrs.size,
        deprecated: mentions_deprecated(&input.attrs, &input.data),
        borrow,
        body,
    })
}

/// Refuses lifetimes, and on a generic type the attributes that need a single
/// size. (A generic type can still be a field.)
fn generics(input: &DeriveInput, attrs: &TypeAttrs, mistakes: &mut Mistakes) {
    for param in &input.generics.params {
        if let GenericParam::Lifetime(param) = param {
            mistakes.at(
                param,
                "a type that borrows cannot be shared between processes: store the value itself",
            );
        }
    }
    if input.generics.params.is_empty() {
        return;
    }
    if let Some(pod) = &attrs.pod {
        mistakes.at(
            pod,
            "a generic type has no single size: `pod` needs a concrete type",
        );
    }
    if let Some(size) = &attrs.size {
        mistakes.at(
            size,
            "a generic type has no single size: `size` needs a concrete type",
        );
    }
    if let Some(borrow) = &attrs.borrow {
        mistakes.at(
            borrow,
            "a generic type has no single size: `borrow` needs a concrete type",
        );
    }
}

/// The words in all `#[repr(…)]`.
fn repr_words(attrs: &[Attribute]) -> impl Iterator<Item = Meta> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("repr"))
        .filter_map(|attr| {
            attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                .ok()
        })
        .flatten()
}

/// Refuses `repr(packed)`: encoding borrows the fields, and a field of a packed
/// type cannot be borrowed.
fn packed(attrs: &[Attribute], mistakes: &mut Mistakes) {
    for word in repr_words(attrs).filter(|word| word.path().is_ident("packed")) {
        mistakes.at(
            word,
            "the fields of a packed type cannot be encoded one by one: remove `packed` (the \
             encoding has no padding), or add `#[shm(pod)]`",
        );
    }
}

/// The integer in `#[repr(…)]`, or `isize`, which is the language's default.
fn repr(attrs: &[Attribute]) -> Ident {
    let integer = |word: Meta| {
        let word = word.path().get_ident()?.to_string();
        let width = word.strip_prefix(['u', 'i'])?;
        let known = ["8", "16", "32", "64", "128", "size"].contains(&width);
        known.then(|| Ident::new(&word, Span::call_site()))
    };
    repr_words(attrs)
        .find_map(integer)
        .unwrap_or_else(|| Ident::new("isize", Span::call_site()))
}

fn tag(
    attrs: &TypeAttrs,
    repr: Ident,
    variants: usize,
    ident: &Ident,
    mistakes: &mut Mistakes,
) -> Tag {
    let ty = match &attrs.tag {
        Some(ty) => Ident::new(&ty.to_string(), ty.span()),
        None => Ident::new("u8", Span::call_site()),
    };
    let width = match ty.to_string().as_str() {
        "u8" => 1,
        "u16" => 2,
        _ => 4,
    };
    if width == 1 && variants > 256 {
        mistakes.at(
            ident,
            format_args!(
                "{variants} variants do not fit in a tag of one byte: add `#[shm(tag = u16)]`"
            ),
        );
    }
    Tag { ty, width, repr }
}

fn variants(data: &syn::DataEnum, role: Role, mistakes: &mut Mistakes) -> Vec<Variant> {
    let mut names = Names::default();
    let variant = |variant: &syn::Variant| {
        let attrs = FieldAttrs::of_variant(&variant.attrs, mistakes);
        let name = schema_name(attrs.rename.as_ref(), &variant.ident, mistakes);
        names.add(&name, variant.ident.span(), mistakes);
        Variant {
            ident: variant.ident.clone(),
            name,
            discriminant: variant.discriminant.as_ref().map(|(_, expr)| expr.clone()),
            fields: fields(&variant.fields, role, false, mistakes),
        }
    };
    data.variants.iter().map(variant).collect()
}

fn fields(fields: &syn::Fields, role: Role, pod: bool, mistakes: &mut Mistakes) -> Vec<Field> {
    let mut names = Names::default();
    let field = |(index, field): (usize, &syn::Field)| {
        let attrs = FieldAttrs::of_field(&field.attrs, mistakes);
        let member = match &field.ident {
            Some(ident) => Member::Named(ident.clone()),
            None => Member::Unnamed(Index {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                span: field.ty.span(),
            }),
        };
        let name = match &field.ident {
            Some(ident) => schema_name(attrs.rename.as_ref(), ident, mistakes),
            None => attrs
                .rename
                .as_ref()
                .map_or(index.to_string(), LitStr::value),
        };
        // A skipped field is not in the schema.
        if attrs.skip.is_none() {
            names.add(&name, member.span(), mistakes);
        }
        let codec = if pod {
            pod_field(&attrs, mistakes);
            Codec::Plain
        } else {
            codec(attrs, &field.ty, role, mistakes)
        };
        Field {
            member,
            ty: field.ty.clone(),
            name,
            codec,
        }
    };
    fields.iter().enumerate().map(field).collect()
}

fn codec(attrs: FieldAttrs, ty: &Type, role: Role, mistakes: &mut Mistakes) -> Codec {
    let exclusive = "`max_len`, `skip` and `with` are mutually exclusive: keep one";
    match (attrs.skip, attrs.with, attrs.max_len) {
        (Some(_), None, None) => {
            if let Some(rename) = attrs.rename {
                mistakes.at(
                    rename,
                    "a skipped field is not in the schema: remove `rename`",
                );
            }
            Codec::Skip
        }
        (None, Some(with), None) => Codec::With(with),
        (None, None, Some(max_len)) => {
            check::field_type(ty, role, true, mistakes);
            Codec::MaxLen(max_len)
        }
        (None, None, None) => {
            check::field_type(ty, role, false, mistakes);
            Codec::Plain
        }
        (Some(skip), _, _) => {
            mistakes.at(skip, exclusive);
            Codec::Skip
        }
        (None, Some(with), Some(_)) => {
            mistakes.at(&with, exclusive);
            Codec::With(with)
        }
    }
}

/// Refuses attributes that would change how a field of a plain-old-data type is
/// stored.
fn pod_field(attrs: &FieldAttrs, mistakes: &mut Mistakes) {
    let message = "a `pod` type is stored as it is in memory: its fields accept `rename` only";
    if let Some(max_len) = &attrs.max_len {
        mistakes.at(max_len, message);
    }
    if let Some(skip) = &attrs.skip {
        mistakes.at(skip, message);
    }
    if let Some(with) = &attrs.with {
        mistakes.at(with, message);
    }
}

fn borrow(attrs: &TypeAttrs, body: &Body, mistakes: &mut Mistakes) -> Option<Type> {
    let borrow = attrs.borrow.as_ref()?;
    if !matches!(borrow, Type::Path(ty) if ty.path.is_ident("str")) {
        mistakes.at(borrow, "only `str` can be borrowed: write `borrow = str`");
    }
    let one_text = matches!(
        body,
        Body::Struct(fields) if matches!(&**fields, [field] if matches!(field.codec, Codec::Plain | Codec::MaxLen(_)))
    );
    if !one_text {
        mistakes.at(
            borrow,
            "`borrow` needs a struct with a single field: a `ShmStr<N>`, or a `String` with \
             `max_len`",
        );
    }
    Some(borrow.clone())
}

/// The name given by an attribute, or else the declared one.
fn schema_name(given: Option<&LitStr>, declared: &Ident, mistakes: &mut Mistakes) -> String {
    let name = given.map_or_else(|| declared.unraw().to_string(), LitStr::value);
    if name.len() > 255 {
        mistakes.at(
            declared,
            "a schema name has 1 to 255 bytes: give a shorter one with `name` or `rename`",
        );
    }
    name
}

/// The schema names seen so far in one struct, variant or enum.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn add(&mut self, name: &str, span: Span, mistakes: &mut Mistakes) {
        if !self.0.insert(name.to_owned()) {
            mistakes.at_span(
                span,
                format_args!(
                    "duplicate schema name `{name}`: change it with `#[shm(rename = \"…\")]`"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits that take too many words for a case in `shmkv-core/tests/types/ui`.
    #[test]
    fn limits_are_named() {
        let names: Vec<_> = (0..257).map(|n| format!("V{n}")).collect();
        let wide = format!("enum E {{ {} }}", names.join(", "));
        let long = format!("struct {}(u8);", "X".repeat(256));
        let cases = [
            (
                wide,
                "257 variants do not fit in a tag of one byte: add `#[shm(tag = u16)]`",
            ),
            (
                long,
                "a schema name has 1 to 255 bytes: give a shorter one with `name` or `rename`",
            ),
        ];
        for (source, message) in cases {
            let parsed = syn::parse_str(&source).and_then(|input| parse(input, Role::Key));
            assert_eq!(parsed.err().unwrap().to_string(), message);
        }
    }
}
