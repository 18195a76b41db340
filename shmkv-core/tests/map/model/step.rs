//! One step of a sequence: an operation and its arguments.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any as every, prop_oneof};

/// The number of a key, modulo the number of keys in use.
pub(crate) type Key = u16;
/// The number from which a value is made.
pub(crate) type Seed = u32;

/// Which version a compare-and-exchange expects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expects {
    /// The current one.
    Current,
    /// The first one that the key had.
    Old,
    /// The one of another key.
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
    /// Removes the key if the flag, which the closure returns, is set.
    RemoveIf(Key, bool),
    /// Removes the key and inserts it again.
    Reinsert(Key, Seed),
    Get(Key),
    GetMany([Key; 5]),
    /// Compares the entries, keys and values that the iterators return.
    Iterate,
    /// Keeps the keys whose number this divisor does not divide.
    Retain(u16),
    Clear,
    /// Inserts this share, in 256ths, of all keys, starting with this one.
    Fill(Key, u8),
    /// Removes such a share.
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
        4 => (key(), seed()).prop_map(|(key, seed)| Step::Reinsert(key, seed)),
        6 => key().prop_map(Step::Get),
        2 => every::<[Key; 5]>().prop_map(Step::GetMany),
        2 => Just(Step::Iterate),
        1 => (2..7_u16).prop_map(Step::Retain),
        1 => Just(Step::Clear),
        3 => (key(), every::<u8>()).prop_map(|(key, share)| Step::Fill(key, share)),
        1 => (key(), every::<u8>()).prop_map(|(key, share)| Step::Drain(key, share)),
    ]
    .boxed()
}
