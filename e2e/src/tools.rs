//! Where the things are that a stack is made of: Envoy, the `portcullis` command, the modules, the repository.
//!
//! `cargo xtask` hands them over in the environment; without it the build's usual places are tried. Nothing is built
//! or fetched here.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The repository's root.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    if let Some(root) = std::env::var_os("PORTCULLIS_ROOT") {
        return Ok(root.into());
    }
    let exe = std::env::current_exe()?;
    let holds_config = |folder: &&Path| folder.join("envoy.yaml").exists();
    let here = exe.ancestors().find(holds_config).context("cannot find the repository\nhint: set PORTCULLIS_ROOT")?;
    Ok(here.to_owned())
}

/// The Envoy binary: `$ENVOY`, or the one that `cargo xtask envoy` fetched.
pub(crate) fn envoy() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("ENVOY") {
        return Ok(path.into());
    }
    let fetched = root()?.join("target/tools/envoy-1.40.0/envoy/_bin/envoy");
    anyhow::ensure!(fetched.exists(), "ENVOY is not set\nhint: `cargo xtask envoy` finds or fetches one");
    Ok(fetched)
}

/// The `portcullis` command, beside our own binary.
pub(crate) fn portcullis() -> anyhow::Result<PathBuf> {
    let path = match std::env::var_os("PORTCULLIS") {
        Some(path) => path.into(),
        None => std::env::current_exe()?.with_file_name("portcullis"),
    };
    anyhow::ensure!(
        path.exists(),
        "`{}` does not exist\nhint: cargo build --profile tool -p portcullis-cli",
        path.display()
    );
    Ok(path)
}

/// A built module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Module {
    /// What ships.
    Portcullis,
    /// The same, with a request header that traps the VM.
    Trap,
    /// The stock SDK's filter that does nothing.
    Noop,
}

impl Module {
    pub(crate) fn path(self) -> anyhow::Result<PathBuf> {
        let (variable, file) = match self {
            Self::Portcullis => ("PORTCULLIS_WASM", "portcullis.wasm"),
            Self::Trap => ("PORTCULLIS_TRAP_WASM", "portcullis-trap.wasm"),
            Self::Noop => ("PORTCULLIS_NOOP_WASM", "noop.wasm"),
        };
        let path = match std::env::var_os(variable) {
            Some(path) => path.into(),
            None => root()?.join("target").join(file),
        };
        anyhow::ensure!(path.exists(), "`{}` does not exist\nhint: cargo xtask wasm", path.display());
        Ok(path.canonicalize()?)
    }
}
