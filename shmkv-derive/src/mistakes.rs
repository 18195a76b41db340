//! The mistakes found in one type.
//!
//! Every check adds to the same list, so that the compiler reports all mistakes
//! of a type at once, and not one per build.

use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Reports `message` at `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl core::fmt::Display) {
        self.add(Error::new_spanned(tokens, message));
    }

    /// Reports `message` at `span`.
    pub(crate) fn at_span(&mut self, span: Span, message: impl core::fmt::Display) {
        self.add(Error::new(span, message));
    }

    /// `result`, or all mistakes as one error.
    pub(crate) fn done<T>(self, result: T) -> syn::Result<T> {
        self.0.map_or(Ok(result), Err)
    }
}
