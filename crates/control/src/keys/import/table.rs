//! Keys as a table: comma-separated values with a header row, and where each key stands in it.
//!
//! Invariant: no error repeats what stands in the table: a table without its header row may begin with a key.

use csv::{ReaderBuilder, StringRecord, Trim};
use portcullis_api::keys::{ImportKey, ImportKeys};

use crate::error::Error;

const COLUMNS: [&str; 10] = [
    "name",
    "sha256",
    "prefix",
    "environment",
    "organization",
    "scopes",
    "expires_at",
    "display",
    "created_by",
    "created_at",
];
const METADATA: &str = "metadata.";

/// The line of each key, counted from 1.
pub(super) struct Lines(Vec<u64>);

/// What the table holds.
pub(super) fn read(text: &[u8]) -> Result<(ImportKeys, Lines), Error> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text);
    let header = reader.headers().map_err(|error| unreadable(text, &error))?.clone();
    check_header(&header)?;
    let (mut keys, mut lines) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(text, &error))?;
        lines.push(record.position().map_or(0, |position| line(text, position)));
        keys.push(key(&header, &record));
    }
    Ok((ImportKeys { keys }, Lines(lines)))
}

impl Lines {
    /// The same error with the line and column it is about.
    pub(super) fn locate(&self, error: Error) -> Error {
        let place = |pointer: &str| {
            let (index, member) = pointer.strip_prefix("/keys/")?.split_once('/')?;
            let line = self.0.get(index.parse::<usize>().ok()?)?;
            let column = match member.strip_prefix("metadata/") {
                Some(name) => format!("{METADATA}{name}"),
                None => member.split('/').next().unwrap_or_default().to_owned(),
            };
            Some(format!("line {line}, column `{column}`: "))
        };
        match error {
            Error::Invalid { pointer, detail } => {
                let detail = format!("{}{detail}", place(&pointer).unwrap_or_default());
                Error::Invalid { pointer, detail }
            }
            Error::Taken { pointer, detail } => {
                let detail = format!("{}{detail}", place(&pointer).unwrap_or_default());
                Error::Taken { pointer, detail }
            }
            other => other,
        }
    }
}

fn check_header(header: &StringRecord) -> Result<(), Error> {
    for (index, name) in header.iter().enumerate() {
        let column = index + 1;
        if !COLUMNS.contains(&name) && !name.starts_with(METADATA) {
            let known = COLUMNS.join("`, `");
            let detail = format!("line 1: column {column} is none of `{known}`, `metadata.NAME`");
            return Err(Error::invalid("", detail));
        }
        if header.iter().take(index).any(|earlier| earlier == name) {
            return Err(Error::invalid("", format!("line 1: column {column} is there twice")));
        }
    }
    let missing = ["name", "sha256", "prefix"].into_iter().find(|name| !header.iter().any(|it| it == *name));
    missing.map_or(Ok(()), |name| Err(Error::invalid("", format!("line 1: the column `{name}` is missing"))))
}

fn key(header: &StringRecord, record: &StringRecord) -> ImportKey {
    let cell = |column: &str| {
        let index = header.iter().position(|name| name == column)?;
        record.get(index).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let metadata = header.iter().zip(record).filter_map(|(column, text)| {
        let name = column.strip_prefix(METADATA).filter(|_| !text.is_empty())?;
        Some((name.to_owned(), text.to_owned()))
    });
    ImportKey {
        name: cell("name").unwrap_or_default(),
        sha256: cell("sha256").unwrap_or_default(),
        prefix: cell("prefix").unwrap_or_default(),
        environment: cell("environment"),
        display: cell("display"),
        organization: cell("organization"),
        scopes: cell("scopes").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        expires_at: cell("expires_at"),
        restrictions: None,
        created_by: cell("created_by"),
        created_at: cell("created_at"),
        metadata: metadata.collect(),
    }
}

fn unreadable(text: &[u8], error: &csv::Error) -> Error {
    let line = error.position().map(|position| format!("line {}: ", line(text, position))).unwrap_or_default();
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("expected {expected_len} columns as in the header row, got {len}")
        }
        csv::ErrorKind::Utf8 { .. } => "this is not UTF-8".to_owned(),
        _ => "this is not a table of comma-separated values".to_owned(),
    };
    Error::invalid("", format!("{line}{what}"))
}

/// The line that a record is on. The reader counts from where it began to look: before empty lines, which it skips.
fn line(text: &[u8], position: &csv::Position) -> u64 {
    let rest = usize::try_from(position.byte()).ok().and_then(|at| text.get(at..)).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|byte| **byte == b'\n').count();
    position.line().saturating_add(u64::try_from(empty).unwrap_or(0))
}
