//! Everything that a real stack needs, built, found and handed over: for `up`, `e2e`, `bench` and `test`.
//!
//! It starts nothing by itself. Invariant: whoever gets the environment from here runs what was just built.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::shell::{self, timed};
use crate::wasm::{self, Module};
use crate::{envoy, shell::Tally};

/// The scenarios, in the order of `test`.
pub(crate) const SCENARIOS: [&str; 6] = ["corpus", "lifecycle", "revocation", "outage", "hostile", "scale"];

/// Where the parts are.
#[derive(Debug)]
pub(crate) struct Parts {
    variables: Vec<(&'static str, PathBuf)>,
    e2e: PathBuf,
}

impl Parts {
    /// Builds the native commands and the module, and provides Envoy.
    pub(crate) fn build() -> anyhow::Result<Self> {
        let module = wasm::build(Module::RELEASE)?;
        let envoy = envoy::provide()?;
        timed("building the control plane and the stack's driver", build_native)?;
        let tools = shell::target().join("tool");
        let variables = vec![
            ("PORTCULLIS_ROOT", shell::root()),
            ("PORTCULLIS_WASM", module),
            ("ENVOY", envoy),
            ("PORTCULLIS", tools.join("portcullis")),
        ];
        Ok(Self { variables, e2e: tools.join("portcullis-e2e") })
    }

    /// With the module that can be trapped.
    pub(crate) fn with_trap(mut self) -> anyhow::Result<Self> {
        self.variables.push(("PORTCULLIS_TRAP_WASM", wasm::build(Module::TRAP)?));
        Ok(self)
    }

    /// With the filter that does nothing.
    pub(crate) fn with_noop(mut self) -> anyhow::Result<Self> {
        self.variables.push(("PORTCULLIS_NOOP_WASM", wasm::build_noop()?));
        Ok(self)
    }

    /// The stack's driver, told where the parts are.
    pub(crate) fn driver(&self) -> Command {
        let mut command = Command::new(&self.e2e);
        self.hand_over(&mut command);
        command
    }

    /// Tells a command where the parts are.
    pub(crate) fn hand_over(&self, command: &mut Command) {
        command.current_dir(shell::root()).envs(self.variables.iter().map(|(name, path)| (name, path)));
    }

    /// Runs one scenario and counts its checks.
    pub(crate) fn scenario(&self, name: &str) -> anyhow::Result<Tally> {
        shell::counted(self.driver().args(["scenario", name]))
    }
}

/// `cargo xtask up`: becomes the driver, so that signals reach it and its exit status is ours.
pub(crate) fn up(args: &[String]) -> anyhow::Result<ExitCode> {
    if asks_for_help(args) {
        timed("building the driver", build_native)?;
        return become_it(Command::new(shell::target().join("tool/portcullis-e2e")).args(["up", "--help"]));
    }
    become_it(Parts::build()?.driver().arg("up").args(args))
}

/// `cargo xtask e2e [NAME] [--json]`.
pub(crate) fn e2e(args: &[String]) -> anyhow::Result<ExitCode> {
    let Some(name) = args.iter().find(|arg| !arg.starts_with("--")) else {
        SCENARIOS.iter().for_each(|name| shell::print_line(name));
        return Ok(ExitCode::SUCCESS);
    };
    anyhow::ensure!(SCENARIOS.contains(&name.as_str()), "no scenario `{name}`\nhint: {}", SCENARIOS.join(", "));
    let parts = Parts::build()?;
    let parts = if name == "outage" { parts.with_trap()? } else { parts };
    become_it(parts.driver().arg("scenario").args(args))
}

/// `cargo xtask bench [NAME] [--json]`.
pub(crate) fn bench(args: &[String]) -> anyhow::Result<ExitCode> {
    match args.iter().find(|arg| !arg.starts_with("--")).map(String::as_str) {
        None => shell::print_line("envoy\ncriterion"),
        Some("envoy") => return become_it(Parts::build()?.with_noop()?.driver().arg("bench").args(args)),
        Some("criterion") => shell::run(shell::cargo().args(["bench", "--package", "portcullis-filter"]))?,
        Some(other) => anyhow::bail!("no bench `{other}`\nhint: envoy or criterion"),
    }
    Ok(ExitCode::SUCCESS)
}

fn build_native() -> anyhow::Result<()> {
    let packages = ["--package", "portcullis-cli", "--package", "portcullis-e2e"];
    let mut cargo = shell::cargo();
    cargo.args(["build", "--profile", "tool", "--target-dir"]).arg(shell::target()).args(packages);
    shell::run(&mut cargo)
}

fn asks_for_help(args: &[String]) -> bool {
    args.iter().any(|arg| arg == "--help" || arg == "-h")
}

/// Replaces this process; returns only if that failed.
fn become_it(command: &mut Command) -> anyhow::Result<ExitCode> {
    Err(command.exec()).with_context(|| format!("cannot run `{}`", command.get_program().to_string_lossy()))
}
