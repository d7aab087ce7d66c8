//! wasm-opt, found or installed: the last step of building the module.
//!
//! V8 inlines no function of a module into another and binaryen does, which saves some 2 % of a request's instructions in the VM and a
//! tenth of the module. A machine that has none and cannot install it builds a module that works as well without. Invariant: the
//! module means the same before and after.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{debian, shell};

const PROGRAM: &str = "wasm-opt";
/// What the module may use: that of which every host of proxy-wasm modules has had for years.
const FEATURES: [&str; 7] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Writes the optimised form of `module` to `output`, unless it is there.
pub(crate) fn optimize(module: &[u8], output: &Path) -> anyhow::Result<()> {
    let input = output.with_extension("pruned");
    if output.exists() && std::fs::read(&input).is_ok_and(|last| last == module) {
        return Ok(());
    }
    if !provide() {
        return shell::write_if_changed(output, module);
    }
    let [fresh, optimized] = ["fresh", "optimized"].map(|extension| output.with_extension(extension));
    std::fs::write(&fresh, module).with_context(|| format!("cannot write `{}`", fresh.display()))?;
    shell::run(Command::new(PROGRAM).args(FEATURES).args(["-O3", "-g", "-o"]).arg(&optimized).arg(&fresh))?;
    shell::write_if_changed(output, &read(&optimized)?)?;
    std::fs::remove_file(&optimized)?;
    // What it was made from is told last, so that one that was not finished is made again.
    std::fs::rename(&fresh, &input).with_context(|| format!("cannot write `{}`", input.display()))
}

fn read(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Whether it is there now.
fn provide() -> bool {
    let is_there = || shell::on_path(PROGRAM).is_some();
    if !is_there()
        && let Err(error) = debian::install(&["binaryen"])
    {
        eprintln!("warning: no {PROGRAM}, so the module is a tenth larger and a little slower: {error:#}");
        eprintln!("hint: put it on PATH, or install Debian's package binaryen");
    }
    is_there()
}
