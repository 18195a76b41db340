//! The codec as a whole: its encodings and its messages.

mod encodings;
mod messages;
mod untyped_messages;
