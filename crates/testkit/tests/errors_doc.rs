//! `docs/ERRORS.md` has an entry for every code, with its status and grpc-status, and names every reason under its code.
#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use std::path::Path;

use portcullis_engine::{Code, Reason};

fn document() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ERRORS.md");
    std::fs::read_to_string(file).expect("docs/ERRORS.md is there")
}

/// The text from one code's heading to the next heading.
fn entry(document: &str, code: Code) -> Option<&str> {
    let heading = format!("## {} `{code}`\n", code.status());
    let (_, rest) = document.split_once(&heading)?;
    Some(rest.split("\n## ").next().unwrap_or(rest))
}

#[test]
fn every_code_has_an_entry() {
    let document = document();
    for code in Code::ALL {
        let entry = entry(&document, *code).unwrap_or_else(|| panic!("no entry for {} {code}", code.status()));
        let grpc = format!("`grpc-status` {}", code.grpc_status());
        assert!(entry.contains(&grpc), "{code}: {grpc}");
        if let Some(error) = code.bearer_error() {
            assert!(entry.contains(&format!("error=\"{error}\"")), "{code}: {error}");
        }
    }
    assert_eq!(document.matches("\n## ").count(), Code::ALL.len(), "an entry for a code that there is not");
}

#[test]
fn every_reason_stands_under_its_code() {
    let document = document();
    for reason in Reason::ALL {
        let entry = entry(&document, reason.code()).expect("every code has an entry");
        assert!(entry.contains(&format!("| `{reason}` |")), "{reason} is missing under {}", reason.code());
    }
    assert_eq!(document.matches("\n| `").count(), Reason::ALL.len(), "a reason that there is not, or one twice");
}
