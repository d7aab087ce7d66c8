//! Debian's packages, installed where that is allowed.
//!
//! As root, or through sudo where it asks for no password. Invariant: what is installed is announced on stderr first.

use std::process::Command;

use crate::shell::{self, timed};

/// Installs packages, without what they merely recommend.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    timed(&format!("apt-get install {}", packages.join(" ")), || {
        shell::run(apt().arg("update"))?;
        shell::run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
    })
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    shell::read(Command::new("id").arg("-u")).is_ok_and(|user| user == "0")
}

fn apt() -> Command {
    let mut command = if is_root() { Command::new("apt-get") } else { Command::new("sudo") };
    if !is_root() {
        command.args(["-n", "apt-get"]);
    }
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
    command
}
