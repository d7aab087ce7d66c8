//! `cargo xtask wasm`: the module that Envoy loads.
//!
//! Cargo decides what to rebuild; the post-link step runs on its result and makes two modules of it: `portcullis.wasm`, and
//! `portcullis-egress.wasm` for requests to services. Invariant: neither is ever
//! half written, and never older than the sources it was asked for.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::binaryen;
use crate::postlink::{self, Variant};
use crate::shell::{self, timed};
use crate::toolchain::{TARGET, Toolchain};

/// What to build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module<'a> {
    /// With the request header that traps the VM.
    pub(crate) trap: bool,
    /// Cargo's profile.
    pub(crate) profile: &'a str,
}

impl Module<'_> {
    /// The module that ships.
    pub(crate) const RELEASE: Module<'static> = Module { trap: false, profile: "release" };
    /// The module of the reload test.
    pub(crate) const TRAP: Module<'static> = Module { trap: true, profile: "release" };

    /// Where the module for requests to services is.
    pub(crate) fn egress(&self) -> PathBuf {
        self.output(Variant::Egress)
    }

    fn output(&self, variant: Variant) -> PathBuf {
        let egress = if variant == Variant::Egress { "-egress" } else { "" };
        let profile = if self.profile == "release" { String::new() } else { format!("-{}", self.profile) };
        let trap = if self.trap { "-trap" } else { "" };
        shell::target().join(format!("portcullis{egress}{trap}{profile}.wasm"))
    }
}

/// `cargo xtask wasm [--trap] [--profile P]`.
pub(crate) fn command(args: &[String]) -> anyhow::Result<()> {
    let mut module = Module::RELEASE;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--trap" => module.trap = true,
            "--profile" => module.profile = args.next().context("--profile wants a name\nhint: `release` or `dev`")?,
            other => anyhow::bail!("wasm does not know `{other}`\nhint: cargo xtask wasm [--trap] [--profile P]"),
        }
    }
    let path = build(module)?;
    shell::print_line(&path.display().to_string());
    Ok(())
}

/// Builds and post-links a module; returns where it is.
pub(crate) fn build(module: Module<'_>) -> anyhow::Result<PathBuf> {
    let toolchain = Toolchain::provide()?;
    let _lock = lock()?;
    let mut cargo = toolchain.cargo("build");
    cargo.args(["--package", "portcullis-filter", "--lib", "--profile", module.profile]);
    if module.trap {
        cargo.args(["--features", "trap-injection"]);
    }
    let name = if module.trap { "the module with trap injection" } else { "the module" };
    timed(&format!("building {name} for {TARGET}"), || shell::run(&mut cargo))?;
    let linked = artifact(toolchain, module.profile, "portcullis_filter.wasm");
    let before = std::fs::read(&linked).with_context(|| format!("cannot read `{}`", linked.display()))?;
    for variant in [Variant::Plain, Variant::Egress] {
        let pruned = postlink::postlink(&before, variant).context("post-link")?;
        let output = module.output(variant);
        if module.profile == "release" {
            binaryen::optimize(&pruned, &output)?;
        } else {
            shell::write_if_changed(&output, &pruned)?;
        }
        let sizes = [before.len(), pruned.len(), usize::try_from(std::fs::metadata(&output)?.len())?];
        eprintln!("    {variant:?}: {sizes:?} bytes linked, pruned, optimised");
    }
    Ok(module.output(Variant::Plain))
}

/// Builds the no-op filter of the benches, just as the stock SDK leaves it.
pub(crate) fn build_noop() -> anyhow::Result<PathBuf> {
    let toolchain = Toolchain::provide()?;
    let _lock = lock()?;
    let mut cargo = toolchain.cargo("build");
    cargo.arg("--manifest-path").arg(shell::root().join("e2e/noop-filter/Cargo.toml")).args(["--profile", "release"]);
    timed("building the no-op filter", || shell::run(&mut cargo))?;
    let output = shell::target().join("noop.wasm");
    let linked = artifact(toolchain, "release", "portcullis_noop_filter.wasm");
    shell::write_if_changed(&output, &std::fs::read(linked)?)?;
    Ok(output)
}

/// Held from cargo's start to the last write: both variants of the module share one artifact path.
fn lock() -> anyhow::Result<File> {
    std::fs::create_dir_all(shell::target())?;
    let file = File::create(shell::target().join("wasm.lock"))?;
    file.lock().context("cannot lock target/wasm.lock")?;
    Ok(file)
}

fn artifact(toolchain: Toolchain, profile: &str, file: &str) -> PathBuf {
    let folder = if profile == "dev" { "debug" } else { profile };
    [Path::new(TARGET), Path::new(folder), Path::new(file)]
        .iter()
        .fold(toolchain.target_dir(), |path, part| path.join(part))
}
