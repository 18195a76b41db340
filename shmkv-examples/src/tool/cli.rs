//! What may be typed.

use clap::{Parser, Subcommand};

use super::place::Place;

/// Looks into shmkv maps, and changes them. It needs to know none of their types.
#[derive(Debug, Parser)]
#[command(
    name = "shmkv",
    version,
    after_help = "NAME is that of a map in /dev/shm, or the path of one in a file: whatever has a \
                  slash after its first character, as ./NAME.\n\n\
                  KEY and VALUE are JSON, or text as it is. Where the map has text, quotes are \
                  needed only around text that starts with one.\n\n\
                  The exit status is 0; 1 if there is no such key or the map has faults; 2 if the \
                  command failed."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the maps in /dev/shm
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Shows all entries, sorted by key
    Show {
        #[arg(value_name = "NAME")]
        place: Place,
        /// One JSON object a line, nothing cut off
        #[arg(long)]
        json: bool,
    },
    /// Prints the value of a key
    Get {
        #[arg(value_name = "NAME")]
        place: Place,
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// As JSON also where it is text
        #[arg(long)]
        json: bool,
    },
    /// Stores a value under a key
    Set {
        #[arg(value_name = "NAME")]
        place: Place,
        #[arg(allow_negative_numbers = true)]
        key: String,
        #[arg(allow_negative_numbers = true)]
        value: String,
    },
    /// Removes a key
    Remove {
        #[arg(value_name = "NAME")]
        place: Place,
        #[arg(allow_negative_numbers = true)]
        key: String,
    },
    /// Prints figures about a map
    Stats {
        #[arg(value_name = "NAME")]
        place: Place,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Prints the types of keys and values, byte by byte
    Schema {
        #[arg(value_name = "NAME")]
        place: Place,
    },
    /// Checks whether a map agrees with itself; changes nothing
    Check {
        #[arg(value_name = "NAME")]
        place: Place,
    },
    /// Removes a map's name; who has the map open keeps it
    Unlink {
        #[arg(value_name = "NAME")]
        place: Place,
        /// Even if it is not a map
        #[arg(long)]
        force: bool,
    },
}
