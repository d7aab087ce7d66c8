//! `cargo xtask bench all`: every bench in turn, and all that it found in one folder, to be committed.
//!
//! What each printed is kept as it was printed, and its JSON beside it. Invariant: a bench that fails hides no other's figures,
//! and the run says so; a goal that is missed is a figure like any other.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use serde_json::Value;

use crate::extras::Need;
use crate::shell::{self, step};
use crate::stack::{Build, Parts};

/// What a run consists of, beside criterion: the name of its files, and what the driver is asked.
const RUN: [(&str, &[&str]); 8] = [
    ("envoy", &["bench", "envoy"]),
    ("curve", &["bench", "curve"]),
    ("million", &["scenario", "million"]),
    ("bundle", &["bench", "bundle"]),
    ("control", &["bench", "control"]),
    ("revocation", &["scenario", "revocation"]),
    ("management", &["bench", "management"]),
    ("instructions", &["bench", "instructions"]),
];

/// Criterion's group that the report has a plot of.
const LOOKUP: &str = "lookup";

/// `cargo xtask bench all [--out FOLDER]`.
pub(super) fn command(args: &[String]) -> anyhow::Result<ExitCode> {
    let out = match args {
        [] => None,
        [option, folder] if option == "--out" => Some(PathBuf::from(folder)),
        _ => anyhow::bail!("all knows `--out FOLDER` alone"),
    };
    let mut parts = Parts::build(Build::Tool)?;
    parts.provide(&[Need::Noop, Need::Postgres, Need::Valgrind])?;
    parts.provide_fuel()?;
    let machine = shell::read(parts.driver().args(["bench", "machine"]))?;
    let date: Value = serde_json::from_str(&machine)?;
    let date = date.get("date").and_then(Value::as_str).context("the driver tells no date")?;
    let mut run = Run::new(out.unwrap_or_else(|| shell::root().join("benches/runs").join(date)))?;
    run.keep("machine.json", &machine)?;
    for (name, args) in RUN {
        let mut driver = parts.driver();
        driver.args(args).arg("--json");
        if name == "curve" {
            driver.arg("--out").arg(&run.folder);
        }
        run.bench(name, &mut driver);
    }
    run.criterion();
    run.finish(&parts)
}

/// A run under way.
struct Run {
    folder: PathBuf,
    commands: String,
    failed: Vec<String>,
}

impl Run {
    fn new(folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let folder = folder.canonicalize()?;
        Ok(Self { folder, commands: "cargo xtask bench all\n\nwhich ran:\n".to_owned(), failed: Vec::new() })
    }

    fn keep(&self, file: &str, text: &str) -> anyhow::Result<()> {
        shell::write_if_changed(&self.folder.join(file), format!("{}\n", text.trim_end()).as_bytes())
    }

    /// Runs something, and keeps what it prints.
    fn bench(&mut self, name: &str, command: &mut Command) {
        step(&format!("bench all: {name}"));
        self.commands.push_str(&format!("  {}\n", self.told(command)));
        let (mut text, mut json) = (String::new(), None);
        let status = shell::lines(command, |line| {
            shell::print_line(line);
            match serde_json::from_str::<Value>(line).ok().filter(Value::is_object) {
                Some(found) => json = Some(found),
                None => text.push_str(&format!("{line}\n")),
            }
        });
        let pretty = json.as_ref().and_then(|json| serde_json::to_string_pretty(json).ok());
        let kept = self
            .keep(&format!("{name}.txt"), &text)
            .and_then(|()| pretty.as_ref().map_or(Ok(()), |json| self.keep(&format!("{name}.json"), json)));
        // With its figures there, a status that is not 0 tells of a goal that was missed.
        let ran = status.as_ref().is_ok_and(|status| status.success() || json.is_some());
        if !ran || kept.is_err() {
            eprintln!("error: {name}: {status:?} {kept:?}");
            self.failed.push(name.to_owned());
        }
    }

    /// The decision alone; what a lookup takes among more and more keys becomes data for a plot.
    fn criterion(&mut self) {
        self.bench("criterion", shell::cargo().args(["bench", "--package", "portcullis-filter"]));
        let lookup = estimates(&shell::target().join("criterion").join(LOOKUP));
        let rows = lookup.iter().map(|(keys, nanoseconds)| format!("{keys},{nanoseconds:.1}\n"));
        let text = ["keys,ns\n".to_owned()].into_iter().chain(rows).collect::<String>();
        if lookup.is_empty() || self.keep("lookup.csv", &text).is_err() {
            self.failed.push(LOOKUP.to_owned());
        }
    }

    fn finish(mut self, parts: &Parts) -> anyhow::Result<ExitCode> {
        self.keep("commands.txt", &self.commands)?;
        let report = parts.driver().args(["bench", "report", "--run"]).arg(&self.folder).status();
        if !report.is_ok_and(|status| status.success()) {
            self.failed.push("report".to_owned());
        }
        shell::print_line(&format!("{}", self.folder.display()));
        if self.failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("error: did not run: {}", self.failed.join(", "));
        Ok(ExitCode::FAILURE)
    }

    /// A command as anybody would type it: paths of this machine are told from the repository's root.
    fn told(&self, command: &Command) -> String {
        let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|it| it.to_string_lossy());
        let root = format!("{}/", shell::root().display());
        words.map(|word| word.replace(&root, "")).collect::<Vec<_>>().join(" ")
    }
}

/// Criterion's medians of a group, in nanoseconds, by the number that a bench in it is called.
fn estimates(group: &Path) -> Vec<(u64, f64)> {
    let entries = std::fs::read_dir(group).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.filter_map(|entry| estimate(&entry.path())).collect();
    found.sort_by_key(|(number, _)| *number);
    found
}

fn estimate(bench: &Path) -> Option<(u64, f64)> {
    let number = bench.file_name()?.to_str()?.parse().ok()?;
    let text = std::fs::read_to_string(bench.join("new/estimates.json")).ok()?;
    let estimates: Value = serde_json::from_str(&text).ok()?;
    Some((number, estimates.pointer("/median/point_estimate")?.as_f64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criterions_medians_come_in_the_order_of_their_numbers() {
        let folder = shell::target().join("tmp").join("estimates-of-a-test");
        for (name, nanoseconds) in [("1000000", 90.5), ("1000", 70.25), ("report", 1.0)] {
            let new = folder.join(name).join("new");
            std::fs::create_dir_all(&new).unwrap();
            let text = format!(r#"{{"mean":{{"point_estimate":1.0}},"median":{{"point_estimate":{nanoseconds}}}}}"#);
            std::fs::write(new.join("estimates.json"), text).unwrap();
        }
        assert_eq!(estimates(&folder), [(1000, 70.25), (1_000_000, 90.5)]);
    }
}
