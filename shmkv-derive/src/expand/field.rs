//! How one field is stored, and lists of fields.
//!
//! **Invariant.** Code about a field has the span of the field's type, or of the
//! attribute that changes how it is stored: that is where the compiler then
//! reports an unsatisfied bound.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::names;
use crate::input::{Codec, Field, Input};
use crate::role::Role;

impl Input {
    /// The path of the core crate with `span` on every token: the compiler reports
    /// an error at a span only if all tokens of the expression have it.
    pub(super) fn krate_at(&self, span: Span) -> TokenStream {
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

    /// The path of the role's type.
    pub(super) fn role_path(&self) -> TokenStream {
        self.role_path_at(Span::call_site())
    }

    fn role_path_at(&self, span: Span) -> TokenStream {
        let krate = self.krate_at(span);
        match self.role {
            Role::Key => quote_spanned!(span=> #krate::field::role::KeyRole),
            Role::Value => quote_spanned!(span=> #krate::field::role::ValueRole),
        }
    }

    /// `<Self as ShmField<Role>>`
    pub(super) fn itself(&self) -> TokenStream {
        let (krate, ident, role) = (&self.krate, &self.ident, self.role_path());
        quote!(<#ident as #krate::field::ShmField<#role>>)
    }

    /// The type whose `LEN`, `SCHEMA`, `encode` and `decode` store the field;
    /// `None` for a skipped field.
    pub(super) fn codec(&self, field: &Field) -> Option<TokenStream> {
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
            Codec::Plain => quote_spanned!(span=> <#ty as #krate::field::ShmField<#role>>),
            Codec::MaxLen(max) => quote_spanned! {span=>
                <#krate::__private::MaxLen<{ #max }> as #krate::__private::Adapter<#role, #ty>>
            },
            Codec::With(with) => quote_spanned! {span=>
                <#krate::__private::With<#with> as #krate::__private::Adapter<#role, #ty>>
            },
        })
    }

    /// `expr` with `Self` written out, for a scope where `Self` is another type.
    pub(super) fn without_self(&self, expr: &impl ToTokens) -> TokenStream {
        fn replace(tokens: TokenStream, ident: &Ident) -> TokenStream {
            let each = |token| match token {
                TokenTree::Ident(word) if word == "Self" => {
                    let mut ident = ident.clone();
                    ident.set_span(word.span());
                    TokenTree::Ident(ident)
                }
                TokenTree::Group(group) => {
                    let inner = replace(group.stream(), ident);
                    let mut replaced = Group::new(group.delimiter(), inner);
                    replaced.set_span(group.span());
                    TokenTree::Group(replaced)
                }
                other => other,
            };
            tokens.into_iter().map(each).collect()
        }
        replace(expr.to_token_stream(), &self.ident)
    }

    /// The bytes that `fields` need, as an expression.
    pub(super) fn needed(&self, fields: &[Field]) -> TokenStream {
        let codecs = fields.iter().filter_map(|field| self.codec(field));
        quote!(0 #(+ #codecs::LEN)*)
    }

    /// The schemas of `fields`, as an expression for a slice.
    pub(super) fn schemas(&self, start: usize, fields: &[Field]) -> TokenStream {
        let krate = &self.krate;
        let fields = fields.iter().filter_map(|field| {
            let (name, codec) = (&field.name, self.codec(field)?);
            Some(quote!(#krate::schema::Field::new(#name, #codec::SCHEMA)))
        });
        quote!(&#krate::__private::packed(#start, [#(#fields),*]))
    }

    /// Statements that write `fields`, which are bound to locals, to `parts`.
    pub(super) fn encode_fields(&self, fields: &[Field], prefix: &str) -> TokenStream {
        let (parts, error) = (names::parts(), names::error());
        let fields = fields.iter().enumerate().filter_map(|(index, field)| {
            let (codec, local) = (self.codec(field)?, local(index));
            let path = format!("{prefix}{}", field.name);
            Some(quote! {
                #codec::encode(#local, #parts.next(#codec::LEN)?)
                    .map_err(|#error| #error.in_field(#path))?;
            })
        });
        quote!(#(#fields)*)
    }

    /// `member: value, …` that reads `fields` from `parts`.
    pub(super) fn decode_fields(&self, fields: &[Field], prefix: &str) -> TokenStream {
        let (parts, error) = (names::parts(), names::error());
        let fields = fields.iter().map(|field| {
            let member = &field.member;
            let Some(codec) = self.codec(field) else {
                return quote!(#member: ::core::default::Default::default());
            };
            let path = format!("{prefix}{}", field.name);
            quote! {
                #member: #codec::decode(#parts.next(#codec::LEN)?)
                    .map_err(|#error| #error.in_field(#path))?
            }
        });
        quote!(#(#fields),*)
    }
}

/// The local to which the field at `index` is bound.
fn local(index: usize) -> Ident {
    format_ident!("__shm_field_{index}", span = Span::mixed_site())
}

/// A pattern, `{ member: local, … }`.
pub(super) fn pattern(fields: &[Field]) -> TokenStream {
    let fields = fields.iter().enumerate().map(|(index, field)| {
        let (member, local) = (&field.member, local(index));
        match field.codec {
            Codec::Skip => quote!(#member: _),
            _ => quote!(#member: #local),
        }
    });
    quote!({ #(#fields),* })
}
