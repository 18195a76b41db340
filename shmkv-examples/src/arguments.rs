//! The command line of `producer` and `consumer`.

use crate::failure::Failure;
use crate::store::DEFAULT_NAME;

/// What `producer` or `consumer` is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Work on the store with this name.
    Work(String),
    /// Remove this name.
    Remove(String),
    /// Print the usage.
    Help,
}

impl Arguments {
    /// Parses `[NAME]`, `--remove [NAME]` or `--help`.
    ///
    /// # Errors
    ///
    /// The arguments are anything else.
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
                _ if name.is_some() => {
                    return Err(format!("unexpected argument {argument}; try --help").into());
                }
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

    /// The usage of `program`, which does `what`.
    #[must_use]
    pub fn usage(program: &str, what: &str) -> String {
        format!(
            "Usage: {program} [NAME]            {what} until Ctrl-C\n       \
                    {program} --remove [NAME]   remove the store's name\n\
             \n\
             NAME is the store's name, by default {DEFAULT_NAME}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, Failure> {
        Arguments::parse(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn arguments_are_parsed_or_refused() {
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
