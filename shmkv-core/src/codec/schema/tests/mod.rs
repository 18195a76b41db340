//! Schemas: written, read back, printed and compared.

mod blob;
mod diff;
mod print;
pub(in crate::codec) mod samples;
