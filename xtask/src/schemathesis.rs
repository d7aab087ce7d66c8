//! Schemathesis, which asks an API whatever its OpenAPI document allows: a virtual environment from PyPI.
//!
//! `$PORTCULLIS_SCHEMATHESIS`, else `target/tools`, else pip with the versions of `schemathesis.txt`. Invariant: what
//! is returned has answered `--version`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{shell, venv};

/// Every package with its version.
const VERSIONS: &str = include_str!("../schemathesis.txt");
const HINT: &str = "hint: set PORTCULLIS_SCHEMATHESIS to a `schemathesis` command, or make `python3 -m venv` and \
                    `pip install schemathesis` work";

/// The path of the command.
pub(crate) fn provide() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("PORTCULLIS_SCHEMATHESIS").map(PathBuf::from) {
        check(&path).with_context(|| format!("PORTCULLIS_SCHEMATHESIS is `{}`\n{HINT}", path.display()))?;
        return Ok(path);
    }
    venv::provide("schemathesis", VERSIONS, "schemathesis").context(HINT)
}

fn check(command: &Path) -> anyhow::Result<()> {
    shell::read(Command::new(command).arg("--version")).map(drop)
}
