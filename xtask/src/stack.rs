//! Everything that a real stack needs, built, found and handed over: for `up`, `e2e`, `bench` and `test`.
//!
//! It starts nothing by itself. Invariant: whoever gets the environment from here runs what was just built.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::envoy;
use crate::extras::{Extras, Need};
use crate::shell::{self, Tally, timed};
use crate::wasm::{self, Module};

/// A scenario of the driver's, and what it takes here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Beyond a stack.
    pub(crate) needs: &'static [Need],
    /// How `test` runs it: some are longer when asked for by name.
    pub(crate) in_test: &'static [&'static str],
    /// Whether `test` runs another beside it: it waits more than it works, and nothing in it has to be quick.
    pub(crate) shares: bool,
}

/// The scenarios, in the order of `test`, where those that share come last.
pub(crate) const SCENARIOS: [Scenario; 19] = [
    scenario("corpus", &[]),
    scenario("lifecycle", &[]),
    scenario("revocation", &[]),
    scenario("outage", &[Need::Trap]),
    scenario("hostile", &[]),
    scenario("scale", &[]),
    scenario("roles", &[]),
    scenario("oauth-client", &[Need::Python]),
    scenario("replicas", &[Need::Postgres]),
    scenario("rate-limit", &[]),
    scenario("tokens", &[]),
    scenario("oauth", &[Need::Browser]),
    scenario("secrets", &[Need::Python]),
    scenario("canary", &[Need::Postgres]),
    sharing("quota", &[]),
    sharing("openapi", &[Need::Schemathesis]),
    sharing("dashboard", &[Need::Browser]),
    sharing("usage", &[]),
    Scenario { in_test: &["--seconds", "10"], ..sharing("soak-management", &[Need::Postgres]) },
];

/// Asked for like a scenario.
const VECTORS: &str = "vectors";

const fn scenario(name: &'static str, needs: &'static [Need]) -> Scenario {
    Scenario { name, needs, in_test: &[], shares: false }
}

const fn sharing(name: &'static str, needs: &'static [Need]) -> Scenario {
    Scenario { shares: true, ..scenario(name, needs) }
}

impl Scenario {
    /// As `test` calls it.
    pub(crate) fn suite(&self) -> String {
        format!("e2e {}", self.name)
    }
}

/// How the native commands are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// Fast enough to measure with and to work with.
    Tool,
    /// With the tests, which are compiled anyway: overflows and debug assertions count.
    Tests,
}

/// Where the parts are.
#[derive(Debug)]
pub(crate) struct Parts {
    variables: Vec<(&'static str, PathBuf)>,
    extras: Extras,
    e2e: PathBuf,
}

impl Parts {
    /// Builds the native commands and the module, and provides Envoy.
    pub(crate) fn build(native: Build) -> anyhow::Result<Self> {
        let module = wasm::build(Module::RELEASE)?;
        let envoy = envoy::provide()?;
        timed("building the control plane and the stack's driver", || native.run())?;
        let tools = native.folder();
        let variables = vec![
            ("PORTCULLIS_ROOT", shell::root()),
            ("PORTCULLIS_EGRESS_WASM", Module::RELEASE.egress()),
            ("PORTCULLIS_WASM", module),
            ("ENVOY", envoy),
            ("PORTCULLIS", tools.join("portcullis")),
        ];
        Ok(Self { variables, extras: Extras::default(), e2e: tools.join("portcullis-e2e") })
    }

    /// Provides what only some suites need.
    pub(crate) fn provide(&mut self, needs: &[Need]) -> anyhow::Result<()> {
        self.extras.provide(needs)
    }

    /// The stack's driver, told where the parts are.
    pub(crate) fn driver(&self) -> Command {
        let mut command = Command::new(&self.e2e);
        self.hand_over(&mut command);
        command
    }

    /// Tells a command where the parts are.
    pub(crate) fn hand_over(&self, command: &mut Command) {
        command.current_dir(shell::root()).envs(self.variables.iter().cloned()).envs(self.extras.variables());
    }

