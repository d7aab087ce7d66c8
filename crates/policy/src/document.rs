//! A TOML document that remembers where everything stands.
//!
//! Turns text into a `PolicySpec` and paths such as `rules[3].path` into places in the text. Does not judge what a
//! policy says.

use std::ops::Range;

use portcullis_engine::PolicySpec;
use portcullis_engine::spec::{CredentialSpec, KeyFormatSpec, RuleSpec, ServiceSpec};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error, ValueDeserializer};

use crate::diagnostic::{Diagnostic, Diagnostics, Position, Severity};
use crate::wording;

/// No more than this many complaints about one file.
pub(crate) const MOST: usize = 20;
/// Of a longer text the syntax errors are not collected.
const LONG: usize = 64 * 1024;

/// A parsed document with its text.
pub(crate) struct Document<'a> {
    source: &'a str,
    file: &'a str,
    root: Spanned<DeTable<'a>>,
}

/// One step from a table or array to what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// A key of a table.
    Key(&'a str),
    /// A key of a table, when the key itself is what is wrong.
    Name(&'a str),
    /// An entry of an array.
    Index(usize),
}

impl<'a> Document<'a> {
    /// Parses text. Only the first syntax error is reported: those behind it mostly follow from it.
    pub(crate) fn parse(source: &'a str, file: &'a str) -> Result<Self, Diagnostics> {
        match DeTable::parse(source) {
            Ok(root) => Ok(Self { source, file, root }),
            Err(error) => Err(Diagnostics::new(file, syntax(source, &first_error(source, error)), Vec::new())),
        }
    }

    /// The policy the document spells, or what keeps it from being one.
    ///
    /// serde stops at its first complaint, so the entries of the four lists are read one by one: each gets its own.
    pub(crate) fn spec(&self) -> Result<PolicySpec, Diagnostics> {
        let error = match PolicySpec::deserialize(Deserializer::from(self.root.clone())) {
            Ok(spec) => return Ok(spec),
            Err(error) => error,
        };
        let mut rest = self.root.clone();
        let mut complaints = Vec::new();
        self.entries::<CredentialSpec>(&mut rest, "credentials", &mut complaints);
        self.entries::<KeyFormatSpec>(&mut rest, "keys", &mut complaints);
        self.entries::<ServiceSpec>(&mut rest, "services", &mut complaints);
        self.entries::<RuleSpec>(&mut rest, "rules", &mut complaints);
        if complaints.len() < MOST {
            let rest = PolicySpec::deserialize(Deserializer::from(rest));
            complaints.extend(rest.err().map(|error| self.shape(&error)));
        }
        let only = || Diagnostics::new(self.file, self.shape(&error), Vec::new());
        Err(Diagnostics::collect(self.file, complaints).unwrap_or_else(only))
    }

    /// Complains about the entries of one list, until there are [`MOST`] complaints; the entries complained of are taken
    /// out of `rest`.
    fn entries<T: DeserializeOwned>(
        &self,
        rest: &mut Spanned<DeTable<'a>>,
        list: &str,
        complaints: &mut Vec<Diagnostic>,
    ) {
        let Some(DeValue::Array(entries)) = rest.get_mut().get_mut(list).map(Spanned::get_mut) else {
            return;
        };
        for entry in std::mem::replace(entries, DeArray::new()) {
            if complaints.len() >= MOST {
                return;
            }
            match T::deserialize(ValueDeserializer::from(entry.clone())) {
                Ok(_) => entries.push(entry),
                Err(error) => complaints.push(self.shape_within(&error, &entry.span())),
            }
        }
    }

    /// A complaint about the place that `path` names, or the nearest table around it that exists.
    pub(crate) fn complain(&self, path: &[Step<'_>], message: String, hint: Option<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            position: Some(Position::of(self.source, &self.locate(path))),
            message,
            hint,
        }
    }

    /// The line of that place, counted from 1.
    pub(crate) fn line(&self, path: &[Step<'_>]) -> usize {
        Position::of(self.source, &self.locate(path)).line
    }

    fn locate(&self, path: &[Step<'_>]) -> Range<usize> {
        let mut found = None;
        let mut here: Option<&DeValue<'a>> = None;
        for step in path {
            let table = match here {
                None => Some(self.root.get_ref()),
                Some(value) => value.as_table(),
            };
            let next = match (here, step) {
                (_, Step::Key(key)) => table.and_then(|table| entry(table, key)),
                (_, Step::Name(key)) => table.and_then(|table| name(table, key)),
                (Some(DeValue::Array(array)), Step::Index(index)) => {
                    array.get(*index).map(|value| (value.span(), value))
                }
                _ => None,
            };
            let Some((span, value)) = next else { break };
            found = Some(span);
            here = Some(value.get_ref());
        }
        found.unwrap_or(0..0)
    }

    fn shape(&self, error: &Error) -> Diagnostic {
        self.shape_within(error, &(0..0))
    }

    fn shape_within(&self, error: &Error, around: &Range<usize>) -> Diagnostic {
        let span = error.span().unwrap_or_else(|| around.clone());
        let (message, hint) = wording::shape(error.message());
        Diagnostic { severity: Severity::Error, position: Some(Position::of(self.source, &span)), message, hint }
    }
}

/// The error that stands first in the text, which need not be the one that the parser reported first. A long text may
/// hold more of them than is good to collect.
fn first_error(source: &str, reported: Error) -> Error {
    if source.len() > LONG {
        return reported;
    }
    let (_, errors) = DeTable::parse_recoverable(source);
    errors.into_iter().min_by_key(|error| error.span().map_or(0, |span| span.start)).unwrap_or(reported)
}

fn syntax(source: &str, error: &Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let (message, hint) = wording::syntax(error.message());
    Diagnostic { severity: Severity::Error, position: Some(Position::of(source, &span)), message, hint }
}

/// The value under `key`. A whole table is shown by its key or header, which says more than its first line.
fn entry<'t, 'a>(table: &'t DeTable<'a>, key: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'a>>)> {
    let (key, value) = table.get_key_value(key)?;
    let span = if value.get_ref().is_table() { key.span() } else { value.span() };
    Some((span, value))
}

/// The value under `key`, with the key's own place.
fn name<'t, 'a>(table: &'t DeTable<'a>, key: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'a>>)> {
    table.get_key_value(key).map(|(key, value)| (key.span(), value))
}
