//! `cargo xtask bench`: what is measured, and with what.
//!
//! The measuring is done by the stack's driver, by criterion and by the tests of the wasm host. Invariant: every bench that is
//! listed here is also run for a moment by `smoke`, but for those that only read.

use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::extras::Need;
use crate::shell::{self, timed};
use crate::stack::{Build, Parts};
use crate::toolchain::Toolchain;
use crate::wasm::{self, Module};

mod run;
pub(crate) mod smoke;

/// Tells the tests of the wasm host to write their baseline, and with which compiler the module was built.
pub(crate) const FUEL_UPDATE: &str = "PORTCULLIS_FUEL_UPDATE";

/// A bench of the driver's.
#[derive(Clone, Copy, Debug)]
struct Bench {
    name: &'static str,
    what: &'static str,
    needs: &'static [Need],
    /// Whether it counts instructions in the VM too.
    fuel: bool,
}

const BENCHES: [Bench; 7] = [
    bench("envoy", "what each way of checking a key adds to Envoy's CPU time per request", &[Need::Noop]),
    bench("instructions", "the same in instructions of the real Envoy", &[Need::Noop, Need::Valgrind]),
    Bench { fuel: true, ..bench("curve", "what more keys, workers, rules and scopes cost", &[]) },
    bench("bundle", "what a million keys and ten million weigh, and how long building and verifying them takes", &[]),
    bench(
        "control",
        "how long a control plane with a million keys takes to start, to publish and to tell its edges",
        &[Need::Postgres],
    ),
    bench("management", "how long the management API takes with a hundred thousand keys", &[Need::Postgres]),
    bench("report", "plots and tables of a run", &[]),
];

const OTHERS: [(&str, &str); 4] = [
    ("criterion", "the decision alone, natively"),
    ("fuel", "instructions in the VM per kind of request, against benches/fuel.toml; --update writes it"),
    ("all", "every bench in turn, into benches/runs/<date>/"),
    ("smoke", "every bench for a moment: that they work, not what they measure"),
];

const fn bench(name: &'static str, what: &'static str, needs: &'static [Need]) -> Bench {
    Bench { name, what, needs, fuel: false }
}

/// `cargo xtask bench [NAME] [--json] [...]`.
pub(crate) fn command(args: &[String]) -> anyhow::Result<ExitCode> {
    let Some((name, rest)) = args.split_first() else {
        let benches = BENCHES.iter().map(|it| (it.name, it.what));
        benches.chain(OTHERS).for_each(|(name, what)| shell::print_line(&format!("{name:13} {what}")));
        return Ok(ExitCode::SUCCESS);
    };
    match name.as_str() {
        "criterion" => criterion(&mut shell::cargo(), rest)?,
        "fuel" => fuel(rest)?,
        "all" => return run::command(rest),
        "smoke" => return smoke::command(),
        name => {
            let bench = BENCHES.iter().find(|bench| bench.name == name);
            let bench = bench.with_context(|| format!("no bench `{name}`\nhint: without a name they are listed"))?;
            let mut parts = Parts::build(Build::Tool)?;
            bench.provide(&mut parts)?;
            return parts.run(&["bench"], args);
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Bench {
    fn provide(&self, parts: &mut Parts) -> anyhow::Result<()> {
        if self.fuel {
            parts.provide_fuel()?;
        }
        parts.provide(self.needs)
    }
}

fn criterion(cargo: &mut Command, more: &[String]) -> anyhow::Result<()> {
    shell::run(cargo.args(["bench", "--package", "portcullis-filter"]).args(more))
}

/// Holds the baseline of instructions, or writes it.
fn fuel(args: &[String]) -> anyhow::Result<()> {
    let update = match args {
        [] => false,
        [option] if option == "--update" => true,
        _ => anyhow::bail!("fuel knows `--update` alone"),
    };
    let mut cargo = shell::cargo();
    cargo.args(["test", "--package", "portcullis-host-tests", "--test", "all", "filter::cost", "--", "--nocapture"]);
    cargo.env("PORTCULLIS_WASM", wasm::build(Module::RELEASE)?).env_remove(FUEL_UPDATE);
    if update {
        cargo.env(FUEL_UPDATE, Toolchain::provide()?.version()?);
    }
    timed("counting instructions", || shell::run(&mut cargo))
}
