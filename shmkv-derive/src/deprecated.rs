//! Whether generated code may use deprecated items.
//!
//! If the type itself may, the generated code must be allowed to as well:
//! without that, a derive on a type with a deprecated field would warn at code
//! that its author cannot change.

use proc_macro2::Span;
use syn::{Attribute, Data, Ident, Meta};

use crate::tokens::contains;

/// Whether an attribute of the type, or of a part of it, is `#[deprecated]` or
/// sets the `deprecated` lint.
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
