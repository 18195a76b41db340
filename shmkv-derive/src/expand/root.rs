//! What makes a type with an encoding a whole key or value.

use proc_macro2::TokenStream;
use quote::quote;

use super::names;
use crate::input::{Body, Codec, Input, Role};

/// What makes the type a whole key or value.
pub(super) fn size_impls(input: &Input) -> TokenStream {
    let (krate, ident, itself) = (&input.krate, &input.ident, input.itself());
    let (root, footprint, size) = match input.role {
        Role::Key => (
            quote!(ShmKey),
            quote!(KeyFootprint),
            quote!(#krate::__private::key_size(#itself::LEN)),
        ),
        Role::Value => (
            quote!(ShmValue),
            quote!(ValueFootprint),
            quote!(#itself::LEN),
        ),
    };
    quote! {
        #[automatically_derived]
        impl #krate::#root<{ #size }> for #ident {}

        #[automatically_derived]
        impl #krate::#footprint for #ident {
            type Bytes = [::core::primitive::u8; #itself::LEN];
        }
    }
}

/// What lets a `&str` stand for a struct around one text.
pub(super) fn borrow_impls(input: &Input) -> TokenStream {
    let (krate, ident) = (&input.krate, &input.ident);
    let to = match input.role {
        Role::Key => quote!(ToKey),
        Role::Value => quote!(ToValue),
    };
    let Body::Struct(fields) = &input.body else {
        return TokenStream::new();
    };
    let [error, out, part, parts, text] = [
        names::error(),
        names::out(),
        names::part(),
        names::parts(),
        names::text(),
    ];
    let bodies = fields.iter().filter_map(|field| {
        let (ty, name, codec) = (&field.ty, &field.name, input.codec(field)?);
        let write = match &field.codec {
            Codec::MaxLen(max) => quote!(#krate::__private::encode_text::<{ #max }>(#text, #part)),
            _ => quote!(<&::core::primitive::str as #krate::#to<#ty>>::encode_into(&#text, #part)),
        };
        Some(quote! {
            let #part = #parts.next(#codec::LEN)?;
            #write.map_err(|#error| #error.in_field(#name))?;
        })
    });
    let body = input.without_self(&quote!(#(#bodies)*));
    let itself = input.itself();
    let texts = [
        quote!(&::core::primitive::str),
        quote!(&&::core::primitive::str),
        quote!(&#krate::__private::String),
        quote!(#krate::__private::String),
    ];
    quote! {
        #(
            #[automatically_derived]
            impl #krate::#to<#ident> for #texts {
                fn encode_into(
                    &self,
                    #out: &mut [::core::primitive::u8],
                ) -> ::core::result::Result<(), #krate::EncodeError> {
                    let #text: &::core::primitive::str = self;
                    let mut #parts = #krate::__private::PartsMut::new(#out, #itself::LEN)?;
                    #body
                    #parts.finish();
                    ::core::result::Result::Ok(())
                }
            }
        )*
    }
}
