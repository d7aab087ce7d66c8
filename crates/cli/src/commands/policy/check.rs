//! `portcullis policy check`: whether policy files can be served, what is wrong with those that cannot, and what is
//! doubtful about those that can. Offline: it asks nobody.

use std::path::PathBuf;

use portcullis_engine::spec::PolicySpec;
use portcullis_policy::Diagnostics;
use serde_json::{Value, json};

use crate::args::Output;
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// Checks.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let checked: Vec<_> = args.files.iter().map(|file| (file, portcullis_policy::check_file(file))).collect();
    if args.output.json {
        let reports = checked.iter().map(|(file, result)| {
            let errors = result.as_ref().err();
            let warnings = result.as_ref().ok().and_then(|checked| checked.warnings.as_ref());
            json!({ "file": file, "valid": result.is_ok(), "errors": entries(errors), "warnings": entries(warnings) })
        });
        output::json(&reports.collect::<Vec<_>>())?;
    } else {
        for (file, result) in &checked {
            match result {
                Ok(checked) => {
                    output::data(&format!("{}: {}", file.display(), summary(&checked.spec)));
                    checked.warnings.iter().for_each(|warnings| output::talk(&warnings.to_string()));
                }
                Err(diagnostics) => output::talk(&diagnostics.to_string()),
            }
        }
    }
    let refused: Vec<_> = checked.iter().filter(|(_, result)| result.is_err()).map(|(file, _)| *file).collect();
    // Of a file that cannot be read, nobody can say whether it is a policy.
    let is_unchecked = refused.iter().any(|file| std::fs::read_to_string(file).is_err());
    Ok(match (refused.is_empty(), is_unchecked) {
        (true, _) => Exit::Success,
        (false, true) => Exit::Failure,
        (false, false) => Exit::No,
    })
}

fn summary(spec: &PolicySpec) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let parts =
        [count(spec.rules.len(), "rule"), count(spec.scopes.len(), "scope"), count(spec.keys.len(), "key format")];
    format!("ok, `{}` with {}", spec.name, parts.join(", "))
}

fn entries(diagnostics: Option<&Diagnostics>) -> Vec<Value> {
    let entry = |entry: &portcullis_policy::Diagnostic| {
        json!({
            "line": entry.position.as_ref().map(|it| it.line),
            "column": entry.position.as_ref().map(|it| it.column),
            "message": entry.message,
            "hint": entry.hint,
        })
    };
    diagnostics.map_or(&[][..], Diagnostics::entries).iter().map(entry).collect()
}
