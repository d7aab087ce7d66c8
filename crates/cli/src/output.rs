//! Where output goes: data to stdout, talk to stderr. A reader that has gone away is no failure.

use std::io::Write;

use portcullis_sdk::{Error, Pieces};
use serde::Serialize;

use crate::args::Output;
use crate::exit::{Exit, Failure};
use crate::table::Table;

/// A line of data.
pub(crate) fn data(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Data for programs: JSON, indented, as people read it too.
pub(crate) fn json(value: &impl Serialize) -> Result<(), serde_json::Error> {
    data(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// An answer, as `how` wants it: JSON for programs, or a table for people.
pub(crate) fn print(how: Output, value: &impl Serialize, table: impl FnOnce() -> Table) -> Result<Exit, Failure> {
    if how.json {
        json(value)?;
    } else {
        data(&table().to_string());
    }
    Ok(Exit::Success)
}

/// A line for people.
pub(crate) fn talk(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Since when a change counts, and how to see where.
pub(crate) fn enforced_from(version: u64) {
    talk(&format!("enforced from version {version} on; see `portcullis receipt {version}`"));
}

/// A file that comes in pieces, as it comes.
pub(crate) async fn pieces(mut file: Pieces) -> Result<(), Error> {
    let mut stdout = std::io::stdout();
    while let Some(piece) = file.next().await? {
        if stdout.write_all(&piece).is_err() {
            return Ok(());
        }
    }
    let _ = stdout.flush();
    Ok(())
}