    /// Runs one scenario as `test` does, and counts its checks.
    pub(crate) fn scenario(&self, scenario: Scenario, line: impl FnMut(&str)) -> anyhow::Result<Tally> {
        shell::counted_by(self.driver().args(["scenario", scenario.name]).args(scenario.in_test), line)
    }

    /// Runs the driver to its end, and lets go of everything afterwards.
    fn run(self, args: &[&str], more: &[String]) -> anyhow::Result<ExitCode> {
        shell::follow(self.driver().args(args).args(more))
    }
}

/// `cargo xtask up`: becomes the driver, so that signals reach it and its exit status is ours.
pub(crate) fn up(args: &[String]) -> anyhow::Result<ExitCode> {
    if asks_for_help(args) {
        timed("building the driver", || Build::Tool.run())?;
        return become_it(Command::new(Build::Tool.folder().join("portcullis-e2e")).args(["up", "--help"]));
    }
    become_it(Parts::build(Build::Tool)?.driver().arg("up").args(args))
}

/// `cargo xtask e2e [NAME] [--json]`.
pub(crate) fn e2e(args: &[String]) -> anyhow::Result<ExitCode> {
    let names = SCENARIOS.map(|scenario| scenario.name);
    let Some(name) = args.iter().find(|arg| !arg.starts_with("--")) else {
        names.iter().chain([&VECTORS]).for_each(|name| shell::print_line(name));
        return Ok(ExitCode::SUCCESS);
    };
    if name == VECTORS {
        return vectors();
    }
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.with_context(|| format!("no scenario `{name}`\nhint: {}", names.join(", ")))?;
    let mut parts = Parts::build(Build::Tool)?;
    parts.provide(scenario.needs)?;
    parts.run(&["scenario"], args)
}

/// `cargo xtask bench [NAME] [--json]`.
pub(crate) fn bench(args: &[String]) -> anyhow::Result<ExitCode> {
    let needs: &[Need] = match args.iter().find(|arg| !arg.starts_with("--")).map(String::as_str) {
        None => {
            shell::print_line("control\nenvoy\ninstructions\nmanagement\ncriterion");
            return Ok(ExitCode::SUCCESS);
        }
        Some("criterion") => {
            shell::run(shell::cargo().args(["bench", "--package", "portcullis-filter"]))?;
            return Ok(ExitCode::SUCCESS);
        }
        Some("envoy") => &[Need::Noop],
        Some("instructions") => &[Need::Noop, Need::Valgrind],
        Some("control") if args.iter().any(|arg| arg == "sqlite") => &[],
        Some("control" | "management") => &[Need::Postgres],
        Some(other) => anyhow::bail!("no bench `{other}`\nhint: control, envoy, instructions, management or criterion"),
    };
    let mut parts = Parts::build(Build::Tool)?;
    parts.provide(needs)?;
    parts.run(&["bench"], args)
}

/// The public test vectors, which need no stack. `test` runs them among the workspace's tests.
fn vectors() -> anyhow::Result<ExitCode> {
    let tests = ["--package", "portcullis-token", "--features", "sign", "--lib", "vectors", "--", "--nocapture"];
    shell::run(shell::cargo().arg("test").args(tests))?;
    Ok(ExitCode::SUCCESS)
}

impl Build {
    fn run(self) -> anyhow::Result<()> {
        let what: &[&str] = match self {
            Self::Tool => &["--profile", "tool", "--package", "portcullis-cli", "--package", "portcullis-e2e"],
            // The packages of `cargo test`, or everything would be built again for it with other features.
            Self::Tests => &["--workspace", "--exclude", "xtask", "--bins", "--tests"],
        };
        shell::run(shell::cargo().arg("build").args(what).arg("--target-dir").arg(shell::target()))
    }

    fn folder(self) -> PathBuf {
        shell::target().join(match self {
            Self::Tool => "tool",
            Self::Tests => "debug",
        })
    }
}

fn asks_for_help(args: &[String]) -> bool {
    args.iter().any(|arg| arg == "--help" || arg == "-h")
}

/// Replaces this process; returns only if that failed.
fn become_it(command: &mut Command) -> anyhow::Result<ExitCode> {
    Err(command.exec()).with_context(|| format!("cannot run `{}`", command.get_program().to_string_lossy()))
}
