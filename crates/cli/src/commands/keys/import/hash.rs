//! Whole keys turned into their digests before anything leaves this machine.
//!
//! Invariant: no error repeats a key.

use csv::{Position, ReaderBuilder, StringRecord, WriterBuilder};
use portcullis_engine::KeyDigest;
use serde_json::Value;

use crate::exit::Failure;

const NO_KEY: &str = "with --hash each key stands in `key`, in place of `sha256`";

/// The same table with a column `sha256` in place of `key`, every record on its line.
pub(super) fn table(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let wrong = || Failure::unable("the file is not a table of comma-separated values in UTF-8");
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.headers().map_err(|_| wrong())?.clone();
    let column = header.iter().position(|name| name.trim() == "key").ok_or_else(|| Failure::usage(NO_KEY))?;
    let names = header.iter().enumerate().map(|(index, name)| if index == column { "sha256" } else { name });
    let mut table = line(names).map_err(|_| wrong())?;
    let mut reached = 1 + newlines(&table);
    for record in reader.records() {
        let record: StringRecord = record.map_err(|_| wrong())?;
        let digest = record.get(column).map(str::trim).filter(|key| !key.is_empty()).map(digest);
        let cell = |(index, cell)| if index == column { digest.as_deref().unwrap_or_default() } else { cell };
        let begins = record.position().map_or(0, |position| begins(text, position));
        table.extend((reached..begins).map(|_| b'\n'));
        let line = line(record.iter().enumerate().map(cell)).map_err(|_| wrong())?;
        reached = reached.max(begins) + newlines(&line);
        table.extend(line);
    }
    Ok(table)
}

/// The line that a record is on. The reader counts from before the empty lines that it skips.
fn begins(text: &[u8], position: &Position) -> u64 {
    let rest = usize::try_from(position.byte()).ok().and_then(|at| text.get(at..)).unwrap_or_default();
    let empty = rest.split(|byte| !b"\r\n".contains(byte)).next().unwrap_or_default();
    position.line().saturating_add(newlines(empty))
}

fn newlines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A member `sha256` in place of `key`.
pub(super) fn member(key: &mut Value) -> Result<(), &'static str> {
    let members = key.as_object_mut().ok_or(NO_KEY)?;
    let Some(Value::String(text)) = members.remove("key") else { return Err(NO_KEY) };
    members.insert("sha256".to_owned(), digest(text.trim()).into());
    Ok(())
}

fn digest(key: &str) -> String {
    KeyDigest::of(key.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_digests_and_stay_on_their_lines() {
        let text = "\u{feff}name, key ,prefix\r\n\r\n\"two\nlines\",sk_live_a,sk_live_\n\n\nx\ny,,p,more\n";
        let digest = digest("sk_live_a");
        let expected = format!("name,sha256,prefix\n\n\"two\nlines\",{digest},sk_live_\n\n\nx\ny,,p,more\n");
        assert_eq!(String::from_utf8(table(text.as_bytes()).unwrap()).unwrap(), expected);
        assert!(table(b"name,sha256\nx,y\n").is_err());
    }
}
