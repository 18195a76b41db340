//! The encoding of a struct, an enum or a plain-old-data type.
//!
//! A struct is its fields, one after the other. An enum is a tag and the fields
//! of one variant. `finish` fills the bytes that are left with zeros.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use super::field::pattern;
use super::names;
use crate::input::{Field, Input, Tag, Variant};

/// The items of an implementation of `ShmField`.
pub(super) struct Items {
    /// The value of `LEN`.
    pub(super) len: TokenStream,
    /// The value of `SCHEMA`, without the `&`.
    pub(super) schema: TokenStream,
    /// The body of `encode`.
    pub(super) encode: TokenStream,
    /// The body of `decode`.
    pub(super) decode: TokenStream,
}

/// The items of a plain-old-data type: its memory.
pub(super) fn pod(input: &Input, attribute: &Path, fields: &[Field]) -> Items {
    let (krate, ident, name) = (&input.krate, &input.ident, &input.name);
    let role = input.role_path();
    let fields = fields.iter().map(|field| {
        let (member, ty, name) = (&field.member, &field.ty, &field.name);
        quote! {
            #krate::schema::Field {
                name: #name,
                offset: ::core::mem::offset_of!(#ident, #member),
                schema: {
                    use #krate::__private::Opaque as _;
                    #krate::__private::Probe::<#role, #ty>::SCHEMA
                },
            }
        }
    });
    let schema = quote! {
        #krate::schema::Schema::Pod {
            name: #name,
            size: ::core::mem::size_of::<#ident>(),
            fields: &[#(#fields),*],
        }
    };
    let (out, bytes) = (names::out(), names::bytes());
    // If the type is not `Pod`, the compiler's error points at the attribute.
    let span = attribute.span().resolved_at(Span::call_site());
    let private = input.krate_at(span);
    Items {
        len: quote!(::core::mem::size_of::<#ident>()),
        schema,
        encode: quote_spanned!(span=> #private::__private::encode_pod::<Self>(self, #out)),
        decode: quote_spanned!(span=> #private::__private::decode_pod::<Self>(#bytes)),
    }
}

/// The items of a struct: its fields.
pub(super) fn structure(input: &Input, fields: &[Field]) -> Items {
    let [out, bytes, parts] = [names::out(), names::bytes(), names::parts()];
    let (krate, name, role) = (&input.krate, &input.name, input.role_path());
    let len = reserved(input, input.needed(fields));
    let schemas = input.schemas(0, fields);
    let schema = quote! {
        #krate::schema::Schema::Struct {
            name: #name,
            size: <Self as #krate::field::ShmField<#role>>::LEN,
            fields: #schemas,
        }
    };
    let pattern = pattern(fields);
    let encoded = input.encode_fields(fields, "");
    let encode = quote! {
        let mut #parts = #krate::__private::PartsMut::new(
            #out,
            <Self as #krate::field::ShmField<#role>>::LEN,
        )?;
        let Self #pattern = self;
        #encoded
        #parts.finish();
        ::core::result::Result::Ok(())
    };
    let decoded = input.decode_fields(fields, "");
    let decode = quote! {
        let mut #parts = #krate::__private::Parts::new(
            #bytes,
            <Self as #krate::field::ShmField<#role>>::LEN,
        )?;
        ::core::result::Result::Ok(Self { #decoded })
    };
    Items {
        len,
        schema,
        encode,
        decode,
    }
}

/// The items of an enum: the tag, then the fields of the variant.
pub(super) fn enumeration(input: &Input, tag: &Tag, variants: &[Variant]) -> Items {
    let [out, bytes, parts] = [names::out(), names::bytes(), names::parts()];
    let unknown = names::tag();
    let (krate, name, role) = (&input.krate, &input.name, input.role_path());
    let (width, tag_type) = (tag.width, &tag.ty);
    let codec = quote!(<::core::primitive::#tag_type as #krate::field::ShmField<#role>>);

    let sizes = variants.iter().map(|variant| input.needed(&variant.fields));
    let len = reserved(
        input,
        quote!(#width + #krate::__private::greatest(&[#(#sizes),*])),
    );
    let schemas = variants.iter().enumerate().map(|(index, variant)| {
        let (name, tag) = (&variant.name, tag_name(index));
        let fields = input.schemas(width, &variant.fields);
        quote!(#krate::schema::Variant { name: #name, tag: #tag as ::core::primitive::u32, fields: #fields })
    });
    let schema = quote! {
        #krate::schema::Schema::Enum {
            name: #name,
            size: <Self as #krate::field::ShmField<#role>>::LEN,
            tag_width: #width,
            variants: &[#(#schemas),*],
        }
    };
    let encoded = variants.iter().enumerate().map(|(index, variant)| {
        let (ident, tag, pattern) = (&variant.ident, tag_name(index), pattern(&variant.fields));
        let fields = input.encode_fields(&variant.fields, &format!("{}.", variant.name));
        quote! {
            Self::#ident #pattern => {
                #codec::encode(&#tag, #parts.next(#width)?)?;
                #fields
            }
        }
    });
    let encode = quote! {
        let mut #parts = #krate::__private::PartsMut::new(
            #out,
            <Self as #krate::field::ShmField<#role>>::LEN,
        )?;
        match self { #(#encoded)* }
        #parts.finish();
        ::core::result::Result::Ok(())
    };
    let decoded = variants.iter().enumerate().map(|(index, variant)| {
        let (ident, tag) = (&variant.ident, tag_name(index));
        let fields = input.decode_fields(&variant.fields, &format!("{}.", variant.name));
        quote!(#tag => ::core::result::Result::Ok(Self::#ident { #fields }),)
    });
    let decode = quote! {
        let mut #parts = #krate::__private::Parts::new(
            #bytes,
            <Self as #krate::field::ShmField<#role>>::LEN,
        )?;
        match #codec::decode(#parts.next(#width)?)? {
            #(#decoded)*
            #unknown => ::core::result::Result::Err(#krate::DecodeError::UnknownTag {
                name: #name,
                tag: #unknown as ::core::primitive::u32,
            }),
        }
    };
    Items {
        len,
        schema,
        encode,
        decode,
    }
}

/// A constant for each tag: the declared discriminant, or one more than the tag
/// before it. Hygiene does not cover items, so their names are unusual.
pub(super) fn tag_consts(input: &Input, tag: &Tag, variants: &[Variant]) -> TokenStream {
    let (width, ty, repr) = (tag.width, &tag.ty, &tag.repr);
    let typed = names::discriminant();
    let consts = variants.iter().enumerate().map(|(index, variant)| {
        let name = tag_name(index);
        let discriminant = match (&variant.discriminant, index.checked_sub(1)) {
            // At the type at which rustc evaluates it.
            (Some(expr), _) => {
                let expr = input.without_self(expr);
                quote!({
                    const #typed: ::core::primitive::#repr = #expr;
                    #typed as ::core::primitive::i128
                })
            }
            (None, Some(last)) => {
                let last = tag_name(last);
                quote!(#last as ::core::primitive::i128 + 1)
            }
            (None, None) => quote!(0),
        };
        let span = match &variant.discriminant {
            Some(expr) => expr.span(),
            None => variant.ident.span(),
        };
        let span = span.resolved_at(Span::call_site());
        let krate = input.krate_at(span);
        quote_spanned! {span=>
            const #name: ::core::primitive::#ty =
                #krate::__private::tag(#discriminant, #width) as ::core::primitive::#ty;
        }
    });
    quote!(#(#consts)*)
}

fn tag_name(index: usize) -> Ident {
    format_ident!("__SHM_TAG_{index}", span = Span::mixed_site())
}

/// The size: `#[shm(size = …)]`, or else `needed`.
fn reserved(input: &Input, needed: TokenStream) -> TokenStream {
    let Some(size) = &input.size else {
        return needed;
    };
    let span = size.span().resolved_at(Span::call_site());
    let krate = input.krate_at(span);
    quote_spanned!(span=> #krate::__private::reserve(#size, #needed))
}
