//! `cargo xtask python`: what `sdk/python` must pass, ruff, mypy and its tests; and ruff the clients of `e2e/python`.
//!
//! All of it runs in one virtual environment, with the versions of `python.txt`. Invariant: nothing is written beside the
//! sources.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::shell;
use crate::test::Summary;
use crate::venv;

/// Every package with its version.
const VERSIONS: &str = include_str!("../python.txt");

/// `cargo xtask python`.
pub(crate) fn command() -> anyhow::Result<ExitCode> {
    let mut summary = Summary::default();
    run_all(&mut summary);
    Ok(summary.finish())
}

/// Every suite.
pub(crate) fn run_all(summary: &mut Summary) {
    let check = |arguments: &[&str]| shell::run(python()?.args(arguments));
    let ruff = ["--quiet", "--config", "pyproject.toml", ".", "../../e2e/python"];
    summary.check("sdk/python ruff", || check(&[&["-m", "ruff", "check"], &ruff[..]].concat()));
    summary.check("sdk/python format", || check(&[&["-m", "ruff", "format", "--check"], &ruff[..]].concat()));
    summary.check("sdk/python mypy", || check(&["-m", "mypy"]));
    summary.suite("sdk/python tests", || {
        shell::counted(python()?.args(["-m", "pytest", "-p", "no:cacheprovider", "--tb=short"]))
    });
}

/// The interpreter that has them all.
pub(crate) fn provide() -> anyhow::Result<PathBuf> {
    venv::provide("python", VERSIONS, "python")
}

fn python() -> anyhow::Result<Command> {
    let mut command = Command::new(provide()?);
    let caches = shell::target().join("python");
    command.current_dir(shell::root().join("sdk/python"));
    for (variable, folder) in
        [("PYTHONPYCACHEPREFIX", "bytecode"), ("MYPY_CACHE_DIR", "mypy"), ("RUFF_CACHE_DIR", "ruff")]
    {
        command.env(variable, caches.join(folder));
    }
    Ok(command)
}
