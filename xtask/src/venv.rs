//! Virtual environments of Python tools, under `target/tools`.
//!
//! It does not know what they are for. Invariant: what is returned was installed from that very list, and its command has
//! answered `--version`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::debian;
use crate::shell::{self, timed};

const HINT: &str = "hint: install Python 3.10 or newer with its venv module, on Debian `apt-get install python3-venv`";

/// The path of a command in the environment of that name, which holds those versions and nothing else. It is the same
/// folder for the same name: a change of the list makes it anew.
pub(crate) fn provide(name: &str, versions: &str, command: &str) -> anyhow::Result<PathBuf> {
    let home = shell::target().join("tools").join(name);
    let command = home.join("bin").join(command);
    let answers = || shell::read(Command::new(&command).arg("--version"));
    let _lock = shell::tools_lock()?;
    // Written last: an installation that was cut short has none.
    let list = home.join("versions.txt");
    if std::fs::read_to_string(&list).is_ok_and(|text| text == versions) && answers().is_ok() {
        return Ok(command);
    }
    timed(&format!("fetching {name}'s packages from PyPI"), || fetch(&home, versions))?;
    answers()?;
    std::fs::write(&list, versions)?;
    Ok(command)
}

/// A virtual environment cannot be moved: it is made where it stays.
fn fetch(home: &Path, versions: &str) -> anyhow::Result<()> {
    let make = || {
        let _ = std::fs::remove_dir_all(home);
        shell::read(Command::new("python3").args(["-m", "venv"]).arg(home))
    };
    if make().is_err() {
        // Debian's python3 comes without it.
        debian::install(&["python3-venv"]).and_then(|()| make()).context(HINT)?;
    }
    let list = home.join("requirements.txt");
    std::fs::write(&list, versions)?;
    let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--requirement"];
    shell::run(Command::new(home.join("bin/python")).args(pip).arg(&list))
}
