//! What parts of a type are needed for: which parameters are stored, and whether
//! anything deprecated may be used.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Data, Ident, Meta, Type};

use crate::input::{Body, Codec, Field, Input};

/// What a type parameter is needed for.
#[derive(Default)]
pub(crate) struct Uses {
    /// It is part of what is stored.
    pub(crate) stored: bool,
    /// It is itself the type of a skipped field.
    pub(crate) skipped: bool,
}

impl Input {
    /// What the type parameter `param` is needed for.
    pub(crate) fn uses(&self, param: &Ident) -> Uses {
        let mut uses = Uses::default();
        let fields: Vec<&Field> = match &self.body {
            Body::Pod(_, fields) | Body::Struct(fields) => fields.iter().collect(),
            Body::Enum(_, variants) => variants.iter().flat_map(|it| &it.fields).collect(),
        };
        for Field { ty, codec, .. } in fields {
            match codec {
                Codec::Skip => {
                    uses.skipped |= matches!(ty, Type::Path(path) if path.path.is_ident(param));
                }
                Codec::With(with) => {
                    let tokens = [with.to_token_stream(), ty.to_token_stream()];
                    uses.stored |= tokens.into_iter().any(|tokens| contains(tokens, param));
                }
                Codec::Plain if is_phantom(ty) => {}
                Codec::Plain | Codec::MaxLen(_) => {
                    uses.stored |= contains(ty.to_token_stream(), param);
                }
            }
        }
        uses
    }
}

/// Whether `word` is among `tokens`, however deep.
fn contains(tokens: TokenStream, word: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *word,
        TokenTree::Group(group) => contains(group.stream(), word),
        _ => false,
    })
}

/// Whether it is `PhantomData`, of which nothing is stored.
fn is_phantom(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == "PhantomData")
}

/// Whether any attribute, of the type or a part of it, is `#[deprecated]` or a
/// lint attribute about it.
pub(crate) fn mentions_deprecated(attrs: &[Attribute], data: &Data) -> bool {
    fn any(attrs: &[Attribute]) -> bool {
        let deprecated = Ident::new("deprecated", Span::call_site());
        attrs.iter().any(|attr| match &attr.meta {
            Meta::List(list) if !list.path.is_ident(&deprecated) => {
                let lint = ["allow", "expect", "warn"].iter();
                lint.clone().any(|it| list.path.is_ident(it))
                    && contains(list.tokens.clone(), &deprecated)
            }
            meta => meta.path().is_ident(&deprecated),
        })
    }
    let fields = |fields: &syn::Fields| fields.iter().any(|field| any(&field.attrs));
    any(attrs)
        || match data {
            Data::Struct(data) => fields(&data.fields),
            Data::Enum(data) => data
                .variants
                .iter()
                .any(|variant| any(&variant.attrs) || fields(&variant.fields)),
            Data::Union(_) => false,
        }
}
