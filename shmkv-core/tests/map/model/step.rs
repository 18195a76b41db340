//! One step of a sequence: an operation and what it works on.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any as every, prop_oneof};

/// A key by number; the subject takes it modulo the keys that it uses.
pub(crate) type Key = u16;
/// From which a value is made.
pub(crate) type Seed = u32;

/// Which version a compare-and-exchange expects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expects {
    /// The one that is there.
    Current,
    /// One that the key had before, if it had one.
    Old,
    /// One that another key has.
    Others(Key),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Insert(Key, Seed),
    Set(Key, Seed),
    TryInsert(Key, Seed),
    Replace(Key, Seed),
    CompareExchange(Key, Expects, Seed),
    Update(Key, Seed),
    GetOrInsertWith(Key, Seed),
    Remove(Key),
    /// Removes if the closure says so.
    RemoveIf(Key, bool),
    /// Removes and inserts again.
    Again(Key, Seed),
    Get(Key),
    GetMany([Key; 5]),
    /// Compares everything that can be iterated over.
    Walk,
    /// Keeps the keys that this number does not divide.
    Retain(u16),
    Clear,
    /// Inserts this share, in 256ths, of the keys that there are, from one on.
    Fill(Key, u8),
    /// Removes that many.
    Drain(Key, u8),
}

pub(crate) fn any() -> BoxedStrategy<Step> {
    let key = || every::<Key>();
    let seed = || every::<Seed>();
    let expects = prop_oneof![
        3 => Just(Expects::Current),
        2 => Just(Expects::Old),
        1 => key().prop_map(Expects::Others),
    ];
    prop_oneof![
        12 => (key(), seed()).prop_map(|(key, seed)| Step::Insert(key, seed)),
        8 => (key(), seed()).prop_map(|(key, seed)| Step::Set(key, seed)),
        4 => (key(), seed()).prop_map(|(key, seed)| Step::TryInsert(key, seed)),
        4 => (key(), seed()).prop_map(|(key, seed)| Step::Replace(key, seed)),
        6 => (key(), expects, seed())
            .prop_map(|(key, expects, seed)| Step::CompareExchange(key, expects, seed)),
        4 => (key(), seed()).prop_map(|(key, seed)| Step::Update(key, seed)),
        4 => (key(), seed()).prop_map(|(key, seed)| Step::GetOrInsertWith(key, seed)),
        6 => key().prop_map(Step::Remove),
        4 => (key(), every::<bool>()).prop_map(|(key, remove)| Step::RemoveIf(key, remove)),
        4 => (key(), seed()).prop_map(|(key, seed)| Step::Again(key, seed)),
        6 => key().prop_map(Step::Get),
        2 => every::<[Key; 5]>().prop_map(Step::GetMany),
        2 => Just(Step::Walk),
        1 => (2..7_u16).prop_map(Step::Retain),
        1 => Just(Step::Clear),
        3 => (key(), every::<u8>()).prop_map(|(key, share)| Step::Fill(key, share)),
        1 => (key(), every::<u8>()).prop_map(|(key, share)| Step::Drain(key, share)),
    ]
    .boxed()
}
