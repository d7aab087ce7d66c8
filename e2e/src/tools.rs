//! Where the things are that a stack is made of and tested with: Envoy, the `portcullis` command, the modules, the
//! repository, a browser, a PostgreSQL server.
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

/// What counts instructions: on PATH.
pub(crate) fn valgrind() -> anyhow::Result<PathBuf> {
    on_path("valgrind").context("no valgrind\nhint: install Debian's package of that name")
}

/// What counts instructions in the VM: `$PORTCULLIS_FUEL`, or where a build of the tests leaves it.
pub(crate) fn fuel() -> anyhow::Result<PathBuf> {
    named("PORTCULLIS_FUEL").map_or_else(|| root().map(|root| root.join("target/debug/portcullis-fuel")), Ok)
}

/// A Chromium: `$CHROMIUM`, or on PATH.
pub(crate) fn chromium() -> anyhow::Result<PathBuf> {
    named("CHROMIUM").or_else(|| on_path("chromium")).context("no Chromium\nhint: set CHROMIUM to one")
}

/// What drives it: `$CHROMEDRIVER`, or on PATH.
pub(crate) fn chromedriver() -> anyhow::Result<PathBuf> {
    named("CHROMEDRIVER").or_else(|| on_path("chromedriver")).context("no chromedriver\nhint: set CHROMEDRIVER to one")
}

/// axe-core's script: `$PORTCULLIS_AXE`, or the one that `cargo xtask` fetched.
pub(crate) fn axe() -> anyhow::Result<PathBuf> {
    provided("PORTCULLIS_AXE", "tools/axe-core-4.14.1/axe.min.js")
}

/// The schemathesis command: `$PORTCULLIS_SCHEMATHESIS`, or the one that `cargo xtask` fetched.
pub(crate) fn schemathesis() -> anyhow::Result<PathBuf> {
    provided("PORTCULLIS_SCHEMATHESIS", "tools/schemathesis/bin/schemathesis")
}

/// A Python that has what `e2e/python` needs: `$PORTCULLIS_PYTHON`, or the one that `cargo xtask` made.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    provided("PORTCULLIS_PYTHON", "tools/python/bin/python")
}

/// A PostgreSQL's `psql`.
pub(crate) fn psql() -> anyhow::Result<PathBuf> {
    let beside = named("PORTCULLIS_PG_BIN").map(|folder| folder.join("psql"));
    beside.or_else(|| on_path("psql")).context("no psql\nhint: set PORTCULLIS_PG_BIN to PostgreSQL's programs")
}

/// A database of a PostgreSQL server where we may make others.
pub(crate) fn postgres() -> anyhow::Result<String> {
    let url = std::env::var("PORTCULLIS_TEST_POSTGRES").ok();
    url.context("no PostgreSQL server\nhint: `cargo xtask` starts one; or set PORTCULLIS_TEST_POSTGRES to its URL")
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file())
}

fn provided(variable: &str, file: &str) -> anyhow::Result<PathBuf> {
    let path = named(variable).map_or_else(|| root().map(|root| root.join("target").join(file)), Ok)?;
    anyhow::ensure!(path.exists(), "`{}` does not exist\nhint: `cargo xtask e2e` fetches it", path.display());
    Ok(path)
}

/// A built module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Module {
    /// What ships.
    Portcullis,
    /// What ships for policies with services.
    Egress,
    /// The first, with a request header that traps the VM.
    Trap,
    /// The stock SDK's filter that does nothing.
    Noop,
}

impl Module {
    pub(crate) fn path(self) -> anyhow::Result<PathBuf> {
        let (variable, file) = match self {
            Self::Portcullis => ("PORTCULLIS_WASM", "portcullis.wasm"),
            Self::Egress => ("PORTCULLIS_EGRESS_WASM", "portcullis-egress.wasm"),
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
