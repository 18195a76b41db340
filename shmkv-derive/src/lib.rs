//! Derive macros for `shmkv-core`, which re-exports them: make a key or a value
//! of fixed size out of your own type.
//!
//! The work is done in four steps: `attrs` reads the `#[shm(…)]` attributes,
//! `check` refuses field types that cannot work, `input` and `uses` reduce the type
//! to what matters, `expand` writes the implementation. A mistake is a `syn::Error` at
//! the token that it is about, with the remedy in its text; all mistakes of a
//! type are reported together.
//!
//! Generated code stands in a `const _` block, names everything by absolute
//! path, and consists of calls to `shmkv_core::__private`.

mod attrs;
mod check;
mod expand;
mod input;
mod uses;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use input::{Input, Role};

/// Makes a type a key of a shared-memory map.
///
/// Keys are compared by their bytes, so a field may not be a float. With
/// `#[shm(pod)]` it may, and the bytes decide there too: `0.0` and `-0.0` are two
/// keys, and a NaN finds itself.
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
/// tuples of up to twelve, `PhantomData`, `ShmStr<N>`, `Pod<T, N>`, `Duration`, `SystemTime`, IP
/// and socket addresses, types with this derive (generic ones too), `String`
/// and `Vec<T>` with `max_len`; in values also `f32` and `f64`.
///
/// # Bytes
///
/// Fields stand one right after the other in declaration order, little-endian.
/// `Option` is one byte and the payload. An enum is its tag and the fields of
/// the variant; all variants take as much room as the greatest. Bytes that
/// nothing uses are zero. No `repr` is needed. Of one that is there, only an
/// integer matters: as the type of an enum's discriminants, as everywhere.
///
/// # Attributes of the type
///
/// | attribute | effect |
/// |---|---|
/// | `#[shm(name = "…")]` | the name that the segment remembers, instead of the type's |
/// | `#[shm(tag = u16)]` | width of an enum's tag: `u8` (default), `u16`, `u32` |
/// | `#[shm(size = N)]` | takes `N` bytes, more than the fields need, as room for later |
/// | `#[shm(borrow = str)]` | on a struct of one text field: lookups with a `&str` or `String` |
/// | `#[shm(pod)]` | stores the memory of a `bytemuck::Pod` type as it is, floats too |
/// | `#[shm(crate = path)]` | where `shmkv_core` is found, if not at `::shmkv_core` |
///
/// # Attributes of a field
///
/// | attribute | effect |
/// |---|---|
/// | `#[shm(max_len = N)]` | a `String` of up to `N` bytes, a `Vec` of up to `N` elements |
/// | `#[shm(rename = "…")]` | the name that the segment remembers (variants too) |
/// | `#[shm(with = W)]` | stores a `W`, a field type, by `W: TryFrom<&T>` and `T: TryFrom<W>`, whose errors are `Display` |
/// | `#[shm(skip)]` | is not stored; reads as `Default::default()` |
///
/// The tag of a variant is its declared discriminant, else one more than that of
/// the variant before it, from 0 on. A generic type can be a field; a whole key
/// has to be concrete, for instance a struct with that one field.
#[proc_macro_derive(ShmKey, attributes(shm))]
pub fn derive_shm_key(input: TokenStream) -> TokenStream {
    derive(parse_macro_input!(input), Role::Key)
}

/// Makes a type a value of a shared-memory map.
///
/// Everything that [`ShmKey`](macro@ShmKey) says holds here too; in addition,
/// fields may be floats. A type may derive both.
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
    Input::new(input, role)
        .map_or_else(syn::Error::into_compile_error, |input| {
            expand::expand(&input)
        })
        .into()
}
