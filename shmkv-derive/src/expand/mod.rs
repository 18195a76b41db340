//! Writing the implementation of a checked type.
//!
//! `field` encodes one field, `body` the fields of a struct or enum, and `whole`
//! makes the type a whole key or value. Every path in the generated code is
//! absolute, so that it means the same in every scope: without a prelude, beside
//! types named `u8` or `Result`, with the crate renamed.

mod body;
mod field;
mod names;
mod whole;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericParam, parse_quote};

use crate::input::{Body, Input};

/// The implementation of the derived trait and of the traits that it requires.
pub(crate) fn expand(input: &Input) -> TokenStream {
    let field_impl = field_impl(input);
    let whole_impls = input.is_concrete().then(|| whole::size_impls(input));
    let borrow = input.borrow.as_ref();
    let borrow_impls = borrow.map(|borrow| whole::borrow_impls(input, borrow));
    let tags = match &input.body {
        Body::Enum(tag, variants) => body::tag_consts(input, tag, variants),
        Body::Pod(..) | Body::Struct(_) => TokenStream::new(),
    };
    // The generated code uses what the type uses.
    let allow = input.deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #allow
        const _: () = {
            #tags
            #field_impl
            #whole_impls
            #borrow_impls
        };
    }
}

/// `impl ShmField<Role> for Type`: the encoding.
fn field_impl(input: &Input) -> TokenStream {
    let (krate, ident, role) = (&input.krate, &input.ident, input.role_path());
    let (out, bytes) = (names::out(), names::bytes());
    let mut generics = input.generics.clone();
    for param in &mut generics.params {
        if let GenericParam::Type(param) = param {
            let uses = input.uses(&param.ident);
            if uses.stored {
                param
                    .bounds
                    .push(parse_quote!(#krate::field::ShmField<#role>));
            }
            if uses.skipped {
                param.bounds.push(parse_quote!(::core::default::Default));
            }
        }
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let body::Items {
        len,
        schema,
        encode,
        decode,
    } = match &input.body {
        Body::Pod(attribute, fields) => body::pod(input, attribute, fields),
        Body::Struct(fields) => body::structure(input, fields),
        Body::Enum(tag, variants) => body::enumeration(input, tag, variants),
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::field::ShmField<#role> for #ident #type_generics #where_clause {
            const LEN: ::core::primitive::usize = #len;
            const SCHEMA: &'static #krate::schema::Schema = &#schema;

            #[inline]
            fn encode(
                &self,
                #out: &mut [::core::primitive::u8],
            ) -> ::core::result::Result<(), #krate::EncodeError> {
                #encode
            }

            #[inline]
            fn decode(
                #bytes: &[::core::primitive::u8],
            ) -> ::core::result::Result<Self, #krate::DecodeError> {
                #decode
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use crate::role::Role;

    /// `#[shm(crate = …)]` replaces every path to the core crate.
    #[test]
    fn renamed_crate_is_used_throughout() {
        let sources = [
            "#[shm(crate = kv, size = 9, borrow = str)] struct A(#[shm(max_len = 3)] String);",
            "#[shm(crate = kv)] struct A<T> { a: T, #[shm(with = u8)] b: B, #[shm(skip)] c: u8 }",
            "#[shm(crate = kv, tag = u16)] enum A { X = 1, Y(u8), Z { z: u8 } }",
            "#[shm(crate = kv, pod)] struct A { a: u8 }",
        ];
        for source in sources {
            for role in [Role::Key, Role::Value] {
                let parsed = syn::parse_str(source).and_then(|input| parse(input, role));
                let code = expand(&parsed.unwrap()).to_string();
                assert!(code.contains("kv ::"), "{code}");
                assert!(!code.contains("shmkv_core"), "{code}");
            }
        }
    }
}
