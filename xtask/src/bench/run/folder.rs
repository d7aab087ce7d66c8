//! A run's folder: what each step printed, and how it ended.
//!
//! It runs nothing but what it is given. Invariant: for every step that was tried, `steps.json` says how it ended, whatever
//! became of it, and no figures of an earlier try are left beside that.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::shell::{self, step};

/// The steps so far, as data.
const STEPS: &str = "steps.json";
/// What it is measured on.
const MACHINE: &str = "machine.json";
/// The same as what somebody would type.
const COMMANDS: &str = "commands.txt";

/// A folder with the data of a run.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// What is built here.
    commit: Value,
    /// Objects of `step`, `command`, `commit`, `outcome` and `seconds`, in the order in which they were first tried.
    steps: Vec<Value>,
}

impl Folder {
    /// One with what is in it already, or a new one, of this machine.
    pub(super) fn open(path: PathBuf, machine: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        let path = path.canonicalize()?;
        let steps = std::fs::read_to_string(path.join(STEPS)).ok();
        let steps = steps.map(|text| serde_json::from_str(&text)).transpose();
        let steps = steps.with_context(|| path.join(STEPS).display().to_string())?.unwrap_or_default();
        let commit = serde_json::from_str::<Value>(machine)?.get("commit").cloned().unwrap_or_default();
        let folder = Self { path, commit, steps };
        if !folder.path.join(MACHINE).exists() {
            folder.keep(MACHINE, machine)?;
        }
        Ok(folder)
    }

    /// Writes a file of it.
    pub(super) fn keep(&self, file: &str, text: &str) -> anyhow::Result<()> {
        shell::write_if_changed(&self.path.join(file), format!("{}\n", text.trim_end()).as_bytes())
    }

    /// Runs a step and keeps what it prints: text, and its JSON. Says whether it ran to its end.
    pub(super) fn run(&mut self, name: &str, typed: &str, command: anyhow::Result<Command>) -> anyhow::Result<bool> {
        step(&format!("bench all: {name}"));
        let since = Instant::now();
        let (mut text, mut json) = (String::new(), None);
        let ended = command.and_then(|mut command| {
            shell::lines(&mut command, |line| {
                shell::print_line(line);
                match serde_json::from_str::<Value>(line).ok().filter(Value::is_object) {
                    Some(found) => json = Some(found),
                    None => text.push_str(&format!("{line}\n")),
                }
            })
        });
        self.keep(&format!("{name}.txt"), &text)?;
        let file = format!("{name}.json");
        match &json {
            Some(json) => self.keep(&file, &serde_json::to_string_pretty(json)?)?,
            None if self.path.join(&file).exists() => std::fs::remove_file(self.path.join(&file))?,
            None => {}
        }
        let (ran, outcome) = outcome(&ended, json.as_ref());
        let seconds = since.elapsed().as_secs();
        let commit = &self.commit;
        self.told(json!({ "step": name, "command": typed, "commit": commit, "outcome": outcome, "seconds": seconds }))?;
        Ok(ran)
    }

    /// Notes a step, in place of what is noted of an earlier try.
    fn told(&mut self, it: Value) -> anyhow::Result<()> {
        match self.steps.iter_mut().find(|step| step.get("step") == it.get("step")) {
            Some(step) => *step = it,
            None => self.steps.push(it),
        }
        self.keep(STEPS, &serde_json::to_string_pretty(&self.steps)?)?;
        let commands = self.steps.iter().filter_map(|step| step.get("command")?.as_str());
        self.keep(
            COMMANDS,
            &["cargo xtask bench all\n\nwhich is:"].into_iter().chain(commands).collect::<Vec<_>>().join("\n"),
        )
    }
}

/// Whether a step ran to its end, and in words. A scenario of which a check failed has its figures all the same.
fn outcome(ended: &anyhow::Result<ExitStatus>, json: Option<&Value>) -> (bool, String) {
    let checked = json.and_then(|json| json.get("passed")?.as_bool());
    match ended {
        Ok(status) if status.success() => (true, "ran".to_owned()),
        Ok(status) if status.code() == Some(1) && checked == Some(false) => (true, "a check failed".to_owned()),
        Ok(status) => (false, format!("failed: {status}")),
        Err(error) => {
            eprintln!("error: {error:#}");
            (false, "did not start".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(name: &str) -> Folder {
        let path = shell::target().join("tmp").join(name);
        let _ = std::fs::remove_dir_all(&path);
        Folder::open(path, r#"{"commit":"abc"}"#).unwrap()
    }

    fn printing(script: &str) -> anyhow::Result<Command> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Ok(command)
    }

    fn outcomes(folder: &Folder) -> Vec<&str> {
        folder.steps.iter().map(|step| step["outcome"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_step_that_fails_is_noted_and_hides_no_other() {
        let mut folder = empty("run-of-a-test");
        let mut ran = |name, command| folder.run(name, name, command).unwrap();
        assert!(ran("good", printing("echo text; echo '{\"us\":1}'")));
        assert!(ran("missed", printing("echo '{\"passed\":false}'; exit 1")));
        assert!(!ran("crashed", printing("echo as far as it came; kill -9 $$")));
        assert!(!ran("partly", printing("echo '{\"us\":9}'; exit 1")), "a bench is not to fail for a goal");
        assert!(!ran("absent", Err(anyhow::anyhow!("a tool is missing"))));
        let signal = "failed: signal: 9 (SIGKILL)";
        assert_eq!(outcomes(&folder), ["ran", "a check failed", signal, "failed: exit status: 1", "did not start"]);
        let read = |file: &str| std::fs::read_to_string(folder.path.join(file)).unwrap();
        assert_eq!(read("good.txt"), "text\n");
        assert_eq!(read("partly.json"), "{\n  \"us\": 9\n}\n");
        assert_eq!(read("crashed.txt"), "as far as it came\n");
        assert!(read(COMMANDS).ends_with("good\nmissed\ncrashed\npartly\nabsent\n"));
    }

    #[test]
    fn a_step_that_is_run_again_takes_the_place_of_the_first_try() {
        let mut folder = empty("run-again-of-a-test");
        assert!(folder.run("first", "first", printing("echo '{\"us\":1}'")).unwrap());
        assert!(folder.run("second", "second", printing("true")).unwrap());
        let mut folder = Folder::open(folder.path, r#"{"commit":"def"}"#).unwrap();
        assert!(!folder.run("first", "first", printing("exit 2")).unwrap());
        assert_eq!(outcomes(&folder), ["failed: exit status: 2", "ran"]);
        let commits: Vec<_> = folder.steps.iter().map(|step| step["commit"].as_str().unwrap()).collect();
        assert_eq!(commits, ["def", "abc"]);
        assert!(!folder.path.join("first.json").exists(), "figures of the first try are gone");
    }
}
