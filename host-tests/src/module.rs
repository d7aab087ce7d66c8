//! The module under test: the file Envoy would load, compiled once per test process.
//!
//! Never a stale file: unless `PORTCULLIS_WASM` names one, `cargo xtask wasm` builds it first. The filter is not linked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// Overrides which file is loaded, and who answers for its freshness.
const WASM_VARIABLE: &str = "PORTCULLIS_WASM";

/// The ABI this host speaks; a module says so with an export of this name.
const ABI_EXPORT: &str = "proxy_abi_version_0_2_1";

/// A compiled module.
#[derive(Clone)]
pub struct Module {
    compiled: wasmtime::Module,
    size: usize,
}

impl Module {
    /// The filter as built: what every test of the filter loads.
    ///
    /// # Errors
    ///
    /// When it cannot be built, read or compiled; the first failure is everybody's answer.
    pub fn built() -> Result<Self> {
        static BUILT: OnceLock<Result<Module, String>> = OnceLock::new();
        let built = BUILT.get_or_init(|| Self::build("portcullis.wasm", &[]).map_err(|error| format!("{error:#}")));
        built.clone().map_err(anyhow::Error::msg)
    }

    /// The filter as built for services: the one that sees answers.
    ///
    /// # Errors
    ///
    /// As for [`Module::built`].
    pub fn egress() -> Result<Self> {
        static BUILT: OnceLock<Result<Module, String>> = OnceLock::new();
        let build = || Self::build("portcullis-egress.wasm", &[]).map_err(|error| format!("{error:#}"));
        BUILT.get_or_init(build).clone().map_err(anyhow::Error::msg)
    }

    /// The filter built with `trap-injection`: a request with `x-portcullis-trap: 1` traps the VM.
    ///
    /// # Errors
    ///
    /// As for [`Module::built`].
    pub fn trapping() -> Result<Self> {
        static BUILT: OnceLock<Result<Module, String>> = OnceLock::new();
        let build = || Self::build("portcullis-trap.wasm", &["--trap"]).map_err(|error| format!("{error:#}"));
        BUILT.get_or_init(build).clone().map_err(anyhow::Error::msg)
    }

    fn build(file: &str, arguments: &[&str]) -> Result<Self> {
        let path = match std::env::var_os(WASM_VARIABLE) {
            Some(given) => PathBuf::from(given).with_file_name(file),
            None => build_with_xtask(file, arguments)?,
        };
        let bytes = std::fs::read(&path).with_context(|| {
            format!("cannot read the module `{}`\nhint: build it with `{}`", path.display(), command_line(arguments))
        })?;
        Self::from_bytes(&bytes).with_context(|| format!("`{}` does not load", path.display()))
    }

    /// A module from its bytes (or, in tests, from WAT text).
    ///
    /// # Errors
    ///
    /// When it does not compile, or does not say that it speaks ABI 0.2.1.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let compiled = wasmtime::Module::new(engine()?, bytes)?;
        let speaks = compiled.get_export(ABI_EXPORT).is_some();
        ensure!(speaks, "missing or unknown proxy-wasm ABI version\nhint: the module must export `{ABI_EXPORT}`");
        Ok(Self { compiled, size: bytes.len() })
    }

    /// What it imports, as `module.name`, sorted.
    #[must_use]
    pub fn imports(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.compiled.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect();
        names.sort();
        names
    }

    /// What it exports, sorted.
    #[must_use]
    pub fn exports(&self) -> Vec<String> {
        let mut names: Vec<_> = self.compiled.exports().map(|export| export.name().to_owned()).collect();
        names.sort();
        names
    }

    /// Size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn compiled(&self) -> &wasmtime::Module {
        &self.compiled
    }
}

/// One engine for all, so that compiled modules can be shared.
fn engine() -> Result<&'static wasmtime::Engine> {
    static ENGINE: OnceLock<Option<wasmtime::Engine>> = OnceLock::new();
    let build = || wasmtime::Engine::new(wasmtime::Config::new().consume_fuel(true)).ok();
    ENGINE.get_or_init(build).as_ref().context("wasmtime does not run on this machine")
}

/// The root of the workspace, where policies and the target folder are.
#[must_use]
pub fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

fn command_line(arguments: &[&str]) -> String {
    [&["cargo", "xtask", "wasm"], arguments].concat().join(" ")
}

fn build_with_xtask(file: &str, arguments: &[&str]) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["xtask", "wasm"]).args(arguments).current_dir(workspace());
    let output = command.output().context("cannot run `cargo xtask wasm`")?;
    ensure!(
        output.status.success(),
        "`{}` failed:\n{}\nhint: run it by hand, or set {WASM_VARIABLE} to a module you built yourself",
        command_line(arguments),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(workspace().join("target").join(file))
}
