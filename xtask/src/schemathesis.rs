//! Schemathesis, which asks an API whatever its OpenAPI document allows: a virtual environment from PyPI.
//!
//! `$PORTCULLIS_SCHEMATHESIS`, else `target/tools`, else pip with the versions of `schemathesis.txt`. Invariant: what
//! is returned has answered `--version`, and was installed from that very list.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::debian;
use crate::shell::{self, timed};

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
    let home = shell::target().join("tools/schemathesis");
    let command = home.join("bin/schemathesis");
    let _lock = shell::tools_lock()?;
    // Written last: an installation that was cut short has none.
    let list = home.join("versions.txt");
    if std::fs::read_to_string(&list).is_ok_and(|text| text == VERSIONS) && check(&command).is_ok() {
        return Ok(command);
    }
    timed("fetching schemathesis from PyPI", || fetch(&home)).context(HINT)?;
    check(&command).context(HINT)?;
    std::fs::write(&list, VERSIONS)?;
    Ok(command)
}

fn check(command: &Path) -> anyhow::Result<()> {
    shell::read(Command::new(command).arg("--version")).map(drop)
}

/// A virtual environment cannot be moved: it is made where it stays.
fn fetch(home: &Path) -> anyhow::Result<()> {
    let make = || {
        let _ = std::fs::remove_dir_all(home);
        shell::read(Command::new("python3").args(["-m", "venv"]).arg(home))
    };
    if make().is_err() {
        // Debian's python3 comes without it.
        debian::install(&["python3-venv"])?;
        make()?;
    }
    let list = home.join("requirements.txt");
    std::fs::write(&list, VERSIONS)?;
    let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--requirement"];
    shell::run(Command::new(home.join("bin/python")).args(pip).arg(&list))
}
