//! The result type of this program.

use std::error::Error;

/// Any error. The program prints errors and does not tell them apart.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A result with any error.
pub(crate) type Outcome<T> = Result<T, Failure>;
