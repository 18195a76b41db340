//! Searching tokens, where a macro cannot know types.

use proc_macro2::{TokenStream, TokenTree};
use syn::Ident;

/// Whether `word` is among `tokens`, at any depth.
pub(crate) fn contains(tokens: TokenStream, word: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *word,
        TokenTree::Group(group) => contains(group.stream(), word),
        _ => false,
    })
}
