//! Values that are at hand, to seal them again: lines of `NAME=VALUE`.
//!
//! Invariant: what is wrong with a line is told by its number alone.

use std::path::Path;

use portcullis_api::SecretRecord;
use portcullis_sdk::SecretValue;

use crate::exit::Failure;
use crate::input;

/// Values, and the names or ids of their secrets.
#[derive(Debug)]
pub(super) struct Values(Vec<(String, SecretValue)>);

impl Values {
    /// Those in a file; `-` = stdin. Empty lines and those that begin with `#` do not count.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = input::file(path)?;
        let lines = text.split(|byte| *byte == b'\n').zip(1..);
        let counts = |line: &[u8]| !line.trim_ascii().is_empty() && !line.starts_with(b"#");
        let mut values: Vec<(String, SecretValue)> = Vec::new();
        for (line, number) in lines.filter(|(line, _)| counts(line)) {
            let wrong = |what: &str| Failure::usage(format!("line {number} of the values: {what}"));
            let (name, value) = entry(line).map_err(|what| wrong(&what))?;
            if values.iter().any(|(there, _)| *there == name) {
                return Err(wrong("its name is there twice"));
            }
            values.push((name, value));
        }
        Ok(Self(values))
    }

    /// The value of a secret, by its id or its name; a name of several secrets is none's.
    pub(super) fn of(&self, secret: &SecretRecord, all: &[SecretRecord]) -> Option<&SecretValue> {
        let is_one = all.iter().filter(|it| it.name == secret.name).count() == 1;
        let means = |name: &str| name == secret.id || (is_one && name == secret.name);
        self.0.iter().find(|(name, _)| means(name)).map(|(_, value)| value)
    }

    /// The names that mean none of these secrets, and why.
    pub(super) fn idle<'a>(&'a self, all: &'a [SecretRecord]) -> impl Iterator<Item = (&'a str, &'static str)> {
        self.0.iter().filter_map(|(name, _)| match all.iter().filter(|it| it.id == *name || it.name == *name).count() {
            0 => Some((&**name, "is sealed to every key, or there is no such secret")),
            1 => None,
            _ => Some((&**name, "is the name of several secrets: give their ids in its place")),
        })
    }
}

fn entry(line: &[u8]) -> Result<(String, SecretValue), String> {
    let wrong = "expected NAME=VALUE";
    let at = line.iter().position(|byte| *byte == b'=').ok_or(wrong)?;
    let (name, value) = line.split_at_checked(at).ok_or(wrong)?;
    let name = std::str::from_utf8(name.trim_ascii()).ok().filter(|name| !name.is_empty()).ok_or(wrong)?;
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let value = SecretValue::from_line(value.get(1..).unwrap_or_default()).map_err(|error| error.to_string())?;
    if is_word { Ok((name.to_owned(), value)) } else { Err(wrong.to_owned()) }
}
