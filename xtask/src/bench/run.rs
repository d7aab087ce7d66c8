//! `cargo xtask bench all`: every bench in turn, and all that it found in one folder, to be committed.
//!
//! What each printed is kept as it was printed, and its JSON beside it. Invariant: a bench that fails hides no other's figures,
//! and the run says so; a goal that is missed is a figure like any other.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use self::folder::Folder;
use self::step::Step;
use crate::shell;
use crate::stack::{Build, Parts};

mod estimates;
mod folder;
mod step;

/// What is asked for.
#[derive(Debug, Default)]
struct Options {
    out: Option<PathBuf>,
    /// Absent: all.
    only: Vec<String>,
    /// To see that it works: on the binaries of the tests, with sizes that measure nothing.
    small: bool,
}

/// `cargo xtask bench all [--out FOLDER] [--only STEP]... [--small]`.
pub(super) fn command(args: &[String]) -> anyhow::Result<ExitCode> {
    let options = Options::read(args)?;
    let steps = options.steps()?;
    let mut parts = Parts::build(if options.small { Build::Tests } else { Build::Tool })?;
    let machine = shell::read(parts.driver().args(["bench", "machine"]))?;
    let mut folder = Folder::open(options.folder(&machine)?, &machine)?;
    let mut failed = Vec::new();
    for step in steps {
        let command = step.command(&mut parts, options.small, &folder);
        if !folder.run(step.name(), &step.typed(options.small), command)? || !step.keep(&folder, options.small) {
            failed.push(step.name());
        }
    }
    if !parts.driver().args(["bench", "report", "--run"]).arg(&folder.path).status()?.success() {
        failed.push("report");
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("error: did not run to the end: {}\nhint: `--only STEP --out FOLDER` runs one again", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

impl Options {
    fn read(args: &[String]) -> anyhow::Result<Self> {
        let (mut options, mut args) = (Self::default(), args.iter());
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}` wants a value"));
            match arg.as_str() {
                "--out" => options.out = Some(value()?.into()),
                "--only" => options.only.push(value()?.clone()),
                "--small" => options.small = true,
                _ => anyhow::bail!("no option `{arg}`\nhint: --out FOLDER, --only STEP, --small"),
            }
        }
        Ok(options)
    }

    fn steps(&self) -> anyhow::Result<Vec<Step>> {
        let mut steps = Step::all();
        let names: Vec<_> = steps.iter().map(Step::name).collect();
        for name in &self.only {
            anyhow::ensure!(names.contains(&name.as_str()), "no step `{name}`\nhint: {}", names.join(", "));
        }
        steps.retain(|step| self.only.is_empty() || self.only.iter().any(|name| name == step.name()));
        Ok(steps)
    }

    /// Where to: a whole run gets a folder of its own, so that it mixes with no other.
    fn folder(&self, machine: &str) -> anyhow::Result<PathBuf> {
        let machine: Value = serde_json::from_str(machine)?;
        let date = machine.get("date").and_then(Value::as_str).context("the driver tells no date")?;
        let parent = if self.small { shell::target().join("bench") } else { shell::root().join("benches/runs") };
        let folder = self.out.clone().unwrap_or_else(|| parent.join(date));
        let is_empty = std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
        anyhow::ensure!(
            is_empty || self.small || !self.only.is_empty(),
            "`{}` holds a run already\nhint: `--only STEP` runs a step again into it, `--out FOLDER` makes another",
            folder.display()
        );
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::step::MEASURED;
    use super::*;
    use crate::bench::BENCHES;

    fn read(args: &[&str]) -> anyhow::Result<Options> {
        Options::read(&args.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn names(args: &[&str]) -> Vec<&'static str> {
        read(args).unwrap().steps().unwrap().iter().map(Step::name).collect()
    }

    #[test]
    fn a_run_is_every_bench_and_every_measured_scenario() {
        let all = names(&[]);
        let wanted = BENCHES.iter().map(|bench| bench.name).chain(MEASURED).chain(["criterion"]);
        assert_eq!(all, wanted.collect::<Vec<_>>(), "a scenario that there is not is left out");
        assert_eq!(names(&["--only", "criterion", "--only", "envoy"]), ["envoy", "criterion"]);
        assert!(read(&["--only", "enovy"]).unwrap().steps().is_err());
        assert!(read(&["--only"]).is_err() && read(&["--smal"]).is_err());
    }

    #[test]
    fn a_run_does_not_mix_with_another() {
        let machine = r#"{"date":"2026-01-15"}"#;
        let used = shell::root().join("xtask");
        let used = used.to_str().unwrap();
        assert!(read(&["--out", used]).unwrap().folder(machine).is_err());
        assert!(read(&["--out", used, "--only", "envoy"]).unwrap().folder(machine).is_ok());
        let new = read(&[]).unwrap().folder(machine).unwrap();
        assert!(new.ends_with("benches/runs/2026-01-15"), "{}", new.display());
    }
}
