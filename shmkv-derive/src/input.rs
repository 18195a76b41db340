//! The type with the derive, reduced to what the expansion needs.
//!
//! **Invariant.** Every [`Input`] can be expanded: `parse` is the only place that
//! makes one, and reports every mistake that shows in the tokens first.

use syn::{Expr, Generics, Ident, Member, Path, Type};

use crate::role::Role;

/// The type with the derive.
pub(crate) struct Input {
    pub(crate) role: Role,
    /// The path of the core crate: `::shmkv_core`, or what `#[shm(crate = …)]` says.
    pub(crate) krate: Path,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// The name in the schema.
    pub(crate) name: String,
    /// `#[shm(size = …)]`
    pub(crate) size: Option<Expr>,
    /// Whether the generated code may use deprecated items.
    pub(crate) deprecated: bool,
    /// `#[shm(borrow = str)]`
    pub(crate) borrow: Option<Type>,
    pub(crate) body: Body,
}

/// What the type consists of.
pub(crate) enum Body {
    /// Plain old data, with the attribute that declares it.
    Pod(Path, Vec<Field>),
    Struct(Vec<Field>),
    Enum(Tag, Vec<Variant>),
}

/// The integer that tells the variants of an enum apart.
pub(crate) struct Tag {
    pub(crate) ty: Ident,
    pub(crate) width: usize,
    /// The type at which rustc evaluates the discriminants.
    pub(crate) repr: Ident,
}

/// One variant of an enum.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// The name in the schema.
    pub(crate) name: String,
    pub(crate) discriminant: Option<Expr>,
    pub(crate) fields: Vec<Field>,
}

/// One field of a struct or of a variant.
pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
    /// The name in the schema.
    pub(crate) name: String,
    pub(crate) codec: Codec,
}

/// How a field is stored.
pub(crate) enum Codec {
    /// By the encoding of its type.
    Plain,
    /// `#[shm(max_len = …)]`
    MaxLen(Expr),
    /// `#[shm(with = …)]`
    With(Type),
    /// `#[shm(skip)]`
    Skip,
}

impl Input {
    /// Whether the type has no generic parameters, and therefore one size.
    pub(crate) fn is_concrete(&self) -> bool {
        self.generics.params.is_empty()
    }
}
