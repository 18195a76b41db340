//! What each type parameter is needed for, and so which bounds the generated
//! `impl` puts on it.

use quote::ToTokens;
use syn::{Ident, Type};

use crate::input::{Body, Codec, Field, Input};
use crate::tokens::contains;

/// What a type parameter is needed for.
#[derive(Default)]
pub(crate) struct Uses {
    /// It is part of what is stored, so it must be a field type.
    pub(crate) stored: bool,
    /// It is the type of a skipped field, so it must be `Default`.
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

/// Whether `ty` is `PhantomData`, of which nothing is stored.
fn is_phantom(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == "PhantomData")
}
