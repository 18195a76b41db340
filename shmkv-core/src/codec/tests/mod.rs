//! The codec tested as a whole.

mod encodings;
