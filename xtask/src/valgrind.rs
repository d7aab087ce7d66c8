//! valgrind, found or installed: its callgrind counts the instructions of a request.
//!
//! PATH, else Debian's package. Invariant: when it is provided, `valgrind` and `callgrind_control` are on PATH.

use anyhow::Context as _;

use crate::{debian, shell};

const PROGRAMS: [&str; 2] = ["valgrind", "callgrind_control"];
const HINT: &str = "hint: put `valgrind` and `callgrind_control` on PATH, or install Debian's package valgrind";

/// Sees to it that it is on PATH.
pub(crate) fn provide() -> anyhow::Result<()> {
    if !is_there() {
        debian::install(&["valgrind"]).context(HINT)?;
        anyhow::ensure!(is_there(), "Debian's package is installed, but there is no valgrind\n{HINT}");
    }
    Ok(())
}

fn is_there() -> bool {
    PROGRAMS.into_iter().all(|program| shell::on_path(program).is_some())
}
