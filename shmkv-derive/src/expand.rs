//! Writing the implementation.
//!
//! Every path is absolute and every local is hygienic, so the code means the
//! same wherever it lands: without a prelude, beside types named `u8` or
//! `Result`, with the crate renamed.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, parse_quote};

use crate::input::{Body, Codec, Field, Input, Role, Tag, Variant};

pub(crate) fn expand(input: &Input) -> TokenStream {
    let field_impl = field_impl(input);
    let root_impls = input.is_concrete().then(|| root_impls(input));
    let borrow_impls = input.borrow.then(|| borrow_impls(input));
    let tags = match &input.body {
        Body::Enum(tag, variants) => tag_consts(input, tag, variants),
        Body::Pod(..) | Body::Struct(_) => TokenStream::new(),
    };
    quote! {
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction, deprecated, trivial_numeric_casts, unreachable_patterns, unused_mut, unused_qualifications, unused_variables)]
        const _: () = {
            #tags
            #field_impl
            #root_impls
            #borrow_impls
        };
    }
}

impl Input {
    /// The path of the core crate, as if written at `span`: the compiler puts an
    /// error where all tokens of an expression agree to be.
    fn krate_at(&self, span: Span) -> TokenStream {
        let respan = |mut token: TokenTree| {
            token.set_span(span);
            token
        };
        self.krate
            .to_token_stream()
            .into_iter()
            .map(respan)
            .collect()
    }

    fn role_path(&self) -> TokenStream {
        self.role_path_at(Span::call_site())
    }

