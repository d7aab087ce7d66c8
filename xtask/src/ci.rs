//! `cargo xtask ci`: what a change must pass, in the order of what fails soonest.
//!
//! `.ci/run` calls this and nothing else: whatever CI does can be done at a desk.

use std::process::ExitCode;

use crate::shell;
use crate::test::{self, Summary};
use crate::toolchain::Toolchain;
use crate::{arrows, tidy};

/// `cargo xtask ci`.
pub(crate) fn command() -> anyhow::Result<ExitCode> {
    let mut summary = Summary::default();
    summary.check("fmt", || shell::run(shell::cargo().args(["fmt", "--all", "--check"])));
    summary.check("tidy", tidy::check);
    summary.check("arrows", arrows::check);
    summary.check("clippy", clippy);
    summary.check("clippy for wasm32", clippy_wasm);
    summary.check("doc", doc);
    test::run_all(&mut summary);
    Ok(summary.finish())
}

fn clippy() -> anyhow::Result<()> {
    shell::run(shell::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Debian's toolchain comes without clippy: there the compiler's own warnings have to do.
fn clippy_wasm() -> anyhow::Result<()> {
    let filter = ["--package", "portcullis-filter", "--lib", "--features", "trap-injection"];
    match Toolchain::provide()? {
        toolchain @ Toolchain::Own => shell::run(toolchain.cargo("clippy").args(filter).args(["--", "-D", "warnings"])),
        toolchain @ Toolchain::Debian => {
            shell::run(toolchain.cargo("check").args(filter).env("RUSTFLAGS", "-D warnings"))
        }
    }
}

fn doc() -> anyhow::Result<()> {
    shell::run(shell::cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
