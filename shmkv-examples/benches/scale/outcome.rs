//! The result type of this program.

use std::error::Error;

/// A result with any error: the program prints errors and does not tell them apart.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