    fn role_path_at(&self, span: Span) -> TokenStream {
        let krate = self.krate_at(span);
        match self.role {
            Role::Key => quote_spanned!(span=> #krate::role::KeyRole),
            Role::Value => quote_spanned!(span=> #krate::role::ValueRole),
        }
    }

    /// `<Self as ShmField<Role>>`
    fn itself(&self) -> TokenStream {
        let (krate, ident, role) = (&self.krate, &self.ident, self.role_path());
        quote!(<#ident as #krate::ShmField<#role>>)
    }

    /// The type whose `LEN`, `SCHEMA`, `encode` and `decode` the field uses;
    /// `None` if it is not stored. Errors about the field's type point at it.
    fn codec(&self, field: &Field) -> Option<TokenStream> {
        let ty = &field.ty;
        let span = match &field.codec {
            Codec::Plain | Codec::Skip => ty.span(),
            Codec::MaxLen(max) => max.span(),
            Codec::With(with) => with.span(),
        };
        let span = span.resolved_at(Span::call_site());
        let (krate, role) = (self.krate_at(span), self.role_path_at(span));
        Some(match &field.codec {
            Codec::Skip => return None,
            Codec::Plain => quote_spanned!(span=> <#ty as #krate::ShmField<#role>>),
            Codec::MaxLen(max) => quote_spanned! {span=>
                <#krate::__private::MaxLen<{ #max }> as #krate::__private::Adapter<#role, #ty>>
            },
            Codec::With(with) => quote_spanned! {span=>
                <#krate::__private::With<#with> as #krate::__private::Adapter<#role, #ty>>
            },
        })
    }

    fn codecs<'a>(&'a self, fields: &'a [Field]) -> impl Iterator<Item = TokenStream> + 'a {
        fields.iter().filter_map(|field| self.codec(field))
    }

    /// The bytes that `fields` need, as an expression.
    fn needed(&self, start: usize, fields: &[Field]) -> TokenStream {
        let codecs = self.codecs(fields);
        quote!(#start #(+ #codecs::LEN)*)
    }

    /// The schemas of `fields`, as an expression for a slice.
    fn schemas(&self, start: usize, fields: &[Field]) -> TokenStream {
        let krate = &self.krate;
        let fields = fields.iter().filter_map(|field| {
            let (name, codec) = (&field.name, self.codec(field)?);
            Some(quote!(#krate::Field::new(#name, #codec::SCHEMA)))
        });
        quote!(&#krate::__private::packed(#start, [#(#fields),*]))
    }

    /// Statements that write `fields`, bound to locals, to `parts`.
    fn encode_fields(&self, fields: &[Field], prefix: &str) -> TokenStream {
        let fields = fields.iter().enumerate().filter_map(|(index, field)| {
            let (codec, local) = (self.codec(field)?, local(index));
            let path = format!("{prefix}{}", field.name);
            Some(quote! {
                #codec::encode(#local, parts.next(#codec::LEN)?)
                    .map_err(|error| error.in_field(#path))?;
            })
        });
        quote!(#(#fields)*)
    }

    /// `member: value, …` that reads `fields` from `parts`.
    fn decode_fields(&self, fields: &[Field], prefix: &str) -> TokenStream {
        let fields = fields.iter().map(|field| {
            let member = &field.member;
            let Some(codec) = self.codec(field) else {
                return quote!(#member: ::core::default::Default::default());
            };
            let path = format!("{prefix}{}", field.name);
            quote! {
                #member: #codec::decode(parts.next(#codec::LEN)?)
                    .map_err(|error| error.in_field(#path))?
            }
        });
        quote!(#(#fields),*)
    }
}

/// The name that the field at `index` is bound to.
fn local(index: usize) -> Ident {
    format_ident!("field_{index}", span = Span::mixed_site())
}

/// `{ member: local, … }` for a pattern.
fn pattern(fields: &[Field]) -> TokenStream {
    let fields = fields.iter().enumerate().map(|(index, field)| {
        let (member, local) = (&field.member, local(index));
        match field.codec {
            Codec::Skip => quote!(#member: _),
            _ => quote!(#member: #local),
        }
    });
    quote!({ #(#fields),* })
}

/// `impl ShmField<Role> for Type`, the encoding itself.
fn field_impl(input: &Input) -> TokenStream {
    let (krate, ident, role) = (&input.krate, &input.ident, input.role_path());
    let mut generics = input.generics.clone();
    for param in &mut generics.params {
        if let GenericParam::Type(param) = param {
            param.bounds.push(parse_quote!(#krate::ShmField<#role>));
        }
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let (len, schema, encode, decode) = match &input.body {
        Body::Pod(attribute, fields) => pod(input, attribute.span(), fields),
        Body::Struct(fields) => structure(input, fields),
        Body::Enum(tag, variants) => enumeration(input, tag, variants),
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::ShmField<#role> for #ident #type_generics #where_clause {
            const LEN: ::core::primitive::usize = #len;
            const SCHEMA: &'static #krate::Schema = &#schema;

            #[inline]
            fn encode(
                &self,
                out: &mut [::core::primitive::u8],
            ) -> ::core::result::Result<(), #krate::EncodeError> {
                #encode
            }

            #[inline]
            fn decode(
                bytes: &[::core::primitive::u8],
            ) -> ::core::result::Result<Self, #krate::DecodeError> {
                #decode
            }
        }
    }
}

/// Length, schema, and the bodies of `encode` and `decode`.
type Parts = (TokenStream, TokenStream, TokenStream, TokenStream);

fn pod(input: &Input, attribute: Span, fields: &[Field]) -> Parts {
    let (krate, ident, name) = (&input.krate, &input.ident, &input.name);
    let fields = fields.iter().map(|field| {
        let (member, ty, name) = (&field.member, &field.ty, &field.name);
        quote! {
            #krate::Field {
                name: #name,
                offset: ::core::mem::offset_of!(#ident, #member),
                schema: {
                    use #krate::__private::Opaque as _;
                    #krate::__private::Probe::<#ty>::SCHEMA
                },
            }
        }
    });
    let schema = quote! {
        #krate::Schema::Pod {
            name: #name,
            size: ::core::mem::size_of::<#ident>(),
            fields: &[#(#fields),*],
        }
    };
    // That the type is not `Pod` is to be said where it is claimed to be.
    let span = attribute.resolved_at(Span::call_site());
    let private = input.krate_at(span);
    (
        quote!(::core::mem::size_of::<#ident>()),
        schema,
        quote_spanned!(span=> #private::__private::encode_pod::<Self>(self, out)),
        quote_spanned!(span=> #private::__private::decode_pod::<Self>(bytes)),
    )
}

fn structure(input: &Input, fields: &[Field]) -> Parts {
    let (krate, name, role) = (&input.krate, &input.name, input.role_path());
    let len = reserved(input, input.needed(0, fields));
    let schemas = input.schemas(0, fields);
    let schema = quote! {
        #krate::Schema::Struct {
            name: #name,
            size: <Self as #krate::ShmField<#role>>::LEN,
            fields: #schemas,
        }
    };
    let pattern = pattern(fields);
    let encoded = input.encode_fields(fields, "");
    let encode = quote! {
        let mut parts = #krate::__private::PartsMut::new(
            out,
            <Self as #krate::ShmField<#role>>::LEN,
        )?;
        let Self #pattern = self;
        #encoded
        parts.finish();
        ::core::result::Result::Ok(())
    };
    let decoded = input.decode_fields(fields, "");
    let decode = quote! {
        let mut parts = #krate::__private::Parts::new(
            bytes,
            <Self as #krate::ShmField<#role>>::LEN,
        )?;
        ::core::result::Result::Ok(Self { #decoded })
    };
    (len, schema, encode, decode)
}

fn enumeration(input: &Input, tag: &Tag, variants: &[Variant]) -> Parts {
    let (krate, name, role) = (&input.krate, &input.name, input.role_path());
    let (width, tag_type) = (tag.width, &tag.ty);
    let codec = quote!(<::core::primitive::#tag_type as #krate::ShmField<#role>>);

    let sizes = variants
        .iter()
        .map(|variant| input.needed(0, &variant.fields));
    let len = reserved(
        input,
        quote!(#width + #krate::__private::greatest(&[#(#sizes),*])),
    );
    let schemas = variants.iter().enumerate().map(|(index, variant)| {
        let (name, tag) = (&variant.name, tag_name(index));
        let fields = input.schemas(width, &variant.fields);
        quote!(#krate::Variant { name: #name, tag: #tag as ::core::primitive::u32, fields: #fields })
    });
    let schema = quote! {
        #krate::Schema::Enum {
            name: #name,
            size: <Self as #krate::ShmField<#role>>::LEN,
            tag_width: #width,
            variants: &[#(#schemas),*],
        }
    };
    let encoded = variants.iter().enumerate().map(|(index, variant)| {
        let (ident, tag, pattern) = (&variant.ident, tag_name(index), pattern(&variant.fields));
        let fields = input.encode_fields(&variant.fields, &format!("{}.", variant.name));
        quote! {
            Self::#ident #pattern => {
                #codec::encode(&#tag, parts.next(#width)?)?;
                #fields
            }
        }
    });
    let encode = quote! {
        let mut parts = #krate::__private::PartsMut::new(
            out,
            <Self as #krate::ShmField<#role>>::LEN,
        )?;
        match self { #(#encoded)* }
        parts.finish();
        ::core::result::Result::Ok(())
    };
    let decoded = variants.iter().enumerate().map(|(index, variant)| {
        let (ident, tag) = (&variant.ident, tag_name(index));
        let fields = input.decode_fields(&variant.fields, &format!("{}.", variant.name));
        quote!(#tag => ::core::result::Result::Ok(Self::#ident { #fields }),)
    });
    let decode = quote! {
        let mut parts = #krate::__private::Parts::new(
            bytes,
            <Self as #krate::ShmField<#role>>::LEN,
        )?;
        match #codec::decode(parts.next(#width)?)? {
            #(#decoded)*
            tag => ::core::result::Result::Err(#krate::DecodeError::UnknownTag {
                name: #name,
                tag: tag as ::core::primitive::u32,
            }),
        }
    };
    (len, schema, encode, decode)
}

/// Constants for the tags: the declared discriminant, else one more than the
/// last. They are items, which hygiene does not cover, hence their odd names.
fn tag_consts(input: &Input, tag: &Tag, variants: &[Variant]) -> TokenStream {
    let (width, ty) = (tag.width, &tag.ty);
    let consts = variants.iter().enumerate().map(|(index, variant)| {
        let name = tag_name(index);
        let discriminant = match (&variant.discriminant, index.checked_sub(1)) {
            (Some(expr), _) => quote!((#expr) as ::core::primitive::i128),
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

/// `needed`, or what `#[shm(size = …)]` asks for.
fn reserved(input: &Input, needed: TokenStream) -> TokenStream {
    let Some(size) = &input.size else {
        return needed;
    };
    let span = size.span().resolved_at(Span::call_site());
    let krate = input.krate_at(span);
    quote_spanned!(span=> #krate::__private::reserve(#size, #needed))
}

/// What makes the type a whole key or value.
fn root_impls(input: &Input) -> TokenStream {
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
fn borrow_impls(input: &Input) -> TokenStream {
    let (krate, ident) = (&input.krate, &input.ident);
    let to = match input.role {
        Role::Key => quote!(ToKey),
        Role::Value => quote!(ToValue),
    };
    let Body::Struct(fields) = &input.body else {
        return TokenStream::new();
    };
    let bodies = fields.iter().filter_map(|field| {
        let (ty, name, codec) = (&field.ty, &field.name, input.codec(field)?);
        let write = match &field.codec {
            Codec::MaxLen(max) => quote!(#krate::__private::encode_text::<{ #max }>(text, part)),
            _ => quote!(<&::core::primitive::str as #krate::#to<#ty>>::encode_into(&text, part)),
        };
        Some(quote! {
            let part = parts.next(#codec::LEN)?;
            #write.map_err(|error| error.in_field(#name))?;
        })
    });
    let body = quote!(#(#bodies)*);
    let itself = input.itself();
    let string = quote!(&#krate::__private::String);
    let texts = [
        quote!(&::core::primitive::str),
        quote!(&&::core::primitive::str),
        string,
    ];
    quote! {
        #(
            #[automatically_derived]
            impl #krate::#to<#ident> for #texts {
                fn encode_into(
                    &self,
                    out: &mut [::core::primitive::u8],
                ) -> ::core::result::Result<(), #krate::EncodeError> {
                    let text: &::core::primitive::str = self;
                    let mut parts = #krate::__private::PartsMut::new(out, #itself::LEN)?;
                    #body
                    parts.finish();
                    ::core::result::Result::Ok(())
                }
            }
        )*
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The core is found where `crate` says, and nowhere else.
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
                let parsed = syn::parse_str(source).and_then(|input| Input::new(input, role));
                let code = expand(&parsed.unwrap()).to_string();
                assert!(code.contains("kv ::"), "{code}");
                assert!(!code.contains("shmkv_core"), "{code}");
            }
        }
    }
}
