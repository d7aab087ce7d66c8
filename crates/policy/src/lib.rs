//! `policy.toml`: read it, check it, and say what is wrong with file, line and fix.
//!
//! It decides nothing about requests and holds no rule of its own about what a policy may say: the engine compiles,
//! this crate finds the place in the document that the engine complains about. Invariant: whatever text comes in, the
//! answer is a policy or at least one diagnostic.
#![forbid(unsafe_code)]

mod compile;
mod diagnostic;
mod document;
mod nearest;
mod secret;
mod warning;
mod wording;

use std::path::Path;

use portcullis_engine::{Policy, PolicySpec};

pub use compile::{Checked, check, compile};
pub use diagnostic::{Diagnostic, Diagnostics, Position, Severity};
pub use nearest::nearest;
pub use secret::{Keys, keys_in};

use document::Document;

/// Reads a policy's text into its unchecked shape.
///
/// `file_name` is only printed. Fails on text that is not TOML and on tables that do not have a policy's shape: the
/// author of the file can fix either.
pub fn parse(source: &str, file_name: &str) -> Result<PolicySpec, Diagnostics> {
    Document::parse(source, file_name)?.spec()
}

/// Reads and compiles a policy file.
pub fn load(path: &Path) -> Result<(PolicySpec, Policy), Diagnostics> {
    compile(&read(path)?, &path.display().to_string())
}

/// Reads and checks a policy file.
pub fn check_file(path: &Path) -> Result<Checked, Diagnostics> {
    check(&read(path)?, &path.display().to_string())
}

/// The same, with the text that was checked.
pub fn read_and_check(path: &Path) -> Result<(String, Checked), Diagnostics> {
    let source = read(path)?;
    let checked = check(&source, &path.display().to_string())?;
    Ok((source, checked))
}

fn read(path: &Path) -> Result<String, Diagnostics> {
    std::fs::read_to_string(path).map_err(|error| Diagnostics::unreadable(path, &error))
}
