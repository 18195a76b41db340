//! The command line of `producer` and `consumer`.

use std::io;

use crate::{DEFAULT_NAME, Failure};

/// What `producer` and `consumer` are asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Work on the store of this name.
    Work(String),
    /// Remove this name.
    Remove(String),
    /// Print the usage.
    Help,
}

impl Arguments {
    /// Understands `[NAME]`, `--remove [NAME]` and `--help`.
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let mut remove = false;
        let mut name = None;
        for argument in arguments {
            match argument.as_str() {
                "-h" | "--help" => return Ok(Self::Help),
                "--remove" => remove = true,
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}; try --help").into());
                }
                _ if name.is_some() => return Err("more than one name; try --help".into()),
                _ => name = Some(argument),
            }
        }
        let name = name.unwrap_or_else(|| DEFAULT_NAME.into());
        Ok(if remove {
            Self::Remove(name)
        } else {
            Self::Work(name)
        })
    }

    /// The usage of the program `who`, which does `what`.
    #[must_use]
    pub fn usage(who: &str, what: &str) -> String {
        format!(
            "{who} [NAME]           {what}, until Ctrl-C\n\
             {who} --remove [NAME]  removes the store's name and ends\n\
             \n\
             NAME is {DEFAULT_NAME} if not given."
        )
    }
}

/// Removes the name of a store. Whoever has it open keeps it; its memory is
/// freed when the last of them has ended.
///
/// # Errors
///
/// There is no such name, or the kernel refuses.
pub fn remove(name: &str) -> Result<(), Failure> {
    match shmkv_core::unlink(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("there is no store {name}").into())
        }
        removed => Ok(removed?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, Failure> {
        Arguments::parse(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn arguments_are_understood_or_refused() {
        assert_eq!(
            parse(&[]).unwrap(),
            Arguments::Work(DEFAULT_NAME.to_string())
        );
        assert_eq!(parse(&["/a"]).unwrap(), Arguments::Work("/a".to_string()));
        for order in [["--remove", "/a"], ["/a", "--remove"]] {
            assert_eq!(parse(&order).unwrap(), Arguments::Remove("/a".to_string()));
        }
        assert_eq!(parse(&["--help"]).unwrap(), Arguments::Help);
        assert!(parse(&["--remve"]).is_err());
        assert!(parse(&["/a", "/b"]).is_err());
    }
}
