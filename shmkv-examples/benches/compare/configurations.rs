//! The sizes: the number of entries, the length of keys and values.
//!
//! Sizes are constants for the maps, as in any program that uses them. So all code for a
//! configuration is compiled once for each; [`with`] selects one.

use serde::{Deserialize, Serialize};
use shmkv_core::{ShmKey, ToKey};

use crate::data::Key;
use crate::outcome::Outcome;

/// The name of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[value(rename_all = "upper")]
pub(crate) enum Label {
    A,
    B,
    C,
    D,
}

impl Label {
    pub(crate) const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }

    /// How many bytes of free memory it needs, about.
    pub(crate) fn memory(self) -> u64 {
        match self {
            Self::A | Self::B => 256 << 20,
            Self::C => 3 << 30,
            Self::D => 9 << 30,
        }
    }
}

/// Code that is generic over configurations.
pub(crate) trait Visit {
    type Result;

    fn visit<const N: usize, const K: usize, const V: usize, Name>(
        self,
        label: Label,
    ) -> Outcome<Self::Result>
    where
        Name: Key + ShmKey<K>,
        for<'k> &'k Name: ToKey<Name>;
}

/// Calls `visit` with the constants of a configuration.
pub(crate) fn with<T: Visit>(label: Label, visit: T) -> Outcome<T::Result> {
    match label {
        Label::A => visit.visit::<10, 64, 256, [u8; 64]>(label),
        Label::B => visit.visit::<16_384, 8, 64, u64>(label),
        Label::C => visit.visit::<1_000_000, 8, 64, u64>(label),
        Label::D => visit.visit::<1_000_000, 64, 256, [u8; 64]>(label),
    }
}
