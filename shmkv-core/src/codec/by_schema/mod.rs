//! Values of a type that this program does not have, by its schema alone.

mod decode;
mod encode;
mod shape;
mod show;
#[cfg(test)]
mod tests;
mod value;

pub use value::Value;
