//! How answers are recorded; being written.
