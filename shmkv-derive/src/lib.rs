//! Derive macros for `shmkv-core`, which re-exports them: they turn your own type
//! into a key or a value of fixed size.
//!
//! A derive is two steps: `parse` checks the type and reduces it to an `Input`
//! (`attrs` reads the `#[shm(…)]` attributes, `check` refuses field types that cannot
//! work), and `expand` writes the implementation. A mistake is a `syn::Error` at the
//! token that is wrong, with the remedy in its text; all mistakes of a type are
//! reported together.
//!
//! Generated code is a `const _` block that names everything by absolute path and
//! consists of calls to `shmkv_core::__private`.

mod attrs;
mod check;
mod deprecated;
mod expand;
mod input;
mod mistakes;
mod parse;
mod role;
mod tokens;
mod uses;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use role::Role;

/// Makes a type a key of a shared-memory map.
///
/// Keys are compared by their bytes, so a field cannot be a float. A
/// `#[shm(pod)]` type can contain floats; its bytes are compared all the same, so
/// `0.0` and `-0.0` are different keys, and a NaN equals itself.
///
/// ```
/// use shmkv_core::ShmKey;
///
/// #[derive(ShmKey)]
/// struct SensorId {
///     site: u32,
///     #[shm(max_len = 10)]
///     name: String,
/// }
///
/// // 4 bytes, a length of 1 byte, 10 bytes.
/// assert_eq!(<SensorId as ShmKey<15>>::SIZE, 15);
/// ```
///
/// # Field types
///
/// Integers of fixed width, `bool`, `char`, `NonZero<_>`, `Option<T>`, arrays,
/// tuples of up to twelve elements, `PhantomData`, `ShmStr<N>`, `Pod<T, N>`,
/// `Duration`, `SystemTime`, IP and socket addresses, types with this derive
/// (including generic ones), `String` and `Vec<T>` with `max_len`; in values also
/// `f32` and `f64`.
///
/// # Bytes
///
/// Fields are stored in declaration order, little-endian, without padding. An
/// `Option` is one byte and the payload. An enum is its tag and the fields of the
/// variant; every variant takes as many bytes as the largest. Unused bytes are
/// zero. No `repr` is needed; an integer `repr` is, as usual, the type of an
/// enum's discriminants, and any other has no effect.
///
/// # Attributes of the type
///
/// | attribute | effect |
/// |---|---|
/// | `#[shm(name = "…")]` | the name in the segment's schema; by default the type's |
/// | `#[shm(tag = u16)]` | the type of an enum's tag: `u8` (default), `u16` or `u32` |
/// | `#[shm(size = N)]` | reserves `N` bytes in all, for fields to come |
/// | `#[shm(borrow = str)]` | on a struct of one text field: lookups accept `&str` and `String` |
/// | `#[shm(pod)]` | stores a `bytemuck::Pod` type as it is in memory, floats included |
/// | `#[shm(crate = path)]` | the path of `shmkv_core`; by default `::shmkv_core` |
///
/// # Attributes of a field
///
/// | attribute | effect |
/// |---|---|
/// | `#[shm(max_len = N)]` | a `String` of at most `N` bytes, a `Vec` of at most `N` elements |
/// | `#[shm(rename = "…")]` | the name in the segment's schema (also for variants) |
/// | `#[shm(with = W)]` | stores the field as a `W`, another field type, by way of `W: TryFrom<&T>` and `T: TryFrom<W>`, whose errors are `Display` |
/// | `#[shm(skip)]` | does not store the field; it reads as `Default::default()` |
///
/// The tag of a variant is its declared discriminant, or one more than that of the
/// variant before it, starting at 0. A generic type can be a field; a whole key
/// must be concrete, for instance a struct with that one field.
#[proc_macro_derive(ShmKey, attributes(shm))]
pub fn derive_shm_key(input: TokenStream) -> TokenStream {
    derive(parse_macro_input!(input), Role::Key)
}

/// Makes a type a value of a shared-memory map.
///
/// The documentation of [`ShmKey`](macro@ShmKey) applies here too, except that
/// fields can be floats. A type may derive both.
///
/// ```
/// use shmkv_core::ShmValue;
///
/// #[derive(ShmValue)]
/// enum State {
///     Idle,
///     Running { rpm: u32 },
///     Failed(u8),
/// }
///
/// #[derive(ShmValue)]
/// struct Reading {
///     at: u64,
///     temp: f32,
///     state: State,
///     previous: Option<f32>,
/// }
///
/// assert_eq!(<Reading as ShmValue<22>>::SIZE, 8 + 4 + (1 + 4) + (1 + 4));
/// ```
#[proc_macro_derive(ShmValue, attributes(shm))]
pub fn derive_shm_value(input: TokenStream) -> TokenStream {
    derive(parse_macro_input!(input), Role::Value)
}

fn derive(input: DeriveInput, role: Role) -> TokenStream {
    parse::parse(input, role)
        .map_or_else(syn::Error::into_compile_error, |input| {
            expand::expand(&input)
        })
        .into()
}
