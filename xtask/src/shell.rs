//! Running other programs, and telling the user what is going on.
//!
//! No shell is involved: arguments are passed as they are. Invariant: progress goes to stderr, results to stdout.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use crate::children::Running;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// `target/` of the workspace, whatever the environment says: tests and docs name files in it.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The cargo that runs us. It is not told what cargo told us: build scripts that look at those variables would run again
/// whenever somebody calls cargo by hand in between, and with them half of the workspace is rebuilt.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    let ours = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"];
    for (name, _) in std::env::vars_os() {
        if ours.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.current_dir(root());
    command
}

/// For a command that takes no arguments.
pub(crate) fn no_more(args: &[String]) -> anyhow::Result<()> {
    match args.first() {
        None => Ok(()),
        Some(arg) => anyhow::bail!("what is `{arg}`? this command takes no arguments"),
    }
}

/// Announces a step.
pub(crate) fn step(text: &str) {
    eprintln!("==> {text}");
}

/// Prints a result.
#[expect(clippy::print_stdout, reason = "the one place where results leave xtask")]
pub(crate) fn print_line(text: &str) {
    println!("{text}");
}

/// Announces a step, runs it, and says how long it took if that was long.
pub(crate) fn timed<T>(text: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    step(text);
    let start = Instant::now();
    let result = work().with_context(|| format!("failed: {text}"))?;
    if start.elapsed().as_secs() >= 2 {
        eprintln!("    done in {:.1} s", start.elapsed().as_secs_f32());
    }
    Ok(result)
}

/// Runs a command to its end; its stdout joins stderr, so that only results reach ours.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    let status = Running::start(command).and_then(|mut it| it.child.wait()).with_context(|| describe(command))?;
    anyhow::ensure!(status.success(), "`{}` ended with {status}", describe(command));
    Ok(())
}

/// Runs a command on our own terminal; its exit status is to be ours.
pub(crate) fn follow(command: &mut Command) -> anyhow::Result<ExitCode> {
    let status = Running::start(command).and_then(|mut it| it.child.wait()).with_context(|| describe(command))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs a command and returns what it wrote to stdout, without the line end.
pub(crate) fn read(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().with_context(|| describe(command))?;
    anyhow::ensure!(output.status.success(), "`{}` ended with {}", describe(command), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Such as `1 failed, 2 passed in 0.12s`.
    fn read_pytest(line: &str) -> Option<Self> {
        let (counts, _) = line.rsplit_once(" in ")?;
        let mut tally = Self::default();
        for count in counts.split(", ") {
            let (number, what) = count.split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            match what {
                "passed" => tally.passed += number,
                "failed" | "error" | "errors" => tally.failed += number,
                _ => {}
            }
        }
        (tally != Self::default()).then_some(tally)
    }

    /// Reads a runner's closing line: `cargo test`'s, a scenario's or pytest's.
    fn read(line: &str) -> Option<Self> {
        if let Some(line) = line.strip_prefix('=') {
            return Self::read_pytest(line.trim_matches(['=', ' ']));
        }
        let line = line.replace("checks ", "");
        let (passed, failed) = line.split_once(" passed")?;
        let closing = line.starts_with("test result:") || passed.contains(": ");
        let failed = failed.trim_start_matches([';', ',']).trim_start().split_once(" failed")?.0;
        let passed = passed.rsplit(' ').next()?;
        closing.then_some(Self { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
    }
}

/// Runs a test runner, passing its output on, and adds up its closing lines. One that ends badly without having
/// counted a failure has failed once.
pub(crate) fn counted(command: &mut Command) -> anyhow::Result<Tally> {
    counted_by(command, print_line)
}

/// As [`counted`]; `show` gets the output, line by line.
pub(crate) fn counted_by(command: &mut Command, mut show: impl FnMut(&str)) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let status = lines(command, |line| {
        show(line);
        if let Some(more) = Tally::read(line) {
            tally.add(more);
        }
    })?;
    if !status.success() && tally.failed == 0 {
        eprintln!("error: `{}` ended with {status}", describe(command));
        tally.failed = 1;
    }
    Ok(tally)
}

/// Runs a command to its end; `show` gets what it prints, line by line.
pub(crate) fn lines(command: &mut Command, mut show: impl FnMut(&str)) -> anyhow::Result<ExitStatus> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut running = Running::start_group(command).with_context(|| describe(command))?;
    // Split as bytes: a test may print anything.
    for line in BufReader::new(running.child.stdout.take().context("no output")?).split(b'\n') {
        show(&String::from_utf8_lossy(&line?));
    }
    Ok(running.child.wait()?)
}

/// Where PATH has a program.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file())
}

/// Held while something is fetched into `target/tools`: two of us would otherwise fetch it side by side.
pub(crate) fn tools_lock() -> anyhow::Result<File> {
    let tools = target().join("tools");
    std::fs::create_dir_all(&tools)?;
    let file = File::create(tools.join("lock"))?;
    file.lock().context("cannot lock target/tools/lock")?;
    Ok(file)
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Writes a file whole or not at all; a file that already holds these bytes keeps its time stamp.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    std::fs::write(&temporary, bytes).with_context(|| format!("cannot write `{}`", temporary.display()))?;
    std::fs::rename(&temporary, path).with_context(|| format!("cannot write `{}`", path.display()))
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_text_hides_no_other() {
        let mut command = Command::new("printf");
        command.arg(r"\377\376\ntest result: ok. 2 passed; 0 failed\n");
        assert_eq!(counted(&mut command).unwrap(), Tally { passed: 2, failed: 0 });
    }

    #[test]
    fn closing_lines_are_counted() {
        let tally = |passed, failed| Some(Tally { passed, failed });
        let ok = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.03s";
        assert_eq!(Tally::read(ok), tally(12, 0));
        assert_eq!(Tally::read("test result: FAILED. 3 passed; 2 failed; 1 ignored"), tally(3, 2));
        assert_eq!(Tally::read("corpus: 324 checks passed, 1 failed"), tally(324, 1));
        assert_eq!(Tally::read("====== 153 passed in 5.01s ======"), tally(153, 0));
        let bad = "=== 1 failed, 2 passed, 3 skipped, 2 errors in 61.02s (0:01:01) ===";
        assert_eq!(Tally::read(bad), tally(2, 3));
        for line in
            ["=== test session starts ===", "=== FAILURES ===", "test a ... ok", "  ok   all passed", "", "passed"]
        {
            assert_eq!(Tally::read(line), None, "{line}");
        }
    }
}
