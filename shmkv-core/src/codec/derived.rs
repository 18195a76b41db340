//! What derived code is made of: taking a buffer apart field by field, and the
//! compile-time arithmetic of schemas. Called by derived code only, and by the
//! adapters beside it.
//!
//! Derived code never indexes a slice. It takes the next so many bytes, and a
//! buffer that is too short ends in an error, not a panic. With the lengths
//! constant, the checks fold into the one that `new` makes, and a struct of
//! numbers compiles to plain moves. (Errors are made lazily for that: they own
//! memory, and dropping one that was not needed would be a call per field.)

use super::field::ShmField;
use super::field::role::{KeyRole, ValueRole};
use super::schema::tree::{Field, Schema};

/// Gives each field its offset: from `start` on, one right after the other.
#[must_use]
pub const fn packed<const COUNT: usize>(
    start: usize,
    mut fields: [Field; COUNT],
) -> [Field; COUNT] {
    let mut offset = start;
    let mut rest: &mut [Field] = &mut fields;
    while let [field, tail @ ..] = rest {
        field.offset = offset;
        offset += field.schema.size();
        rest = tail;
    }
    fields
}

/// The size of the greatest variant.
#[must_use]
pub const fn greatest(sizes: &[usize]) -> usize {
    let mut greatest = 0;
    let mut rest = sizes;
    while let [size, tail @ ..] = rest {
        if *size > greatest {
            greatest = *size;
        }
        rest = tail;
    }
    greatest
}

/// The size `reserved` by `#[shm(size = …)]`, refused at compile time if it is
/// less than what the fields need.
#[must_use]
#[track_caller]
pub const fn reserve(reserved: usize, needed: usize) -> usize {
    if reserved < needed {
        let mut text = Text::new();
        text.push(b"`size = ");
        text.push_number(reserved);
        text.push(b"` is smaller than the ");
        text.push_number(needed);
        text.push(b" bytes the fields need");
        text.fail();
    }
    reserved
}

/// The tag of a variant, refused at compile time if it does not fit.
#[must_use]
#[track_caller]
pub const fn tag(discriminant: i128, tag_width: usize) -> u32 {
    let max = (1_i128 << (8 * tag_width)) - 1;
    if discriminant < 0 {
        let mut text = Text::new();
        text.push(b"a negative discriminant cannot be a tag: declare it 0 or greater");
        text.fail();
    }
    if discriminant > max {
        let mut text = Text::new();
        text.push(b"the discriminant ");
        text.push_number(discriminant as usize);
        if discriminant > u32::MAX as i128 {
            text.push(b" does not fit any tag: declare it 4294967295 or less");
        } else {
            text.push(b" does not fit the tag: add `#[shm(tag = u");
            text.push_number(if discriminant > 0xffff { 32 } else { 16 });
            text.push(b")]`");
        }
        text.fail();
    }
    discriminant as u32
}

/// A message put together at compile time.
struct Text {
    bytes: [u8; 128],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; 128],
            len: 0,
        }
    }

    const fn push(&mut self, text: &[u8]) {
        let mut rest = text;
        while let [byte, tail @ ..] = rest {
            if self.len < self.bytes.len() {
                self.bytes[self.len] = *byte;
                self.len += 1;
            }
            rest = tail;
        }
    }

    const fn push_number(&mut self, number: usize) {
        if number > 9 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }

    #[allow(
        clippy::panic,
        reason = "runs in the compiler only, to report a mistake"
    )]
    #[track_caller]
    const fn fail(&self) -> ! {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("invalid `shm` attribute"),
        }
    }
}

/// The schema of one field of a plain-old-data type: the field's own if that
/// describes memory, else as many bytes as it takes.
///
/// `Probe::<R, T>::SCHEMA` finds the inherent constant where its bound holds,
/// and [`Opaque::SCHEMA`] elsewhere.
pub struct Probe<R, T>(core::marker::PhantomData<(R, T)>);

impl<R, T: ShmField<R>> Probe<R, T> {
    /// The schema that the field has.
    pub const SCHEMA: &'static Schema = in_memory::<T>(T::SCHEMA);
}

/// Floats are no keys, but may be in the memory of one.
macro_rules! float {
    ($($t:ty)*) => {$(
        impl Probe<KeyRole, $t> {
            /// The schema that the field has.
            pub const SCHEMA: &'static Schema = Probe::<ValueRole, $t>::SCHEMA;
        }

        impl<const M: usize> Probe<KeyRole, [$t; M]> {
            /// The schema that the field has.
            pub const SCHEMA: &'static Schema = Probe::<ValueRole, [$t; M]>::SCHEMA;
        }
    )*};
}
float!(f32 f64);

/// `schema` if a `T` in memory is what it describes. An encoding may well be
/// another: packed, with a tag, without some fields.
const fn in_memory<T>(schema: &'static Schema) -> &'static Schema {
    if schema.is_memory() && schema.size() == size_of::<T>() {
        schema
    } else {
        <Probe<(), T> as Opaque>::SCHEMA
    }
}

/// See [`Probe`].
pub trait Opaque {
    /// The schema of a field without one.
    const SCHEMA: &'static Schema;
}

impl<R, T> Opaque for Probe<R, T> {
    const SCHEMA: &'static Schema = &Schema::Pod {
        name: "",
        size: size_of::<T>(),
        fields: &[],
    };
}
