//! How recorded answers are judged; being written.
