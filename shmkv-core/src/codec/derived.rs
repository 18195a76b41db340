//! What derived code computes at compile time: offsets, sizes, tags, and the schemas
//! of plain-old-data fields. Called by derived code, and by the encodings of times
//! and addresses.
//!
//! The functions run in the compiler. A mistake in a `shm` attribute is a panic
//! there, whose message says what to change.

use super::field::ShmField;
use super::field::role::{KeyRole, ValueRole};
use super::schema::tree::{Field, Schema};

/// Places fields from offset `start` on, one right after another.
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

/// The size of the largest variant.
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

/// The size that `#[shm(size = …)]` reserves. Does not compile if the fields need
/// more.
#[must_use]
#[track_caller]
pub const fn reserve(reserved: usize, needed: usize) -> usize {
    if reserved < needed {
        let mut message = Message::new();
        message.push(b"`size = ");
        message.push_number(reserved);
        message.push(b"` is smaller than the ");
        message.push_number(needed);
        message.push(b" bytes the fields need");
        message.fail();
    }
    reserved
}

/// The tag of a variant. Does not compile if the tag is not wide enough.
#[must_use]
#[track_caller]
pub const fn tag(discriminant: i128, tag_width: usize) -> u32 {
    let max = (1_i128 << (8 * tag_width)) - 1;
    if discriminant < 0 {
        let mut message = Message::new();
        message.push(b"a negative discriminant cannot be a tag: declare it 0 or greater");
        message.fail();
    }
    if discriminant > max {
        let mut message = Message::new();
        message.push(b"the discriminant ");
        message.push_number(discriminant as usize);
        if discriminant > u32::MAX as i128 {
            message.push(b" does not fit any tag: declare it 4294967295 or less");
        } else {
            message.push(b" does not fit the tag: add `#[shm(tag = u");
            message.push_number(if discriminant > 0xffff { 32 } else { 16 });
            message.push(b")]`");
        }
        message.fail();
    }
    discriminant as u32
}

/// A message of at most 128 bytes, composed at compile time.
struct Message {
    bytes: [u8; 128],
    len: usize,
}

impl Message {
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

/// Finds the schema of a field of a plain-old-data type: the field's own if that
/// describes its memory, else that of opaque memory.
///
/// `Probe::<R, T>::SCHEMA` is the inherent constant if `T` has an encoding, and
/// [`Opaque::SCHEMA`] if it has none.
pub struct Probe<R, T>(core::marker::PhantomData<(R, T)>);

impl<R, T: ShmField<R>> Probe<R, T> {
    /// The schema of the field.
    pub const SCHEMA: &'static Schema = in_memory::<T>(T::SCHEMA);
}

/// Floats are not part of keys, except in the memory of a plain-old-data key.
macro_rules! float {
    ($($t:ty)*) => {$(
        impl Probe<KeyRole, $t> {
            /// The schema of the field.
            pub const SCHEMA: &'static Schema = Probe::<ValueRole, $t>::SCHEMA;
        }

        impl<const M: usize> Probe<KeyRole, [$t; M]> {
            /// The schema of the field.
            pub const SCHEMA: &'static Schema = Probe::<ValueRole, [$t; M]>::SCHEMA;
        }
    )*};
}
float!(f32 f64);

/// `schema` if it describes the memory of a `T`. It need not: an encoding is
/// packed, and may have a tag or lack fields.
const fn in_memory<T>(schema: &'static Schema) -> &'static Schema {
    if schema.is_memory() && schema.size() == size_of::<T>() {
        schema
    } else {
        <Probe<(), T> as Opaque>::SCHEMA
    }
}

/// What [`Probe`] falls back on.
pub trait Opaque {
    /// The schema of opaque memory.
    const SCHEMA: &'static Schema;
}

impl<R, T> Opaque for Probe<R, T> {
    const SCHEMA: &'static Schema = &Schema::Pod {
        name: "",
        size: size_of::<T>(),
        fields: &[],
    };
}
