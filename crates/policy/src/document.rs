//! A TOML document that remembers where everything stands.
//!
//! Turns text into a `PolicySpec` and paths such as `rules[3].path` into places in the text. Does not judge what a
//! policy says.

use std::ops::Range;

use portcullis_engine::PolicySpec;
use portcullis_engine::spec::{CredentialSpec, KeyFormatSpec, RuleSpec};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error, ValueDeserializer};

use crate::diagnostic::{Diagnostic, Diagnostics, Position};
use crate::wording;

/// No more than this many complaints about one file.
const MOST: usize = 20;

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
    /// An entry of an array.
    Index(usize),
}

impl<'a> Document<'a> {
    /// Parses text; every syntax error found is reported, up to a limit.
    pub(crate) fn parse(source: &'a str, file: &'a str) -> Result<Self, Diagnostics> {
        let (root, errors) = DeTable::parse_recoverable(source);
        let document = Self { source, file, root };
        let complaints = errors
            .iter()
            .take(MOST)
            .map(|error| document.syntax(error))
            .collect();
        Diagnostics::collect(file, complaints)?;
        Ok(document)
    }

    /// The policy the document spells, or what keeps it from being one.
    ///
    /// serde stops at its first complaint, so the entries of the three lists are read one by one: each gets its own.
    pub(crate) fn spec(&self) -> Result<PolicySpec, Diagnostics> {
        let error = match PolicySpec::deserialize_from(&self.root) {
            Ok(spec) => return Ok(spec),
            Err(error) => error,
        };
        let mut rest = self.root.clone();
        let mut complaints = Vec::new();
        complaints.extend(self.entries::<CredentialSpec>(&mut rest, "credentials"));
        complaints.extend(self.entries::<KeyFormatSpec>(&mut rest, "keys"));
        complaints.extend(self.entries::<RuleSpec>(&mut rest, "rules"));
        match PolicySpec::deserialize_from(&rest) {
            Err(error) => complaints.push(self.shape(&error)),
            Ok(_) if complaints.is_empty() => complaints.push(self.shape(&error)),
            Ok(_) => {}
        }
        complaints.truncate(MOST);
        Diagnostics::collect(self.file, complaints)?;
        Err(Diagnostics::one(self.file, self.shape(&error)))
    }

    /// Complaints about the entries of one list; the entries complained of are taken out of `rest`.
    fn entries<T: DeserializeOwned>(
        &self,
        rest: &mut Spanned<DeTable<'a>>,
        list: &str,
    ) -> Vec<Diagnostic> {
        let Some(DeValue::Array(entries)) = rest.get_mut().get_mut(list).map(Spanned::get_mut)
        else {
            return Vec::new();
        };
        let mut good = DeArray::new();
        let mut complaints = Vec::new();
        for entry in entries.iter() {
            match T::deserialize(ValueDeserializer::from(entry.clone())) {
                Ok(_) => good.push(entry.clone()),
                Err(error) => complaints.push(self.shape_within(&error, &entry.span())),
            }
        }
        *entries = good;
        complaints
    }

    /// A complaint about the place that `path` names, or the nearest table around it that exists.
    pub(crate) fn complain(
        &self,
        path: &[Step<'_>],
        message: String,
        hint: Option<String>,
    ) -> Diagnostic {
        Diagnostic {
            position: self.position(&self.locate(path)),
            message,
            hint,
        }
    }

    fn locate(&self, path: &[Step<'_>]) -> Range<usize> {
        let mut found = None;
        let mut here: Option<&DeValue<'a>> = None;
        for step in path {
            let next = match (here, step) {
                (None, Step::Key(key)) => entry(self.root.get_ref(), key),
                (Some(DeValue::Table(table)), Step::Key(key)) => entry(table, key),
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

    fn syntax(&self, error: &Error) -> Diagnostic {
        let span = error.span().unwrap_or(0..0);
        Diagnostic {
            position: self.position(&span),
            message: wording::syntax(error.message()),
            hint: None,
        }
    }

    fn shape(&self, error: &Error) -> Diagnostic {
        self.shape_within(error, &(0..0))
    }

    fn shape_within(&self, error: &Error, around: &Range<usize>) -> Diagnostic {
        let span = error.span().unwrap_or_else(|| around.clone());
        let (message, hint) = wording::shape(error.message());
        Diagnostic {
            position: self.position(&span),
            message,
            hint,
        }
    }

    fn position(&self, span: &Range<usize>) -> Option<Position> {
        Some(Position::of(self.source, span))
    }
}

/// The value under `key`. A whole table is shown by its key or header, which says more than its first line.
fn entry<'t, 'a>(
    table: &'t DeTable<'a>,
    key: &str,
) -> Option<(Range<usize>, &'t Spanned<DeValue<'a>>)> {
    let (key, value) = table.get_key_value(key)?;
    let span = if value.get_ref().is_table() {
        key.span()
    } else {
        value.span()
    };
    Some((span, value))
}

/// Reading a value out of a parsed document without consuming it.
trait DeserializeFrom: DeserializeOwned {
    fn deserialize_from(root: &Spanned<DeTable<'_>>) -> Result<Self, Error> {
        Self::deserialize(Deserializer::from(root.clone()))
    }
}

impl DeserializeFrom for PolicySpec {}
