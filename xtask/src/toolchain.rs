//! Finding a toolchain that can build for `wasm32-unknown-unknown`, installing one where that is possible.
//!
//! Three ways, tried in order: the target is there; `rustup target add`; Debian's packages, which build the standard
//! library from source. It builds nothing itself. Invariant: every way yields the same exports and imports.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::debian;
use crate::shell::{self, step, timed};

/// The target of every module.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "/usr/lib/llvm-22/bin/wasm-ld";
const DEBIAN_LIBRARY_SOURCE: &str = "/usr/lib/rustlib/src/rust/library";

/// A way to build for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The cargo that runs us has the target.
    Own,
    /// Debian's rustc, with the standard library built from source.
    Debian,
}

impl Toolchain {
    /// The toolchain for wasm, installed now if need be. `PORTCULLIS_WASM_TOOLCHAIN=own|debian` takes the choice away.
    pub(crate) fn provide() -> anyhow::Result<Self> {
        match std::env::var("PORTCULLIS_WASM_TOOLCHAIN").as_deref() {
            Ok("own") => return Ok(Self::Own),
            Ok("debian") => return provide_debian(),
            Ok(other) => {
                anyhow::bail!("PORTCULLIS_WASM_TOOLCHAIN is `{other}`\nhint: `own` or `debian`")
            }
            Err(_) => {}
        }
        if has_target() {
            return Ok(Self::Own);
        }
        if shell::exists("rustup")
            && timed("rustup target add wasm32-unknown-unknown", add_target).is_ok()
            && has_target()
        {
            return Ok(Self::Own);
        }
        provide_debian()
    }

    /// A cargo command for the target: `subcommand` with everything that this toolchain needs. Artifacts go under
    /// [`Self::target_dir`].
    pub(crate) fn cargo(self, subcommand: &str) -> Command {
        let mut command = match self {
            Self::Own => shell::cargo(),
            Self::Debian => debian_cargo(),
        };
        command.args([subcommand, "--target", TARGET]).arg("--target-dir").arg(self.target_dir());
        if self == Self::Debian {
            command.args(["-Z", "build-std=std,panic_abort"]);
        }
        command
    }

    /// What its compiler calls itself.
    pub(crate) fn version(self) -> anyhow::Result<String> {
        let rustc = match self {
            Self::Own => std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
            Self::Debian => DEBIAN_RUSTC.into(),
        };
        shell::read(Command::new(rustc).arg("--version"))
    }

    /// Where artifacts go: two compilers do not share a folder, or each would rebuild what the other left.
    pub(crate) fn target_dir(self) -> PathBuf {
        match self {
            Self::Own => shell::target(),
            Self::Debian => shell::target().join("wasm-debian"),
        }
    }
}

fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = shell::read(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]));
    libraries.is_ok_and(|folder| Path::new(&folder).is_dir())
}

fn add_target() -> anyhow::Result<()> {
    shell::run(Command::new("rustup").env("RUSTUP_MAX_RETRIES", "1").args(["target", "add", TARGET]))
}

fn provide_debian() -> anyhow::Result<Toolchain> {
    let needed = [DEBIAN_LINKER, DEBIAN_LIBRARY_SOURCE, DEBIAN_RUSTC, "/usr/bin/cargo"];
    let missing = || needed.iter().any(|path| !Path::new(path).exists());
    if missing() {
        debian::install(&DEBIAN_PACKAGES).context(
            "no way to build for wasm32-unknown-unknown\n\
             hint: `rustup target add wasm32-unknown-unknown`, or on Debian install rustc-web cargo-web rust-web-src lld-22",
        )?;
    }
    anyhow::ensure!(!missing(), "Debian's packages are installed, but one of {needed:?} is not there");
    step("using Debian's rustc (standard library from source)");
    Ok(Toolchain::Debian)
}

fn debian_cargo() -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    // What rustup's cargo leaves in the environment would send Debian's to the wrong libraries.
    for name in ["LD_LIBRARY_PATH", "RUSTUP_TOOLCHAIN", "CARGO", "RUSTC_WRAPPER", "RUSTFLAGS"] {
        command.env_remove(name);
    }
    command
        .current_dir(shell::root())
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
    command
}
