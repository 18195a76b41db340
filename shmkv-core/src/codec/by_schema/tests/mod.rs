//! Values without their type.

mod shown;
mod values;
