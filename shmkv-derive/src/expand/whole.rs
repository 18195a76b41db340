//! What makes an encoded type a whole key or value: the traits with its size, and
//! the lookups by `&str`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::names;
use crate::input::{Body, Codec, Input};
use crate::role::Role;

/// `ShmKey` or `ShmValue`, and the footprint from which `Map` finds the size.
pub(super) fn size_impls(input: &Input) -> TokenStream {
    let (krate, ident, itself) = (&input.krate, &input.ident, input.itself());
    // A key of no bytes is allowed here, because it can be a field of another key.
    // A map of it does not compile.
    let (whole, footprint) = match input.role {
        Role::Key => (quote!(ShmKey), quote!(KeyFootprint)),
        Role::Value => (quote!(ShmValue), quote!(ValueFootprint)),
    };
    quote! {
        #[automatically_derived]
        impl #krate::#whole<{ #itself::LEN }> for #ident {}

        #[automatically_derived]
        impl #krate::field::#footprint for #ident {
            type Bytes = [::core::primitive::u8; #itself::LEN];
        }
    }
}

/// Lets a `&str` or `String` stand for a struct of one text field.
pub(super) fn borrow_impls(input: &Input, borrow: &Type) -> TokenStream {
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
            // If the field is not text, the compiler's error points at the attribute.
            _ => {
                let span = borrow.span().resolved_at(Span::call_site());
                let krate = input.krate_at(span);
                quote_spanned! {span=>
                    <&::core::primitive::str as #krate::#to<#ty>>::encode_into(&#text, #part)
                }
            }
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
