//! An entry of the audit log as a line of a table.
//!
//! Names are whatever people typed, and spreadsheets take text that begins like a formula for one. Invariant: no cell of
//! text begins so; what would has an apostrophe before it.

use portcullis_api::audit::AuditEntry;

const COLUMNS: [&str; 14] = [
    "id",
    "at",
    "organization",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "target_kind",
    "target_id",
    "target_name",
    "detail",
    "address",
    "request_id",
    "version",
];

/// The names of the columns.
pub(super) fn heading() -> Vec<u8> {
    written(&COLUMNS.map(str::to_owned))
}

/// One entry.
pub(super) fn line(entry: &AuditEntry) -> Vec<u8> {
    let detail = serde_json::to_string(&entry.detail).unwrap_or_default();
    written(&[
        entry.id.to_string(),
        entry.at.clone(),
        harmless(&entry.organization),
        harmless(&entry.actor.kind),
        harmless(&entry.actor.id),
        harmless(&entry.actor.name),
        harmless(&entry.action),
        harmless(&entry.target.kind),
        harmless(&entry.target.id),
        harmless(&entry.target.name),
        harmless(&detail),
        harmless(entry.address.as_deref().unwrap_or_default()),
        harmless(&entry.request_id),
        entry.version.map(|version| version.to_string()).unwrap_or_default(),
    ])
}

fn harmless(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn written(cells: &[String; 14]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula() {
        for (text, expected) in [
            ("till", "till"),
            ("=HYPERLINK(\"https://evil\")", "'=HYPERLINK(\"https://evil\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), expected, "{text}");
        }
    }

    #[test]
    fn quotes_commas_and_lines_stay_in_their_cell() {
        let mut cells = COLUMNS.map(str::to_owned);
        cells[0] = "a\"b,c\nd".to_owned();
        assert!(String::from_utf8(written(&cells)).unwrap().starts_with("\"a\"\"b,c\nd\",at,"));
    }
}
