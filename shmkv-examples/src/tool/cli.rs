//! What may be typed.

use clap::{Parser, Subcommand};

use super::place::Place;

/// Looks into shmkv maps, and changes them. It needs to know none of their types.
#[derive(Debug, Parser)]
#[command(
    name = "shmkv",
    version,
    after_help = "\
NAME is that of a map in /dev/shm. With a slash after its first character, as in
./NAME, it is the path of a map in a file.

KEY and VALUE are JSON, or text as it is. Where the map has text, quotes are needed
only around text that starts with one. What is printed can be typed again.

Exit status:
  0  done
  1  there is no such key; the map has faults, or damaged entries
  2  the command failed

Examples:
  shmkv show --json /settings | head
  shmkv set /settings unit kelvin
  shmkv get /sensors '{\"site\":1,\"name\":\"roof\"}'"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the maps in /dev/shm; those that cannot be opened make the exit status 2
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Shows all entries, sorted by key
    Show {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
        /// One JSON object a line, nothing cut off
        #[arg(long)]
        json: bool,
    },
    /// Prints the value of a key
    Get {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
        /// JSON, or text as it is
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// As JSON also where it is text
        #[arg(long)]
        json: bool,
    },
    /// Stores a value under a key; in a file, also on its device
    Set {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
        /// JSON, or text as it is
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// JSON, or text as it is
        #[arg(allow_negative_numbers = true)]
        value: String,
    },
    /// Removes a key; in a file, also on its device
    Remove {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
        /// JSON, or text as it is
        #[arg(allow_negative_numbers = true)]
        key: String,
    },
    /// Prints figures about a map
    Stats {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Prints the types of keys and values, byte by byte
    Schema {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
    },
    /// Checks whether a map agrees with itself and with its types; changes nothing
    Check {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
    },
    /// Removes a map's name; who has the map open keeps it
    Unlink {
        /// The map
        #[arg(value_name = "NAME")]
        place: Place,
        /// Even if it is not a map, or cannot be looked into
        #[arg(long)]
        force: bool,
    },
}
