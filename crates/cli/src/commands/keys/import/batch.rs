//! A file cut into what the control plane takes at once.
//!
//! Invariant: a table's keys stay on their lines: each part begins with the header row, then an empty line for each line
//! of the parts before it, so that refusals name the lines of the whole file.

use csv::{Position, ReaderBuilder, StringRecord};
use portcullis_api::keys::{ImportKey, ImportKeys};
use serde_json::Value;

use super::{BATCH, Batch, hash};
use crate::exit::Failure;

/// Parts of a table.
pub(super) fn of_table(text: &[u8]) -> Result<Vec<Batch>, Failure> {
    let mut reader = ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text);
    let mut record = StringRecord::new();
    // Not UTF-8, say: the control plane says where.
    let mut next = || reader.read_record(&mut record).map(|more| more.then(|| reader.position().clone()));
    let whole = || vec![Batch::Table(text.to_vec())];
    let Ok(Some(header)) = next() else { return Ok(whole()) };
    let (mut parts, mut begin, mut end, mut count) = (Vec::new(), header.clone(), header.clone(), 0);
    loop {
        match next() {
            Ok(Some(position)) => (end, count) = (position, count + 1),
            Ok(None) => break,
            Err(_) => return Ok(whole()),
        }
        if count == BATCH {
            parts.push(part(text, &header, &begin, &end));
            (begin, count) = (end.clone(), 0);
        }
    }
    if count > 0 || parts.is_empty() {
        parts.push(part(text, &header, &begin, &end));
    }
    Ok(parts)
}

fn part(text: &[u8], header: &Position, begin: &Position, end: &Position) -> Batch {
    let byte = |position: &Position| usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let head = text.get(..byte(header)).unwrap_or_default();
    let body = text.get(byte(begin)..byte(end)).unwrap_or_default();
    let lines = usize::try_from(begin.line().saturating_sub(header.line())).unwrap_or(0);
    Batch::Table([head, vec![b'\n'; lines].as_slice(), body].concat())
}

/// Parts of a list.
pub(super) fn of_json(text: &[u8], is_plain: bool) -> Result<Vec<Batch>, Failure> {
    // What serde says may quote a key.
    let wrong = || Failure::unable("the file is not JSON with a list of keys\nhint: [{\"name\": …, \"sha256\": …}]");
    let mut value: Value = serde_json::from_slice(text).map_err(|_| wrong())?;
    let list = value.get_mut("keys").map(Value::take).unwrap_or(value);
    let mut list: Vec<Value> = serde_json::from_value(list).map_err(|_| wrong())?;
    if is_plain {
        for (index, key) in list.iter_mut().enumerate() {
            hash::member(key).map_err(|problem| Failure::unable(format!("key {}: {problem}", index + 1)))?;
        }
    }
    let keys: Result<Vec<ImportKey>, _> = list.into_iter().map(serde_json::from_value).collect();
    let keys = keys.map_err(|_| wrong())?;
    Ok(keys.chunks(BATCH).map(|part| Batch::Json(ImportKeys { keys: part.to_vec() })).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_table_keep_their_lines() {
        let rows: Vec<_> = (0..2100).map(|index| format!("\"two\nlines {index}\",x\n\n")).collect();
        let text = format!("name,sha256\r\n{}", rows.concat());
        let parts = of_table(text.as_bytes()).unwrap();
        assert_eq!(parts.len(), 3);
        for (part, first) in parts.iter().zip([0, 1000, 2000]) {
            let Batch::Table(bytes) = part else { panic!("not a table") };
            let mut reader = ReaderBuilder::new().from_reader(bytes.as_slice());
            assert_eq!(reader.headers().unwrap().get(1), Some("sha256"));
            let records: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert_eq!(records[0].get(0).unwrap(), format!("two\nlines {first}"));
            assert_eq!(records.len(), if first == 2000 { 100 } else { 1000 });
            let needle = format!("lines {first}\"");
            let line = |text: &str| text.lines().position(|line| line.contains(&needle));
            assert_eq!(line(std::str::from_utf8(bytes).unwrap()), line(&text), "{first}");
        }
    }
}
