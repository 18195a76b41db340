//! The command line.
//!
//! The doc comments here are the help texts.

use clap::{Parser, Subcommand};

use super::location::Location;

/// Inspect and change shmkv maps
#[derive(Debug, Parser)]
#[command(
    name = "shmkv",
    version,
    after_help = "\
NAME is the name of a map in /dev/shm, or the path of a map in a file. A path has a
slash after its first character: ./NAME.

KEY and VALUE are JSON. Text needs no quotes, unless it starts with one. Keys and
values can be typed as they are printed.

Exit status:
  0  success
  1  no such key, or faults or damaged entries in the map
  2  error

Examples:
  shmkv list
  shmkv show /settings
  shmkv get /sensors '{\"site\":1,\"name\":\"roof\"}'
  shmkv set /settings unit kelvin"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the maps in /dev/shm
    #[command(after_help = "\
Prints size, entries, capacity, writers alive and types of each map. The exit status
is 2 if a map cannot be opened; other files are skipped.

Examples:
  shmkv list
  shmkv list --json | jq .name")]
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Print all entries, sorted by key
    #[command(after_help = "\
Examples:
  shmkv show /settings
  shmkv show --json ./settings.map | head")]
    Show {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
        /// Print one JSON object per line, without cutting long values
        #[arg(long)]
        json: bool,
    },
    /// Print the value of a key
    #[command(after_help = "\
Examples:
  shmkv get /settings unit
  shmkv get /sensors '{\"site\":1,\"name\":\"roof\"}'")]
    Get {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
        /// JSON, or text without quotes
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// Print text as JSON, too
        #[arg(long)]
        json: bool,
    },
    /// Store a value under a key
    #[command(after_help = "\
If the map is in a file, the change is flushed to its device.

Examples:
  shmkv set /settings unit kelvin
  shmkv set /limits 7 '{\"low\":-1.5,\"high\":40}'")]
    Set {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
        /// JSON, or text without quotes
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// JSON, or text without quotes
        #[arg(allow_negative_numbers = true)]
        value: String,
    },
    /// Remove a key
    #[command(after_help = "\
If the map is in a file, the change is flushed to its device.

Example:
  shmkv remove /settings unit")]
    Remove {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
        /// JSON, or text without quotes
        #[arg(allow_negative_numbers = true)]
        key: String,
    },
    /// Print sizes and counts of a map
    #[command(after_help = "\
Example:
  shmkv stats --json /settings")]
    Stats {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the types of keys and values, field by field
    #[command(after_help = "\
Example:
  shmkv schema /sensors")]
    Schema {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
    },
    /// Check a map and its entries for damage
    #[command(after_help = "\
Checks counters and tags against the entries, and every entry against its type. Changes
nothing, and can run while writers work.

Example:
  shmkv check /settings")]
    Check {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
    },
    /// Remove the name of a map
    #[command(after_help = "\
Processes that have the map open can go on using it. Its memory is freed when the last
of them closes it.

Example:
  shmkv unlink /settings")]
    Unlink {
        /// Name or path of the map
        #[arg(value_name = "NAME")]
        location: Location,
        /// Remove it even if it is not a map, or cannot be opened
        #[arg(long)]
        force: bool,
    },
}
