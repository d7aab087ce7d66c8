//! axe-core, which finds what makes a page hard to use: one script, from the npm package.
//!
//! `$PORTCULLIS_AXE`, else `target/tools`, else npm. Nothing of the package is run. Invariant: what is returned is
//! the whole script.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::children::Scratch;
use crate::debian;
use crate::shell::{self, timed};

const VERSION: &str = "4.14.1";
const HINT: &str = "hint: set PORTCULLIS_AXE to axe-core's axe.min.js, or make `npm install axe-core` work";

/// The path of `axe.min.js`.
pub(crate) fn provide() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("PORTCULLIS_AXE").map(PathBuf::from) {
        anyhow::ensure!(is_script(&path), "PORTCULLIS_AXE is `{}`, which is no axe-core\n{HINT}", path.display());
        return Ok(path);
    }
    let script = shell::target().join(format!("tools/axe-core-{VERSION}/axe.min.js"));
    let _lock = shell::tools_lock()?;
    if !is_script(&script) {
        if !shell::exists("npm") {
            debian::install(&["npm"]).context(HINT)?;
        }
        timed(&format!("fetching axe-core {VERSION} from npm"), || fetch(&script)).context(HINT)?;
        anyhow::ensure!(is_script(&script), "what npm installed is no axe-core\n{HINT}");
    }
    Ok(script)
}

fn is_script(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.starts_with("/*! axe v"))
}

fn fetch(script: &Path) -> anyhow::Result<()> {
    let scratch = Scratch::new("portcullis-axe")?;
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel", "error", "--prefix"];
    let mut npm = Command::new("npm");
    npm.arg("install").args(quiet).arg(scratch.path()).arg(format!("axe-core@{VERSION}"));
    shell::run(&mut npm)?;
    let fetched = scratch.path().join("node_modules/axe-core/axe.min.js");
    let bytes = std::fs::read(&fetched).context("npm installed no axe.min.js")?;
    std::fs::create_dir_all(script.parent().context("no folder")?)?;
    shell::write_if_changed(script, &bytes)
}
