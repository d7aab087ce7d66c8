//! `cargo xtask bench`: what is measured, and with what.
//!
//! The measuring is done by the stack's driver, by criterion and by the tests of the wasm host. Invariant: every bench that is
//! listed here is part of a run (`all`), and is run for a moment by `smoke`, but for those that say why they are not.

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

/// What cargo is asked for criterion's benches.
const CRITERION: [&str; 3] = ["bench", "--package", "portcullis-filter"];
/// And to run the body of each once, in the profile of the tests: nothing but the benches is compiled for it.
const CRITERION_SMALL: [&str; 8] =
    ["test", "--workspace", "--exclude", "xtask", "--bench", "decide", "--bench", "bundle"];

/// A bench of the driver's.
#[derive(Clone, Copy, Debug)]
struct Bench {
    name: &'static str,
    what: &'static str,
    needs: &'static [Need],
    /// Whether it counts instructions in the VM too.
    fuel: bool,
    /// How it is called for a run.
    full: &'static [&'static str],
    /// How it is called to see that it works.
    small: &'static [&'static str],
    /// Whether CI has the time for that.
    in_smoke: bool,
}

const BENCHES: [Bench; 6] = [
    Bench {
        small: &["--of=200", "--rounds=1", "--requests=160"],
        ..bench("envoy", "what each way of checking a key adds to Envoy's CPU time per request", &[Need::Noop])
    },
    Bench {
        fuel: true,
        small: &[
            "--keys=1000",
            "--workers=1",
            "--rules=10",
            "--scopes=2",
            "--rounds=1",
            "--requests=160",
            "--revocations=2",
        ],
        ..bench("curve", "what more keys, workers, rules and scopes cost", &[])
    },
    Bench {
        small: &["--keys=20000"],
        ..bench(
            "bundle",
            "what a million keys and ten million weigh, and how long building and verifying them takes",
            &[],
        )
    },
    Bench {
        small: &["--keys=2000", "--edges=20", "--changes=50", "--notifications=3", "--database=sqlite"],
        ..bench(
            "control",
            "how long a control plane with a million keys takes to start, to publish and to tell its edges",
            &[Need::Postgres],
        )
    },
    Bench {
        small: &["--keys=2000", "--samples=8"],
        ..bench("management", "how long the management API takes with a hundred thousand keys", &[Need::Postgres])
    },
    Bench {
        // Under valgrind each of the others takes minutes more.
        full: &[
            "--of=500",
            "--requests=10000",
            "--only=api_key_auth",
            "--only=noop",
            "--only=portcullis",
            "--only=two headers",
            "--only=rejected",
        ],
        small: &["--of=200", "--requests=200", "--only=portcullis"],
        // Not every machine has valgrind, and an Envoy starts slowly under it.
        in_smoke: false,
        ..bench("instructions", "`envoy` in instructions of the real Envoy", &[Need::Noop, Need::Valgrind])
    },
];

/// Reads what others measured.
const REPORT: Bench = bench("report", "plots and tables of a run", &[]);

const OTHERS: [(&str, &str); 4] = [
    ("criterion", "the decision alone, natively"),
    ("fuel", "instructions in the VM per kind of request, against benches/fuel.toml; --update writes it"),
    ("all", "every bench in turn, into benches/runs/<date>/; --only STEP runs one again, --small tries it all out"),
    ("smoke", "every bench for a moment: that they work, not what they measure"),
];

const fn bench(name: &'static str, what: &'static str, needs: &'static [Need]) -> Bench {
    Bench { name, what, needs, fuel: false, full: &[], small: &[], in_smoke: true }
}

/// `cargo xtask bench [NAME] [--json] [...]`.
pub(crate) fn command(args: &[String]) -> anyhow::Result<ExitCode> {
    let (name, rest) = args.split_first().map_or(("help", args), |(name, rest)| (name.as_str(), rest));
    match name {
        "help" | "--help" | "-h" => list(),
        "criterion" => criterion(&mut shell::cargo(), rest)?,
        "fuel" => fuel(rest)?,
        "all" => return run::command(rest),
        "smoke" => {
            shell::no_more(rest)?;
            return smoke::command();
        }
        name => {
            let bench = BENCHES.iter().chain([&REPORT]).find(|bench| bench.name == name);
            let bench = bench.with_context(|| format!("no bench `{name}`\nhint: without a name they are listed"))?;
            let mut parts = Parts::build(Build::Tool)?;
            bench.provide(&mut parts)?;
            return parts.run(&["bench"], args);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list() {
    let benches = BENCHES.iter().chain([&REPORT]).map(|it| (it.name, it.what));
    benches.chain(OTHERS).for_each(|(name, what)| shell::print_line(&format!("{name:13} {what}")));
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
    shell::run(cargo.args(CRITERION).args(more))
}

/// Holds the baseline of instructions, or writes it.
fn fuel(args: &[String]) -> anyhow::Result<()> {
    let update = match args {
        [] => false,
        [option] if option == "--update" => true,
        _ => anyhow::bail!("fuel knows `--update` alone"),
    };
    let mut cargo = shell::cargo();
    // The packages of the tests, or everything would be built again with other features.
    cargo.args(["test", "--workspace", "--exclude", "xtask", "--test", "all", "filter::cost", "--", "--nocapture"]);
    cargo.env("PORTCULLIS_WASM", wasm::build(Module::RELEASE)?).env_remove(FUEL_UPDATE);
    if update {
        cargo.env(FUEL_UPDATE, Toolchain::provide()?.version()?);
    }
    timed("counting instructions", || shell::run(&mut cargo))
}
